"""Where the texts of boxes and regions stand."""

from winnow_operators.graphs.layout import style
from winnow_operators.graphs.layout.boxes import Measured, Side, chip_width, label_width
from winnow_operators.graphs.layout.drawing import Pin, PlacedBox, Rect, Text, TextKind
from winnow_operators.graphs.layout.text import ASCENT, DESCENT, Face, text_width

_Font = tuple[TextKind, float, Face]
_TITLE: _Font = (TextKind.TITLE, style.TITLE_PX, Face.BOLD)
_SUBTITLE: _Font = (TextKind.SUBTITLE, style.SUBTITLE_PX, Face.MONO)
_PORT: _Font = (TextKind.PORT, style.PORT_PX, Face.REGULAR)
_CHIP: _Font = (TextKind.CHIP, style.CHIP_PX, Face.REGULAR)


def letter_box(measured: Measured, corner: tuple[float, float]) -> PlacedBox:
    """The box with its texts; ``corner`` is the upper left one, chips included."""
    x, y = corner
    box = measured.box
    top = y + measured.chips_height
    area = Rect(x, top, measured.width, measured.height - measured.chips_height)
    middle = x + measured.width / 2
    head = top + style.BOX_AIR + measured.ins.height * style.PORT_LINE
    title_middle = middle - (style.BADGE / 2 if box.restarts else 0.0)
    title_width = text_width(box.title, style.TITLE_PX, Face.BOLD)
    title = _text(_TITLE, box.title, (title_middle, head + 16.5), title_width)
    subtitle = None
    if box.subtitle:
        width = text_width(box.subtitle, style.SUBTITLE_PX, Face.MONO)
        subtitle = _text(_SUBTITLE, box.subtitle, (middle, head + 31.5), width)
    pins = [*_pins(measured.ins, area, upper=True), *_pins(measured.outs, area, upper=False)]
    return PlacedBox(box, area, title, subtitle, tuple(pins))


def region_title(value: str, area: Rect, x: float) -> Text:
    """The title of a region, ``x`` from its left border."""
    width = text_width(value, style.REGION_PX, Face.BOLD)
    left, baseline = area.x + x, area.y + 17.0
    extent = Rect(left, baseline - ASCENT * style.REGION_PX, width, (ASCENT + DESCENT) * style.REGION_PX)
    return Text(TextKind.REGION, value, "", left, baseline, extent, style.REGION_PX, Face.BOLD, centred=False)


def _pins(side: Side, area: Rect, *, upper: bool) -> list[Pin]:
    pins = []
    edge = area.y if upper else area.y + area.height
    for slot, offset, line in zip(side.slots, side.offsets, side.lines, strict=True):
        x = area.x + offset
        inwards = style.BOX_AIR + (line + 0.5) * style.PORT_LINE - 1.0
        middle = edge + inwards if upper else edge - inwards
        label = _text(_PORT, slot.label, (x, middle + 3.6), label_width(slot), slot.note)
        chip = None
        if slot.chip:
            above = edge - (line + 0.5) * style.CHIP_LINE - 4.0
            width = chip_width(slot) - 2 * style.CHIP_PADDING
            chip = _text(_CHIP, slot.chip, (x, above + 3.4), width)
        pins.append(Pin(slot, x, edge, upper, label, chip))
    return pins


def _text(font: _Font, value: str, place: tuple[float, float], width: float, note: str = "") -> Text:
    kind, size, face = font
    middle, baseline = place
    extent = Rect(middle - width / 2, baseline - ASCENT * size, width, (ASCENT + DESCENT) * size)
    return Text(kind, value, note, round(middle, 2), round(baseline, 2), extent, size, face)
