"""The warm tier's writer: its own cursors over the rings, bounded delay, bounded loss, healing by itself."""

import contextlib
import json
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from winnow_recorder.note import Note
from winnow_recorder.recorded import recorded_seqs
from winnow_recorder.room import Room
from winnow_recorder.stalls import Stalls
from winnow_recorder.syncing import Syncer
from winnow_runtime import atomic
from winnow_runtime.clock import Clock
from winnow_runtime.legal_holds import LegalHolds
from winnow_runtime.ring.board import CHANNELS, Beat, Cell
from winnow_runtime.ring.folder import RingFolder
from winnow_runtime.ring.layout import NO_TIME
from winnow_runtime.ring.reader import Entries, RingReader
from winnow_runtime.ring.view import RingView
from winnow_runtime.warm.index import Segment
from winnow_runtime.warm.recovery import recover
from winnow_runtime.warm.writer import Item, SegmentWriter
from winnow_schemas.settings.device import RecorderSettings

STEP_BYTES = 32 * 1024 * 1024
"""Recorded in one go before heartbeats are looked at again."""
FLUSH_EVERY_NS = 200_000_000
"""Open chunks are closed this often: what a killed recorder has to read again from the ring."""
RETRY_NS = 2_000_000_000
"""After the disk refused: how long until the next attempt."""
MEND_EVERY_NS = 10_000_000_000
"""How often a segment that could not be mended is tried again."""
EVICT_EVERY_NS = 1_000_000_000
TELL_EVERY_NS = 1_000_000_000


