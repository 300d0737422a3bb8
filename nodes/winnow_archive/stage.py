"""A record in, its archive out: small video, crops, records, each with its checksum, checked after writing."""

import os
import shutil
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from winnow_runtime import atomic
from winnow_runtime.dashcam.job import Job, PausedError
from winnow_runtime.hashed_file import sha256_of
from winnow_runtime.video.file import Video
from winnow_schemas.errors import UnavailableError
from winnow_schemas.settings.dashcam import DashcamSettings

MANIFEST = "manifest.json"
"""Written last: what is in the folder, with sizes and SHA-256."""
_ENCODERS = {"h264": "libx264", "hevc": "libx265"}


def archive(job: Job, settings: DashcamSettings, watch: Callable[[int], bool]) -> dict[str, Any]:
    """Archive a video that was read; the manifest that is also written. Done already: only verified.

    Raises:
        UnavailableError: the archive's folder refuses, or what was written reads back differently.
        PausedError: ``watch`` said so.

    """
    if job.share is not None and not job.share.is_dir():
        # Making it would fill the local disk below the mount point of a share that is not there.
        raise UnavailableError(
            f"The archive {job.share} is not there (a share that is not mounted?); {job.video.name} is not marked as "
            "archived and its source was not touched."
        )
    known = atomic.read_json(job.archive / MANIFEST)
    if isinstance(known, dict) and not list(damaged(job.archive, known)):
        return known
    try:
        job.archive.mkdir(parents=True, exist_ok=True)
        atomic.remove_temporary(job.archive)
        _small_video(job, settings, watch)
        for path in [
            job.record,
            job.artifact,
            *sorted(job.crops.glob("*.jpg")),
            *sorted(job.thumbnails.glob("*.jpg")),
        ]:
            _copy(path, job.archive / path.name)
        manifest = _manifest(job)
        wrong = list(damaged(job.archive, manifest))
        if wrong:
            raise UnavailableError(
                f"{job.archive / wrong[0]} reads back differently from what was written; {job.video.name} is not marked "
                "as archived and its source was not touched. Check the disk or the network share."
            )
        atomic.write_json(job.archive / MANIFEST, manifest)
    except OSError as error:
        raise UnavailableError(
            f"The archive {job.archive} refuses ({error.strerror or error}); {job.video.name} is not marked as archived, "
            "its source was not touched."
        ) from None
    return manifest


def damaged(folder: Path, manifest: dict[str, Any]) -> Iterator[str]:
    """Files of a manifest that are missing or have other bytes."""
    for name, wanted in manifest["files"].items():
        path = folder / name
        if (
            not path.is_file()
            or path.stat().st_size != wanted["size_bytes"]
            or sha256_of(path) != wanted["sha256"]
        ):
            yield name


def _manifest(job: Job) -> dict[str, Any]:
    names = sorted(path.name for path in job.archive.iterdir() if path.name != MANIFEST)
    files = {
        name: {"size_bytes": (job.archive / name).stat().st_size, "sha256": sha256_of(job.archive / name)}
        for name in names
    }
    return {
        "video": str(job.video),
        "video_id": job.id,
        "source_bytes": job.video.stat().st_size,
        "files": files,
    }


def _copy(source: Path, target: Path) -> None:
    temporary = target.with_name(target.name + atomic.TEMPORARY)
    shutil.copyfile(source, temporary)
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    atomic.publish(temporary, target)


def _small_video(job: Job, settings: DashcamSettings, watch: Callable[[int], bool]) -> None:
    """Encode the video anew, smaller; times are kept as they are, also where the rate varies."""
    target = job.archive / "video.mp4"
    temporary = target.with_name(target.name + atomic.TEMPORARY)
    with Video(job.video, threads=settings.threads) as video:
        height = min(settings.archive_height_px, video.coded_height_px) // 2 * 2
        width = max(2, round(video.coded_width_px * height / video.coded_height_px / 2) * 2)
        with av.open(str(temporary), "w", format="mp4") as sink:
            stream = sink.add_stream(
                _ENCODERS[settings.archive_codec], rate=Fraction(video.fps).limit_denominator(1001)
            )
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.options = {"crf": "28", "preset": "veryfast"}
            stream.codec_context.time_base = Fraction(1, 90_000)
            last = -1
            for frame in video.small():
                if not watch(frame.number):
                    raise PausedError
                small = frame.picture.reformat(
                    width=width, height=height, format="yuv420p", interpolation="AREA"
                )
                # Two frames of one time cannot be told apart in a file; a tick is 11 microseconds.
                last = max(last + 1, round(frame.t_ns * 90_000 / 1_000_000_000))
                small.pts, small.time_base = last, Fraction(1, 90_000)
                sink.mux(stream.encode(small))
            sink.mux(stream.encode(None))
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    atomic.publish(temporary, target)
