"""What lies on the device: clips as cut, copies made for sending, sidecars that outlived them, and what is not ours."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from stat import S_ISREG
from typing import Any

from winnow_operators.privacy import shows_people
from winnow_operators.retention.clips import ClipFacts, Matter
from winnow_operators.retention.proof import ProofDates
from winnow_runtime import atomic
from winnow_runtime.legal_holds import Holds
from winnow_schemas.errors import BadInputError
from winnow_schemas.priority import Priority
from winnow_schemas.settings.topics import Kind
from winnow_schemas.sidecar import Sidecar, read_sidecar

HOLD = ".hold"
"""``NAME.hold`` beside ``NAME.mcap`` is a legal hold (6.3) of this clip alone, with the reason inside if there is
one: whoever wants the clip kept puts it there. ``winnow hold`` makes those of a span of time."""
VERDICT = ".verdict.json"
MOST_FILES = 200_000
"""Files that are looked at: a year of 50 clips a day is 55,000."""
MOST_DEPTH = 4
"""Folders below ``clips`` and ``outgoing``; Winnow makes one per priority."""
_ROOTS = {"clips": Matter.CLIP, "outgoing": Matter.COPY}
_COMPANIONS = (VERDICT, ".meta.json", HOLD, atomic.TEMPORARY)


@dataclass(frozen=True, slots=True)
class Found:
    """A sidecar that was read, and what retention needs of it."""

    clip_id: str
    sha256: str
    derived_from: str
    start_ns: int
    end_ns: int
    size_bytes: int | None
    """Of the data, as it was written."""
    priority: Priority
    may_show_people: bool


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything that is there, and what is known of it."""

    files: tuple[ClipFacts, ...] = ()
    sidecars: tuple[tuple[str, Found], ...] = ()
    """Name of a file -> its sidecar."""
    problems: tuple[str, ...] = ()

    @property
    def clips(self) -> tuple[ClipFacts, ...]:
        """Clips as cut."""
        return tuple(file for file in self.files if file.matter is Matter.CLIP)

    @property
    def bytes(self) -> int:
        """All together."""
        return sum(file.size_bytes for file in self.files)

    @property
    def clip_ids(self) -> set[str]:
        """Of which there is anything."""
        return {found.clip_id for _, found in self.sidecars}


