"""The cells of a level, row by row, and the pairs of ends that lines connect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from winnow_operators.graphs.layout import style
from winnow_operators.graphs.layout.boxes import Measured, measure, nudged
from winnow_operators.graphs.layout.nets import End, Net, Passage


@dataclass(slots=True)
class Item:
    """Something that takes up room in a row: a box, a region, a place at a region's border."""

    key: str
    width: float
    height: float
    ins: dict[str, float] = field(default_factory=dict)
    """Pin -> x from the left edge, at the upper edge."""
    outs: dict[str, float] = field(default_factory=dict)
    """Pin -> x from the left edge, at the lower edge."""
    measured: Measured | None = None
    """A box: its slots may still change their order."""

    def arrange(self, ins: Sequence[str], outs: Sequence[str]) -> None:
        """Put the box's slots, given by key, in order."""
        if self.measured is None or (list(self.ins) == list(ins) and list(self.outs) == list(outs)):
            return
        box = self.measured.box
        upper, lower = {slot.key: slot for slot in box.ins}, {slot.key: slot for slot in box.outs}
        self.measured = measure(box, [upper[key] for key in ins], [lower[key] for key in outs])
        self.width, self.height = self.measured.width, self.measured.height
        self.ins, self.outs = self.measured.ins.pins, self.measured.outs.pins

    def nudge(self, pin: str, by: float, *, upper: bool) -> bool:
        """Move one pin of a box a little; whether its texts keep their room."""
        if self.measured is None:
            return False
        side = nudged(self.measured.ins if upper else self.measured.outs, self.width, pin, by)
        if side is None:
            return False
        if upper:
            self.measured = replace(self.measured, ins=side)
        else:
            self.measured = replace(self.measured, outs=side)
        self.ins, self.outs = self.measured.ins.pins, self.measured.outs.pins
        return True


class Pair(NamedTuple):
    """Two ends that a net connects in a channel."""

    one: End
    other: End
    weight: float
    """How much is lost when they do not stand above each other."""


_THIN = ("lane ", "edge ")
_LANES, _LANE, _DIRECT, _TURN = 8.0, 3.0, 1.0, 0.5
"""Weights after Gansner et al. (1993): long lines are the first to be straight."""


@dataclass(frozen=True, slots=True)
class Channel:
    """The pairs of one channel."""

    across: tuple[Pair, ...]
    """One end above, one below."""
    above: tuple[Pair, ...]
    """Both ends at the row above: a line that turns back."""
    below: tuple[Pair, ...]
    """Both ends at the row below."""


def channel_of(found: Sequence[Passage], nets: Sequence[Net]) -> Channel:
    """The pairs that the passages of a channel connect."""
    across: list[Pair] = []
    above: list[Pair] = []
    below: list[Pair] = []
    for net_index, tops, bottoms in found:
        net = nets[net_index]
        if not net.backward:
            across += [
                Pair(top, bottom, _weight(top, bottom) * min(net.weight(top), net.weight(bottom)))
                for top in tops
                for bottom in bottoms
            ]
            continue
        lane_above = next((end for end in tops if is_lane(end)), None)
        lane_below = next((end for end in bottoms if is_lane(end)), None)
        if lane_above and lane_below:
            across.append(Pair(lane_above, lane_below, _LANES))
        if lane_above:
            above += [Pair(end, lane_above, _TURN) for end in tops if end != lane_above]
        if lane_below:
            below += [Pair(end, lane_below, _TURN) for end in bottoms if end != lane_below]
    return Channel(tuple(across), tuple(above), tuple(below))


def is_lane(end: End) -> bool:
    """Whether a line passes here, rather than ending."""
    return end.cell.startswith("lane ")


def is_thin(cell: str) -> bool:
    """Whether a cell is a mere line: a lane, or a place at a region's border."""
    return cell[:5] in _THIN


def _weight(one: End, other: End) -> float:
    return (_DIRECT, _LANE, _LANES)[is_lane(one) + is_lane(other)]


def gap(left: str, right: str) -> float:
    """The least distance of two neighbouring cells."""
    return (style.ITEM_GAP, style.LANE_ITEM_GAP, style.LANE_GAP)[is_thin(left) + is_thin(right)]


def packed(row: Sequence[str], items: Mapping[str, Item]) -> dict[str, float]:
    """Left edges of a row's cells, as close as they may be, the row centred on 0."""
    lefts: dict[str, float] = {}
    x = 0.0
    for index, cell in enumerate(row):
        if index:
            x += gap(row[index - 1], cell)
        lefts[cell] = x
        x += width_of(cell, items)
    return {cell: left - x / 2 for cell, left in lefts.items()}


def width_of(cell: str, items: Mapping[str, Item]) -> float:
    """0 for a lane."""
    item = items.get(cell)
    return item.width if item else 0.0


def offset(end: End, items: Mapping[str, Item], *, upper: bool) -> float:
    """Where an end stands, from its cell's left edge, at the cell's upper or lower edge."""
    item = items.get(end.cell)
    if item is None:
        return 0.0
    return (item.ins if upper else item.outs)[end.pin]
