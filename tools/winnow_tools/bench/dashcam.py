"""The dashcam graphs: speed, memory, what the gate drops and what it costs in plates, and how well plates are read."""

from pathlib import Path

from winnow_operators.dashcam.scenes.drive_plan import DrivePlan
from winnow_schemas.library.plate_formats import plate_formats
from winnow_tools.bench.dashcam_drives import drive_rows, generated_rows
from winnow_tools.bench.dashcam_gpu import gpu_rows
from winnow_tools.bench.dashcam_photos import photo_rows
from winnow_tools.bench.dashcam_speed import peer_row, speed_row
from winnow_tools.bench.dashcam_votes import voting_row
from winnow_tools.bench.load import Load
from winnow_tools.bench.rows import Measured, Row
from winnow_tools.dashcam.driving import write_drive

CLIP_S = 15.0
"""Of the generated drive: six cars in daylight."""
SEED = 1


def measure(load: Load) -> Measured:
    """Run the benchmark."""
    plan = DrivePlan(plate_formats(), SEED, CLIP_S)
    load.say(f"rendering {plan.frames} frames of a drive")
    clip = write_drive(plan, load.scratch / "camera", load.scratch / "truth.json")
    rows = [speed_row(clip, "1080p", load.say)]
    night = _material(load, "drive", "night", "udacity_night_1080p_h264.mp4")
    if night is not None:
        rows.append(speed_row(night, "1080p, a real night", load.say))
    rows.append(peer_row(clip, load.say))
    rows += generated_rows(plan, clip, load)
    rows += drive_rows(_material(load, "drive"), load)
    rows += photo_rows(_material(load, "plates"), load.say)
    rows.append(voting_row(load.say))
    rows += gpu_rows(_material(load, "yolo", "yolox_nano.onnx"))
    return Measured(rows, _load_text(load, rows), 1)


def _material(load: Load, *names: str) -> Path | None:
    """A file or folder of ``--recordings``; None where it is not there."""
    if load.recordings is None:
        return None
    path = load.recordings.joinpath(*names)
    return path if path.exists() else None


def _load_text(load: Load, rows: list[Row]) -> str:
    own = f"{CLIP_S:g} s of a generated drive, 1920 x 1080 at 20 frames/s, seed {SEED}; 40 generated tracks"
    real = (
        "real drives and photos of --recordings" if load.recordings else "no real material (no --recordings)"
    )
    skipped = sum(row.value is None for row in rows)
    return f"{own}; {real}; {skipped} rows could not be measured here."
