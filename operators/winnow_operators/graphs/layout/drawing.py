"""A laid out drawing: rectangles, lines and texts with coordinates in CSS pixels, y downwards."""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from winnow_operators.graphs.layout.picture import Box, Link, Region, Slot
from winnow_operators.graphs.layout.text import Face


class Rect(NamedTuple):
    """Upper left corner and size."""

    x: float
    y: float
    width: float
    height: float

    def overlaps(self, other: "Rect", by: float = 0.0) -> bool:
        """Whether the two share an area, more than ``by`` px in both directions."""
        return (
            self.x + by < other.x + other.width
            and other.x + by < self.x + self.width
            and self.y + by < other.y + other.height
            and other.y + by < self.y + self.height
        )

    def contains(self, other: "Rect") -> bool:
        """Whether ``other`` lies inside, edges included."""
        return (
            self.x <= other.x + 0.01
            and self.y <= other.y + 0.01
            and other.x + other.width <= self.x + self.width + 0.01
            and other.y + other.height <= self.y + self.height + 0.01
        )


class TextKind(Enum):
    """What a text is; decides font and colour."""

    TITLE = "title"
    SUBTITLE = "subtitle"
    PORT = "port"
    CHIP = "chip"
    REGION = "region"


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text."""

    kind: TextKind
    value: str
    note: str
    """After the value, paler."""
    x: float
    """Of the middle; of the left end for a region's title."""
    baseline: float
    area: Rect
    """Room that it takes up at most."""
    size: float
    """Font size."""
    face: Face
    centred: bool = True


@dataclass(frozen=True, slots=True)
class Pin:
    """A slot at a box's edge."""

    slot: Slot
    x: float
    y: float
    upper: bool
    """An input."""
    label: Text
    chip: Text | None


@dataclass(frozen=True, slots=True)
class PlacedBox:
    """A box with its texts."""

    box: Box
    area: Rect
    title: Text
    subtitle: Text | None
    pins: tuple[Pin, ...]

    @property
    def texts(self) -> tuple[Text, ...]:
        """All texts that belong to the box."""
        found = [self.title, *([self.subtitle] if self.subtitle else [])]
        for pin in self.pins:
            found += [pin.label, *([pin.chip] if pin.chip else [])]
        return tuple(found)


@dataclass(frozen=True, slots=True)
class PlacedRegion:
    """A region with its title."""

    region: Region
    area: Rect
    title: Text
    depth: int
    """How many regions it lies in."""


@dataclass(frozen=True, slots=True)
class PlacedLink:
    """A line from an output to an input, its corners."""

    link: Link
    points: tuple[tuple[float, float], ...]
    backward: bool
    """Feedback."""


@dataclass(frozen=True, slots=True)
class Junction:
    """A dot where lines of one net meet."""

    x: float
    y: float
    links: frozenset[int]
    """Indices into the drawing's links."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything with its place."""

    width: float
    height: float
    boxes: tuple[PlacedBox, ...]
    regions: tuple[PlacedRegion, ...]
    """Outer ones first."""
    links: tuple[PlacedLink, ...]
    """In the order of the picture's links."""
    junctions: tuple[Junction, ...]
