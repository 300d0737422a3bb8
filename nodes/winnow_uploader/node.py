"""`winnow-uploader`: what may leave in; objects in the store, receipts out."""

import contextlib
import queue
from collections.abc import Iterable
from functools import partial

from winnow_runtime.inbox import Inbox
from winnow_runtime.node import Node, run_as_process
from winnow_runtime.seam import Event, Input
from winnow_schemas.errors import BadInputError
from winnow_schemas.messages import Decision, LinkState, Outgoing, UploadOrder
from winnow_schemas.priority import UploadClass
from winnow_uploader.control import ControlWatch
from winnow_uploader.link_monitor import LinkMonitor
from winnow_uploader.live import Live, RateMeter, limits_of, write_live
from winnow_uploader.results import Happened
from winnow_uploader.sender import Sender
from winnow_uploader.worker import UploadStatus, UploadWorker

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


class Loop:
    """One node's work, step by step."""

    def __init__(self, node: Node, outgoing: Inbox[Outgoing], sender: Sender, worker: UploadWorker) -> None:
        self.node = node
        self.outgoing = outgoing
        self.sender = sender
        self.worker = worker
        self.idle = False
        self.waiting_because = ""
        self.link = LinkMonitor(node.settings.upload.link, worker.set_link, node.clock)
        self._orders: Inbox[UploadOrder] | None = None
        self._control = ControlWatch(node.state)
        self._rate = RateMeter()
        self._limits = limits_of(node.settings.upload)
        self._progress_ns = node.clock.monotonic_ns()
        self._ended_ns: int | None = None

    def take(self, *, look: bool) -> None:
        """New clips go to the sender; the position moves when all of them are in its queue on disk."""
        for outgoing in self.outgoing.take(look=look):
            self.sender.add(outgoing)
        self._listen(look=look)
        self._collect()
        if not self.sender.busy:
            position = {"orders": self._orders.position} if self._orders else {}
            self.node.save_checkpoint({"outgoing": self.outgoing.position, **position})
        if self.sender.failure is not None:
            raise self.sender.failure

    def join_orders(self, position: int) -> None:
        """Listen to the fleet, if the graph wires it."""
        if self.node.wiring.input(self.node.id, "orders") is not None:
            self._orders = self.node.inbox("orders", UploadOrder, position)

    def hear(self, event: Event | None) -> None:
        """The input `link` says what the link is."""
        if isinstance(event, Input) and event.id == "link":
            try:
                self.link.state(LinkState.from_arrow(event.value))
            except BadInputError as error:
                self._refuse("link", error)

    def _listen(self, *, look: bool) -> None:
        """Everything that others want: the fleet's orders, the command line's, another link."""
        for order in self._orders.take(look=look) if self._orders else ():
            try:
                self.worker.orders.take(order)
            except BadInputError as error:
                self._refuse("orders", error)
        try:
            control = self._control.news()
        except BadInputError as error:
            self._refuse("control", error)
        else:
            if control is not None:
                self.worker.orders.set_pause(control.paused)
                for clip_id in control.urgent:
                    self.worker.orders.urge(clip_id)
        while not self.link.changes.empty():
            verdict = self.link.changes.get()
            self.node.decide(
                "link",
                t_ns=0,
                subject="link",
                outcome=verdict.link.mode.name.lower(),
                reason=f"The link is {verdict.link.mode.name.lower()}: {verdict.reason}.",
                values={"at_wall_ns": self.node.clock.wall_ns()},
            )

    def _refuse(self, subject: str, error: BadInputError) -> None:
        self.node.decide("upload", t_ns=0, subject=subject, outcome="refused", reason=str(error))

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
            if result.has_news:
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
            "link_mode": int(status.link_mode),
            "paused": str(status.paused),
            "wire_bytes": status.wire_bytes,
            "rate_bytes_per_s": round(
                self._rate.rate_bytes_per_s(status.wire_bytes, self.node.clock.monotonic_ns())
            ),
        }
        if status.goodput_bytes_per_s is not None:
            values["goodput_bytes_per_s"] = round(status.goodput_bytes_per_s)
        values |= {f"queued_p{int(one)}": status.queued_by_class.get(one, 0) for one in UploadClass}
        self._publish(status, values)
        uploaded = (
            f"Uploaded: {status.spent_today_bytes / 1e9:.1f} GB / {status.budget_bytes / 1e9:.1f} GB today"
        )
        why = status.trouble or self.waiting_because
        return level, f"{uploaded}; {why}" if why else uploaded, values

    def _publish(self, status: UploadStatus, values: dict[str, object]) -> None:
        rate = values["rate_bytes_per_s"]
        live = Live(
            wall_ns=self.node.clock.wall_ns(),
            link=status.link_mode.name.lower(),
            link_reason=self.link.reason,
            goodput_bytes_per_s=status.goodput_bytes_per_s,
            rate_bytes_per_s=float(rate) if isinstance(rate, int) else 0.0,
            clip_id=status.sending,
            unit_bytes=status.unit_bytes,
            waiting=status.trouble or self.waiting_because,
            paused=str(status.paused),
            settings=self._limits,
        )
        with contextlib.suppress(OSError):  # a full disk is told by others; the next one is written again
            write_live(self.node.state, live)

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
        kind_of=lambda topic: node.settings.topic(topic).kind,
    )
    outgoing = node.inbox("outgoing", Outgoing, 0 if worker.rebuilt else saved.get("outgoing", 0))
    sender = Sender(worker)
    loop = Loop(node, outgoing, sender, worker)
    loop.join_orders(saved.get("orders", 0))
    loop.link.start()
    while True:
        event = node.next(IDLE_S if loop.idle else 0.05)
        loop.hear(event)
        loop.take(look=event is None)
        node.report(loop.health)
        stopped = node.closed is not None and node.closed.stopped
        if (loop.done(ended=event is None and outgoing.ended(node.run_id))) or (
            stopped and outgoing.ended(node.run_id) and not sender.busy
        ):
            break
        if node.must_leave(producers_live=outgoing.producer_lives or loop.moving):
            break
    loop.link.stop()
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
