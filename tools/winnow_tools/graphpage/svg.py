"""A laid out drawing as SVG: the same elements stand alone or inside the page."""

from collections.abc import Sequence

from winnow_operators.graphs.layout import Drawing
from winnow_operators.graphs.layout.drawing import Pin, PlacedBox, PlacedLink, PlacedRegion, Text, TextKind
from winnow_operators.graphs.layout.picture import SlotKind
from winnow_operators.graphs.layout.text import is_measured
from winnow_operators.graphs.model import QueuePolicy
from winnow_tools.graphpage.describe import box_summary, link_summary
from winnow_tools.pages.assets import read_asset
from winnow_tools.pages.markup import attribute, text

CORNER = 6.0
"""Radius of a line's corners, px."""
_ARROW = 4.0, 7.5
"""Half width and length of an arrowhead."""


def svg_document(drawing: Drawing, title: str) -> str:
    """A file of its own, with its styles, light and dark."""
    style = read_asset("tokens.css") + read_asset("drawing.css")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {_size(drawing)} class="winnow-drawing standalone" role="img">'
        f"<title>{text(title)}</title><style>{style}</style>"
        f'<rect class="paper" width="100%" height="100%"/>{svg_body(drawing)}</svg>\n'
    )


def svg_element(drawing: Drawing, title: str) -> str:
    """The drawing for use inside a page that has the styles."""
    return (
        f'<svg {_size(drawing)} class="winnow-drawing" role="group" aria-label="{attribute(title)}">'
        f"{svg_body(drawing)}</svg>"
    )


def svg_body(drawing: Drawing) -> str:
    """All elements, back to front."""
    parts = [_region(region) for region in drawing.regions]
    order = sorted(range(len(drawing.links)), key=lambda index: _layer(drawing.links[index]))
    parts += [_link(drawing.links[index], index) for index in order]
    for junction in drawing.junctions:
        members = " ".join(f"l{index}" for index in sorted(junction.links))
        back = all(drawing.links[index].backward for index in junction.links)
        parts.append(
            f'<circle class="junction{" back" if back else ""}" data-links="{members}" '
            f'cx="{_n(junction.x)}" cy="{_n(junction.y)}" r="{2.2 if back else 3}"/>'
        )
    parts += [_box(index, box) for index, box in enumerate(drawing.boxes)]
    return "\n".join(parts)


def _layer(placed: PlacedLink) -> tuple[bool, bool]:
    """Feedback lies lowest, then plain lines, then double ones, which must not be painted over."""
    return not placed.backward, placed.link.policy is QueuePolicy.BACKPRESSURE


def _size(drawing: Drawing) -> str:
    width, height = _n(drawing.width), _n(drawing.height)
    return f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'


def _n(value: float) -> str:
    """A coordinate, as short as it goes."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _region(placed: PlacedRegion) -> str:
    kind, area = placed.region.kind.value, placed.area
    return (
        f'<g class="region {kind} depth{min(placed.depth, 3)}"><rect x="{_n(area.x)}" y="{_n(area.y)}" '
        f'width="{_n(area.width)}" height="{_n(area.height)}" rx="10"/>{_text(placed.title, kind)}</g>'
    )


def _text(item: Text, extra: str = "") -> str:
    classes = f"t-{item.kind.value} {extra}".strip()
    anchor = ' text-anchor="middle"' if item.centred else ""
    exact = (
        ""
        if is_measured(item.value)
        else f' textLength="{_n(item.area.width)}" lengthAdjust="spacingAndGlyphs"'
    )
    note = f'<tspan class="t-note"> {text(item.note)}</tspan>' if item.note else ""
    return (
        f'<text class="{classes}" x="{_n(item.x)}" y="{_n(item.baseline)}"{anchor}{exact}>'
        f"{text(item.value)}{note}</text>"
    )


def _link(placed: PlacedLink, index: int) -> str:
    link = placed.link
    count = len(link.connections)
    classes = [
        "link",
        link.policy.value,
        *(["bundle"] if count > 1 else []),
        *(["back"] if placed.backward else []),
    ]
    path = rounded_path(_shortened(placed.points))
    core = (
        f'<path class="core" d="{path}"/>'
        if link.policy.value == "backpressure" and not placed.backward
        else ""
    )
    x, y = placed.points[-1]
    half, length = _ARROW if count == 1 else (6.0, 9.5)
    head = f"{_n(x)},{_n(y)} {_n(x - half)},{_n(y - length)} {_n(x + half)},{_n(y - length)}"
    summary = link_summary(link)
    return (
        f'<g class="{" ".join(classes)}" id="l{index}" data-from="{attribute(link.source)}" '
        f'data-to="{attribute(link.target)}" tabindex="-1" role="button" aria-label="{attribute(summary)}">'
        f"<title>{text(summary)}</title>"
        f'<path class="reach" d="{path}"/><path class="line" d="{path}"/>{core}'
        f'<polygon class="head" points="{head}"/></g>'
    )


def _shortened(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The line up to the arrowhead."""
    (x, y), rest = points[-1], list(points[:-1])
    return [*rest, (x, y - 5.0)]


