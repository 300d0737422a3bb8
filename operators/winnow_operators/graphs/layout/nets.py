"""Nets: lines that share an end share their way. Each net passes a row in a lane of its own.

A *row* is a layer of cells (boxes, regions, lanes); *channel* ``c`` is the space above row ``c``, the last one
lies below the last row. Lines run vertically through rows and change sides in channels only, so they never
run through a box.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class End(NamedTuple):
    """Where a line meets a row: a pin of an item, or a lane."""

    cell: str
    pin: str


class Wire(NamedTuple):
    """One line of a level."""

    source: End
    target: End
    net: str
    """Wires with equal nets share an end."""
    link: int
    """Index of the link that it belongs to."""
    weight: float = 1.0
    """How much it should be straight."""


@dataclass(frozen=True, slots=True)
class Net:
    """Wires that run together."""

    key: str
    backward: bool
    """Feedback: leaves downwards, turns, runs up and enters from above."""
    wires: tuple[Wire, ...]
    lanes: range
    """Rows that it passes."""

    def lane(self, row: int) -> End:
        """Where it passes ``row``."""
        return End(f"lane {'back ' if self.backward else ''}{self.key} {row}", "")

    def weight(self, end: End) -> float:
        """The weight of the wires that end there; of a lane, 1."""
        return max((wire.weight for wire in self.wires if end in (wire.source, wire.target)), default=1.0)


class Passage(NamedTuple):
    """What a net connects in one channel."""

    net: int
    tops: tuple[End, ...]
    """Ends at the row above."""
    bottoms: tuple[End, ...]
    """Ends at the row below."""


def make_nets(wires: Iterable[Wire], layers: Mapping[str, int]) -> tuple[Net, ...]:
    """Group wires to nets; those that do not lead to a later row turn back."""
    groups: dict[tuple[str, bool], list[Wire]] = {}
    for wire in wires:
        back = layers[wire.source.cell] >= layers[wire.target.cell]
        groups.setdefault((wire.net, back), []).append(wire)
    nets = []
    for (key, back), members in groups.items():
        starts = [layers[wire.source.cell] for wire in members]
        ends = [layers[wire.target.cell] for wire in members]
        lanes = range(min(ends), max(starts) + 1) if back else range(min(starts) + 1, max(ends))
        nets.append(Net(key, back, tuple(members), lanes))
    return tuple(nets)


def passages(nets: Sequence[Net], layers: Mapping[str, int], rows: int) -> tuple[tuple[Passage, ...], ...]:
    """What happens in each of the ``rows + 1`` channels."""
    channels: list[list[Passage]] = [[] for _ in range(rows + 1)]
    for index, net in enumerate(nets):
        tops: dict[int, dict[End, None]] = {}
        bottoms: dict[int, dict[End, None]] = {}
        for wire in net.wires:
            tops.setdefault(layers[wire.source.cell] + 1, {})[wire.source] = None
            bottoms.setdefault(layers[wire.target.cell], {})[wire.target] = None
        for row in net.lanes:
            tops.setdefault(row + 1, {})[net.lane(row)] = None
            bottoms.setdefault(row, {})[net.lane(row)] = None
        for channel in sorted(tops.keys() | bottoms.keys()):
            upper, lower = tuple(tops.get(channel, ())), tuple(bottoms.get(channel, ()))
            if len(upper) + len(lower) > 1:
                channels[channel].append(Passage(index, upper, lower))
    return tuple(map(tuple, channels))


def way(net: Net, wire: Wire, layers: Mapping[str, int]) -> list[tuple[int, End, End]]:
    """The wire's steps from source to target: channel, end where it enters, end where it leaves."""
    start, end = layers[wire.source.cell], layers[wire.target.cell]
    if net.backward:
        steps = [(start + 1, wire.source, net.lane(start))]
        steps += [(row, net.lane(row), net.lane(row - 1)) for row in range(start, end, -1)]
        return [*steps, (end, net.lane(end), wire.target)]
    ends = [wire.source, *(net.lane(row) for row in range(start + 1, end)), wire.target]
    return [(start + 1 + index, ends[index], ends[index + 1]) for index in range(len(ends) - 1)]
