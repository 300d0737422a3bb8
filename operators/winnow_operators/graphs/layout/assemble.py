"""The whole drawing: regions are laid out from the inside out, then everything gets its final place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import log2

from winnow_operators.graphs.layout import style
from winnow_operators.graphs.layout.boxes import measure
from winnow_operators.graphs.layout.drawing import (
    Drawing,
    Junction,
    PlacedBox,
    PlacedLink,
    PlacedRegion,
    Rect,
)
from winnow_operators.graphs.layout.lettering import letter_box, region_title
from winnow_operators.graphs.layout.level import LevelInput, LevelLayout, lay_out_level
from winnow_operators.graphs.layout.nets import End, Wire
from winnow_operators.graphs.layout.picture import Box, Link, Picture, Region, SlotKind
from winnow_operators.graphs.layout.picturing import picture_of
from winnow_operators.graphs.layout.routing import Point
from winnow_operators.graphs.layout.rows import Item
from winnow_operators.graphs.layout.text import Face, text_width
from winnow_operators.graphs.model import Graph, Role
from winnow_operators.graphs.overlay import Overlay

WATCHED = 0.01
"""Weight of a line to a collecting input: who is watched does not stand by the watcher."""


def lay_out(graph: Graph, overlay: Overlay | None = None) -> Drawing:
    """Draw ``graph``; equal graphs give equal drawings."""
    return draw(picture_of(graph, overlay))


def draw(picture: Picture) -> Drawing:
    """Give everything in ``picture`` its place."""
    solver = _Solver(picture)
    solved = solver.solve(picture.root)
    final = _Final(picture)
    final.take(solved, (style.MARGIN, style.MARGIN), 0)
    links = final.links(solver.chains)
    width = solved.layout.width + 2 * style.MARGIN
    height = solved.layout.height + 2 * style.MARGIN
    return Drawing(
        round(width, 1),
        round(height, 1),
        tuple(final.boxes),
        tuple(final.regions),
        tuple(links),
        tuple(_narrowed(junction, links) for junction in final.junctions),
    )


def _narrowed(junction: Junction, links: Sequence[PlacedLink]) -> Junction:
    """The junction with those of the net's links that pass there."""
    passing = frozenset(
        index for index in junction.links if _passes(links[index].points, junction.x, junction.y)
    )
    return replace(junction, links=passing or junction.links)


def _passes(points: Sequence[Point], x: float, y: float) -> bool:
    return any(
        min(x1, x2) - 0.1 <= x <= max(x1, x2) + 0.1 and min(y1, y2) - 0.1 <= y <= max(y1, y2) + 0.1
        for (x1, y1), (x2, y2) in pairwise(points)
    )


@dataclass(frozen=True, slots=True)
class _Solved:
    """A region whose inside is laid out."""

    region: Region
    layout: LevelLayout
    items: dict[str, Item]
    inner: "dict[str, _Solved]"

    @property
    def title_width(self) -> float:
        return _title_width(self.region)

    def item(self) -> Item:
        """The region as an item of the level around it."""
        pins: dict[str, dict[str, float]] = {"in": {}, "out": {}}
        for cell, (x, _) in self.layout.at.items():
            if cell.startswith("edge "):
                _, side, net = cell.split(" ", 2)
                pins[side][net] = round(x + style.REGION_AIR, 2)
        width = self.layout.width + 2 * style.REGION_AIR
        bottom = 0.0 if pins["out"] else style.REGION_AIR
        return Item(self.region.key, width, self.layout.height + bottom, pins["in"], pins["out"])


def _title_width(region: Region) -> float:
    if not region.title:
        return 0.0
    return text_width(region.title, style.REGION_PX, Face.BOLD)


