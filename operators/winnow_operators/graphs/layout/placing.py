"""Where the cells of each row stand from left to right, their order given.

Rows are placed in turn, each so that its lines deviate least from the neighbouring rows (weighted sum of
absolute deviations, exactly, by pooling adjacent violators); absolute rather than squared, so that most lines
become straight rather than all of them almost straight.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from winnow_operators.graphs.layout.nets import End
from winnow_operators.graphs.layout.rows import Channel, Item, gap, offset, packed, width_of
from winnow_operators.graphs.layout.straightening import close_up, straighten

ROUNDS = 12
"""Down and up; after that nothing moves in drawings of 60 boxes."""
_STAY = 1e-4
"""Weight of a cell's present place: decides ties only."""

_Pulls = list[tuple[float, float]]
"""Wanted place and weight."""


def place(
    rows: Sequence[Sequence[str]], channels: Sequence[Channel], items: Mapping[str, Item]
) -> tuple[dict[str, float], float]:
    """Left edges of all cells, the leftmost 0; and the weighted sum of how far lines are from straight."""
    placing = _Placing(rows, channels, items, {})
    for row in rows:
        placing.x.update(packed(row, items))
    best, least = dict(placing.x), placing.cost()
    for number in range(ROUNDS):
        both = number >= ROUNDS // 2
        down = number % 2 == 0
        for index in range(len(rows)) if down else range(len(rows) - 1, -1, -1):
            placing.settle(index, upper=both or down, lower=both or not down)
        cost = placing.cost()
        if cost < least - 1e-6:
            best, least = dict(placing.x), cost
    straighten(rows, channels, items, best)
    close_up(rows, channels, items, best)
    placing.x = best
    left = min(best.values(), default=0.0)
    return {cell: round(x - left, 2) for cell, x in best.items()}, placing.cost()


@dataclass(slots=True)
class _Placing:
    rows: Sequence[Sequence[str]]
    channels: Sequence[Channel]
    items: Mapping[str, Item]
    x: dict[str, float]

    def at(self, end: End, *, upper: bool) -> float:
        return self.x[end.cell] + offset(end, self.items, upper=upper)

    def cost(self) -> float:
        """Weighted deviations of all lines."""
        total = 0.0
        for channel in self.channels:
            for one, other, weight in channel.across:
                total += weight * abs(self.at(one, upper=False) - self.at(other, upper=True))
            for pairs, upper in ((channel.above, False), (channel.below, True)):
                total += sum(w * abs(self.at(a, upper=upper) - self.at(b, upper=upper)) for a, b, w in pairs)
        return total

    def settle(self, index: int, *, upper: bool, lower: bool) -> None:
        """Place one row, its neighbours given."""
        row = self.rows[index]
        pulls: dict[str, _Pulls] = {cell: [(self.x[cell], _STAY)] for cell in row}
        if upper:
            channel = self.channels[index]
            for one, other, weight in channel.across:
                wanted = self.at(one, upper=False) - offset(other, self.items, upper=True)
                pulls[other.cell].append((wanted, weight))
            self._turns(channel.below, pulls, upper=True)
        if lower:
            channel = self.channels[index + 1]
            for one, other, weight in channel.across:
                wanted = self.at(other, upper=True) - offset(one, self.items, upper=False)
                pulls[one.cell].append((wanted, weight))
            self._turns(channel.above, pulls, upper=False)
        steps = [0.0]
        for left, right in pairwise(row):
            steps.append(steps[-1] + width_of(left, self.items) + gap(left, right))
        free = _isotonic(
            [[(x - step, w) for x, w in pulls[cell]] for cell, step in zip(row, steps, strict=True)]
        )
        self.x.update({cell: x + step for cell, x, step in zip(row, free, steps, strict=True)})

    def _turns(
        self, pairs: Sequence[tuple[End, End, float]], pulls: dict[str, _Pulls], *, upper: bool
    ) -> None:
        for one, other, weight in pairs:
            if one.cell == other.cell:
                continue
            for own, partner in ((one, other), (other, one)):
                wanted = self.at(partner, upper=upper) - offset(own, self.items, upper=upper)
                pulls[own.cell].append((wanted, weight))


def _isotonic(pulls: Sequence[_Pulls]) -> list[float]:
    """Non-decreasing values with the least weighted sum of absolute deviations from what pulls at each."""
    blocks: list[tuple[_Pulls, int, float]] = []
    for own in pulls:
        merged, count, middle = sorted(own), 1, _median(sorted(own))
        while blocks and blocks[-1][2] >= middle:
            before, length, _ = blocks.pop()
            merged = sorted(before + merged)
            count += length
            middle = _median(merged)
        blocks.append((merged, count, middle))
    return [middle for _, count, middle in blocks for _ in range(count)]


def _median(ordered: _Pulls) -> float:
    half = sum(weight for _, weight in ordered) / 2
    total = 0.0
    for value, weight in ordered:
        total += weight
        if total >= half:
            return value
    return ordered[-1][0]
