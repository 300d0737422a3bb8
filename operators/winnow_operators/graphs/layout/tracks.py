"""Horizontal lines of one channel: which goes above which, so that nothing overlaps and little crosses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from winnow_operators.graphs.layout import style
from winnow_operators.graphs.layout.cycles import order_nodes

_SAME = 0.05
"""px below which two places are one."""
_NEVER = 1000.0
"""Weight of an overlap, in crossings."""
_TOGETHER = 1_000_000.0
"""Weight of keeping the two halves of a split line in order."""


@dataclass(frozen=True, slots=True)
class Bus:
    """A net's horizontal line, with the places where vertical lines meet it."""

    key: str
    net: int
    tops: tuple[float, ...]
    """x of lines that come from above."""
    bottoms: tuple[float, ...]
    half: str = ""
    """``upper`` or ``lower``: one of two lines of a net, joined by a vertical line at ``joint``."""
    joint: float = 0.0

    @property
    def left(self) -> float:
        return min(self.tops + self.bottoms)

    @property
    def right(self) -> float:
        return max(self.tops + self.bottoms)


@dataclass(frozen=True, slots=True)
class Route:
    """How a net runs through a channel."""

    upper: int | None
    """Track of the line that the ends above meet; None: the net runs straight down."""
    lower: int | None = None
    """Track of the line that the ends below meet, where it is another one."""
    joint: float = 0.0
    """x of the line between the two tracks."""


def assign_tracks(nets: Mapping[int, tuple[Sequence[float], Sequence[float]]]) -> dict[int, Route]:
    """Give every net of a channel its tracks, numbered from above.

    ``nets`` has the x of each net's ends above and below the channel.
    """
    buses = [
        Bus(f"{net}", net, tuple(tops), tuple(bottoms))
        for net, (tops, bottoms) in nets.items()
        if max([*tops, *bottoms]) - min([*tops, *bottoms]) > _SAME
    ]
    places = sorted({x for tops, bottoms in nets.values() for x in (*tops, *bottoms)})
    for _ in range(2 * len(buses) + 1):
        order = _ordered(buses)
        overlapping = _overlapping(order)
        if overlapping is None:
            break
        upper, lower = _split(overlapping, places)
        places = sorted([*places, upper.joint])
        buses = [bus for bus in buses if bus is not overlapping] + [upper, lower]
    tracks = _tracks(order)
    routes = {net: Route(None) for net in nets}
    for bus in buses:
        if not bus.half:
            routes[bus.net] = Route(tracks[bus.key])
        elif bus.half == "upper":
            routes[bus.net] = Route(tracks[bus.key], tracks[f"{bus.net} lower"], bus.joint)
    return routes


def _ordered(buses: Sequence[Bus]) -> list[Bus]:
    weights: dict[tuple[str, str], float] = {}
    for index, one in enumerate(buses):
        for other in buses[index + 1 :]:
            if not _side_by_side(one, other):
                continue
            gain = _cost(other, one) - _cost(one, other)
            if gain > 0:
                weights[one.key, other.key] = gain
            elif gain < 0:
                weights[other.key, one.key] = -gain
    known = {bus.key: bus for bus in buses}
    return [known[key] for key in order_nodes(list(known), weights)]


def _side_by_side(one: Bus, other: Bus) -> bool:
    """Whether the two need different tracks."""
    return one.left < other.right + style.CLEAR and other.left < one.right + style.CLEAR


def _cost(upper: Bus, lower: Bus) -> float:
    """What it costs to have ``upper`` above ``lower``: crossings and overlaps."""
    if upper.net == lower.net:
        return _TOGETHER if upper.half == "lower" else 0.0
    crossings = sum(upper.left < x < upper.right for x in lower.tops)
    crossings += sum(lower.left < x < lower.right for x in upper.bottoms)
    return crossings + _NEVER * _overlaps(upper, lower)


def _overlaps(upper: Bus, lower: Bus) -> int:
    """Vertical lines that would lie on top of each other."""
    return sum(abs(x - y) < style.CLEAR for x in upper.bottoms for y in lower.tops)


def _overlapping(order: Sequence[Bus]) -> Bus | None:
    """A line that must be split, since it overlaps one below it in any order."""
    for index, upper in enumerate(order):
        for lower in order[index + 1 :]:
            if upper.net != lower.net and _overlaps(upper, lower):
                for bus in (upper, lower):
                    if bus.tops and bus.bottoms and not bus.half:
                        return bus
    return None


def _split(bus: Bus, places: Sequence[float]) -> tuple[Bus, Bus]:
    middle = (bus.left + bus.right) / 2
    reach = int(bus.right - bus.left) + 40 * int(style.CLEAR)
    joint = next(
        x
        for step in range(reach + 1_000_000)
        for x in (middle + step, middle - step)
        if all(abs(x - place) >= style.CLEAR for place in places)
    )
    return (
        Bus(f"{bus.net} upper", bus.net, bus.tops, (joint,), "upper", joint),
        Bus(f"{bus.net} lower", bus.net, (joint,), bus.bottoms, "lower", joint),
    )


def _tracks(order: Sequence[Bus]) -> dict[str, int]:
    tracks: dict[str, int] = {}
    for index, bus in enumerate(order):
        above = [tracks[other.key] for other in order[:index] if _side_by_side(bus, other)]
        tracks[bus.key] = max(above, default=-1) + 1
    return tracks
