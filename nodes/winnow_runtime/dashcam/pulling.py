"""The loop of a node that pulls its video tasks from the main server."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from winnow_runtime import atomic
from winnow_runtime.dashcam import shares as sharing
from winnow_runtime.dashcam.job import Job, PausedError
from winnow_runtime.dashcam.shares import Shares
from winnow_runtime.dashcam.working import Outcome, Stage
from winnow_runtime.node import Node
from winnow_runtime.seam import Input
from winnow_runtime.task_client import Lease, NotOursError, ServerRefusedError, TaskPuller
from winnow_runtime.video.file import Video
from winnow_schemas.errors import BadInputError, UnavailableError, WinnowError
from winnow_schemas.ids import content_id
from winnow_schemas.messages import VideoOutcome
from winnow_schemas.tasks import (
    ARCHIVE_VIDEO,
    HEAVY_PROCESS_VIDEO,
    Options,
    Payload,
    TaskSpec,
    TaskView,
    Wish,
)

IDLE_S = 0.3
AWAY_S = 5.0
"""After a share or the server was away: how long until it is tried again."""
REFUSED_S = 30.0
"""After the server refused this device (a wrong token): how long until it is asked again."""
LEFT_S = 24 * 3600.0
"""What lies here of a task that another device took over is kept so long: it may come back."""
_CHUNK_BYTES = 1 << 22


class PulledWork:
    """Claims tasks of one kind, does them, and publishes result and successor together."""

    def __init__(self, node: Node, stage: Stage, kind: str, *, follow_up: str) -> None:
        """Connect to nothing yet.

        Raises:
            BadInputError: the token file or the shares cannot be used.

        """
        settings = node.settings.tasks
        self.node = node
        self.done = 0
        self._stage = stage
        self._kind = kind
        self._follow_up = follow_up
        self._puller = TaskPuller(settings, [kind], Path(node.document.name).resolve().parent, node.clock)
        self._shares = Shares(settings.shares, settings.results)
        self._results = self._shares.path_of(self._shares.results)
        if node.out.is_relative_to(self._results.resolve()):
            raise BadInputError(
                f"The run's folder {node.out} lies in the shared results {self._results}; nothing was started. "
                "Set out to a folder of this device's own disk."
            )
        self._folder = node.out / "tasks" / kind.lower()
        self._ask_ns = 0
        self._said = ""
        self._doing = ""
        self._total = self._frames_done = 0

    def run(self) -> None:
        """Until the dataflow stops."""
        node = self.node
        sharing.forget_older(self._folder, node.clock.wall_ns() - round(LEFT_S * 1e9))
        while node.closed is None:
            self._look(IDLE_S)
            if node.closed is not None or node.clock.monotonic_ns() < self._ask_ns:
                continue
            lease = self._claim()
            if lease is not None:
                lease.leaving = self._leaving
                self._one(lease)
        node.finish()

    # --- asking -------------------------------------------------------------------------------------------

    def _claim(self) -> Lease | None:
        trouble = self._shares.trouble()
        if trouble:
            self._trouble(f"{trouble} No task is taken meanwhile.", AWAY_S)
            return None
        try:
            lease = self._puller.claim()
        except UnavailableError as error:
            self._trouble(f"{error} It is asked again.", self._puller.wait_s)
            return None
        except ServerRefusedError as error:
            self._trouble(f"{error} It is asked again every {REFUSED_S:.0f} s.", REFUSED_S)
            return None
        self._said = ""
        if lease is None:
            self._wait(self._puller.wait_s)
        return lease

    def _trouble(self, sentence: str, wait_s: float) -> None:
        if sentence != self._said:
            self._said = sentence
            self.node.seam.log("error", sentence)
        self._wait(wait_s)

    def _wait(self, seconds: float) -> None:
        self._ask_ns = self.node.clock.monotonic_ns() + round(seconds * 1e9)

    # --- one task -----------------------------------------------------------------------------------------

    def _one(self, lease: Lease) -> None:
        task = lease.task
        watch = self._watcher(lease)
        self._doing = task.payload.video.path
        job: Job | None = None
        try:
            job = self._prepared(lease, watch)
            outcome = self._stage(job, watch)
            self._still_there(task.payload)
            lease.must_hold()
            sharing.publish(job, self._kind, self._results, f"{task.id}-{task.fence}")
            self._completed(lease, job, outcome)
        except NotOursError as error:
            lease.abandon()
            self.node.seam.log("warn", f"{error} What was done is thrown away.")
        except PausedError:
            self._given_back(lease, job)
        except BadInputError as error:
            self._hopeless(lease, job, str(error))
        except OSError as error:
            self._refused(lease, f"A share or disk refuses ({error.strerror or error}).")
        except UnavailableError as error:
            self._later(lease, str(error))
        finally:
            lease.abandon()
            self._doing = ""

    def _prepared(self, lease: Lease, watch: Callable[[int, int], bool]) -> Job:
        """The task as a job in this device's folder, with what the devices before made of it."""
        task = lease.task
        video = self._shares.path_of(task.payload.video)
        if not video.is_file():
            raise UnavailableError(f"{task.payload.video.path} is not on {task.payload.video.share}.")
        digest = task.payload.sha256 or _sha256(video, watch)
        options = tuple(sorted(task.payload.options.items()))
        job = Job(video, digest[:16], self._folder, options)
        name = str((task.checkpoint or {}).get("scratch", ""))
        if not sharing.claim_scratch(job, task.id) and name:
            sharing.take_over(job, self._results, name)
        artifacts = task.payload.artifacts
        sharing.fetch(job, self._kind, self._shares.path_of(artifacts) if artifacts else self._results)
        self._total = _frames(job, self._kind)
        lease.task = _with_digest(task, digest)
        return job

    def _still_there(self, payload: Payload) -> None:
        """A share that vanishes under a decoder looks like a short video."""
        path = self._shares.path_of(payload.video)
        if not path.is_file():
            raise UnavailableError(f"{payload.video.path} went away while it was worked on.")

    def _completed(self, lease: Lease, job: Job, outcome: Outcome) -> None:
        task = lease.task
        result: Options = {
            "video_id": job.id,
            "frames": outcome.frames,
            "kept": outcome.kept,
            "plates": outcome.plates,
            "said": outcome.sentence[:1000],
        }
        successors = [self._successor(task.payload, job, task.urgency)] if self._follow_up else []
        lease.complete(result, successors)
        self.done += 1
        self._tell(lease, job, "done", outcome)
        sharing.drop_handed_over(self._results, task.id)
        sharing.forget(job)

    def _successor(self, payload: Payload, job: Job, urgency: int) -> TaskSpec:
        following = Payload(
            video=payload.video,
            artifacts=self._shares.results,
            size_bytes=payload.size_bytes,
            sha256=payload.sha256,
            options=payload.options,
        )
        key = job.id if not job.options else f"{job.id} {content_id('options', *map(str, job.options))}"
        return TaskSpec(kind=self._follow_up, key=key, payload=following, urgency=urgency)

    # --- ways out -----------------------------------------------------------------------------------------

    def _given_back(self, lease: Lease, job: Job | None) -> None:
        """Asked to pause, cancelled, lost, or the dataflow stops."""
        if lease.lost:
            lease.abandon()
            self.node.seam.log("warn", f"{lease.lost} What was done stays here in case the task comes back.")
            return
        if lease.wish is Wish.CANCEL:
            if job is not None:
                sharing.forget(job)
            lease.release(None, "cancelled")
            return
        name = f"{lease.task.id}-{lease.task.fence}"
        checkpoint: Options = {"scratch": name, "worker": self._puller.worker, "frames": self._frames_done}
        try:
            if job is not None:
                sharing.hand_over(job, self._results, name)
        except OSError:
            checkpoint.pop("scratch")  # this device still has it; another one begins anew
        lease.release(checkpoint, f"at frame {self._frames_done}")

    def _hopeless(self, lease: Lease, job: Job | None, reason: str) -> None:
        """No device could do it; unless it is the share that went away under the decoder."""
        try:
            self._still_there(lease.task.payload)
        except UnavailableError as error:
            self._later(lease, str(error))
            return
        except BadInputError:
            pass
        lease.fail(reason, retry=False)
        self._tell(lease, job, "parked", Outcome(reason, 0, 0, 0))
        if job is not None:
            sharing.forget(job)

    def _later(self, lease: Lease, reason: str) -> None:
        if self._shares.trouble():
            self._refused(lease, reason)
            return
        self.node.seam.log("error", f"{reason} The server hands the task out again later.")
        lease.fail(reason, retry=True)

    def _refused(self, lease: Lease, reason: str) -> None:
        """Something around the video refuses: no failed attempt."""
        self._trouble(f"{reason} The task goes back; tasks are taken again in {AWAY_S:.0f} s.", AWAY_S)
        lease.release(None, reason[:1000])

    # --- telling ------------------------------------------------------------------------------------------

    def _tell(self, lease: Lease, job: Job | None, word: str, outcome: Outcome) -> None:
        task, video_id = lease.task, job.id if job else ""
        values: dict[str, Any] = {"frames": outcome.frames, "kept": outcome.kept, "plates": outcome.plates}
        self.node.decide(
            self._kind.lower(),
            t_ns=outcome.t_ns,
            subject=video_id or task.key,
            outcome=word,
            reason=outcome.sentence,
            values=values,
        )
        if self._follow_up and word == "done":
            return
        record = VideoOutcome(
            task_id=task.id,
            video=task.payload.video.path,
            video_id=video_id,
            outcome=word,
            reason=outcome.sentence if word == "parked" else "",
            frames=outcome.frames,
            kept=outcome.kept,
            plates=outcome.plates,
        )
        self.node.emit("outcomes", record, content_id(word, task.id))

    def _watcher(self, lease: Lease) -> Callable[[int, int], bool]:
        self._frames_done = self._total = 0

        def watch(frames: int, _count: int) -> bool:
            self._frames_done = frames
            self._look(0.0)
            lease.report(frames / self._total if self._total else 0.0, f"frame {frames}")
            return self.node.closed is None and not lease.must_stop

        return watch

    def _leaving(self) -> bool:
        self._look(0.0)
        return self.node.closed is not None

    def _look(self, timeout_s: float) -> None:
        """Take in what dora sends, say how things are."""
        if self.node.closed is None:
            event = self.node.next(timeout_s)
            if isinstance(event, Input):
                return  # a folder's task: this device takes the server's
        self.node.report(self._health)

    def _health(self) -> tuple[int, str, dict[str, Any]]:
        values = {"videos": self.done, "frames_of_this": self._frames_done}
        return (1, self._said, values) if self._said else (0, self._doing or "OK", values)


def _sha256(path: Path, watch: Callable[[int, int], bool]) -> str:
    """As :func:`winnow_runtime.hashed_file.sha256_of`, and stops when it should: a day's video takes a minute."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            if not watch(0, 0):
                raise PausedError
    return digest.hexdigest()


def _with_digest(task: TaskView, digest: str) -> TaskView:
    return msgspec.structs.replace(task, payload=msgspec.structs.replace(task.payload, sha256=digest))


def _frames(job: Job, kind: str) -> int:
    """How many frames the stage will count; 0 when nobody knows."""
    if kind == HEAVY_PROCESS_VIDEO:
        return int((atomic.read_json(job.artifact.with_suffix(".json")) or {}).get("kept", 0))
    if kind == ARCHIVE_VIDEO:
        return int((atomic.read_json(job.record) or {}).get("frames", 0))
    try:
        with Video(job.video) as video:
            return video.expected_frames
    except WinnowError:
        return 0
