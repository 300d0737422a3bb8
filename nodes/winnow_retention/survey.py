"""What lies on the device: clips as cut, and the copies that were made for sending."""

from dataclasses import dataclass
from pathlib import Path

from winnow_operators.retention.clips import ClipFacts
from winnow_schemas.errors import BadInputError
from winnow_schemas.priority import Priority
from winnow_schemas.sidecar import Sidecar, read_sidecar

HOLD = ".hold"
"""``NAME.hold`` beside ``NAME.mcap`` is a legal hold (6.3): whoever wants the clip kept puts it there, with the
reason inside if there is one. It ends when the file goes."""
_NOT_SIDECARS = (".verdict.json", ".meta.json")


@dataclass(frozen=True, slots=True)
class Survey:
    """The clips that are there, and what is known of them."""

    clips: tuple[ClipFacts, ...]
    ids: dict[str, str]
    """Name, relative to the run's folder and without suffix -> clip id."""
    copies: tuple[ClipFacts, ...]
    """What lies under ``outgoing``."""

    @property
    def bytes(self) -> int:
        """All clips together."""
        return sum(clip.size_bytes for clip in self.clips)


def survey(out: Path, verified: dict[str, int]) -> Survey:
    """Look at every clip and copy whose MCAP file is still there; ``verified``: clip id -> wall time."""
    ids: dict[str, str] = {}
    found: dict[str, list[ClipFacts]] = {"clips": [], "outgoing": []}
    for root, facts in found.items():
        for path in sorted((out / root).rglob("*.json")):
            clip = path.with_suffix(".mcap")
            if path.name.endswith(_NOT_SIDECARS) or not clip.exists():
                continue
            try:
                sidecar = read_sidecar(path)
            except BadInputError:
                continue  # not a sidecar: not ours to delete
            fact = _facts(out, clip, sidecar, verified)
            ids[fact.name] = sidecar.clip_id
            facts.append(fact)
    return Survey(tuple(found["clips"]), ids, tuple(found["outgoing"]))


def _facts(out: Path, clip: Path, sidecar: Sidecar, verified: dict[str, int]) -> ClipFacts:
    return ClipFacts(
        name=str(clip.relative_to(out).with_suffix("")),
        priority=Priority(sidecar.priority),
        size_bytes=clip.stat().st_size,
        verified_wall_ns=verified.get(sidecar.clip_id),
        held=clip.with_suffix(HOLD).exists(),
    )
