"""The loop of a node that works through video tasks, each exactly once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from winnow_runtime.dashcam.job import Job, PausedError
from winnow_runtime.dashcam.parking import park
from winnow_runtime.dashcam.paths import anchored
from winnow_runtime.node import Node
from winnow_runtime.seam import Input
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.ids import content_id
from winnow_schemas.messages import VideoOutcome, VideoTask
from winnow_schemas.tasks import ARCHIVE_VIDEO, HEAVY_PROCESS_VIDEO, PREPROCESS_VIDEO

IDLE_S = 0.3
RETRY_S = 5.0
"""After the archive or a disk refused: how long until the task is tried again. Nothing is given up for it."""
PREPROCESS, HEAVY, ARCHIVE = PREPROCESS_VIDEO, HEAVY_PROCESS_VIDEO, ARCHIVE_VIDEO


class Outcome(NamedTuple):
    """What a stage says about a video."""

    sentence: str
    frames: int
    kept: int
    plates: int
    t_ns: int = 0


Stage = Callable[[Job, Callable[[int, int], bool]], Outcome]


def work(node: Node, stage: Stage, kind: str, *, follow_up: str) -> None:
    """Go through video tasks: the main server's where the settings name one, the graph's own otherwise."""
    if node.settings.tasks.server:
        from winnow_runtime.dashcam.pulling import PulledWork

        PulledWork(node, stage, kind, follow_up=follow_up).run()
    else:
        Worker(node, stage, kind=kind, follow_up=follow_up).run()


class Worker:
    """Takes tasks, works, passes on; a checkpoint after each, so that a killed one is taken up again."""

    def __init__(self, node: Node, stage: Stage, *, kind: str, follow_up: str) -> None:
        """``kind``: of the tasks that are done here; ``follow_up``: of what comes next, empty = nothing does.

        Both graphs may run in one folder, and what hands out their videos has one journal there: tasks of
        another kind are the other graph's.
        """
        self.node = node
        self._kind = kind
        self._stage = stage
        self._follow_up = follow_up
        saved = node.load_checkpoint() or {}
        self.tasks = node.inbox("tasks", VideoTask, saved.get("tasks", 0))
        self.done = int(saved.get("done", 0))
        self._doing = ""
        self._frames = 0

    def run(self) -> None:
        """Until the source has ended."""
        node = self.node
        while True:
            event = node.next(IDLE_S)
            try:
                for task in self.tasks.take(look=event is None):
                    if task.kind == self._kind:
                        self._one(task)
                        self.done += 1
                    node.save_checkpoint({"tasks": self.tasks.position, "done": self.done}, durable=True)
            except PausedError:
                break
            node.report(self._health)
            if event is None and self.tasks.ended(node.run_id):
                break
            if node.must_leave(producers_live=self.tasks.producer_lives):
                break
        if not self._stopped:
            node.finish()

    @property
    def _stopped(self) -> bool:
        return self.node.closed is not None and self.node.closed.stopped

    def _one(self, task: VideoTask) -> None:
        share = anchored(
            self.node.settings.dashcam, Path(self.node.document.name).resolve().parent
        ).archive_folder
        job = Job(Path(task.video), task.video_id, self.node.out, share=Path(share) if share else None)
        self._doing = job.video.name
        while True:
            try:
                outcome = self._stage(job, self._watch)
                break
            except BadInputError as error:
                self._parked(task, job, str(error))
                return
            except (UnavailableError, OSError) as error:
                self._wait(task, str(error))
        self._decide(task, "done", outcome.sentence, outcome)
        self._pass_on(task, outcome)
        self._doing = ""

    def _parked(self, task: VideoTask, job: Job, reason: str) -> None:
        self.node.insist("why a video is parked", lambda: park(job, reason))
        nothing = Outcome(reason, 0, 0, 0)
        self._decide(task, "parked", reason, nothing)
        self._end(task, "parked", reason, nothing)

    def _wait(self, task: VideoTask, reason: str) -> None:
        """Something outside of the video refuses: a share that is gone, a full disk."""
        self.node.seam.log("error", f"{reason} It is tried again every {RETRY_S:.0f} s.")
        self.node.health(2, reason, {"video": task.video})
        if not self._watch(self._frames, 0):
            raise PausedError
        self.node.clock.sleep_s(RETRY_S)

    def _pass_on(self, task: VideoTask, outcome: Outcome) -> None:
        if not self._follow_up:
            self._end(task, "done", "", outcome)
            return
        task_id = content_id(self._follow_up, task.video_id)
        following = VideoTask(task_id=task_id, kind=self._follow_up, video=task.video, video_id=task.video_id)
        self.node.emit("next_tasks", following, task_id)

    def _end(self, task: VideoTask, word: str, reason: str, outcome: Outcome) -> None:
        record = VideoOutcome(
            task_id=task.task_id,
            video=task.video,
            video_id=task.video_id,
            outcome=word,
            reason=reason,
            frames=outcome.frames,
            kept=outcome.kept,
            plates=outcome.plates,
        )
        self.node.emit("outcomes", record, content_id(word, task.task_id))

    def _decide(self, task: VideoTask, word: str, reason: str, outcome: Outcome) -> None:
        values: dict[str, Any] = {"frames": outcome.frames, "kept": outcome.kept, "plates": outcome.plates}
        self.node.decide(
            task.kind.lower(),
            t_ns=outcome.t_ns,
            subject=task.video_id,
            outcome=word,
            reason=reason,
            values=values,
        )

    def _watch(self, frames: int, _count: int) -> bool:
        """Between two frames: take in what dora sends, say how things are; False when asked to stop."""
        self._frames = frames
        event = self.node.next(0.0) if self.node.closed is None else None
        if isinstance(event, Input):
            self.node.postpone([event])
        self.node.report(self._health)
        return not self._stopped

    def _health(self) -> tuple[int, str, dict[str, Any]]:
        return 0, self._doing or "OK", {"videos": self.done, "frames_of_this": self._frames}
