"""The order of cells in each row, and of pins at each box, so that few lines cross.

Barycentre sweeps (Sugiyama et al. 1981) with exchanges of neighbours, from several starts; the best one wins.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from winnow_operators.graphs.layout.nets import End
from winnow_operators.graphs.layout.rows import Channel, Item, Pair, offset, packed

CROSSING_PX = 250.0
"""How long a detour a crossing is worth."""
SWEEPS = 24
"""Down and up; drawings of 60 boxes do not improve after half of them."""
SWEEPS_LARGE, LARGE = 6, 1200
"""Sweeps, from one start, of a level with more cells than this: the drawing is to come in seconds."""
CANDIDATES = 2
CANDIDATES_SMALL, SMALL = 4, 150
"""Orders that are tried out with real distances; more where the level has fewer cells than this."""
PINNED = "title"
"""The cell of a region's title stays first in its row."""

Rows = list[list[str]]


class State(NamedTuple):
    """An order of cells and pins."""

    rows: Rows
    pins: dict[str, tuple[list[str], list[str]]]
    """Keys of the slots of each box: inputs, outputs."""
    crossings: int
    length: float = 0.0

    @property
    def cost(self) -> float:
        """In px of line."""
        return CROSSING_PX * self.crossings + self.length


@dataclass(slots=True)
class Ordering:
    """Rows and pins of one level while they are being ordered."""

    rows: Rows
    channels: Sequence[Channel]
    items: dict[str, Item]

    @property
    def is_large(self) -> bool:
        """Whether speed comes before beauty."""
        return sum(map(len, self.rows)) > LARGE

    def candidates(self) -> list[State]:
        """The best orders found from different starts."""
        given = self.snapshot()
        found: list[State] = []
        for start in self._starts():
            self.restore(State(start, given.pins, 0))
            best = given if start == given.rows else self.snapshot()
            unchanged = 0
            for sweep in range(SWEEPS_LARGE if self.is_large else SWEEPS):
                before = [list(row) for row in self.rows]
                self._sweep(down=sweep % 2 == 0)
                self._exchange()
                self.order_pins(self._x())
                unchanged = unchanged + 1 if self.rows == before else 0
                if unchanged == 2:
                    break
                now = self.snapshot()
                if now.cost < best.cost:
                    best = now
            if best not in found:
                found.append(best)
        small = sum(map(len, self.rows)) < SMALL
        return sorted(found, key=lambda state: state.cost)[: CANDIDATES_SMALL if small else CANDIDATES]

    def snapshot(self, x: dict[str, float] | None = None) -> State:
        """The present order, measured at the given places of the cells, or packed."""
        pins = {key: (list(item.ins), list(item.outs)) for key, item in self.items.items() if item.measured}
        crossings, length = self._cost(self._x() if x is None else x)
        return State([list(row) for row in self.rows], pins, crossings, length)

    def restore(self, state: State) -> None:
        """Take up an order found before."""
        self.rows = [list(row) for row in state.rows]
        for key, (ins, outs) in state.pins.items():
            self.items[key].arrange(ins, outs)

    def _starts(self) -> list[Rows]:
        """The order of the file, that of a walk along the lines, and both reversed."""
        if self.is_large:
            return [self.rows]
        walked = self._walk()
        rows = [self.rows, [sorted(row, key=walked.__getitem__) for row in self.rows]]
        rows += [[row[::-1] for row in start] for start in rows]
        return [[sorted(row, key=lambda cell: cell != PINNED) for row in start] for start in rows]

    def _walk(self) -> dict[str, int]:
        """Cell -> when a walk, depth first, from the first row on, comes by."""
        near: dict[str, list[str]] = {}
        for channel in self.channels:
            for one, other, _ in (*channel.across, *channel.above, *channel.below):
                near.setdefault(one.cell, []).append(other.cell)
                near.setdefault(other.cell, []).append(one.cell)
        seen: dict[str, int] = {}
        waiting = [cell for row in reversed(self.rows) for cell in reversed(row)]
        while waiting:
            cell = waiting.pop()
            if cell not in seen:
                seen[cell] = len(seen)
                waiting += reversed(near.get(cell, []))
        return seen

    def _x(self) -> dict[str, float]:
        return {cell: x for row in self.rows for cell, x in packed(row, self.items).items()}

    def _at(self, end: End, x: dict[str, float], *, upper: bool) -> float:
        return x[end.cell] + offset(end, self.items, upper=upper)

    def _cost(self, x: dict[str, float]) -> tuple[int, float]:
        """Crossings and length."""
        crossings, length = 0, 0.0
        for channel in self.channels:
            across = [
                (self._at(pair.one, x, upper=False), self._at(pair.other, x, upper=True))
                for pair in channel.across
            ]
            above = [
                (self._at(one, x, upper=False), self._at(other, x, upper=False))
                for one, other, _ in channel.above
            ]
            below = [
                (self._at(one, x, upper=True), self._at(other, x, upper=True))
                for one, other, _ in channel.below
            ]
            crossings += _inversions(across)
            crossings += _inside(above, [top for top, _ in across]) + _inside(
                below, [low for _, low in across]
            )
            length += sum(abs(one - other) for one, other in [*across, *above, *below])
        return crossings, length

    def _sweep(self, *, down: bool) -> None:
        x = self._x()
        for number in range(len(self.rows)) if down else range(len(self.rows) - 1, -1, -1):
            wanted = self._wanted(number, x, down=down)
            places = {cell: index for index, cell in enumerate(self.rows[number])}
            row = sorted(places, key=lambda cell: (cell != PINNED, wanted.get(cell, x[cell]), places[cell]))
            self.rows[number] = row
            x.update(packed(row, self.items))

    def _wanted(self, number: int, x: dict[str, float], *, down: bool) -> dict[str, float]:
        """Where the cells of a row would like to stand: the mean of their neighbours in the row before."""
        sums: dict[str, list[float]] = {}
        for own, other in self._neighbours(number, upper=down):
            middle = self._at(own, x, upper=down) - x[own.cell]
            sums.setdefault(own.cell, []).append(other(x) - middle)
        return {cell: sum(values) / len(values) for cell, values in sums.items()}

    def _neighbours(self, number: int, *, upper: bool) -> list[tuple[End, "_Other"]]:
        """Ends of a row at one of its edges, each with where its partner stands."""
        channel = self.channels[number if upper else number + 1]
        found: list[tuple[End, _Other]] = []
        for one, other, _ in channel.across:
            own, partner = (other, one) if upper else (one, other)
            found.append((own, _Other(self, partner, upper=not upper)))
        for one, other, _ in channel.below if upper else channel.above:
            found += [(one, _Other(self, other, upper=upper)), (other, _Other(self, one, upper=upper))]
        return found

    def _exchange(self) -> None:
        """Exchange neighbours in a row where that saves crossings."""
        x = self._x()
        for number, row in enumerate(self.rows):
            sides = []
            for upper in (True, False):
                partners: dict[str, list[float]] = {}
                for own, other in self._neighbours(number, upper=upper):
                    insort(partners.setdefault(own.cell, []), other(x))
                sides.append(partners)
            for index in range(len(row) - 1):
                left, right = row[index], row[index + 1]
                if left == PINNED:
                    continue
                now = sum(_crossed(side.get(left, ()), side.get(right, ())) for side in sides)
                then = sum(_crossed(side.get(right, ()), side.get(left, ())) for side in sides)
                if then < now:
                    row[index], row[index + 1] = right, left

    def order_pins(self, x: dict[str, float]) -> None:
        """Give each box's pins the order of their partners; those without one go last."""
        for number, row in enumerate(self.rows):
            wanted: list[dict[End, list[float]]] = []
            for upper in (True, False):
                places: dict[End, list[float]] = {}
                for own, other in self._neighbours(number, upper=upper):
                    places.setdefault(own, []).append(other(x))
                wanted.append(places)
            for cell in row:
                item = self.items.get(cell)
                if item and item.measured:
                    item.arrange(
                        _by_partner(cell, list(item.ins), wanted[0]),
                        _by_partner(cell, list(item.outs), wanted[1]),
                    )