class Surveyor:
    """Looks at a run's folder again and again; sidecars that did not change are read once."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._read: dict[Path, tuple[tuple[int, int, int], Found | str, float]] = {}

    def look(self, proofs: ProofDates, holds: Holds) -> Survey:
        """Everything as it is now. What vanishes meanwhile is left out; links are named and never followed."""
        problems: list[str] = []
        stats = dict(self._stats(problems))
        self._read = {path: known for path, known in self._read.items() if path in stats}
        contents = {path: self._content(path, stats) for path in stats if _is_sidecar_name(path)}
        copies = {
            (found.clip_id, found.derived_from): found.sha256
            for found, _ in contents.values()
            if isinstance(found, Found) and found.derived_from
        }
        files: list[ClipFacts] = []
        sidecars: list[tuple[str, Found]] = []
        for path, stat in sorted(stats.items()):
            if path.name.endswith(_COMPANIONS):
                continue
            fact, found = self._fact(path, stat, stats, contents, copies, proofs, holds)
            if fact is not None:
                files.append(fact)
                if found is not None:
                    sidecars.append((fact.name, found))
        return Survey(tuple(files), tuple(sidecars), tuple(problems))

    def _stats(self, problems: list[str]) -> Iterator[tuple[Path, os.stat_result]]:
        count = 0
        for root in _ROOTS:
            for path, stat in _walk(self._out / root, MOST_DEPTH, problems):
                count += 1
                if count > MOST_FILES:
                    problems.append(
                        f"{self._out} holds more than {MOST_FILES} files under {' and '.join(_ROOTS)}, which is the "
                        "limit; the others were not looked at and stay."
                    )
                    return
                yield path, stat

    def _content(self, path: Path, stats: dict[Path, os.stat_result]) -> tuple[Found | str, float]:
        """The sidecar, or why it is none; and the worth of its clip."""
        stat = stats[path]
        verdict = stats.get(path.with_suffix(VERDICT))
        key = (stat.st_mtime_ns, stat.st_size, verdict.st_mtime_ns if verdict is not None else 0)
        known = self._read.get(path)
        if known is None or known[0] != key:
            content: Found | str
            try:
                content = "it is a symbolic link" if not S_ISREG(stat.st_mode) else _found(read_sidecar(path))
            except BadInputError as error:
                content = str(error)
            known = self._read[path] = (key, content, _worth(path.with_suffix(VERDICT)) if verdict else 0.5)
        return known[1], known[2]

    def _fact(
        self,
        path: Path,
        stat: os.stat_result,
        stats: dict[Path, os.stat_result],
        contents: dict[Path, tuple[Found | str, float]],
        copies: dict[tuple[str, str], str],
        proofs: ProofDates,
        holds: Holds,
    ) -> tuple[ClipFacts | None, Found | None]:
        name = str(path.relative_to(self._out))
        if not S_ISREG(stat.st_mode):
            return _foreign(name, 0, "a link or special file: never followed, never deleted"), None
        if path.suffix == ".json" and path.with_suffix(".mcap") in stats:
            return None, None  # told with its data
        content, worth = contents.get(path.with_suffix(".json"), ("there is no sidecar beside it", 0.5))
        if path.suffix not in (".mcap", ".json"):
            return _foreign(name, stat.st_size, "not a file of Winnow's: never deleted"), None
        if isinstance(content, str):
            return _foreign(name, stat.st_size, f"nobody can tell what it is, so it is kept: {content}"), None
        matter = _ROOTS[path.relative_to(self._out).parts[0]] if path.suffix == ".mcap" else Matter.SIDECAR
        if matter is not Matter.SIDECAR:
            name = name.removesuffix(".mcap")
            if content.size_bytes is not None and content.size_bytes != stat.st_size:
                why = f"it has {stat.st_size} bytes and its sidecar says {content.size_bytes}, so it is kept"
                return _foreign(name, stat.st_size, why), content
        own_hold = path.with_suffix(HOLD)
        held = f"{own_hold.name} lies beside it" if own_hold in stats else ""
        return ClipFacts(
            name=name,
            priority=content.priority,
            size_bytes=stat.st_size,
            verified_wall_ns=proofs.verified_wall_ns(
                content.clip_id, content.sha256, copies.get((content.clip_id, content.sha256), content.sha256)
            ),
            held=holds.why_held(content.start_ns, content.end_ns) or held,
            matter=matter,
            value=worth,
            captured_ns=content.end_ns,
            may_show_people=content.may_show_people,
        ), content


def _walk(folder: Path, depth: int, problems: list[str]) -> Iterator[tuple[Path, os.stat_result]]:
    """Files and links below a folder, in order; linked folders are not entered."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    except OSError as error:
        problems.append(f"{folder} cannot be listed ({error.strerror}); what is in it stays.")
        return
    for entry in entries:
        try:
            if not entry.is_dir(follow_symlinks=False):
                yield Path(entry.path), entry.stat(follow_symlinks=False)
            elif depth > 0:
                yield from _walk(Path(entry.path), depth - 1, problems)
            else:
                problems.append(f"{entry.path} lies deeper than {MOST_DEPTH} folders; it stays.")
        except FileNotFoundError:
            continue  # gone since it was listed


def _found(sidecar: Sidecar) -> Found:
    pictures = any(
        shows_people(_kind(content.kind), content.schema_name, content.encoding)
        for content in sidecar.topic_contents.values()
    )
    return Found(
        sidecar.clip_id,
        sidecar.sha256 or "",
        sidecar.derived_from,
        sidecar.start_ns,
        sidecar.end_ns,
        sidecar.size_bytes,
        Priority(sidecar.priority),
        pictures,
    )


def _kind(text: str) -> Kind:
    return Kind(text) if text in set(Kind) else Kind.OTHER


def _worth(path: Path) -> float:
    """The classifier's annotation priority; 0.5 where there is none that can be used."""
    verdict: Any = atomic.read_json(path)
    worth = verdict.get("annotation_priority") if isinstance(verdict, dict) else None
    return float(worth) if isinstance(worth, int | float) and 0 <= worth <= 1 else 0.5


def _foreign(name: str, size_bytes: int, why: str) -> ClipFacts:
    facts = ClipFacts(name, Priority.P5, size_bytes, None, matter=Matter.FOREIGN)
    return replace(facts, trouble=why)


def _is_sidecar_name(path: Path) -> bool:
    return path.suffix == ".json" and not path.name.endswith(_COMPANIONS)