def rounded_path(points: Sequence[tuple[float, float]]) -> str:
    """SVG path data of a line with rounded corners."""
    parts = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        start, end = _towards(corner, before), _towards(corner, after)
        parts.append(
            f"L{_n(start[0])} {_n(start[1])}Q{_n(corner[0])} {_n(corner[1])} {_n(end[0])} {_n(end[1])}"
        )
    parts.append(f"L{_n(points[-1][0])} {_n(points[-1][1])}")
    return "".join(parts)


def _towards(corner: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """The place where the corner's curve begins: at most half way to the next corner."""
    length = abs(other[0] - corner[0]) + abs(other[1] - corner[1])
    part = min(CORNER, length / 2) / length if length else 0.0
    return corner[0] + (other[0] - corner[0]) * part, corner[1] + (other[1] - corner[1]) * part


def _box(index: int, placed: PlacedBox) -> str:
    box, area = placed.box, placed.area
    summary = box_summary(box)
    head = (
        f'<g class="box role-{box.role.value}" id="b{index}" data-key="{attribute(box.key)}" '
        f'data-node="{attribute(box.node)}" tabindex="0" role="button" aria-label="{attribute(summary)}">'
        f"<title>{text(summary)}</title>"
        f'<rect class="body" x="{_n(area.x)}" y="{_n(area.y)}" width="{_n(area.width)}" '
        f'height="{_n(area.height)}" rx="8"/>'
    )
    parts = [head, _text(placed.title)]
    if placed.subtitle:
        parts.append(_text(placed.subtitle))
    if box.restarts:
        right = placed.title.area.x + placed.title.area.width
        parts.append(_restart_mark(right + 10.0, placed.title.baseline - 5.0))
    parts += [_pin(pin) for pin in placed.pins]
    return "".join(parts) + "</g>"


def _restart_mark(x: float, y: float) -> str:
    """An open circle with an arrow: the daemon starts the node again."""
    return (
        f'<path class="restart" d="M{_n(x + 3.4)} {_n(y - 2.6)}A4.3 4.3 0 1 0 {_n(x + 4.3)} {_n(y + 0.6)}'
        f'M{_n(x + 4.1)} {_n(y - 5.4)}v3.4h-3.4"/>'
    )


def _pin(pin: Pin) -> str:
    parts = []
    kind = pin.slot.kind
    leader = abs(pin.label.baseline - 3.6 - pin.y)
    if leader > 16.0:
        inner = pin.label.area.y - 1 if pin.upper else pin.label.area.y + pin.label.area.height
        parts.append(f'<path class="leader" d="M{_n(pin.x)} {_n(pin.y)}V{_n(inner)}"/>')
    if kind is SlotKind.BUILTIN:
        top = pin.chip.area.y + pin.chip.area.height if pin.chip else pin.y - 8.0
        parts.append(f'<path class="stub" d="M{_n(pin.x)} {_n(top)}V{_n(pin.y - 4)}"/>')
        head = f"{_n(pin.x)},{_n(pin.y)} {_n(pin.x - 3.2)},{_n(pin.y - 6)} {_n(pin.x + 3.2)},{_n(pin.y - 6)}"
        parts.append(f'<polygon class="head builtin" points="{head}"/>')
    elif not pin.upper:
        parts.append(f'<circle class="pin {kind.value}" cx="{_n(pin.x)}" cy="{_n(pin.y)}" r="3"/>')
    parts.append(_text(pin.label, kind.value))
    if pin.chip:
        area = pin.chip.area
        parts.append(
            f'<rect class="chip {kind.value}" x="{_n(area.x - 6)}" y="{_n(area.y - 1.5)}" '
            f'width="{_n(area.width + 12)}" height="{_n(area.height + 3)}" rx="7"/>{_text(pin.chip, kind.value)}'
        )
    return "".join(parts)


__all__ = ["TextKind", "rounded_path", "svg_body", "svg_document", "svg_element"]