class Recorder:
    """Follows the rings. ``step()`` does a bounded piece of work and says whether there was any."""

    def __init__(
        self,
        view: RingView,
        cell: Cell,
        folder: Path,
        state: Path,
        run_id: str,
        settings: RecorderSettings,
        clock: Clock,
        holds: LegalHolds,
    ) -> None:
        self._view = view
        self._cell = cell
        self._folder = folder
        self._cursor_file = state / "cursors.json"
        self._run_id = run_id
        self._settings = settings
        self._clock = clock
        self.notes: list[Note] = []
        self._writer = SegmentWriter(folder, int(settings.segment_s * 1e9), view.channel)
        self._last_served = ""
        self._next: dict[str, int] = {}
        """Port -> the entry that is recorded next. Behind ``safe`` of the writer: in open chunks."""
        self._beats: deque[tuple[int, dict[str, int]]] = deque()
        self._flushed_ns = self._evicted_ns = self._told_ns = 0
        self._refused_ns = 0
        self.down = ""
        """Why nothing is recorded at the moment; empty when all is well."""
        self.lost = 0
        """Messages that were in memory and were never recorded."""
        self._untold: dict[str, int] = {}
        """Port -> of those, how many the ledger does not know of yet."""
        self.newest_ns = NO_TIME
        self._idle = False
        self._most_behind = 0
        """Messages in the rings and not yet in a segment, at the worst moment."""
        self._unmended: set[str] = set()
        """Segments that a crash left open and that the disk did not let us mend."""
        self._mended_ns = 0
        self.stalls = Stalls(folder)
        shm = view.folder.path.parent
        self.room = Room(folder, settings, holds, lambda run: not RingFolder.of(shm, run).abandoned)
        try:
            self._prepare()
        except OSError as error:
            self._refuse(error)
        self._next = self._load_cursors()
        self._writer.safe.update(self._next)
        self._syncer = Syncer(self._writer, settings.fsync_s, clock)

    def _prepare(self) -> None:
        """See to it that there is a folder and that every segment in it is whole.

        Raises:
            OSError: the disk refuses.

        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._mended_ns = self._clock.monotonic_ns()
        unmended, self._unmended = self._unmended, set()
        for mended in recover(self._folder, but=self._writer.segment):
            outcome = "recovered" if mended.messages else "removed"
            reason = (
                f"A crash left it open: {mended.messages} messages kept, {mended.cut_bytes} bytes that could not be "
                "proven right cut off."
            )
            name = mended.segment.path.name
            if mended.problem:
                self._unmended.add(name)
                outcome = "not recovered"
                reason = f"A crash left it open, and it stays so for now ({mended.problem})."
                if name in unmended:
                    continue
            self.notes.append(Note("segment", mended.segment.start_ns, name, outcome, reason))

    def _load_cursors(self) -> dict[str, int]:
        """Where a predecessor in this run got to: by its own word, and by what is in its segments."""
        value = atomic.read_json(self._cursor_file)
        saved = (
            value.get("safe", {}) if isinstance(value, dict) and value.get("run_id") == self._run_id else {}
        )
        cursors = {str(port): int(number) for port, number in saved.items()}
        seqs = recorded_seqs(self._folder, self._cursor_file)
        for port, ring in self._view.rings().items():
            first = cursors.get(port, 0)
            entries = ring.between(first, ring.head)
            known = np.array([seqs.get(int(number), 0) for number in entries["channel"]], np.uint64)
            fresh = np.flatnonzero(entries["seq"] > known)
            if len(entries) and (not len(fresh) or fresh[0] > 0):
                last = fresh[0] - 1 if len(fresh) else len(entries) - 1
                cursors[port] = int(entries[last]["n"]) + 1
        return cursors

    # --- recording ----------------------------------------------------------------------------------------

    def step(self) -> bool:
        """Record what is new, up to a bound; False when there was nothing."""
        now = self._clock.monotonic_ns()
        if self.down and now - self._refused_ns < RETRY_NS:
            self._let_go()
            return False
        if (failure := self._syncer.failure()) is not None:
            self._refuse(failure)
            return False
        try:
            worked = self._attempt(now)
        except OSError as error:
            self._refuse(error)
            return False
        self._idle = not worked
        self.stalls.took(now, self._clock.monotonic_ns())
        if self.down:
            self.notes.append(
                Note(
                    "warm tier",
                    self.newest_ns,
                    "recorder",
                    "healed",
                    "The disk takes data again; the warm tier is back.",
                )
            )
            self.down = ""
        self._tell_lost(now)
        return worked

    def _attempt(self, now: int) -> bool:
        beat = self._view.beat()
        heads = {port: ring.head for port, ring in self._view.rings().items()}
        if self.down or (self._unmended and now - self._mended_ns >= MEND_EVERY_NS):
            self._prepare()
        if now - self._evicted_ns >= EVICT_EVERY_NS:  # before recording: what may not be written is not begun
            self._evicted_ns = now
            self.notes += self.room.make(self._writer.segment, self.newest_ns, self._needed_from_ns())
        self._most_behind = max(self._most_behind, sum(heads.values()) - sum(self._next.values()))
        worked = self._record(heads)
        if now - self._flushed_ns >= FLUSH_EVERY_NS or not worked:
            self._flushed_ns = now
            self._writer.flush()
        self._beats.append((beat.number, heads))
        self._release()
        return worked

    def _record(self, heads: dict[str, int]) -> bool:
        budget = STEP_BYTES
        for port, head in self._in_turn(heads):
            first = self._next.get(port, 0)
            if first >= head:
                continue
            ring = self._view.ring(port)
            entries = ring.between(first, head)
            if not len(entries) or int(entries[0]["n"]) > first:
                self._overtaken(port, first, int(entries[0]["n"]) if len(entries) else head)
            for item, vpos in _items(port, entries):
                if not self._one(ring, item, vpos):
                    self._overtaken(port, item.number, item.number + 1)
                self._next[port] = item.number + 1
                budget -= item.length
                if budget < 0:
                    self._last_served = port
                    return True
            self._next[port] = head
            self._writer.skip_to(port, head)
        return budget < STEP_BYTES

    def _in_turn(self, heads: dict[str, int]) -> list[tuple[str, int]]:
        """The ports after the one at which the last step stopped come first.

        A recorder that is behind would otherwise never get to the last ones, and all that it is behind would
        be lost in their rings.
        """
        ports = list(heads.items())
        start = next((place + 1 for place, (port, _) in enumerate(ports) if port == self._last_served), 0)
        return ports[start:] + ports[:start]

    def _one(self, ring: RingReader, item: Item, vpos: int) -> bool:
        self.newest_ns = max(self.newest_ns, item.t_ns)
        return self._writer.add(item, lambda target: ring.copy_at(item.number, vpos, target))

    def _overtaken(self, port: str, first: int, last: int) -> None:
        """Entries that are gone; they are passed, so that after a crash they are not counted again."""
        self.lost += last - first
        self._untold[port] = self._untold.get(port, 0) + last - first
        self._next[port] = last
        self._writer.skip_to(port, last)

    def _tell_lost(self, now: int, *, force: bool = False) -> None:
        """One row per topic and second, however many messages it is about."""
        if not self._untold or not (force or now - self._told_ns >= TELL_EVERY_NS):
            return
        self._told_ns = now
        topics = self._view.topics()
        for port, count in sorted(self._untold.items()):
            topic = topics.get(port, port)
            reason = (
                f"{count} messages of {topic} were not recorded: the disk refused until the end ({self.down})."
                if self.down
                else f"{count} messages of {topic} were overwritten in memory before they were recorded; the disk "
                "was away or too slow, or the ring is too small."
            )
            self.notes.append(Note("message", self.newest_ns, topic, "not recorded", reason))
        self._untold.clear()

    def _release(self) -> None:
        """Tell the ring which beats are completely in the files."""
        safe = self._writer.safe
        done = None
        while self._beats and all(safe.get(port, 0) >= head for port, head in self._beats[0][1].items()):
            done = self._beats.popleft()[0]
        if done is not None:
            value = json.dumps({"run_id": self._run_id, "safe": dict(safe)}).encode()
            # Not synced: the cursors speak of a living machine.
            atomic.write_bytes(self._cursor_file, value, durable=False)
            self._keep_channels()
            self._cell.write(done=done, idle=self._idle)

    def _keep_channels(self) -> None:
        """The segments outlive the shared memory: what their channel numbers mean lies beside them."""
        source, target = self._view.folder.path / CHANNELS, self._folder / CHANNELS
        size = source.stat().st_size if source.exists() else 0
        if size and (not target.exists() or target.stat().st_size != size):
            atomic.write_bytes(target, source.read_bytes(), durable=False)

    # --- trouble ------------------------------------------------------------------------------------------

    def _refuse(self, error: OSError) -> None:
        self._refused_ns = self._clock.monotonic_ns()
        if not self.down:
            self.down = error.strerror or str(error)
            self.notes.append(
                Note(
                    "warm tier",
                    self.newest_ns,
                    "recorder",
                    "down",
                    f"The disk of {self._folder} refused ({self.down}); only the memory tier remains until it takes data again.",
                )
            )
        self._writer.abandon()
        self._next = dict(self._writer.safe)  # what was in open chunks is read from the rings again
        self._let_go()

    def _let_go(self) -> None:
        """While the disk is away: do not hold the source back for something that cannot be done.

        What the rings still hold when it is back is recorded then; the rest is counted.
        """
        self._beats.clear()
        self._cell.write(done=self._view.beat().number)

    def _needed_from_ns(self) -> int:
        cells = (self._view.cell(reader) for reader in self._view.folder.readers())
        return min(
            (cell.keep_ns for cell in cells if cell is not None and not cell.finished), default=Cell.FREE
        )

    # --- end ----------------------------------------------------------------------------------------------

    def beat(self) -> Beat:
        return self._view.beat()

    def finish(self) -> Segment | None:
        """Record the rest and close the open segment."""
        self._refused_ns = self._mended_ns = -MEND_EVERY_NS  # the last chance of what a bad disk refused
        while self.step():
            pass
        self.stop()
        segment = None
        try:
            if not self.down:
                segment = self._writer.close()
                self._release()
        except OSError as error:
            self._refuse(error)
        if self.down:
            for port, ring in self._view.rings().items():
                self._overtaken(port, self._next.get(port, 0), ring.head)
        self._tell_lost(0, force=True)
        self._write_totals()
        self._cell.write(done=self._view.beat().number, finished=True)
        return segment

    def _write_totals(self) -> None:
        messages, size = self.recorded
        totals = {
            "messages": messages,
            "bytes": size,
            "lost": self.lost,
            "most_messages_behind": self._most_behind,
            "longest_between_syncs_s": self._syncer.longest_ns / 1e9,
        }
        with contextlib.suppress(OSError):
            atomic.write_json(self._cursor_file.with_name("recorded.json"), totals, durable=False)

    def stop(self) -> None:
        """End the thread that syncs."""
        self._syncer.stop()

    @property
    def recorded(self) -> tuple[int, int]:
        """Messages and bytes recorded by this process."""
        return self._writer.messages, self._writer.bytes


def _items(port: str, entries: Entries) -> Iterator[tuple[Item, int]]:
    """Entries as plain integers, and where their payloads lie.

    Taking eight fields of a numpy row costs more than copying a signal.
    """
    names = ("vpos", "n", "channel", "seq", "t_ns", "pub_ns", "length", "epoch")
    for vpos, *values in zip(*(entries[name].tolist() for name in names), strict=True):
        yield Item(port, *values), vpos
