"""Rips up one net after the other and leads it through the rows again, everything else staying where it is.

Which cells a net's lanes pass between, row by row, is a shortest path: dynamic programming finds the best.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from winnow_operators.graphs.layout.crossings import Lines, crossings_of_lines, crossings_of_turn
from winnow_operators.graphs.layout.nets import End, Net, Passage
from winnow_operators.graphs.layout.ordering import CROSSING_PX, PINNED, Ordering
from winnow_operators.graphs.layout.rows import channel_of, gap, offset, width_of

_FAR = 1e9

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Choices:
    """Where a lane may pass a row."""

    slots: tuple[int, ...]
    """Index in the row without the lane."""
    x: Floats


@dataclass(slots=True)
class Rerouting:
    """Leads nets anew; ``x`` are the left edges of a placement and are changed along with the rows."""

    ordering: Ordering
    nets: Sequence[Net]
    found: Sequence[Sequence[Passage]]
    x: dict[str, float]

    def run(self) -> bool:
        """Reroute every net once; whether any was led another way."""
        if self.ordering.is_large:  # each net would be tried against all others
            return False
        changed = [self._reroute(index) for index, net in enumerate(self.nets) if net.lanes]
        return any(changed)

    def _reroute(self, index: int) -> bool:
        net, rows = self.nets[index], self.ordering.rows
        cells = {row: net.lane(row).cell for row in net.lanes}
        old = {
            row: _Choices((rows[row].index(cell),), np.array([self.x[cell]])) for row, cell in cells.items()
        }
        channels = range(net.lanes.start, net.lanes.stop + 1)
        steps = {number: _Step(self, index, number) for number in channels}
        _, before = _cheapest(net, old, steps)
        for row, cell in cells.items():
            rows[row].remove(cell)
        ends = self._end_places(net)
        choices = {row: self._choices(row, [ends[0], ends[-1], float(old[row].x[0])]) for row in net.lanes}
        path, cost = _cheapest(net, choices, steps)
        better = cost < before - 1e-6
        for row in net.lanes:
            chosen = choices[row] if better else old[row]
            at = path[row] if better else 0
            rows[row].insert(chosen.slots[at], cells[row])
            self.x[cells[row]] = float(chosen.x[at])
        return better

    def at(self, end: End, *, upper: bool) -> float:
        """Where an end stands."""
        return self.x[end.cell] + offset(end, self.ordering.items, upper=upper)

    def _end_places(self, net: Net) -> list[float]:
        places = {self.at(wire.source, upper=False) for wire in net.wires}
        return sorted(places | {self.at(wire.target, upper=True) for wire in net.wires})

    def _choices(self, row: int, wished: Sequence[float]) -> _Choices:
        """Between which cells the lane may pass, and where there: as near to the wished places as possible."""
        cells, items = self.ordering.rows[row], self.ordering.items
        places: dict[tuple[int, float], None] = {}
        for index in range(1 if cells and cells[0] == PINNED else 0, len(cells) + 1):
            low, high = -_FAR, _FAR
            if index:
                before = cells[index - 1]
                low = self.x[before] + width_of(before, items) + gap(before, "lane ")
            if index < len(cells):
                high = self.x[cells[index]] - gap("lane ", cells[index])
            near = {min(max(x, low), high) if low <= high else (low + high) / 2 for x in wished}
            places.update(dict.fromkeys((index, x) for x in sorted(near)))
        return _Choices(tuple(slot for slot, _ in places), np.array([x for _, x in places]))


class _Step:
    """What a net costs in one channel, depending on where its lanes pass the rows above and below."""

    def __init__(self, rerouting: Rerouting, index: int, number: int) -> None:
        net = rerouting.nets[index]
        self.above, self.below = net.lane(number - 1), net.lane(number)
        passages = rerouting.found[number]
        self.own = channel_of([passage for passage in passages if passage.net == index], rerouting.nets)
        rest = channel_of([passage for passage in passages if passage.net != index], rerouting.nets)
        self.rerouting = rerouting
        self.others = Lines(
            _spans(rest.across, rerouting, first_upper=False, second_upper=True),
            _spans(rest.above, rerouting, first_upper=False, second_upper=False),
            _spans(rest.below, rerouting, first_upper=True, second_upper=True),
        )

    def cost(self, above: Floats, below: Floats) -> Floats:
        """Crossings and slant for all pairs of places, as a matrix (above, below).

        Where the net has no lane on a side, the place given there does not matter.
        """
        total: Floats = np.zeros((len(above), len(below)))
        for one, other, weight in self.own.across:
            top = self._places(one, above, upper=False)[:, None]
            low = self._places(other, below, upper=True)[None, :]
            total += CROSSING_PX * crossings_of_lines(top, low, self.others) + weight * np.abs(top - low)
        for pairs, upper, lanes in ((self.own.above, False, above), (self.own.below, True, below)):
            for one, other, weight in pairs:
                first = self._places(one, lanes, upper=upper)
                second = self._places(other, lanes, upper=upper)
                turns = crossings_of_turn(first, second, self.others, below=upper)
                cost = CROSSING_PX * turns + weight * np.abs(first - second)
                total += cost[None, :] if upper else cost[:, None]
        return total

    def _places(self, end: End, lanes: Floats, *, upper: bool) -> Floats:
        if end == (self.below if upper else self.above):
            return lanes
        return np.full(len(lanes), self.rerouting.at(end, upper=upper))


def _spans(
    pairs: Sequence[tuple[End, End, float]], rerouting: Rerouting, *, first_upper: bool, second_upper: bool
) -> Floats:
    places = [
        (rerouting.at(one, upper=first_upper), rerouting.at(other, upper=second_upper))
        for one, other, _ in pairs
    ]
    return np.array(places, dtype=np.float64).reshape(-1, 2)


def _cheapest(
    net: Net, choices: Mapping[int, _Choices], steps: Mapping[int, _Step]
) -> tuple[dict[int, int], float]:
    """The chosen index per row, and the cost."""
    nowhere: Floats = np.zeros(1)
    first, last = net.lanes[0], net.lanes[-1]
    costs = steps[first].cost(nowhere, choices[first].x)[0]
    came: list[NDArray[np.intp]] = []
    for row in net.lanes[1:]:
        options = costs[:, None] + steps[row].cost(choices[row - 1].x, choices[row].x)
        came.append(options.argmin(axis=0))
        costs = options.min(axis=0)
    costs = costs + steps[last + 1].cost(choices[last].x, nowhere)[:, 0]
    current = int(costs.argmin())
    path = {last: current}
    for row, back in zip(reversed(net.lanes[:-1]), reversed(came), strict=True):
        current = int(back[current])
        path[row] = current
    return path, float(costs.min())
