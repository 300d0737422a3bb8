"""What a detector found in a frame, made safe to use."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from winnow_schemas.settings.redaction import Subject

MAX_BOXES = 500
"""In a frame. A detector that finds more has found noise; then the whole frame is covered."""


class Box(NamedTuple):
    """Corners in pixels, ``[x0, x1) x [y0, y1)``; the origin is the upper left corner."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        return max(0.0, self.width) * max(0.0, self.height)

    @property
    def centre(self) -> tuple[float, float]:
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def grown(self, fraction: float) -> "Box":
        """Larger on each side by a fraction of its width and height."""
        dx, dy = self.width * fraction, self.height * fraction
        return Box(self.x0 - dx, self.y0 - dy, self.x1 + dx, self.y1 + dy)

    def scaled(self, factor: float) -> "Box":
        return Box(self.x0 * factor, self.y0 * factor, self.x1 * factor, self.y1 * factor)

    def moved(self, dx: float, dy: float) -> "Box":
        return Box(self.x0 + dx, self.y0 + dy, self.x1 + dx, self.y1 + dy)

    def joined(self, other: "Box") -> "Box":
        """The smallest box around both."""
        return Box(
            min(self.x0, other.x0), min(self.y0, other.y0), max(self.x1, other.x1), max(self.y1, other.y1)
        )


class Found(NamedTuple):
    """Something that a detector found."""

    box: Box
    score: float
    """0-1."""
    subject: Subject


def usable(found: Iterable[Found], width: int, height: int) -> list[Found] | None:
    """What lies in the picture and has a size, cut at its edges; None when there is more than anybody believes.

    Boxes that are not finite, are empty, or lie outside are dropped: there is nothing to cover.
    """
    kept = []
    for each in found:
        if not all(map(math.isfinite, each.box)):
            continue
        box = Box(
            max(0.0, each.box.x0),
            max(0.0, each.box.y0),
            min(float(width), each.box.x1),
            min(float(height), each.box.y1),
        )
        if box.width <= 0 or box.height <= 0:
            continue
        kept.append(
            each._replace(box=box, score=min(max(each.score, 0.0), 1.0) if each.score == each.score else 0.0)
        )
        if len(kept) > MAX_BOXES:
            return None
    return kept
