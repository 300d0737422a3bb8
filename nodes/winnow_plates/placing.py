"""The positions of a video that was preprocessed."""

from collections.abc import Callable
from pathlib import Path

from winnow_operators.dashcam.gps.track import GpsTrack
from winnow_runtime import atomic
from winnow_runtime.dashcam.job import Job
from winnow_runtime.dashcam.positions import track_of
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.dashcam import DashcamSettings


def gps_of(job: Job, settings: DashcamSettings, say: Callable[[str], None]) -> GpsTrack | None:
    """The track; what is wrong with it is told and does not hold the video's plates back."""
    summary = atomic.read_json(job.artifact.with_suffix(".json")) or {}
    try:
        gps, sentence = track_of(
            job.video,
            named=Path(settings.gps) if settings.gps else None,
            created=summary.get("created", ""),
            duration_ns=summary.get("duration_ns", 0),
            offset_s=settings.gps_offset_s,
        )
    except BadInputError as error:
        gps, sentence = None, str(error)
    if sentence:
        say(sentence)
    return gps
