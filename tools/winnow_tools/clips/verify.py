"""Proves that clips hold exactly what the recording holds in their windows."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from winnow_schemas.channel import Channel, Message
from winnow_schemas.sidecar import Sidecar
from winnow_tools.clips.collection import Clip, clips_of, lost_clips
from winnow_tools.clips.content import ClipContent, Stamp, Yardstick, bare, digest, read_content


@dataclass(slots=True)
class ClipCheck:
    """One clip's result."""

    name: str
    path: Path
    missing: int = 0
    extra: int = 0
    changed: int = 0
    reordered: int = 0
    latched: int = 0
    """Pinned messages from before the window, which count as neither missing nor extra."""
    holes: int = 0
    """Missing parts that the clip's own sidecar lists; no failure, for the clip says so."""
    problems: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.missing or self.extra or self.changed or self.reordered or self.problems)


@dataclass(slots=True)
class _Open:
    """A clip that the recording is held against."""

    check: ClipCheck
    sidecar: Sidecar
    content: ClipContent
    expected: dict[str, list[Stamp]] = field(default_factory=lambda: defaultdict(list))
    latched_source: dict[tuple[str, int], set[bytes]] = field(default_factory=lambda: defaultdict(set))

    def stamp(self, message: Message, exact: bytes) -> bytes:
        """The digest that this clip's message of the same time should have; ``exact``: byte for byte."""
        yardstick = Yardstick(self.sidecar)
        if yardstick.is_exact(message.channel.topic):
            return exact
        return yardstick.digest(message.channel, message.pub_ns, message.data)


def verify(path: Path, recording: Iterable[Message] | None) -> list[ClipCheck]:
    """Check every clip under ``path`` by itself and, if given, against the recording, read once in time order.

    By itself: size and SHA-256 as the sidecar says, CRCs, message counts, the copy of the sidecar inside.
    Against the recording: every message inside ``[start_ns, end_ns)`` is there exactly once, byte for byte,
    with its publish time and schema, in the order of its topic, and nothing else; of packed clips that holds
    for what they unpack to, and for topics that a lossy codec went over within the bound that the sidecar
    states. Latched messages (from
    before the window) are counted apart, but must be the recording's too; topics that the sidecar says were
    left out or withheld are not expected. A message whose topic and time are right and whose bytes or
    publish time differ is *changed*.
    """
    problems: list[str] = []
    checks = []
    waiting = []
    for clip in clips_of(path, problems):
        check, content = _by_itself(clip)
        checks.append(check)
        if recording is not None and content is not None:
            waiting.append(_Open(check, clip.sidecar, content))
    for problem in problems + lost_clips(path):
        file = Path(problem.split(" ", 1)[0])
        checks.append(ClipCheck(file.stem, file, problems=[problem]))
    if recording is not None:
        channels = _collect(recording, waiting)
        for one in waiting:
            _compare(one, channels)
    return checks


def _by_itself(clip: Clip) -> tuple[ClipCheck, ClipContent | None]:
    check = ClipCheck(clip.path.stem, clip.path, holes=len(clip.sidecar.missing))
    content = read_content(clip, check.problems)
    if content is not None:
        check.latched = sum(map(len, content.latched.values()))
    return check, content


def _expects(sidecar: Sidecar, topic: str) -> bool:
    """Whether the clip should hold a topic of the recording."""
    if topic in sidecar.left_out or topic in sidecar.withheld_topics:
        return False
    return not sidecar.wanted_topics or topic in sidecar.wanted_topics


def _collect(recording: Iterable[Message], clips: list[_Open]) -> dict[str, set[Channel]]:
    """What the recording has for each clip; the channels of its topics."""
    channels: dict[str, set[Channel]] = defaultdict(set)
    known: set[int] = set()
    latched = {key for clip in clips for key in clip.content.latched}
    alive = sorted(clips, key=lambda clip: clip.sidecar.end_ns, reverse=True)
    kept: list[Channel] = []  # so that ids stay theirs
    for message in recording:
        if id(message.channel) not in known:
            known.add(id(message.channel))
            kept.append(message.channel)
            channels[message.channel.topic].add(bare(message.channel))
        topic, t_ns = message.channel.topic, message.t_ns
        stamp = b""
        if (topic, t_ns) in latched:
            stamp = digest(message.pub_ns, message.data)
            for clip in clips:
                if (topic, t_ns) in clip.content.latched:
                    clip.latched_source[topic, t_ns].add(clip.stamp(message, stamp))
        while alive and alive[-1].sidecar.end_ns <= t_ns:  # a recording plays in the order of time
            alive.pop()
        for clip in alive:
            if clip.sidecar.start_ns <= t_ns < clip.sidecar.end_ns and _expects(clip.sidecar, topic):
                stamp = stamp or digest(message.pub_ns, message.data)
                clip.expected[topic].append((t_ns, clip.stamp(message, stamp)))
    return channels


def _compare(clip: _Open, channels: dict[str, set[Channel]]) -> None:
    check, content = clip.check, clip.content
    for topic in sorted(content.window.keys() | clip.expected.keys()):
        _compare_topic(check, content.window.get(topic, []), clip.expected.get(topic, []))
    for key, found in content.latched.items():
        source = clip.latched_source.get(key)
        if source is None:
            check.extra += len(found)
        else:
            check.changed += sum(stamp not in source for stamp in found)
    for topic, used in sorted(content.channels.items()):
        if topic in channels and not used <= channels[topic]:
            check.problems.append(
                f"{check.path.name}: encoding or schema of {topic} are not the recording's."
            )


def _compare_topic(check: ClipCheck, found: list[Stamp], expected: list[Stamp]) -> None:
    if found == expected:
        return
    have, want = Counter(found), Counter(expected)
    surplus, lacking = have - want, want - have
    surplus_at = Counter(t_ns for t_ns, _ in surplus.elements())
    lacking_at = Counter(t_ns for t_ns, _ in lacking.elements())
    changed = (surplus_at & lacking_at).total()
    check.changed += changed
    check.missing += lacking.total() - changed
    check.extra += surplus.total() - changed
    check.reordered += _out_of_place(_only(found, have & want), _only(expected, have & want))


def _only(stamps: list[Stamp], common: Counter[Stamp]) -> list[Stamp]:
    """The stamps that both sides have, in the order of one of them."""
    left = Counter(common)
    kept = []
    for stamp in stamps:
        if left[stamp]:
            left[stamp] -= 1
            kept.append(stamp)
    return kept


def _out_of_place(found: list[Stamp], expected: list[Stamp]) -> int:
    return sum(one != other for one, other in zip(found, expected, strict=True))


def totals(checks: list[ClipCheck]) -> dict[str, int]:
    """The sums that the command prints."""
    return {
        "clips": len(checks),
        "missing": sum(check.missing for check in checks),
        "extra": sum(check.extra for check in checks),
        "changed": sum(check.changed for check in checks),
        "reordered": sum(check.reordered for check in checks),
        "latched": sum(check.latched for check in checks),
        "clips_with_missing_messages": sum(check.holes > 0 for check in checks),
        "problems": sum(len(check.problems) for check in checks),
    }
