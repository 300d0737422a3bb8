"""What must hold for every drawing, checked on coordinates."""

from itertools import combinations, pairwise

from winnow_operators.graphs.layout.drawing import Drawing, Rect, TextKind
from winnow_operators.graphs.layout.picture import SlotKind

AIR = 0.05
"""px that rounding may cost."""


def flaws(drawing: Drawing) -> list[str]:
    """Everything that a reader would stumble over."""
    return [
        *_boxes_overlap(drawing),
        *_texts_overlap(drawing),
        *_texts_outside(drawing),
        *_regions_wrong(drawing),
        *_lines_wrong(drawing),
        *_outside_page(drawing),
        *_verticals_overlap(drawing),
    ]


def _boxes_overlap(drawing):
    return [
        f"{a.box.key} overlaps {b.box.key}"
        for a, b in combinations(drawing.boxes, 2)
        if a.area.overlaps(b.area, AIR)
    ]


def _texts_overlap(drawing):
    texts = [(box.box.key, text) for box in drawing.boxes for text in box.texts]
    texts += [(region.region.key, region.title) for region in drawing.regions]
    found = [
        f"{owner!r} {a.value!r} overlaps {other!r} {b.value!r}"
        for (owner, a), (other, b) in combinations(texts, 2)
        if a.area.overlaps(b.area, AIR)
    ]
    for owner, text in texts:
        found += [
            f"{owner!r} {text.value!r} lies on {box.box.key}"
            for box in drawing.boxes
            if (box.box.key != owner or text.kind is TextKind.CHIP) and text.area.overlaps(box.area, AIR)
        ]
    return found


def _texts_outside(drawing):
    return [
        f"{text.value!r} leaves {box.box.key}"
        for box in drawing.boxes
        for text in box.texts
        if text.kind is not TextKind.CHIP and not box.area.contains(text.area)
    ]


def _regions_wrong(drawing):
    found = []
    for a, b in combinations(drawing.regions, 2):
        inside = a.area.contains(b.area) or b.area.contains(a.area)
        if a.area.overlaps(b.area, AIR) and not (
            inside and (a.region.key in b.region.key or b.region.key in a.region.key)
        ):
            found.append(f"{a.region.key} overlaps {b.region.key}")
    members = {region.region.key: {box.key for box in _inside(region.region)} for region in drawing.regions}
    for region in drawing.regions:
        for box in drawing.boxes:
            if box.box.key in members[region.region.key]:
                if not region.area.contains(box.area):
                    found.append(f"{box.box.key} leaves {region.region.key}")
            elif box.area.overlaps(region.area, AIR):
                found.append(f"{box.box.key} lies on {region.region.key}")
        if not region.area.contains(region.title.area):
            found.append(f"title leaves {region.region.key}")
    return found


def _inside(region):
    for child in region.children:
        if hasattr(child, "children"):
            yield from _inside(child)
        else:
            yield child


def _lines_wrong(drawing):
    found = []
    pins = {}
    for box in drawing.boxes:
        for pin in box.pins:
            pins[box.box.key, pin.slot.key, pin.upper] = (pin.x, pin.y)
    texts = [text for box in drawing.boxes for text in box.texts if text.kind is TextKind.CHIP]
    own_chip = {
        (box.box.key, pin.slot.key): pin.chip
        for box in drawing.boxes
        for pin in box.pins
        if pin.chip and pin.upper
    }
    titles = [region.title for region in drawing.regions]
    for index, placed in enumerate(drawing.links):
        name = f"line {index} {placed.link.source} -> {placed.link.target}"
        start = pins[placed.link.source, placed.link.source_slot, False]
        end = pins[placed.link.target, placed.link.target_slot, True]
        if not (_near(placed.points[0], start) and _near(placed.points[-1], end)):
            found.append(
                f"{name} does not join its pins: {placed.points[0]} {start} {placed.points[-1]} {end}"
            )
        for (x1, y1), (x2, y2) in pairwise(placed.points):
            if abs(x1 - x2) > 0.1 and abs(y1 - y2) > 0.1:
                found.append(f"{name} is slanted at {(x1, y1)} {(x2, y2)}")
            area = Rect(min(x1, x2), min(y1, y2), abs(x1 - x2), abs(y1 - y2))
            mine = own_chip.get((placed.link.target, placed.link.target_slot))
            hit = [box.box.key for box in drawing.boxes if _touches(area, box.area)]
            hit += [text.value for text in titles if _touches(area, text.area)]
            hit += [text.value for text in texts if text is not mine and _touches(area, text.area)]
            found += [f"{name} runs through {what!r}" for what in hit]
    return found


def _touches(line, area):
    """Whether a line runs through the inside of an area."""
    return (
        line.x + line.width > area.x + AIR
        and line.x < area.x + area.width - AIR
        and line.y + line.height > area.y + AIR
        and line.y < area.y + area.height - AIR
    )


def _near(one, other):
    return abs(one[0] - other[0]) < 0.06 and abs(one[1] - other[1]) < 0.06


def _outside_page(drawing):
    page = Rect(0, 0, drawing.width, drawing.height)
    found = [f"{box.box.key} leaves the page" for box in drawing.boxes if not page.contains(box.area)]
    found += [
        f"{region.region.key} leaves the page" for region in drawing.regions if not page.contains(region.area)
    ]
    for placed in drawing.links:
        for x, y in placed.points:
            if not (0 <= x <= drawing.width and 0 <= y <= drawing.height):
                found.append(f"line {placed.link.source} -> {placed.link.target} leaves the page at {(x, y)}")
    return found


def _ends(placed, drawing):
    """The ends that lines may share: the output, or a collecting input."""
    box = next(box for box in drawing.boxes if box.box.key == placed.link.target)
    pin = next(pin for pin in box.pins if pin.upper and pin.slot.key == placed.link.target_slot)
    ends = {("from", placed.link.source, placed.link.source_slot)}
    if pin.slot.kind is SlotKind.COLLECTOR:
        ends.add(("into", placed.link.target, placed.link.target_slot))
    return ends


def _verticals_overlap(drawing):
    """Lines of different nets may cross, but not lie on each other."""
    segments = []
    for index, placed in enumerate(drawing.links):
        ends = _ends(placed, drawing)
        segments += [(index, ends, a, b) for a, b in pairwise(placed.points)]
    found = []
    for (i, ends, a, b), (j, other, c, d) in combinations(segments, 2):
        if i == j or ends & other:
            continue
        for axis in (0, 1):
            along = 1 - axis
            if abs(a[axis] - b[axis]) < 0.1 and abs(c[axis] - d[axis]) < 0.1 and abs(a[axis] - c[axis]) < 2.0:
                shared = min(max(a[along], b[along]), max(c[along], d[along])) - max(
                    min(a[along], b[along]), min(c[along], d[along])
                )
                if shared > 0.5:
                    found.append(f"lines {i} and {j} lie on each other at {a} {b} {c} {d}")
    return found
