"""`winnow-extractor`: trigger events in; clips on disk and announced."""

import contextlib
from pathlib import Path

from winnow_extractor.calibration import read_calibration
from winnow_extractor.cutter import Cutter, LatchedTopics
from winnow_extractor.demand import PreRoll
from winnow_extractor.extractor import Done, Extractor, remove_leftovers
from winnow_operators.clips.judging import make_budget
from winnow_operators.decisions import CutContent, cut_row, refused_row
from winnow_operators.stream.watermarks import ALL_TIME, NO_TIME
from winnow_runtime import atomic
from winnow_runtime.attach import attach
from winnow_runtime.node import Node, run_as_process
from winnow_runtime.ring.board import Cell, Channels
from winnow_runtime.ring.view import RingView
from winnow_runtime.seam import Input
from winnow_runtime.tiers import TierReader
from winnow_runtime.warm.reader import WarmReader
from winnow_schemas.errors import BadInputError
from winnow_schemas.messages import ClipReady, TriggerEvent, Watermark

IDLE_S = 0.2
RETRY_S = 2.0
"""After the disk refused a clip: how long until it is tried again."""
EMPTY_FOR_NS = 100_000_000
"""How long empty windows are passed over before a checkpoint is due."""
TIERS_KEPT = 1000
"""Clips of which `tiers.json` says where their messages were read."""


