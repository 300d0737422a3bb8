"""Coordinates of a level whose rows are ordered and placed, and the lines between its cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from winnow_operators.graphs.layout import style
from winnow_operators.graphs.layout.nets import End, Net, Passage, Wire, way
from winnow_operators.graphs.layout.rows import Item, is_thin, offset
from winnow_operators.graphs.layout.tracks import Route, assign_tracks

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Routing:
    """A level with all coordinates, from its upper left corner."""

    items: Mapping[str, Item]
    layers: Mapping[str, int]
    nets: Sequence[Net]
    found: Sequence[Sequence[Passage]]
    x: Mapping[str, float]
    """Left edges of the cells."""
    routes: Sequence[Mapping[int, Route]]
    """Per channel: net -> its way."""
    tops: Sequence[float]
    """Y of the rows' upper edges."""
    bottoms: Sequence[float]
    """Y of the rows' lower edges."""

    @property
    def height(self) -> float:
        """From the first channel to the last."""
        return self.start(len(self.tops)) + channel_height(track_count(self.routes[-1]), outer=True)

    def start(self, channel: int) -> float:
        """Y where a channel begins."""
        return self.bottoms[channel - 1] if channel else 0.0

    def corner(self, cell: str) -> Point:
        """Upper left corner of an item; the place of a thin cell."""
        row = self.layers[cell]
        if is_thin(cell):
            return self.x[cell], self.tops[row] if row == 0 else self.bottoms[row]
        free = self.bottoms[row] - self.tops[row] - self.items[cell].height
        return self.x[cell], round(self.tops[row] + free / 2, 1)

    def path(self, index: int, wire: Wire) -> tuple[Point, ...]:
        """The corners of a wire of net ``index``, from source to target."""
        points: list[Point] = []
        for channel, enter, leave in way(self.nets[index], wire, self.layers):
            (x1, y1, above1), (x2, y2, above2) = self._end(enter, channel), self._end(leave, channel)
            points.append((x1, y1))
            points += self._between(channel, index, (x1, above1), (x2, above2))
            points.append((x2, y2))
        return tuple(_corners(points))

    def junctions(self) -> list[tuple[Point, frozenset[int]]]:
        """Where lines of one net meet, with the net's links."""
        found: list[tuple[Point, frozenset[int]]] = []
        for channel, passages in enumerate(self.found):
            for net, (upper, lower) in end_places(passages, self.x, self.items).items():
                links = frozenset(wire.link for wire in self.nets[net].wires)
                for track, above, below in _lines(self.routes[channel][net], upper, lower):
                    y = self._track_y(channel, track)
                    found += [((x, y), links) for x in _meeting(above, below)]
        return found

    def _end(self, end: End, channel: int) -> tuple[float, float, bool]:
        """X, y, and whether the end is at the row above the channel."""
        row = int(end.cell.rpartition(" ")[2]) if end.cell.startswith("lane ") else self.layers[end.cell]
        above = row < channel
        x = round(self.x[end.cell] + offset(end, self.items, upper=not above), 2)
        item = self.items.get(end.cell)
        if item:
            chips = item.measured.chips_height if item.measured else 0.0
            return x, self.corner(end.cell)[1] + (item.height if above else chips), above
        if end.cell in self.layers:
            return x, self.corner(end.cell)[1], above
        return x, self.bottoms[row] if above else self.tops[row], above

    def _track_y(self, channel: int, track: int) -> float:
        return self.start(channel) + style.CHANNEL_AIR + track * style.TRACK

    def _between(
        self, channel: int, net: int, one: tuple[float, bool], other: tuple[float, bool]
    ) -> list[Point]:
        """The corners between two ends, each given by x and whether it lies above the channel."""
        route = self.routes[channel][net]
        if route.upper is None:
            return []
        first = self._track_y(channel, route.upper)
        second = first if route.lower is None else self._track_y(channel, route.lower)
        (x1, above1), (x2, above2) = one, other
        y1, y2 = (first if above1 else second), (first if above2 else second)
        if y1 == y2:
            return [(x1, y1), (x2, y1)]
        return [(x1, y1), (route.joint, y1), (route.joint, y2), (x2, y2)]


def end_places(
    passages: Sequence[Passage], x: Mapping[str, float], items: Mapping[str, Item]
) -> dict[int, tuple[list[float], list[float]]]:
    """Net -> x of its ends above and below a channel."""
    return {
        net: (
            [round(x[end.cell] + offset(end, items, upper=False), 2) for end in tops],
            [round(x[end.cell] + offset(end, items, upper=True), 2) for end in bottoms],
        )
        for net, tops, bottoms in passages
    }


def track_count(routes: Mapping[int, Route]) -> int:
    """How many tracks a channel's routes use."""
    used = (track for route in routes.values() for track in (route.upper, route.lower) if track is not None)
    return max(used, default=-1) + 1


def channel_height(tracks: int, *, outer: bool, exits: bool = False) -> float:
    """The height of a channel; the first and the last need none when empty, one before a border little."""
    if outer and not tracks:
        return 0.0
    if exits and not tracks:
        return style.EXIT_MIN
    return max(style.CHANNEL_MIN, 2 * style.CHANNEL_AIR + (tracks - 1) * style.TRACK)


def route_channels(
    found: Sequence[Sequence[Passage]], x: Mapping[str, float], items: Mapping[str, Item]
) -> list[dict[int, Route]]:
    """The routes of all channels."""
    return [assign_tracks(end_places(passages, x, items)) for passages in found]


def _lines(
    route: Route, upper: Sequence[float], lower: Sequence[float]
) -> list[tuple[int, Sequence[float], Sequence[float]]]:
    """The horizontal lines of a route: track, x of lines from above, x of lines from below."""
    if route.upper is None:
        return []
    if route.lower is None:
        return [(route.upper, upper, lower)]
    return [(route.upper, upper, [route.joint]), (route.lower, [route.joint], lower)]


def _meeting(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Places on a horizontal line where three or four arms meet."""
    places = sorted({*above, *below})
    arms = {x: (x in above) + (x in below) + (x > places[0]) + (x < places[-1]) for x in places}
    return [x for x, count in arms.items() if count > 2]


def _corners(points: Sequence[Point]) -> list[Point]:
    """The corners alone: no repeated points, none in the middle of a straight line."""
    result: list[Point] = []
    for point in points:
        if result and abs(result[-1][0] - point[0]) < 0.01 and abs(result[-1][1] - point[1]) < 0.01:
            continue
        while len(result) > 1 and _is_straight(result[-2], result[-1], point):
            result.pop()
        result.append(point)
    return result


def _is_straight(a: Point, b: Point, c: Point) -> bool:
    same_x = abs(a[0] - b[0]) < 0.06 and abs(b[0] - c[0]) < 0.06
    same_y = abs(a[1] - b[1]) < 0.01 and abs(b[1] - c[1]) < 0.01
    return (same_x and (b[1] - a[1]) * (c[1] - b[1]) >= 0) or (same_y and (b[0] - a[0]) * (c[0] - b[0]) >= 0)
