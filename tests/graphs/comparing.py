"""What two runs of one recording must have in common."""

from pathlib import Path
from typing import Any

from winnow_runtime.ledger import read_ledger

RUNS_OWN = ("run_id", "wall_ns")
PRESENT = ("upload", "retention")
"""Kinds of decisions that look at the present."""
RECOVERY = {
    ("segment", "recovered"),
    ("clip", "removed"),  # half-made when its maker was killed; cut again
}
"""What only a run has in which something was killed."""


def decisions(out: Path) -> list[dict[str, Any]]:
    """Rows of the ledger without what is a run's own, and without recoveries."""
    return [
        {key: value for key, value in row.items() if key not in RUNS_OWN}
        for row in read_ledger(out).to_pylist()
        if row["kind"] not in PRESENT and (row["kind"], row["outcome"]) not in RECOVERY
    ]


def clip_files(out: Path) -> list[Path]:
    return sorted((out / "clips").rglob("*.mcap"))


def clip_bytes(out: Path) -> dict[Path, bytes]:
    """Every clip, sidecar and verdict, by its path in the run's folder."""
    return {path.relative_to(out): path.read_bytes() for path in (out / "clips").rglob("*") if path.is_file()}
