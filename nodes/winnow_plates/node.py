"""`winnow-plates`: preprocessed videos in; records of plates, and tasks for the archive, out."""

from pathlib import Path

from winnow_plates.placing import gps_of
from winnow_plates.reading import RegionReader
from winnow_plates.stage import Watch, read_plates
from winnow_runtime import atomic
from winnow_runtime.dashcam.job import Job
from winnow_runtime.dashcam.lines import clear
from winnow_runtime.dashcam.paths import anchored
from winnow_runtime.dashcam.store import store
from winnow_runtime.dashcam.tuning import tuned
from winnow_runtime.dashcam.working import ARCHIVE, HEAVY, Outcome, work
from winnow_runtime.node import Node, run_as_process


def run(node: Node) -> None:
    """Read the plates of every video that comes."""
    settings = anchored(node.settings.dashcam, Path(node.document.name).resolve().parent)
    reader = RegionReader(settings.plates, threads=settings.threads)

    def stage(job: Job, watch: Watch) -> Outcome:
        record = atomic.read_json(job.record)
        if not isinstance(record, dict):
            gps = gps_of(job, settings, lambda sentence: node.seam.log("warn", sentence))
            record = read_plates(job, tuned(settings, job.options), reader, gps, watch)
        store(job.out, record, settings.database)
        clear(job.scratch)
        texts = ", ".join(plate["text"] for plate in record["plates"])
        return Outcome(
            f"{job.video.name}: {texts or 'no plate'}.",
            record["frames"],
            record["kept"],
            len(record["plates"]),
        )

    work(node, stage, HEAVY, follow_up=ARCHIVE)


def main() -> None:
    """Console script."""
    run_as_process(run)
