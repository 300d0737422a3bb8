"""`winnow-video`: one task per video that the settings name.

``WINNOW_VIDEOS`` (paths, separated as in PATH) goes before the settings' ``dashcam.videos``;
``WINNOW_TASK`` says what is wanted of each: ``PREPROCESS_VIDEO``, or ``HEAVY_PROCESS_VIDEO`` for those
that were preprocessed.
"""

import os
from pathlib import Path

from winnow_runtime import atomic
from winnow_runtime.dashcam.job import Job, job_of, videos_in
from winnow_runtime.dashcam.working import HEAVY, IDLE_S, PREPROCESS
from winnow_runtime.node import Node, run_as_process
from winnow_schemas.errors import BadInputError
from winnow_schemas.ids import content_id
from winnow_schemas.messages import VideoTask


def run(node: Node, paths: list[Path], kind: str) -> None:
    """Emit every different video once, then end."""
    seen: dict[str, Path] = {}
    for path in videos_in(paths):
        try:
            job = job_of(path.resolve(), node.out)
        except BadInputError as error:
            node.seam.log("error", str(error))
            continue
        if (before := seen.get(job.id)) is not None:
            reason = f"{path} is the same video as {before}; it was not gone through again."
            node.decide("video", t_ns=0, subject=str(path), outcome="same", reason=reason)
            continue
        seen[job.id] = path
        _hand_out(node, job, kind)
        if node.closed is not None and node.closed.stopped:
            return
        node.next(0.0)
    node.finish()


def _hand_out(node: Node, job: Job, kind: str) -> None:
    if kind == HEAVY and not isinstance(atomic.read_json(job.artifact.with_suffix(".json")), dict):
        reason = f"{job.video.name} was not preprocessed into {node.out}; its plates were not read."
        node.decide("video", t_ns=0, subject=job.id, outcome="not ready", reason=reason)
        return
    task_id = content_id(kind, job.id)
    task = VideoTask(task_id=task_id, kind=kind, video=str(job.video), video_id=job.id)
    node.emit("tasks", task, task_id)


def idle(node: Node) -> None:
    """The main server hands the tasks out: nothing to do until the dataflow stops."""
    node.seam.log("info", f"Tasks come from {node.settings.tasks.server}; no folder is looked at.")
    while node.closed is None:
        node.next(IDLE_S)
    node.finish()


def wanted_of(node: Node, environment: dict[str, str]) -> tuple[list[Path], str]:
    """Paths and kind of task.

    Raises:
        BadInputError: no video is named, or the kind is none.

    """
    kind = environment.get("WINNOW_TASK", PREPROCESS)
    if kind not in {PREPROCESS, HEAVY}:
        raise BadInputError(
            f"WINNOW_TASK is {kind!r}, allowed are {PREPROCESS} and {HEAVY}; no video was handed out."
        )
    named = environment.get("WINNOW_VIDEOS", "")
    if named:
        return [Path(each) for each in named.split(os.pathsep) if each], kind
    folder = Path(node.document.name).resolve().parent
    paths = [folder / each for each in node.settings.dashcam.videos]
    if not paths:
        raise BadInputError(
            "No video is named, so nothing was gone through; set WINNOW_VIDEOS, or dashcam.videos in the settings."
        )
    return paths, kind


def main() -> None:
    """Console script."""

    def loop(node: Node) -> None:
        if node.settings.tasks.server:
            idle(node)
        else:
            run(node, *wanted_of(node, dict(os.environ)))

    run_as_process(loop)
