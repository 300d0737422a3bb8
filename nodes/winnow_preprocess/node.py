"""`winnow-preprocess`: videos in; artifacts, and tasks for the reader, out."""

from pathlib import Path

from winnow_preprocess.proposing import proposer_of
from winnow_preprocess.stage import Watch, preprocess
from winnow_runtime import atomic
from winnow_runtime.dashcam.job import Job
from winnow_runtime.dashcam.lines import clear
from winnow_runtime.dashcam.paths import anchored
from winnow_runtime.dashcam.tuning import tuned
from winnow_runtime.dashcam.working import HEAVY, PREPROCESS, Outcome, work
from winnow_runtime.node import Node, run_as_process


def run(node: Node) -> None:
    """Filter every video that comes."""
    settings = anchored(node.settings.dashcam, Path(node.document.name).resolve().parent)
    proposer = proposer_of(settings.proposer, threads=settings.threads)

    def stage(job: Job, watch: Watch) -> Outcome:
        summary = atomic.read_json(job.artifact.with_suffix(".json"))
        if not isinstance(summary, dict):
            summary = preprocess(job, tuned(settings, job.options), proposer, watch)
        clear(job.scratch)
        sentence = f"{job.video.name}: {summary['kept']} of {summary['frames']} frames kept."
        return Outcome(sentence, summary["frames"], summary["kept"], 0)

    work(node, stage, PREPROCESS, follow_up=HEAVY)


def main() -> None:
    """Console script."""
    run_as_process(run)
