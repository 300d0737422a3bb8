"""All stages over a list of videos, each exactly once, whatever happened to an earlier run."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from winnow_archive.stage import MANIFEST, archive
from winnow_plates.placing import gps_of
from winnow_plates.reading import RegionReader
from winnow_plates.stage import read_plates
from winnow_preprocess.proposing import Proposer, proposer_of
from winnow_preprocess.stage import preprocess
from winnow_runtime import atomic
from winnow_runtime.dashcam.job import Job, job_of
from winnow_runtime.dashcam.lines import clear
from winnow_runtime.dashcam.parking import park
from winnow_runtime.dashcam.store import store, write_parquet
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.dashcam import DashcamSettings


class Watcher:
    """Told how far things are; says whether to go on. The base class only goes on."""

    def stage(self, job: Job, name: str) -> None:
        """A stage of a video begins."""

    def frames(self, done: int, count: int) -> bool:
        """Frames done; frames kept, or sightings so far."""
        return done >= 0 and count >= 0

    def said(self, sentence: str) -> None:
        """Something worth telling."""


class Stages(NamedTuple):
    """Networks, opened once for all videos."""

    proposer: Proposer
    reader: RegionReader


def open_stages(settings: DashcamSettings) -> Stages:
    """Open the networks that the settings, with absolute paths, ask for."""
    return Stages(
        proposer_of(settings.proposer, threads=settings.threads),
        RegionReader(settings.plates, threads=settings.threads),
    )


def jobs_of(videos: list[Path], out: Path, watcher: Watcher, share: str = "") -> Iterator[Job]:
    """One job per different video; copies are named and left out, unreadable ones parked."""
    seen: dict[str, Path] = {}
    for path in videos:
        try:
            job = job_of(path, out, share)
        except BadInputError as error:
            watcher.said(str(error))
            continue
        if job.id in seen:
            watcher.said(f"{path} is the same video as {seen[job.id]}; it was not gone through again.")
            continue
        seen[job.id] = path
        yield job


def go_through(
    videos: list[Path],
    out: Path,
    settings: DashcamSettings,
    open_networks: Callable[[], Stages],
    watcher: Watcher,
) -> dict[str, Any]:
    """Everything; the summary.

    Raises:
        WinnowError: what is not one video's fault.
        PausedError: the watcher said so.

    """
    out.mkdir(parents=True, exist_ok=True)
    jobs = list(jobs_of(videos, out, watcher, settings.archive_folder))
    forget_others(out, {job.id for job in jobs})
    stages: Stages | None = None
    records: list[dict[str, Any]] = []
    parked: list[dict[str, Any]] = []
    for job in jobs:
        record = atomic.read_json(job.record)
        archived = not settings.archive or (job.archive / MANIFEST).exists()
        if not isinstance(record, dict) or not archived:
            stages = stages or open_networks()
            try:
                record = one(job, settings, stages, watcher)
            except BadInputError as error:
                watcher.said(f"{job.video}: {error}")
                parked.append(park(job, str(error)))
                continue
        job.parked.unlink(missing_ok=True)
        records.append(record)
    write_parquet(out, records)
    summary = summarised(records, parked)
    atomic.write_json(out / "summary.json", summary)
    return summary


def one(job: Job, settings: DashcamSettings, stages: Stages, watcher: Watcher) -> dict[str, Any]:
    """All stages of one video; those that are done already are not repeated."""
    record = atomic.read_json(job.record)
    if not isinstance(record, dict):
        if not isinstance(atomic.read_json(job.artifact.with_suffix(".json")), dict):
            watcher.stage(job, "filtering")
            preprocess(job, settings, stages.proposer, watcher.frames)
        gps = gps_of(job, settings, watcher.said)
        watcher.stage(job, "reading")
        record = read_plates(job, settings, stages.reader, gps, watcher.frames)
        if record["problem"]:
            watcher.said(f"{job.video.name}: {record['problem']}; what came before was kept.")
    store(job.out, record, settings.database)
    if settings.archive:
        watcher.stage(job, "archiving")
        archive(job, settings, lambda done: watcher.frames(done, 0))
    clear(job.scratch)
    return record


def forget_others(out: Path, ids: set[str]) -> None:
    """Scratch of videos that are not asked for any more, and half-written files of a crash."""
    for folder in (out / "scratch").glob("*"):
        if folder.name not in ids:
            clear(folder)
    for name in ("artifacts", "records", "crops", "parked"):
        if (out / name).is_dir():
            atomic.remove_temporary(out / name)


def summarised(records: list[dict[str, Any]], parked: list[dict[str, Any]]) -> dict[str, Any]:
    """What the command prints."""
    plates = [{name: plate.get(name) for name in _SHOWN} for record in records for plate in record["plates"]]
    return {
        "videos": len(records),
        "frames": sum(record["frames"] for record in records),
        "kept": sum(record["kept"] for record in records),
        "plates": plates,
        "parked": [{"video": each["video"], "reason": each["reason"]} for each in parked],
    }


_SHOWN = (
    "text", "confidence", "frames", "video", "country", "first_ns", "last_ns", "position", "crop", "id",
)  # fmt: skip
