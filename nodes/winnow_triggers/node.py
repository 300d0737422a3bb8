"""`winnow-triggers`: heartbeats in; trigger events, their watermark, and decisions out."""

from collections.abc import Iterator

from winnow_operators.decisions import inactive_row, trigger_row, undecodable_row
from winnow_operators.stream.watermarks import ALL_TIME, NO_TIME
from winnow_operators.triggers.outcomes import Outcome
from winnow_runtime.attach import attach
from winnow_runtime.node import Node, run_as_process
from winnow_runtime.ring.board import Beat, Cell, End
from winnow_runtime.ring.view import RingView
from winnow_runtime.seam import Input, Parameter
from winnow_schemas.errors import BadInputError
from winnow_schemas.messages import TriggerEvent, Watermark
from winnow_triggers.campaigning import CAMPAIGN_INPUT, CampaignDesk
from winnow_triggers.deciding import Deciding

IDLE_S = 0.1
CHECKPOINT_NS = 500_000_000
CHECKPOINT_BYTES = 4 * 1024 * 1024
"""A waiting source is held back by the checkpoint: so much of the stream may pass between two..."""
CHECKPOINT_APART_NS = 100_000_000
"""...but no two are closer than this: at 250 MB/s they took more time than deciding did."""


class Loop:
    """One node's work, step by step."""

    def __init__(self, node: Node, view: RingView, cell: Cell) -> None:
        self.node = node
        self.view = view
        self.cell = cell
        self.deciding = Deciding(node.settings, node.document, view)
        self.events = 0
        saved = node.load_checkpoint()
        self.desk = CampaignDesk(node, self.deciding, self.save)
        in_this_run = saved is not None and saved["run_id"] == node.run_id
        self.desk.restore(saved.get("campaign", "") if saved and in_this_run else None)
        if saved is not None:
            trouble = self.deciding.restore(saved["deciding"], same_run=in_this_run)
            self.events = saved["events"] if in_this_run else 0
            if trouble:
                node.decide("triggers", t_ns=0, subject="checkpoint", outcome="left aside", reason=trouble)
        for name, reason in self.deciding.resolution.inactive.items():
            node.decide(**inactive_row(name, reason)._asdict())
        self.desk.start()
        self._saved_ns = self._saved_bytes = self._seen_messages = 0
        self._saved_until = NO_TIME

    def step(self, *, last: bool = False) -> Beat:
        """Decide what the newest heartbeat allows; ``last``: everything, since no more will come."""
        self.desk.look()
        beat = self.view.beat()
        last = last or beat.end is not End.RUNNING
        if last:
            self._write(self.deciding.finish())
        else:
            self._write(self.deciding.step(beat.watermark_ns))
        self._checkpoint(beat, last=last)
        self._promise(self.deciding.feed.watermark_ns)
        return beat

    def _promise(self, watermark_ns: int) -> None:
        """Everything older has been decided, and its events are in the journal up to this number."""
        events = self.node.insist("the journal of events", lambda: self.node.journal("events").last)
        self.node.send("watermark", Watermark(watermark_ns=watermark_ns, events=events))

    def _write(self, outcomes: Iterator[Outcome]) -> None:
        for outcome in outcomes:
            self._one(outcome)
        for topic, sentence in self.deciding.reader.problems:
            self.node.decide(**undecodable_row(topic, sentence)._asdict())
        self.deciding.reader.problems.clear()

    def _one(self, outcome: Outcome) -> None:
        if isinstance(outcome, TriggerEvent):
            if self.node.emit("events", outcome, outcome.event_id):
                self.events += 1
        else:
            self.node.decide(**trigger_row(outcome)._asdict())

    def _checkpoint(self, beat: Beat, *, last: bool) -> None:
        now = self.node.clock.monotonic_ns()
        since_ns = now - self._saved_ns
        due = since_ns >= CHECKPOINT_NS or (
            since_ns >= CHECKPOINT_APART_NS and beat.bytes - self._saved_bytes >= CHECKPOINT_BYTES
        )
        # Nothing new although time has moved: a waiting source may be waiting for this very checkpoint.
        due = due or (
            beat.messages == self._seen_messages and self.deciding.feed.watermark_ns > self._saved_until
        )
        self._seen_messages = beat.messages
        if due or last:
            self._saved_ns, self._saved_bytes = now, beat.bytes
            self._saved_until = self.deciding.feed.watermark_ns
            self.save()
            self.cell.write(done=beat.number, hold_ns=self.deciding.feed.watermark_ns, idle=True)
        self.node.report(self.health)

    def health(self) -> tuple[int, str, dict[str, object]]:
        """Level, message and values."""
        feed, reader = self.deciding.feed, self.deciding.reader
        values: dict[str, object] = {
            **self.deciding.engine.counters,
            "events": self.events,
            "late": feed.late,
            "lost": feed.lost,
            "undecodable": reader.undecodable,
            "campaign": self.desk.running,
        }
        if feed.lost:
            return 1, f"{feed.lost} messages overwritten before they were looked at", values
        return 0, "OK", values

    def save(self) -> None:
        """Checkpoint now."""
        self.node.save_checkpoint(
            {
                "run_id": self.node.run_id,
                "events": self.events,
                "campaign": self.desk.digest,
                "deciding": self.deciding.snapshot(),
            }
        )

    def set_parameter(self, event: Parameter) -> None:
        """`dora param set triggers ood_spike.threshold 6`."""
        if self.desk.is_meant(event.key):
            self.desk.parameter(event)
            return
        t_ns = max(0, self.deciding.feed.watermark_ns)
        try:
            sentence = self.deciding.set_parameter(event.key, event.value)
        except BadInputError as error:
            self.node.decide("parameter", t_ns=t_ns, subject=event.key, outcome="refused", reason=str(error))
            self.node.seam.log("warn", str(error))
            return
        self.save()
        self.node.decide("parameter", t_ns=t_ns, subject=event.key, outcome="set", reason=sentence)


def run(node: Node) -> None:
    """Decide until the rings have ended."""
    view = attach(node)
    loop = Loop(node, view, view.own_cell(node.id))
    while True:
        event = node.next(IDLE_S)
        if isinstance(event, Parameter):
            loop.set_parameter(event)
        elif isinstance(event, Input) and event.id == CAMPAIGN_INPUT:
            loop.desk.message(event)
        beat = loop.step()
        if beat.end is not End.RUNNING:
            break
        if node.must_leave(producers_live=view.writer_lives):
            beat = loop.step(last=True)
            break
    loop._promise(ALL_TIME)
    loop.cell.write(done=beat.number, finished=True)
    node.finish()


def main() -> None:
    """Console script."""
    run_as_process(run)
