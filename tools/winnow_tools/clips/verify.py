"""Proves that clips hold exactly what the recording holds in their windows."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from mcap.exceptions import McapError
from mcap.reader import make_reader

from winnow_schemas.channel import Message
from winnow_schemas.errors import BadInputError
from winnow_schemas.sidecar import Sidecar
from winnow_tools.clips.collection import Clip, clips_of

Key = tuple[str, int]
"""Topic and log time."""


@dataclass(slots=True)
class ClipCheck:
    """One clip's result."""

    name: str
    path: Path
    start_ns: int
    end_ns: int
    missing: int = 0
    extra: int = 0
    changed: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.missing or self.extra or self.changed or self.problems)


@dataclass(slots=True)
class _Open:
    check: ClipCheck
    sidecar: Sidecar
    have: dict[Key, Counter[bytes]]


def verify(path: Path, recording: Iterable[Message] | None) -> list[ClipCheck]:
    """Check every clip under ``path`` by itself and, if given, against the recording, read once in time order.

    By itself: size and SHA-256 as the sidecar says, CRCs, message count. Against the recording: every
    message inside ``[start_ns, end_ns)`` is there exactly once, byte for byte, and nothing else; latched
    messages (from before the window) are counted apart, and topics that the sidecar says were left out or
    withheld are not expected. A message whose topic and time are right and whose bytes differ is *changed*.
    """
    problems: list[str] = []
    checks = []
    waiting = []
    for clip in clips_of(path, problems):
        check = ClipCheck(clip.sidecar.name, clip.path, clip.sidecar.start_ns, clip.sidecar.end_ns)
        checks.append(check)
        have = _read(clip, check)
        if recording is not None and have is not None:
            waiting.append(_Open(check, clip.sidecar, have))
    checks += [
        ClipCheck(Path(problem.split(" ", 1)[0]).stem, path, 0, 0, problems=[problem]) for problem in problems
    ]
    if recording is not None:
        _compare(recording, waiting)
    return checks


def _expects(sidecar: Sidecar, topic: str) -> bool:
    """Whether the clip should hold a topic of the recording."""
    if topic in sidecar.left_out or topic in sidecar.withheld_topics:
        return False
    return not sidecar.wanted_topics or topic in sidecar.wanted_topics


def _read(clip: Clip, check: ClipCheck) -> dict[Key, Counter[bytes]] | None:
    """Digests of the clip's own messages (latched ones apart); None when it cannot be read."""
    sidecar = clip.sidecar
    digest = hashlib.sha256()
    size = 0
    with clip.path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            size += len(block)
    if sidecar.size_bytes is not None and size != sidecar.size_bytes:
        check.problems.append(f"{clip.path.name} has {size} bytes, its sidecar says {sidecar.size_bytes}.")
    if sidecar.sha256 is not None and digest.hexdigest() != sidecar.sha256:
        check.problems.append(f"{clip.path.name}: the SHA-256 differs from the sidecar's.")
    have: dict[Key, Counter[bytes]] = {}
    messages = latched = 0
    try:
        with clip.path.open("rb") as file:
            for _, channel, message in make_reader(file, validate_crcs=True).iter_messages(
                log_time_order=False
            ):
                if not sidecar.start_ns <= message.log_time < sidecar.end_ns:
                    latched += 1
                    continue
                messages += 1
                have.setdefault((channel.topic, message.log_time), Counter())[_digest(message.data)] += 1
    except (McapError, ValueError, EOFError) as error:
        check.problems.append(f"{clip.path.name} cannot be read ({error}).")
        return None
    if messages != sidecar.messages:
        check.problems.append(
            f"{clip.path.name} holds {messages} messages of its window, its sidecar says {sidecar.messages}."
        )
    if latched != len(sidecar.latched):
        check.extra += abs(latched - len(sidecar.latched))
    return have


def _compare(recording: Iterable[Message], clips: list[_Open]) -> None:
    for message in recording:
        key = (message.channel.topic, message.t_ns)
        digest = b""
        for clip in clips:
            if not clip.check.start_ns <= message.t_ns < clip.check.end_ns:
                continue
            if not _expects(clip.sidecar, message.channel.topic):
                continue
            digest = digest or _digest(message.data)
            there = clip.have.get(key)
            if there is None:
                clip.check.missing += 1
                continue
            if there[digest]:
                there[digest] -= 1
            else:
                there[b"unmatched"] += 1
    for clip in clips:
        for there in clip.have.values():
            wanted = there.pop(b"unmatched", 0)
            left = sum(there.values())
            changed = min(wanted, left)
            clip.check.changed += changed
            clip.check.missing += wanted - changed
            clip.check.extra += left - changed


def _digest(data: bytes | memoryview) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def totals(checks: list[ClipCheck]) -> dict[str, int]:
    """The sums that the command prints."""
    return {
        "clips": len(checks),
        "missing": sum(check.missing for check in checks),
        "extra": sum(check.extra for check in checks),
        "changed": sum(check.changed for check in checks),
        "problems": sum(len(check.problems) for check in checks),
    }


def require_clips(checks: list[ClipCheck], path: Path) -> None:
    """Nothing to verify is a failure, not a success.

    Raises:
        BadInputError: there is no clip.

    """
    if not checks:
        raise BadInputError(f"There is no clip in {path}; nothing was verified.")
