"""`winnow-uploader`: what may leave in; objects in the store, receipts out."""

import queue
import threading
from collections.abc import Iterable
from functools import partial

from winnow_runtime.inbox import Inbox
from winnow_runtime.node import Node, run_as_process
from winnow_schemas.messages import Decision, Outgoing
from winnow_uploader.results import Happened, Step
from winnow_uploader.worker import UploadWorker

IDLE_S = 0.3
NO_PROGRESS_S = 30.0
"""At the end of a finite run: with nothing sent for this long (the store is down, the link is gone, budgets
are spent) the rest waits for the next run."""
_PROGRESS = (
    Happened.PART_SENT,
    Happened.VERIFIED,
    Happened.DONE,
    Happened.EARLY_SENT,
    Happened.HASHED,
    Happened.OPENED,
)


class Sender:
    """Runs the worker on a thread of its own, so that the node keeps listening while a part is under way.

    The worker hands out receipts and decisions with each step and counts them as kept when the next step is
    asked for: so the thread goes on only after the node has written the last ones to its journals.
    """

    def __init__(self, worker: UploadWorker) -> None:
        self._worker = worker
        self._todo: queue.Queue[Outgoing] = queue.Queue()
        self.results: queue.Queue[Step | Decision] = queue.Queue()
        self._kept = threading.Event()
        self._kept.set()
        self._wake = threading.Event()
        self._leaving = False
        self.failure: BaseException | None = None
        self.busy = 0
        """Clips handed in that the worker has not queued yet."""
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)
        self._thread.start()

    def add(self, outgoing: Outgoing) -> None:
        """Hand in a clip."""
        self.busy += 1
        self._todo.put(outgoing)
        self._wake.set()

    def kept(self) -> None:
        """What the last step said is in the journals."""
        self._kept.set()

    def leave(self) -> bool:
        """Stop after, or in the middle of, the current part; it is sent again next time.

        Returns whether the thread has ended, so that the worker may be asked and closed.
        """
        self._leaving = True
        self._worker.stop()
        self._kept.set()
        self._wake.set()
        self._thread.join(5)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while True:
                self._take_in()
                self._kept.wait()
                if self._leaving:
                    return
                step = self._worker.step()
                self._kept.clear()
                self.results.put(step)
                if step.happened in (Happened.IDLE, Happened.WAITING):
                    self._wake.wait(0.5)
                    self._wake.clear()
        except BaseException as error:  # noqa: BLE001 - told to the node, which ends with it
            self.failure = error

    def _take_in(self) -> None:
        while True:
            try:
                outgoing = self._todo.get_nowait()
            except queue.Empty:
                return
            self.results.put(self._worker.add(outgoing))


