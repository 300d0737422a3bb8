"""Boxes in pictures."""

from collections.abc import Iterable
from typing import NamedTuple


class Box(NamedTuple):
    """Left, top, right, bottom in pixels; the right and bottom edges are outside."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def area(self) -> float:
        return max(0.0, self.x2 - self.x1) * max(0.0, self.y2 - self.y1)

    @property
    def centre(self) -> tuple[float, float]:
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2

    def grown(self, by: float, width: float, height: float) -> "Box":
        """Grown by a fraction of its larger side on each side, inside a picture of the given size."""
        margin = by * max(self.x2 - self.x1, self.y2 - self.y1)
        return Box(
            max(0.0, self.x1 - margin),
            max(0.0, self.y1 - margin),
            min(width, self.x2 + margin),
            min(height, self.y2 + margin),
        )

    def scaled(self, x: float, y: float) -> "Box":
        return Box(self.x1 * x, self.y1 * y, self.x2 * x, self.y2 * y)


def common_area(one: Box, other: Box) -> float:
    """Area that two boxes share, in square pixels."""
    width = min(one.x2, other.x2) - max(one.x1, other.x1)
    height = min(one.y2, other.y2) - max(one.y1, other.y1)
    return max(0.0, width) * max(0.0, height)


def iou(one: Box, other: Box) -> float:
    """Intersection over union, 0 to 1."""
    common = common_area(one, other)
    return common / union if (union := one.area + other.area - common) > 0 else 0.0


def overlap(one: Box, other: Box) -> float:
    """Intersection over the smaller box, 0 to 1: 1 when one lies inside the other."""
    smaller = min(one.area, other.area)
    return common_area(one, other) / smaller if smaller > 0 else 0.0


def merged(boxes: Iterable[Box], least_overlap: float = 0.0) -> list[Box]:
    """Boxes joined wherever they touch, until none do; in reading order."""
    found = sorted(boxes)
    changed = True
    while changed:
        changed = False
        kept: list[Box] = []
        for box in found:
            for place, other in enumerate(kept):
                if overlap(box, other) > least_overlap:
                    kept[place] = _around(box, other)
                    changed = True
                    break
            else:
                kept.append(box)
        found = kept
    return sorted(found, key=lambda box: (box.y1, box.x1))


def _around(one: Box, other: Box) -> Box:
    return Box(min(one.x1, other.x1), min(one.y1, other.y1), max(one.x2, other.x2), max(one.y2, other.y2))
