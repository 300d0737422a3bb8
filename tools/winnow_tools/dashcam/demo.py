"""A generated drive through both dashcam graphs, every claim checked."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from winnow_operators.dashcam.scenes.drive_plan import DrivePlan
from winnow_runtime import atomic
from winnow_runtime.dashcam.job import job_of
from winnow_schemas.library.plate_formats import plate_formats
from winnow_schemas.settings.dashcam import DashcamSettings
from winnow_tools.dashcam.driving import write_drive
from winnow_tools.dashcam.ending import how_each_ended
from winnow_tools.dashcam.judging import Judged, judge, nearest
from winnow_tools.dashcam.sheets import frames_sheet, plates_sheet
from winnow_tools.video.going import Watcher
from winnow_tools.video.graphs import through_graphs

Say = Callable[[str], None]
LEAST_REDUCTION = 0.8
"""The dashcam document promises 80 to 95 %."""
_PHASES = {"tunnel": "too_dark", "bump": "blurred"}
"""What frames of these parts must be dropped for; the wait at the light is judged by its number of kept frames."""


@dataclass(frozen=True, slots=True)
class DashcamDemo:
    """What the demo proved."""

    judged: Judged
    problems: tuple[str, ...]
    sheets: tuple[Path, ...]


def dashcam_demo(out: Path, graphs: Path, seed: int, say: Say) -> DashcamDemo:
    """Run everything; what was promised and not kept is in ``problems``."""
    plan = DrivePlan(plate_formats(), seed)
    say(f"Rendering a drive: {plan.frames} frames, {len(plan.cars)} cars with plates ...")
    video = write_drive(plan, out / "camera", out / "truth.json")
    run = out / "run"
    say(f"Through {graphs / 'jetson.yml'} and {graphs / 'rtx4090.yml'} under dora ...")
    summary = through_graphs([video], run, DashcamSettings(), graphs, _Saying(say))
    job = job_of(video, run)
    record = atomic.read_json(job.record)
    if not isinstance(record, dict):
        reasons = "; ".join(each["reason"] for each in summary["parked"]) or "no record was written"
        return DashcamDemo(judge(plan, {"plates": []}, []), (f"The drive was not read: {reasons}",), ())
    rows = pq.read_table(job.artifact).to_pylist()
    judged = judge(plan, record, rows)
    truths = {car.text for car in plan.cars}
    sheets = (out / "sheets" / "frames.png", out / "sheets" / "plates.png")
    frames_sheet(video, job.artifact, sheets[0])
    plates_sheet(run, record["plates"], truths, sheets[1])
    problems = [*_problems(plan, judged), *_left(run)]
    atomic.write_json(out / "judged.json", told(judged))
    return DashcamDemo(judged, tuple(problems), sheets)


def told(judged: Judged) -> dict[str, Any]:
    """For people and programs."""
    errors = sorted(judged.position_errors_m)
    return {
        "legible": judged.legible,
        "right": list(judged.right),
        "missed": list(judged.missed),
        "false": list(judged.false),
        "beyond": list(judged.beyond),
        "frames": judged.frames,
        "kept": judged.kept,
        "reduction": round(judged.reduction, 4),
        "passes_seen": judged.passes_seen,
        "position_error_m": {
            "median": errors[len(errors) // 2] if errors else None,
            "largest": errors[-1] if errors else None,
            "records": len(errors),
            "beyond_their_uncertainty": judged.beyond_uncertainty,
        },
        "dropped_for": judged.dropped,
    }


def _problems(plan: DrivePlan, judged: Judged) -> Iterator[str]:
    for text in judged.missed:
        yield f"{text} was legible and has no record."
    for text in judged.false:
        yield f"{text} was recorded; the nearest plate of the drive is {nearest(text, plan)}."
    if judged.reduction < LEAST_REDUCTION:
        yield f"Only {judged.reduction:.0%} of the frames were dropped, {LEAST_REDUCTION:.0%} are promised."
    if judged.passes_seen < judged.legible:
        yield f"The gate kept two frames of {judged.passes_seen} of {judged.legible} legible plates only."
    placed = len(judged.position_errors_m)
    if placed < len(judged.right) + len(judged.beyond):
        yield f"Only {placed} of {len(judged.right) + len(judged.beyond)} records have a position."
    if judged.beyond_uncertainty:
        yield f"{judged.beyond_uncertainty} positions are farther from the truth than they say."
    for part, reason in _PHASES.items():
        if judged.dropped.get(part) != reason:
            yield f"Frames of the {part} were dropped for {judged.dropped.get(part)}, not for {reason}."


def _left(run: Path) -> Iterator[str]:
    ends = how_each_ended(run)
    if sorted(map(len, ends.values())) != [1]:
        yield f"The video did not end exactly once: {json.dumps(ends)}."
    left = sorted(path.name for path in (run / "scratch").glob("*"))
    if left:
        yield f"Scratch was left behind: {', '.join(left)}."


class _Saying(Watcher):
    def __init__(self, say: Say) -> None:
        self._say = say

    def said(self, sentence: str) -> None:
        self._say(f"  {sentence}")