@dataclass(frozen=True, slots=True)
class _Other:
    """The partner of an end."""

    ordering: Ordering
    end: End
    upper: bool

    def __call__(self, x: dict[str, float]) -> float:
        return self.ordering._at(self.end, x, upper=self.upper)


def _by_partner(cell: str, pins: list[str], wanted: dict[End, list[float]]) -> list[str]:
    def place(pin: str) -> tuple[bool, float]:
        found = wanted.get(End(cell, pin))
        return (found is None, sum(found) / len(found) if found else 0.0)

    return sorted(pins, key=place)


def _inversions(pairs: list[tuple[float, float]]) -> int:
    seen: list[float] = []
    count = 0
    for _, low in sorted(pairs):
        count += len(seen) - bisect_right(seen, low)
        insort(seen, low)
    return count


def _inside(turns: list[tuple[float, float]], ends: list[float]) -> int:
    """How many line ends stand between the two ends of a line that turns back."""
    ordered = sorted(ends)
    return sum(max(0, bisect_left(ordered, max(turn)) - bisect_right(ordered, min(turn))) for turn in turns)


def _crossed(left: Sequence[float], right: Sequence[float]) -> int:
    """Crossings between the lines of two neighbours, whose partners stand at these sorted places."""
    return sum(len(left) - bisect_right(left, place) for place in right)


__all__ = ["PINNED", "Ordering", "Pair"]
