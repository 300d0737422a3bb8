"""Sizes of boxes, and where their pins and port names stand."""

from collections.abc import Sequence
from dataclasses import dataclass

from winnow_operators.graphs.layout import style
from winnow_operators.graphs.layout.picture import Box, Slot
from winnow_operators.graphs.layout.text import Face, text_width


@dataclass(frozen=True, slots=True)
class Side:
    """One edge of a box: its slots in drawing order."""

    slots: tuple[Slot, ...]
    offsets: tuple[float, ...]
    """x of each pin, from the box's left edge."""
    lines: tuple[int, ...]
    """On which line of texts each slot is named; 0 is next to the edge."""
    height: int
    """How many lines there are."""

    @property
    def pins(self) -> dict[str, float]:
        """Where the pins stand, by slot key."""
        return {slot.key: x for slot, x in zip(self.slots, self.offsets, strict=True)}


@dataclass(frozen=True, slots=True)
class Measured:
    """A box with sizes. The chips above it belong to its height."""

    box: Box
    width: float
    ins: Side
    outs: Side
    chips: int
    """Lines of chips above the box."""

    @property
    def head(self) -> float:
        """Height of title and subtitle."""
        return style.HEAD if self.box.subtitle else style.HEAD_SHORT

    @property
    def chips_height(self) -> float:
        return self.chips * style.CHIP_LINE

    @property
    def height(self) -> float:
        """With the chips."""
        lines = (self.ins.height + self.outs.height) * style.PORT_LINE
        return self.chips_height + 2 * style.BOX_AIR + lines + self.head


def label_width(slot: Slot) -> float:
    """The width of a port's name and its note."""
    note = text_width(f" {slot.note}", style.PORT_PX) if slot.note else 0.0
    return text_width(slot.label, style.PORT_PX) + note


def chip_width(slot: Slot) -> float:
    """The width of the mark on the line, 0 without one."""
    return text_width(slot.chip, style.CHIP_PX) + 2 * style.CHIP_PADDING if slot.chip else 0.0


def measure(box: Box, ins: Sequence[Slot], outs: Sequence[Slot]) -> Measured:
    """Place the slots in the given orders and size the box around them."""
    title = text_width(box.title, style.TITLE_PX, Face.BOLD) + (style.BADGE if box.restarts else 0.0)
    subtitle = text_width(box.subtitle, style.SUBTITLE_PX, Face.MONO)
    upper, lower = _side(ins), _side(outs)
    inner = max(title, subtitle, upper[1], lower[1], style.BOX_MIN - 2 * style.PADDING)
    width = 2 * round((inner + 2 * style.PADDING) / 2)
    chips = upper[0].height if any(slot.chip for slot in ins) else 0
    return Measured(box, width, _centred(*upper, width), _centred(*lower, width), chips)


_REACH = 12
"""Neighbours before a pin that its texts may meet: pins are 16 px apart, texts at most 150 px wide."""


def _side(slots: Sequence[Slot]) -> tuple[Side, float]:
    """Pins from 0 on, and the width that they and their texts need."""
    for lines in (1, 2, 3):
        offsets, width = _packed(slots, lines)
        if width <= style.PORTS_WIDE:
            break
    numbers = tuple(index % lines for index in range(len(slots)))
    return Side(tuple(slots), tuple(offsets), numbers, min(lines, len(slots))), width


def _packed(slots: Sequence[Slot], lines: int) -> tuple[list[float], float]:
    """Pins as close as their texts allow, texts written on ``lines`` lines in turn."""
    offsets: list[float] = []
    for index, slot in enumerate(slots):
        x = _half(slot)
        for before in range(max(0, index - _REACH), index):
            x = max(x, offsets[before] + _apart(slots, lines, before, index))
        offsets.append(x)
    return offsets, max((x + _half(slot) for x, slot in zip(offsets, slots, strict=True)), default=0.0)


def _half(slot: Slot) -> float:
    return max(label_width(slot), chip_width(slot)) / 2


def _apart(slots: Sequence[Slot], lines: int, left: int, right: int, gap: float = style.PORT_GAP) -> float:
    """How far two pins must be apart: a pin's own line passes the texts nearer to the edge, and all chips."""
    chips = [chip_width(slots[index]) / 2 + style.LEADER for index in (left, right) if slots[index].chip]
    if left % lines == right % lines:
        texts = _half(slots[left]) + _half(slots[right]) + gap
    else:
        texts = _half(slots[left if left % lines < right % lines else right]) + style.LEADER
    return max(style.PIN_GAP, texts, *chips)


def nudged(side: Side, width: float, key: str, by: float) -> Side | None:
    """The side with one pin moved, if its texts keep their room in a box of that width."""
    index = next(number for number, slot in enumerate(side.slots) if slot.key == key)
    x, half = side.offsets[index] + by, _half(side.slots[index])
    if x - half < style.LEADER or x + half > width - style.LEADER:
        return None
    lines = max(1, side.height)
    for other in range(max(0, index - _REACH), min(len(side.slots), index + _REACH + 1)):
        left, right = min(index, other), max(index, other)
        apart = _apart(side.slots, lines, left, right, style.PORT_GAP_LEAST) if other != index else 0.0
        distance = (x - side.offsets[other]) * (1 if other < index else -1)
        if other != index and distance < apart:
            return None
    offsets = (*side.offsets[:index], x, *side.offsets[index + 1 :])
    return Side(side.slots, offsets, side.lines, side.height)


def _centred(side: Side, used: float, width: float) -> Side:
    shift = (width - used) / 2
    return Side(side.slots, tuple(round(x + shift, 1) for x in side.offsets), side.lines, side.height)
