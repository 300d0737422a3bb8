"""What a hold freezes at the moment."""

from dataclasses import dataclass
from pathlib import Path

from winnow_retention.survey import HOLD
from winnow_runtime.warm.index import segments
from winnow_schemas.legal_hold import LegalHold
from winnow_tools.clips.collection import clips_of
from winnow_tools.report.collect import run_settings


@dataclass(frozen=True, slots=True)
class Frozen:
    """Counted as they lie there."""

    clips: int
    clip_bytes: int
    segments: int
    segment_bytes: int


def frozen_by(run: Path, hold: LegalHold) -> Frozen:
    """Clips and segments that overlap the span; what cannot be read is frozen by other rules, and not counted."""
    found = clips_of(run, []) if (run / "clips").is_dir() else ()
    clips = [clip for clip in found if hold.covers(clip.sidecar.start_ns, clip.sidecar.end_ns)]
    sizes = [clip.path.stat().st_size for clip in clips if clip.path.exists()]
    warm = _segment_sizes(run, hold)
    return Frozen(len(clips), sum(sizes), len(warm), sum(warm))


def single_holds(run: Path) -> list[str]:
    """Clips that have a hold of their own beside them."""
    return sorted(str(path.with_suffix("").relative_to(run)) for path in (run / "clips").rglob(f"*{HOLD}"))


def _segment_sizes(run: Path, hold: LegalHold) -> list[int]:
    settings = run_settings(run)
    folder = settings.recorder.folder if settings is not None else ""
    warm = Path(folder) if folder else run / "warm"
    sizes = []
    for one in sorted(path for path in warm.glob("*") if path.is_dir()):
        there = segments(one)
        for segment, after in zip(there, [*there[1:], None], strict=True):
            end_ns = after.start_ns if after is not None else 2**62
            if hold.covers(segment.start_ns, end_ns):
                sizes.append(segment.size_bytes())
    return sizes
