"""One level of a drawing: the children of a region, laid out in rows, with their lines routed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from winnow_operators.graphs.layout import style
from winnow_operators.graphs.layout.cycles import backward_edges
from winnow_operators.graphs.layout.layers import assign_layers
from winnow_operators.graphs.layout.nets import Net, Passage, Wire, make_nets, passages
from winnow_operators.graphs.layout.nudging import nudge_pins
from winnow_operators.graphs.layout.ordering import CROSSING_PX, PINNED, Ordering, State
from winnow_operators.graphs.layout.placing import place
from winnow_operators.graphs.layout.rerouting import Rerouting
from winnow_operators.graphs.layout.routing import Point, Routing, channel_height, route_channels, track_count
from winnow_operators.graphs.layout.rows import Item, channel_of, width_of
from winnow_operators.graphs.layout.tracks import Route

REROUTINGS = 3
"""How often all nets are led anew and everything is placed again; nothing changes after two."""


@dataclass(frozen=True, slots=True)
class LevelInput:
    """What is to be laid out."""

    items: tuple[Item, ...]
    """In the order of the file."""
    wires: tuple[Wire, ...]
    weights: Mapping[tuple[str, str], float]
    """How much lies on the way from one item to another; decides what turns back."""
    first: frozenset[str]
    """Items that begin where the lines leave the choice."""
    entries: tuple[str, ...] = ()
    """Thin cells at the upper border, where lines come in."""
    exits: tuple[str, ...] = ()
    """Thin cells at the lower border."""
    title_width: float = 0.0
    """Of the region's title; 0 = none."""


@dataclass(frozen=True, slots=True)
class LevelLayout:
    """Where everything is, from the level's upper left corner."""

    width: float
    height: float
    at: Mapping[str, Point]
    """Upper left corner of each item; of a thin cell, its place."""
    paths: Mapping[int, tuple[Point, ...]]
    """Link -> its line, or the part of it that runs here, from source to target."""
    backward: frozenset[int]
    """Links that turn back here."""
    junctions: tuple[tuple[Point, frozenset[int]], ...]
    """Where lines of one net meet, with its links."""


def lay_out_level(level: LevelInput) -> LevelLayout:
    """Lay out one level; the items' pins get their final order."""
    items = {item.key: item for item in level.items}
    pairs = {key: value for key, value in level.weights.items() if key[0] in items and key[1] in items}
    turned = backward_edges(list(items), pairs, level.first)
    forward = {pair: weight for pair, weight in pairs.items() if pair not in turned}
    widths = {key: item.width for key, item in items.items()}
    alone = set(items) - {end.cell for wire in level.wires for end in (wire.source, wire.target)}
    layers = assign_layers(list(items), forward, widths, style.ROW_WIDTH, alone)
    rows = _rows(level, items, layers)
    nets = make_nets(level.wires, layers)
    for net in nets:
        for row in net.lanes:
            rows[row].append(net.lane(row).cell)
    found = passages(nets, layers, len(rows))
    channels = [channel_of(part, nets) for part in found]
    ordering = Ordering(rows, channels, items)
    x = _best(ordering, nets, found)
    nudge_pins(channels, items, x)
    routes = route_channels(found, x, items)
    joints = [route.joint for channel in routes for route in channel.values() if route.lower is not None]
    if joints and min(joints) < 0:  # a line reaches beyond the left edge
        x = {cell: left - min(joints) for cell, left in x.items()}
        routes = route_channels(found, x, items)
    tops, bottoms = _heights(level, items, ordering.rows, routes)
    return _layout(Routing(items, layers, nets, found, x, routes, tops, bottoms))


def _best(ordering: Ordering, nets: Sequence[Net], found: Sequence[Sequence[Passage]]) -> dict[str, float]:
    """Take up the order that gives the best placement, and return this."""
    best: tuple[float, State, dict[str, float]] | None = None
    for state in ordering.candidates():
        ordering.restore(state)
        for _ in range(REROUTINGS + 1):
            x, slant = place(ordering.rows, ordering.channels, ordering.items)
            now = ordering.snapshot(x)
            cost = CROSSING_PX * now.crossings + slant
            if best is None or cost < best[0] - 1e-6:
                best = cost, now, dict(x)
            if not Rerouting(ordering, nets, found, x).run():
                break
            ordering.order_pins(x)
    if best is None:
        return {}
    ordering.restore(best[1])
    return best[2]


def _layout(routing: Routing) -> LevelLayout:
    paths = {
        wire.link: routing.path(index, wire) for index, net in enumerate(routing.nets) for wire in net.wires
    }
    rights = [left + width_of(cell, routing.items) for cell, left in routing.x.items()]
    rights += [x for path in paths.values() for x, _ in path]
    return LevelLayout(
        width=max(rights, default=0.0),
        height=routing.height,
        at={cell: routing.corner(cell) for cell in routing.layers},
        paths=paths,
        backward=frozenset(wire.link for net in routing.nets if net.backward for wire in net.wires),
        junctions=tuple(routing.junctions()),
    )


def _heights(
    level: LevelInput,
    items: Mapping[str, Item],
    rows: Sequence[Sequence[str]],
    routes: Sequence[Mapping[int, Route]],
) -> tuple[list[float], list[float]]:
    """Y of the rows' upper and lower edges."""
    tops, bottoms, y = [], [], 0.0
    for number, row in enumerate(rows):
        y += channel_height(
            track_count(routes[number]),
            outer=number == 0,
            exits=bool(level.exits) and number == len(rows) - 1,
        )
        tops.append(y)
        heights = [items[cell].height for cell in row if cell in items]
        head = style.REGION_HEAD if number == 0 and level.entries else 0.0
        foot = style.REGION_AIR if number == len(rows) - 1 and level.exits else 0.0
        y += max([*heights, head, foot])
        bottoms.append(y)
    return tops, bottoms


def _rows(level: LevelInput, items: dict[str, Item], layers: dict[str, int]) -> list[list[str]]:
    """Rows of items and border places; adds these to ``layers`` and the title to ``items``."""
    head = bool(level.entries or level.title_width)
    count = max(layers.values(), default=-1) + 1
    for key in layers:
        layers[key] += head
    rows: list[list[str]] = [[] for _ in range(count + head + bool(level.exits))]
    for key, layer in layers.items():
        rows[layer].append(key)
    if level.title_width:
        items[PINNED] = Item(PINNED, level.title_width, style.REGION_HEAD)
        rows[0].append(PINNED)
        layers[PINNED] = 0
    for cells, row in ((level.entries, 0), (level.exits, len(rows) - 1)):
        for cell in cells:
            layers[cell] = row
            rows[row].append(cell)
    return rows