@dataclass(slots=True)
class _Solver:
    picture: Picture
    chains: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Box -> keys of the regions around it, from the root inwards, and its own."""

    def __post_init__(self) -> None:
        self._chain(self.picture.root, ())

    def _chain(self, region: Region, outer: tuple[str, ...]) -> None:
        for child in region.children:
            if isinstance(child, Box):
                self.chains[child.key] = (*outer, region.key, child.key)
            else:
                self._chain(child, (*outer, region.key))

    def solve(self, region: Region) -> _Solved:
        """Lay out the inside of ``region``."""
        inner = {child.key: self.solve(child) for child in region.children if isinstance(child, Region)}
        items = {}
        for child in region.children:
            if isinstance(child, Box):
                measured = measure(child, child.ins, child.outs)
                ins, outs = measured.ins.pins, measured.outs.pins
                items[child.key] = Item(child.key, measured.width, measured.height, ins, outs, measured)
            else:
                items[child.key] = inner[child.key].item()
        wires, weights = self._wires(region)
        cells = [end.cell for wire in wires for end in (wire.source, wire.target)]
        level = LevelInput(
            items=tuple(items.values()),
            wires=tuple(wires),
            weights=weights,
            first=frozenset(key for key in items if self._begins(key)),
            entries=tuple(dict.fromkeys(cell for cell in cells if cell.startswith("edge in "))),
            exits=tuple(dict.fromkeys(cell for cell in cells if cell.startswith("edge out "))),
            title_width=_title_width(region),
        )
        return _Solved(region, lay_out_level(level), items, inner)

    def _begins(self, key: str) -> bool:
        box = self.picture.boxes.get(key)
        return box is not None and box.role is Role.SOURCE

    def _wires(self, region: Region) -> tuple[list[Wire], dict[tuple[str, str], float]]:
        wires: list[Wire] = []
        weights: dict[tuple[str, str], float] = {}
        for index, link in enumerate(self.picture.links):
            wire = self._wire(index, link, region.key)
            if wire:
                wires.append(wire)
                pair = (wire.source.cell, wire.target.cell)
                weight = WATCHED if wire.net.startswith("into ") else float(len(link.connections))
                weights[pair] = weights.get(pair, 0.0) + weight
        return wires, weights

    def _wire(self, index: int, link: Link, region: str) -> Wire | None:
        """The part of a link that runs inside ``region``, outside its inner regions."""
        net = self.net_of(link)
        source, target = self.chains[link.source], self.chains[link.target]
        starts_here = region in source[:-1]
        ends_here = region in target[:-1]
        if not (starts_here or ends_here):
            return None
        begin = _below(source, region, link.source_slot, net) if starts_here else End(f"edge in {net}", "")
        finish = _below(target, region, link.target_slot, net) if ends_here else End(f"edge out {net}", "")
        if begin.cell == finish.cell and begin.cell not in (link.source, link.target):
            return None  # the whole link runs inside one inner region
        weight = 0.4 if net.startswith("into ") else 1.0 + log2(len(link.connections))
        return Wire(begin, finish, net, index, weight)

    def net_of(self, link: Link) -> str:
        """Links with equal nets share an end: the collecting input, else the output."""
        slot = next(slot for slot in self.picture.boxes[link.target].ins if slot.key == link.target_slot)
        if slot.kind is SlotKind.COLLECTOR:
            return f"into {link.target} {link.target_slot}"
        return f"from {link.source} {link.source_slot}"


def _below(chain: Sequence[str], region: str, slot: str, net: str) -> End:
    """The child of ``region`` that holds the link's end, and the pin there."""
    child = chain[chain.index(region) + 1]
    return End(child, slot if child == chain[-1] else net)


@dataclass(slots=True)
class _Final:
    """Collects what has its final place."""

    picture: Picture
    boxes: list[PlacedBox] = field(default_factory=list)
    regions: list[PlacedRegion] = field(default_factory=list)
    junctions: list[Junction] = field(default_factory=list)
    parts: dict[tuple[int, str], tuple[Point, ...]] = field(default_factory=dict)
    """(link, region) -> the part of the line that runs inside the region."""
    backward: set[int] = field(default_factory=set)

    def take(self, solved: _Solved, origin: Point, depth: int) -> None:
        """Place the inside of a region, whose level begins at ``origin``."""
        left, top = origin
        layout = solved.layout
        for link, path in layout.paths.items():
            self.parts[link, solved.region.key] = tuple(
                (round(x + left, 2), round(y + top, 2)) for x, y in path
            )
        self.backward |= layout.backward
        for (x, y), links in layout.junctions:
            self.junctions.append(Junction(round(x + left, 2), round(y + top, 2), links))
        for key, item in solved.items.items():
            x, y = layout.at[key]
            corner = (round(x + left, 2), round(y + top, 2))
            if item.measured:
                self.boxes.append(letter_box(item.measured, corner))
            else:
                inner = solved.inner[key]
                area = Rect(*corner, item.width, item.height)
                title_x = inner.layout.at["title"][0] + style.REGION_AIR
                title = region_title(inner.region.title, area, title_x)
                self.regions.append(PlacedRegion(inner.region, area, title, depth))
                self.take(inner, (corner[0] + style.REGION_AIR, corner[1]), depth + 1)

    def links(self, chains: Mapping[str, Sequence[str]]) -> list[PlacedLink]:
        """All lines, their parts put together; ``chains`` are the regions around each box."""
        found = []
        for index, link in enumerate(self.picture.links):
            up, down = reversed(chains[link.source][:-1]), chains[link.target][:-1]
            regions = dict.fromkeys([*up, *down])  # out of the inner regions, into the inner regions
            points: list[Point] = []
            for region in regions:
                points += self.parts.get((index, region), ())[1 if points else 0 :]
            found.append(PlacedLink(link, tuple(points), index in self.backward))
        return found
