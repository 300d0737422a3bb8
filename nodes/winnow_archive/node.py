"""`winnow-archive`: videos that were read in; the archive, and what became of each video, out."""

from collections.abc import Callable

from winnow_archive.stage import archive
from winnow_runtime import atomic
from winnow_runtime.dashcam.job import Job
from winnow_runtime.dashcam.store import write_parquet
from winnow_runtime.dashcam.working import ARCHIVE, Outcome, Worker
from winnow_runtime.node import Node, run_as_process


def run(node: Node) -> None:
    """Archive every video that comes; at the end, one table of all plates."""
    settings = node.settings.dashcam

    def stage(job: Job, watch: Callable[[int, int], bool]) -> Outcome:
        record = atomic.read_json(job.record) or {}
        files = len(archive(job, settings, lambda done: watch(done, 0))["files"]) if settings.archive else 0
        sentence = f"{job.video.name}: {files} files archived and verified."
        return Outcome(
            sentence, record.get("frames", 0), record.get("kept", 0), len(record.get("plates", []))
        )

    Worker(node, stage, kind=ARCHIVE, follow_up="").run()
    records = [atomic.read_json(path) for path in sorted((node.out / "records").glob("*.json"))]
    write_parquet(node.out, [record for record in records if isinstance(record, dict)])


def main() -> None:
    """Console script."""
    run_as_process(run)