class Loop:
    """One node's work, step by step."""

    def __init__(self, node: Node, outgoing: Inbox[Outgoing], sender: Sender, worker: UploadWorker) -> None:
        self.node = node
        self.outgoing = outgoing
        self.sender = sender
        self.worker = worker
        self.idle = False
        self.waiting_because = ""
        self._progress_ns = node.clock.monotonic_ns()
        self._ended_ns: int | None = None

    def take(self, *, look: bool) -> None:
        """New clips go to the sender; the position moves when all of them are in its queue on disk."""
        for outgoing in self.outgoing.take(look=look):
            self.sender.add(outgoing)
        self._collect()
        if not self.sender.busy:
            self.node.save_checkpoint({"outgoing": self.outgoing.position})
        if self.sender.failure is not None:
            raise self.sender.failure

    def _collect(self) -> None:
        while True:
            try:
                result = self.sender.results.get_nowait()
            except queue.Empty:
                return
            if isinstance(result, Decision):
                self.sender.busy -= 1
                self._write([result])
                self.idle = False
                continue
            self._write(result.decisions)
            for receipt in result.receipts:
                self.node.emit("receipts", receipt, receipt.clip_id)
            self.sender.kept()
            self.idle = result.happened is Happened.IDLE
            self.waiting_because = result.detail if result.happened is Happened.WAITING else ""
            if result.happened in _PROGRESS:
                self._progress_ns = self.node.clock.monotonic_ns()

    def _write(self, decisions: Iterable[Decision]) -> None:
        for decision in decisions:
            self.node.emit("decisions", decision, decision.decision_id)

    def health(self) -> tuple[int, str, dict[str, object]]:
        """Level, message and values, as 10.3 wants them."""
        status = self.worker.status()
        remaining = (status.budget_bytes - status.spent_today_bytes) / 1e9
        level = 1 if status.trouble or remaining < self.node.settings.monitor.budget_warn_gb else 0
        values: dict[str, object] = {
            "queue_size": status.queued_clips,
            "queued_bytes": status.queued_bytes,
            "connectivity": status.link_mode.name,
            "spent_today_bytes": status.spent_today_bytes,
            "remaining_gb": round(remaining, 3),
        }
        uploaded = (
            f"Uploaded: {status.spent_today_bytes / 1e9:.1f} GB / {status.budget_bytes / 1e9:.1f} GB today"
        )
        why = status.trouble or self.waiting_because
        return level, f"{uploaded}; {why}" if why else uploaded, values

    @property
    def moving(self) -> bool:
        """Whether something is being sent, or was a moment ago."""
        return not self.idle and self.node.clock.monotonic_ns() - self._progress_ns <= NO_PROGRESS_S * 1e9

    def done(self, *, ended: bool) -> bool:
        """Whether a finite run may end for the uploader."""
        now = self.node.clock.monotonic_ns()
        if not ended or self.sender.busy:
            self._ended_ns = None
            return False
        if self._ended_ns is None:
            self._ended_ns = self._progress_ns = now
            return False
        return (
            self.idle
            or now - self._progress_ns > NO_PROGRESS_S * 1e9
            or now - self._ended_ns > self.node.settings.upload.drain_s * 1e9
        )

    def say_what_waits(self) -> None:
        """A row for what is left."""
        status = self.worker.status()
        if status.queued_clips:
            why = status.trouble or self.waiting_because or "the run was stopped"
            self.node.decide(
                "upload",
                t_ns=0,
                subject="queue",
                outcome="waits",
                reason=f"{status.queued_clips} clips ({status.queued_bytes} bytes) wait for the next run: {why}",
            )


def run(node: Node) -> None:
    """Send until the redactor has ended and the queue is empty, or nothing moves any more."""
    saved = node.load_checkpoint() or {}
    if not node.settings.upload.enabled:
        _only_note(node, node.inbox("outgoing", Outgoing, saved.get("outgoing", 0)))
        return
    worker = UploadWorker(
        node.settings.upload,
        node.settings.vehicle,
        node.out,
        node.state / "queue",
        clock=node.clock,
        run_id=node.run_id,
    )
    outgoing = node.inbox("outgoing", Outgoing, 0 if worker.rebuilt else saved.get("outgoing", 0))
    sender = Sender(worker)
    loop = Loop(node, outgoing, sender, worker)
    while True:
        event = node.next(IDLE_S if loop.idle else 0.05)
        loop.take(look=event is None)
        node.report(loop.health)
        stopped = node.closed is not None and node.closed.stopped
        if (loop.done(ended=event is None and outgoing.ended(node.run_id))) or (
            stopped and outgoing.ended(node.run_id) and not sender.busy
        ):
            break
        if node.must_leave(producers_live=outgoing.producer_lives or loop.moving):
            break
    left = sender.leave()
    loop.take(look=False)
    if left:
        loop.say_what_waits()
        worker.close()
    node.finish()


def _only_note(node: Node, outgoing: Inbox[Outgoing]) -> None:
    """Uploading is off: say so for each clip, once."""
    stayed = 0
    while True:
        event = node.next(IDLE_S)
        for clip in outgoing.take(look=event is None):
            stayed += 1
            node.decide(
                "upload",
                t_ns=0,
                subject=clip.clip_id,
                outcome="off",
                reason=f"Uploading is off in the settings; {clip.name} stays on the device.",
            )
        node.save_checkpoint({"outgoing": outgoing.position})
        values: dict[str, object] = {"queue_size": 0, "stayed": stayed}
        node.report(partial(_off, values))
        if event is None and outgoing.ended(node.run_id):
            break
        if node.must_leave(producers_live=outgoing.producer_lives):
            break
    node.finish()


def _off(values: dict[str, object]) -> tuple[int, str, dict[str, object]]:
    return 0, "Uploading is off in the settings", values


def main() -> None:
    """Console script."""
    run_as_process(run, gives_way=True)
