"""`winnow-extractor`: trigger events in; clips on disk and announced."""

import contextlib
import os
from pathlib import Path

from winnow_extractor.cutter import Cutter, LatchedTopics
from winnow_extractor.extractor import Done, Extractor, remove_leftovers
from winnow_operators.clips.judging import make_budget
from winnow_operators.decisions import CutContent, cut_row, refused_row
from winnow_operators.stream.watermarks import ALL_TIME
from winnow_runtime import atomic
from winnow_runtime.attach import attach
from winnow_runtime.node import Node, run_as_process
from winnow_runtime.ring.board import Cell, Channels
from winnow_runtime.ring.view import RingView
from winnow_runtime.seam import Input
from winnow_runtime.tiers import TierReader
from winnow_runtime.warm.reader import WarmReader
from winnow_schemas.messages import ClipReady, TriggerEvent, Watermark

IDLE_S = 0.2
RETRY_S = 2.0
"""After the disk refused a clip: how long until it is tried again."""
LONGEST_PRE_ROLL_NS = 600 * 1_000_000_000
"""What the settings allow at most; without a warm tier this much is held in memory for events to come."""


class Loop:
    """One node's work, step by step."""

    def __init__(self, node: Node, view: RingView) -> None:
        self.node = node
        self.view = view
        self.cell = view.own_cell(node.id)
        self.warm = WarmReader(warm_folder(node, node.run_id)) if node.settings.recorder.enabled else None
        self.extractor = Extractor(node.settings.clips, make_budget(node.settings.clips))
        saved = node.load_checkpoint() or {}
        if saved:
            self.extractor.restore(saved["extractor"])
        self.events = node.inbox("events", TriggerEvent, saved.get("events", 0))
        self._settings_text = Path(node.document.name).read_text("utf-8")
        self.reader = TierReader(view.channels, view, self.warm)
        self.cutter = self._cutter(self.reader)
        self.watermark_ns = -(2**63)
        self._promised = False
        """A watermark came since the journal was looked into."""
        self.refused = ""
        for path in remove_leftovers(node.out / "clips"):
            node.decide(
                "clip",
                t_ns=0,
                subject=path.name,
                outcome="removed",
                reason="A crash left it half-written; it is cut again.",
            )
        earlier = saved.get("run_id", node.run_id)
        if earlier != node.run_id:
            self._finish_earlier(earlier)

    def _cutter(self, reader: TierReader) -> Cutter:
        node = self.node
        latched = LatchedTopics(reader, node.settings)
        return Cutter(reader, latched, node.settings, self._settings_text, node.out, self.extractor.budget)

    def _finish_earlier(self, run_id: str) -> None:
        """Cut what an earlier run of this folder left waiting, from what it left on disk."""
        folder = warm_folder(self.node, run_id)
        for event in self.events.take(look=True):
            self.extractor.add(event)
        self.extractor.finish(-(2**63))
        cutter = self._cutter(TierReader(Channels(folder), None, WarmReader(folder)))
        while (done := self.extractor.cut_next(cutter)) is not None:
            self.announce(done)

    def take(self, event: object) -> None:
        """A dora event that is not for the inbox."""
        if isinstance(event, Input) and event.id == "watermark":
            watermark_ns = Watermark.from_arrow(event.value).watermark_ns
            if self.watermark_ns < watermark_ns < ALL_TIME:  # the end comes with the journal, and truncates
                self.watermark_ns = watermark_ns
                self._promised = True

    def step(self, *, look: bool) -> bool:
        """Take new events, close windows, cut one clip; whether there is more to do."""
        # A watermark may overtake the events before it, on another edge; the journal has had them for long.
        for event in self.events.take(look=look or self._promised):
            self.extractor.add(event)
        self._promised = False
        ended = self.events.ended(self.node.run_id)
        beat = self.view.beat()
        if ended:
            self.extractor.finish(beat.newest_ns)
        else:
            self.extractor.advance(self.watermark_ns)
        self._save(beat.number)
        try:
            before = self.reader.from_memory, self.reader.from_disk
            done = self.extractor.cut_next(self.cutter)
        except OSError as error:
            self._refuse(error)
            return True
        if done is None:
            return False
        self.refused = ""
        self._note_tiers(done, self.reader.from_memory - before[0], self.reader.from_disk - before[1])
        self.announce(done)
        self._save(beat.number)
        return True

    def _save(self, beat: int) -> None:
        self.node.save_checkpoint(
            {
                "extractor": self.extractor.snapshot(),
                "events": self.events.position,
                "run_id": self.node.run_id,
            }
        )
        needed = self.extractor.needed_from_ns
        held = Cell.FREE
        if self.warm is None:
            future = self.watermark_ns - LONGEST_PRE_ROLL_NS if self.watermark_ns > 0 else 0
            held = min(needed, future)
        self.cell.write(done=beat, hold_ns=held, keep_ns=needed, idle=not self.extractor.queue)

    def _note_tiers(self, done: Done, from_memory: int, from_disk: int) -> None:
        """Where a clip's messages were read: a fact about this machine's speed, so not in the ledger."""
        if done.cut.sidecar is not None and not done.cut.again:
            path = self.node.state / "tiers.json"
            tiers = atomic.read_json(path) or {}
            tiers[done.cut.sidecar.clip_id] = {"from_memory": from_memory, "from_disk": from_disk}
            atomic.write_json(path, tiers, durable=False)

    def _refuse(self, error: OSError) -> None:
        if self.refused != str(error):
            self.refused = str(error)
            self.node.health(
                2, f"The disk refuses clips: {error.strerror}", {"waiting": len(self.extractor.queue)}
            )
            self.node.seam.log(
                "error",
                f"The disk refused a clip ({error}); it is tried again every {RETRY_S:.0f} s, nothing is dropped.",
            )
        self.node.clock.sleep_s(RETRY_S)

    def announce(self, done: Done) -> None:
        """Write the decision, and tell the classifier."""
        cut, plan = done.cut, done.plan
        vehicle = self.node.settings.vehicle.id
        if cut.sidecar is None or cut.path is None:
            self.node.decide(**refused_row(plan, vehicle, cut.outcome, cut.reason)._asdict())
            return
        sidecar = cut.sidecar
        content = CutContent(
            sidecar.messages,
            sidecar.payload_bytes,
            sidecar.charged_bytes,
            len(sidecar.missing),
            sidecar.left_out,
        )
        self.node.decide(**cut_row(plan, vehicle, content)._asdict())
        self.node.decide(
            "file",
            t_ns=plan.lead.t_ns,
            subject=sidecar.clip_id,
            outcome="written",
            reason=f"{sidecar.name}.mcap has {sidecar.size_bytes} bytes",
            values={"name": sidecar.name, "size_bytes": sidecar.size_bytes, "sha256": sidecar.sha256},
        )
        for hole in sidecar.missing:
            self.node.decide(
                "message",
                t_ns=hole.start_ns,
                subject=hole.topic,
                outcome="missing",
                reason=f"{'Messages' if hole.count is None else hole.count} missing in clip {sidecar.name}: {hole.reason}",
                values={"end_ns": hole.end_ns, "clip_id": sidecar.clip_id},
            )
        ready = ClipReady(
            clip_id=sidecar.clip_id,
            name=sidecar.name,
            path=str(cut.path.relative_to(self.node.out)),
            start_ns=sidecar.start_ns,
            end_ns=sidecar.end_ns,
            priority=sidecar.priority,
            upload_class=sidecar.upload_class,
            types=[trigger.type for trigger in sidecar.triggers],
            messages=sidecar.messages,
            size_bytes=sidecar.size_bytes or 0,
            sha256=sidecar.sha256 or "",
        )
        self.node.emit("clips", ready, sidecar.clip_id)


def warm_folder(node: Node, run_id: str) -> Path:
    """Where the recorder keeps the segments of a run."""
    folder = node.settings.recorder.folder
    return (Path(folder) if folder else node.out / "warm") / run_id


def run(node: Node) -> None:
    """Follow the triggers until they have ended and every clip is cut."""
    with contextlib.suppress(OSError):
        os.nice(node.settings.clips.nice)
    loop = Loop(node, attach(node))
    more = False
    while True:
        event = node.next(0.0 if more else IDLE_S)
        loop.take(event)
        more = loop.step(look=event is None)
        if not more and loop.events.ended(node.run_id):
            break
        if node.must_leave(producers_live=loop.events.producer_lives):
            break
    loop.cell.write(done=loop.view.beat().number, finished=True)
    node.finish()


def main() -> None:
    """Console script."""
    run_as_process(run)
