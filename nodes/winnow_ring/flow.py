"""How much each source may send before it overwrites what a reader still needs."""

from collections import deque
from collections.abc import Sequence

from winnow_ring.intake import Port
from winnow_runtime.clock import Clock
from winnow_runtime.ring.board import Cell, CellState, read_cell
from winnow_runtime.ring.folder import RingFolder
from winnow_runtime.ring.layout import slot_bytes
from winnow_runtime.ring.reader import RingReader

BEATS_KEPT = 20_000
"""Beats whose positions are remembered for readers that have not got there: minutes at full speed."""
ABSENT_S = 60.0
"""A reader that never came, or died and did not come back within this, is no longer waited for.
dora restarts a node within a second; a node that needs a minute is not coming."""
ALIVE_EVERY_NS = 250_000_000
"""How often the system is asked whether the readers' processes live: beside ABSENT_S this is nothing."""
STUCK_S = 1.0
"""Every reader idle, and the source unable to send, for this long: a hold waits for data that it keeps out
itself (a window longer than the ring, without a warm tier). It is then cut, and the clip says what is
missing; otherwise the run would stand still for ever."""


class Flow:
    """Released positions per port, from the readers' cells."""

    def __init__(self, folder: RingFolder, readers: Sequence[str], clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._beats: deque[tuple[int, tuple[int, ...]]] = deque()
        self._views: dict[str, RingReader] = {}
        self._waiting = dict.fromkeys(readers, clock.monotonic_ns())
        """Reader -> when it was last seen alive."""
        self.given_up: list[str] = []
        self.holds_cut: set[str] = set()
        """Topics on which a hold kept itself waiting: their rings are too small for the windows, and while every
        reader is idle nothing waits for them a second time (a run would crawl from one stall to the next)."""
        self._asked_ns = clock.monotonic_ns() - ALIVE_EVERY_NS
        self._state = (False, 0, 0)
        self._since_ns = clock.monotonic_ns()
        self._cut_hold_ns: int | None = None
        """The hold that was found to keep itself waiting."""

    def beat(self, number: int, heads: tuple[int, ...]) -> None:
        """Remember what a beat stands for: the heads of all ports."""
        self._beats.append((number, heads))
        if len(self._beats) > BEATS_KEPT:
            self._beats.popleft()

    def cells(self) -> dict[str, CellState | None]:
        """What the readers that are waited for say; those that are gone are dropped."""
        now = self._clock.monotonic_ns()
        ask = now - self._asked_ns >= ALIVE_EVERY_NS
        self._asked_ns = now if ask else self._asked_ns
        result: dict[str, CellState | None] = {}
        for reader in list(self._waiting):
            cell = read_cell(self._folder.path, reader)
            if not ask:
                pass
            elif cell is not None and cell.owner.alive:
                self._waiting[reader] = now
            elif not (cell is not None and cell.finished) and now - self._waiting[reader] > ABSENT_S * 1e9:
                del self._waiting[reader]
                self.given_up.append(reader)
                continue
            result[reader] = cell
        return result

    @staticmethod
    def all_finished(cells: dict[str, CellState | None]) -> bool:
        return all(cell is not None and cell.finished for cell in cells.values())

    def needed_from(self, ports: Sequence[Port], cells: dict[str, CellState | None]) -> list[int]:
        """Per port: the oldest entry that some reader still needs."""
        active = [cell for cell in cells.values() if cell is None or not cell.finished]
        done = min((cell.done if cell else 0 for cell in active), default=None)
        while len(self._beats) > 1 and done is not None and self._beats[1][0] <= done:
            self._beats.popleft()
        hold_ns = min((cell.hold_ns for cell in active if cell), default=Cell.FREE)
        idle = all(cell is not None and cell.idle for cell in active)
        heads = [port.writer.head if port.writer else 0 for port in ports]
        self._watch(idle=idle, hold_ns=hold_ns, written=sum(heads))
        result = []
        for place, port in enumerate(ports):
            head = heads[place]
            first = min(head, head if done is None else self._position(place, done))
            held = min(first, self._held(port, hold_ns, head)) if hold_ns != Cell.FREE else first
            proven = hold_ns == self._cut_hold_ns or (idle and port.topic in self.holds_cut)
            if held < first and proven and self._blocks(port, held):
                self.holds_cut.add(port.topic)
                held = first
            result.append(held)
        return result

    def _watch(self, *, idle: bool, hold_ns: int, written: int) -> None:
        """Notice a hold that keeps out what it waits for: all idle, nothing written, the hold unmoved."""
        now = self._clock.monotonic_ns()
        state = (idle, hold_ns, written)
        if state != self._state or not idle:
            self._state, self._since_ns = state, now
        elif now - self._since_ns > STUCK_S * 1e9:
            self._cut_hold_ns = hold_ns

    def _blocks(self, port: Port, held: int) -> bool:
        """Whether the next messages of this port would not fit beside what is held."""
        assert port.writer is not None
        return self.room_bytes(port, held) < 3 * slot_bytes(port.writer.largest)

    def _position(self, place: int, done: int) -> int:
        if not self._beats or self._beats[0][0] > done:
            return 0
        heads = self._beats[0][1]
        return heads[place] if place < len(heads) else 0

    def _held(self, port: Port, hold_ns: int, head: int) -> int:
        if port.writer is None:
            return head
        view = self._views.get(port.id)
        if view is None:
            view = self._views[port.id] = RingReader(self._folder.ring_path(port.id))
        return view.first_at(hold_ns)

    @staticmethod
    def room_bytes(port: Port, needed_from: int) -> int:
        """Bytes behind the head that may be overwritten without touching ``needed_from``."""
        writer = port.writer
        if writer is None:
            return 0
        used = 0
        if needed_from < writer.head:
            used = writer.head_vpos - writer.position_of(max(needed_from, writer.tail))
        return max(0, writer.geometry.data_capacity - used)

    @staticmethod
    def room_messages(port: Port, needed_from: int) -> int:
        """Index entries behind the head that may be overwritten without touching ``needed_from``."""
        writer = port.writer
        return max(0, writer.geometry.index_capacity - (writer.head - needed_from)) if writer else 0
