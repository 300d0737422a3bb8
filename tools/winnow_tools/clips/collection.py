"""The clips of a run's folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from winnow_runtime import atomic
from winnow_runtime.journal import JournalReader
from winnow_runtime.ledger import read_ledger
from winnow_schemas.errors import BadInputError
from winnow_schemas.sidecar import Sidecar, read_sidecar


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip on disk."""

    path: Path
    sidecar: Sidecar
    verdict: dict[str, Any] | None


def clip_files(path: Path) -> list[Path]:
    """MCAP files of clips: of a run's folder, of its ``clips``, of any folder of clips, or one clip.

    Raises:
        BadInputError: there is no such file or folder.

    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise BadInputError(f"{path} does not exist; name a run's folder, a folder of clips, or a clip.")
    folder = path / "clips" if (path / "clips").is_dir() else path
    return sorted(file for file in folder.rglob("*.mcap") if "warm" not in file.parts[len(path.parts) :])


def clips_of(path: Path, problems: list[str]) -> Iterator[Clip]:
    """Clips in the order of time; what cannot be read is said in ``problems``."""
    found = []
    for file in clip_files(path):
        try:
            sidecar = read_sidecar(file.with_suffix(".json"))
        except BadInputError as error:
            problems.append(str(error))
            continue
        verdict = atomic.read_json(file.with_suffix(".verdict.json"))
        found.append(Clip(file, sidecar, verdict if isinstance(verdict, dict) else None))
    yield from sorted(found, key=lambda clip: (clip.sidecar.start_ns, clip.sidecar.name))


def lost_clips(path: Path) -> list[str]:
    """Clips that are known and not there, one sentence each.

    Known are sidecars, and, in a run's folder, what the extractor announced; what retention deleted is not lost.
    """
    if not path.is_dir():
        return []
    folder = path / "clips" if (path / "clips").is_dir() else path
    known = {
        file.with_suffix(".mcap")
        for file in folder.rglob("*.json")
        if not file.name.endswith((".verdict.json", ".meta.json")) and _is_sidecar(file)
    }
    for journal in (path / "state").glob("*/clips"):
        known |= {path / str(line.record["path"]) for line in JournalReader(journal).read()}
    gone = [file for file in sorted(known) if not file.exists()]
    deleted = _deleted(path) if gone else set()
    return [
        f"{file} is not there, though it was cut."
        for file in gone
        if str(file.relative_to(path).with_suffix("")) not in deleted
    ]


def _is_sidecar(file: Path) -> bool:
    try:
        read_sidecar(file)
    except BadInputError:
        return False
    return True


def _deleted(out: Path) -> set[str]:
    rows = read_ledger(out).select(["kind", "outcome", "subject"]).to_pylist()
    return {row["subject"] for row in rows if (row["kind"], row["outcome"]) == ("retention", "deleted")}


def one_clip(path: Path, name: str) -> Clip:
    """The clip whose name or id begins with ``name``.

    Raises:
        BadInputError: none or several match.

    """
    matches = [
        clip
        for clip in clips_of(path, [])
        if clip.sidecar.name.startswith(name) or clip.sidecar.clip_id.startswith(name)
    ]
    if len(matches) != 1:
        what = (
            f"No clip in {path} begins"
            if not matches
            else f"{len(matches)} clips in {path} ({', '.join(clip.sidecar.name for clip in matches[:5])}) begin"
        )
        raise BadInputError(f"{what} with {name!r}; nothing was done. `winnow clips ls` lists them.")
    return matches[0]