class Loop:
    """One node's work, step by step."""

    def __init__(self, node: Node, view: RingView) -> None:
        self.node = node
        self.view = view
        self.cell = view.own_cell(node.id)
        self.extractor = Extractor(node.settings.clips, make_budget(node.settings.clips))
        self.pre_roll = PreRoll(node.settings, node.document)
        saved = node.load_checkpoint() or {}
        if saved:
            self.extractor.restore(saved["extractor"])
        self.events = node.inbox("events", TriggerEvent, saved.get("events", 0))
        self.run_id = saved.get("run_id") or self.events.next_run() or node.run_id
        """The run whose windows are being cut: an earlier one of this folder until nothing of it is left."""
        settings_path = Path(node.document.name)
        self._settings_text = settings_path.read_text("utf-8")
        self._calibration = read_calibration(node.settings.clips.calibration, settings_path.parent)
        self._tiers()
        self.watermark_ns = NO_TIME
        self.refused = ""
        for path in node.insist("what a crash left", lambda: list(remove_leftovers(node.out / "clips"))):
            node.decide(
                "clip",
                t_ns=0,
                subject=path.name,
                outcome="removed",
                reason="A crash left it half-written; it is cut again.",
            )

    def _tiers(self) -> None:
        """Where the messages of the run at hand are: of an earlier one only its segments are left."""
        node = self.node
        folder = warm_folder(node, self.run_id)
        if self.run_id == node.run_id:
            warm = WarmReader(folder) if node.settings.recorder.enabled else None
            self.reader = TierReader(self.view.channels, self.view, warm)
        else:
            self.reader = TierReader(Channels(folder), None, WarmReader(folder))
        latched = LatchedTopics(self.reader, node.settings)
        self.cutter = Cutter(
            self.reader,
            latched,
            node.settings,
            self._settings_text,
            node.out,
            self.extractor.budget,
            lambda: node.report(self.health),
            self._calibration,
        )

    def take(self, event: object) -> None:
        """A dora event that is not for the inbox."""
        if isinstance(event, Input) and event.id == "watermark":
            try:
                watermark = Watermark.from_arrow(event.value)
            except BadInputError:
                return
            # It travels on another edge than the events that it speaks of, and may overtake them.
            self.events.expect(watermark.events)
            if (
                watermark.watermark_ns < ALL_TIME
            ):  # the end comes with the journal, and truncates what is open
                self.watermark_ns = max(self.watermark_ns, watermark.watermark_ns)

    def step(self, *, look: bool) -> bool:
        """Take new events, close windows, cut one clip; whether there is more to do."""
        beat = self.view.beat()
        earlier = self.run_id != self.node.run_id
        if earlier:
            for event in self.events.take_of(self.run_id):
                self._add(event)
            self.extractor.finish(self.reader.newest_ns())
        else:
            for event in self.events.take(look=look):
                self._add(event)
            if self.over:
                self.extractor.finish(beat.newest_ns)
            else:
                self.extractor.advance(self.watermark_ns)
        self._save(beat.number)
        if not self._cut():
            if earlier:
                self.run_id = self.events.next_run() or self.node.run_id
                self._tiers()
            return earlier
        self._save(beat.number)
        return True

    def _cut(self) -> bool:
        """Cut one clip, and pass over the empty windows before it; whether anything waited.

        A gap in the recording or one absurd stamp can leave thousands of empty windows. They share a
        checkpoint: deciding some of them again after a crash gives the same rows.
        """
        begun_ns = self.node.clock.monotonic_ns()
        waited = False
        while self.node.clock.monotonic_ns() - begun_ns < EMPTY_FOR_NS:
            before = self.reader.from_memory, self.reader.from_disk
            try:
                done = self.extractor.cut_next(self.cutter)
            except OSError as error:
                self._refuse(error)
                return True
            if done is None:
                break
            waited = True
            self.refused = ""
            self._note_tiers(done, self.reader.from_memory - before[0], self.reader.from_disk - before[1])
            self.announce(done)
            if done.cut.sidecar is not None:
                break
        return waited

    @property
    def over(self) -> bool:
        """Whether every event of this run is here."""
        return self.run_id == self.node.run_id and self.events.ended(self.node.run_id)

    def _add(self, event: TriggerEvent) -> None:
        self.pre_roll.saw(event)
        self.extractor.add(event)

    def _save(self, beat: int) -> None:
        self.node.save_checkpoint(
            {
                "extractor": self.extractor.snapshot(),
                "events": self.events.position,
                "run_id": self.run_id,
            }
        )
        needed = self.extractor.needed_from_ns
        self.cell.write(
            done=beat, hold_ns=self._hold_ns(needed), keep_ns=needed, idle=not self.extractor.queue
        )

    def _hold_ns(self, needed_ns: int) -> int:
        """From when on the rings must keep messages; with a warm tier they need not for this node."""
        if self.node.settings.recorder.enabled:
            return Cell.FREE
        if self.run_id != self.node.run_id or self.watermark_ns == NO_TIME:
            return NO_TIME
        return min(needed_ns, max(NO_TIME, self.watermark_ns - self.pre_roll.longest_ns))

    def health(self) -> tuple[int, str, dict[str, object]]:
        """Level, message and values."""
        waiting = len(self.extractor.queue)
        values: dict[str, object] = {
            "clips": self.extractor.clips,
            "waiting_clips": waiting,
            "open_windows": self.extractor.open_windows,
            "from_memory": self.reader.from_memory,
            "from_disk": self.reader.from_disk,
        }
        if self.refused:
            return 2, f"The disk refuses clips: {self.refused}; {waiting} wait", values
        return (
            0,
            "OK" if self.run_id == self.node.run_id else f"Finishing the earlier run {self.run_id}",
            values,
        )

    def _note_tiers(self, done: Done, from_memory: int, from_disk: int) -> None:
        """Where a clip's messages were read: a fact about this machine's speed, so not in the ledger."""
        if done.cut.sidecar is None or done.cut.again:
            return
        path = self.node.state / "tiers.json"
        known = atomic.read_json(path)
        tiers = known if isinstance(known, dict) else {}
        tiers[done.cut.sidecar.clip_id] = {"from_memory": from_memory, "from_disk": from_disk}
        newest = dict(list(tiers.items())[-TIERS_KEPT:])
        with contextlib.suppress(OSError):
            atomic.write_json(path, newest, durable=False)

    def _refuse(self, error: OSError) -> None:
        if self.refused != str(error.strerror):
            self.refused = str(error.strerror)
            self.node.seam.log(
                "error",
                f"The disk refused a clip ({error}); it is tried again every {RETRY_S:.0f} s, nothing is dropped.",
            )
        self.node.health(*self.health())
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
    loop = Loop(node, attach(node))
    more = False
    while True:
        event = node.next(0.0 if more else IDLE_S)
        loop.take(event)
        more = loop.step(look=event is None)
        node.report(loop.health)
        if not more and loop.over:
            break
        if node.must_leave(producers_live=loop.events.producer_lives):
            break
    loop.cell.write(done=loop.view.beat().number, finished=True)
    node.finish()


def main() -> None:
    """Console script."""
    run_as_process(run, gives_way=True)
