"""A video in, its artifact out: every frame's verdict, and the regions of those that were kept."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import cv2
import pyarrow as pa
import pyarrow.parquet as pq

from winnow_operators.dashcam.gate.gate import MotionGate, Reason, Verdict
from winnow_operators.dashcam.text.finding import Image
from winnow_preprocess.proposing import Proposer
from winnow_runtime import atomic
from winnow_runtime.dashcam.job import Job, PausedError
from winnow_runtime.dashcam.lines import Progress
from winnow_runtime.video.file import SmallFrame, Video
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.dashcam import DashcamSettings

SAVE_EVERY = 250
"""Frames between checkpoints: ten seconds of video, a few seconds of work."""
ROW = pa.schema(
    [
        ("frame", pa.int32()),
        ("t_ns", pa.int64()),
        ("kept", pa.bool_()),
        ("reason", pa.dictionary(pa.int8(), pa.string())),
        ("mode", pa.dictionary(pa.int8(), pa.string())),
        ("confidence", pa.float32()),
        ("brightness", pa.float32()),
        ("sharpness", pa.float32()),
        ("travelled", pa.float32()),
        ("regions_xyxy", pa.list_(pa.float32())),
    ]
)
"""Four numbers per region, in pixels of the whole, upright picture."""

Watch = Callable[[int, int], bool]
"""Frames done, frames kept -> whether to go on."""


def preprocess(job: Job, settings: DashcamSettings, proposer: Proposer, watch: Watch) -> dict[str, Any]:
    """Go through a video, from the last checkpoint where there is one; the summary that is also written.

    Raises:
        BadInputError: the video cannot be decoded.
        PausedError: ``watch`` said so.

    """
    with Video(job.video, threads=settings.threads) as video, Progress(job.scratch, "preprocess") as progress:
        _frames(job, video, settings, proposer, progress, watch)
        rows = list(progress.lines())
        if not rows:
            raise BadInputError(
                f"{job.video.name} has no frame that can be decoded ({video.problem or 'its video track is empty'}); "
                "nothing was looked at."
            )
        summary = _summary(job, video, rows)
        _write(job, rows, summary)
    return summary


def _frames(
    job: Job, video: Video, settings: DashcamSettings, proposer: Proposer, progress: Progress, watch: Watch
) -> None:
    # On pictures of 320 pixels OpenCV's threads cost twice the time that they save, and the decoder wants the cores.
    cv2.setNumThreads(1)
    gate = MotionGate(settings.gate)
    done = int(progress.state.get("frames", 0))
    kept = int(progress.state.get("kept", 0))
    if done:
        gate.restore(progress.state["gate"])
    for frame in video.small():
        if frame.number < done:
            continue
        row, picture = _row(frame, gate.step(frame.t_ns, frame.gray), video, proposer)
        if row["kept"] and picture is not None and settings.proposer.thumbnail_px:
            _thumbnail(job, frame.t_ns, picture, settings.proposer.thumbnail_px)
        progress.add(row)
        kept += row["kept"]
        count = frame.number + 1
        if count % SAVE_EVERY == 0:
            progress.save({"frames": count, "kept": kept, "gate": gate.state()})
        if not watch(count, kept):
            progress.save({"frames": count, "kept": kept, "gate": gate.state()})
            raise PausedError


def _thumbnail(job: Job, t_ns: int, picture: Image, width_px: int) -> None:
    """The same frame again, after a restart, is the same file."""
    width = min(width_px, picture.shape[1])
    size = (width, max(1, round(picture.shape[0] * width / picture.shape[1])))
    data = cv2.imencode(".jpg", cv2.resize(picture, size, interpolation=cv2.INTER_AREA))[1].tobytes()
    job.thumbnails.mkdir(parents=True, exist_ok=True)
    atomic.write_bytes(job.thumbnails / f"small-{t_ns:015d}.jpg", data, durable=False)


def _row(
    frame: SmallFrame, verdict: Verdict, video: Video, proposer: Proposer
) -> tuple[dict[str, Any], Image | None]:
    """A frame's row, and its picture where that was needed."""
    picture = video.picture(frame.picture) if verdict.kept else None
    regions = [] if picture is None else proposer.propose(picture)
    kept = verdict.kept and bool(regions)
    reason = Reason.NO_PROPOSAL if verdict.kept and not regions else verdict.reason
    row = {
        "frame": frame.number,
        "t_ns": frame.t_ns,
        "kept": kept,
        "reason": reason.value,
        "mode": verdict.mode.value,
        "confidence": round(verdict.quality.confidence, 4),
        "brightness": round(verdict.quality.brightness, 2),
        "sharpness": round(verdict.quality.sharpness, 2),
        "travelled": round(verdict.travelled, 4),
        "regions_xyxy": [round(side, 1) for box in regions for side in box],
    }
    return row, picture


def _summary(job: Job, video: Video, rows: list[dict[str, Any]]) -> dict[str, Any]:
    kept = sum(row["kept"] for row in rows)
    return {
        "video": str(job.video),
        "video_id": job.id,
        "codec": video.codec,
        "width_px": video.coded_width_px,
        "height_px": video.coded_height_px,
        "turned_deg": video.turned_deg,
        "created": video.created,
        "frames": len(rows),
        "duration_ns": rows[-1]["t_ns"] + round(1e9 / video.fps),
        "fps": round(video.fps, 4),
        "kept": kept,
        "reduction": round(1 - kept / len(rows), 4),
        "reasons": dict(sorted(Counter(row["reason"] for row in rows).items())),
        "modes": dict(sorted(Counter(row["mode"] for row in rows).items())),
        "problem": video.problem,
    }


def _write(job: Job, rows: list[dict[str, Any]], summary: dict[str, Any]) -> None:
    job.artifact.parent.mkdir(parents=True, exist_ok=True)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, ROW), sink, compression="zstd")
    atomic.write_bytes(job.artifact, sink.getvalue().to_pybytes())
    # The summary goes last: it says that the artifact is whole.
    atomic.write_json(job.artifact.with_suffix(".json"), summary)
