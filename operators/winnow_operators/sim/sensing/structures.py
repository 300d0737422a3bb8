"""What is built, as it is and as the map has it."""

from dataclasses import dataclass, field

import numpy as np

from winnow_operators.sim.geometry import Array
from winnow_schemas.simulation.airside import STRUCTURES, Structure

RAYS = 72
"""Directions of the coarse scan that place recognition compares: every five degrees."""
SCAN_RANGE_M = 90.0
EXPLAINED_M = 2.5
"""A range that differs less from the map's is explained by it."""


@dataclass(slots=True)
class Built:
    """All structures; ``extra`` are those that the map does not know."""

    extra: list[Structure] = field(default_factory=list)
    map_shift: tuple[float, float] = (0.0, 0.0)
    """By how much the loaded map stands beside the truth, m east and north."""
    _boxes: Array | None = None

    def add(self, structures: list[Structure]) -> None:
        """Put something up that the map does not know."""
        self.extra += structures
        self._boxes = None

    def clear(self, structures: list[Structure]) -> None:
        """Take it away again."""
        self.extra = [structure for structure in self.extra if structure not in structures]
        self._boxes = None

    @property
    def boxes(self) -> Array:
        """x, y, yaw, length, width, bottom, top of everything that stands, shape ``(n, 7)``; the mapped first."""
        if self._boxes is None:
            rows = [
                (each.x, each.y, 0.0, each.length, each.width, each.bottom, each.top)
                for each in (*STRUCTURES, *self.extra)
            ]
            self._boxes = np.array(rows, float)
        return self._boxes

    def explained(self, x: float, y: float) -> float:
        """Share of a coarse scan's returns that the map explains, 0-1."""
        boxes = self.boxes
        standing = boxes[boxes[:, 5] < 1.5]
        mapped = boxes[: len(STRUCTURES)]
        mapped = mapped[mapped[:, 5] < 1.5]
        seen = scan(x, y, standing)
        expected = scan(x - self.map_shift[0], y - self.map_shift[1], mapped)
        returned = np.isfinite(seen) | np.isfinite(expected)
        if not returned.any():
            return 0.0
        with np.errstate(invalid="ignore"):
            same = np.abs(seen - expected) < EXPLAINED_M
        return float((same & returned).sum() / returned.sum())


def scan(x: float, y: float, boxes: Array) -> Array:
    """Distance to the first box in each of ``RAYS`` directions, infinite beyond range; shape ``(RAYS,)``.

    ``boxes`` are not turned: shape ``(n, 7)`` as in :attr:`Built.boxes`.
    """
    azimuth = np.arange(RAYS) * (2 * np.pi / RAYS)
    cosine, sine = np.cos(azimuth)[:, None], np.sin(azimuth)[:, None]
    from_x, from_y = x - boxes[:, 0], y - boxes[:, 1]
    half_x, half_y = boxes[:, 3] / 2, boxes[:, 4] / 2
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        x_1, x_2 = (-half_x - from_x) / cosine, (half_x - from_x) / cosine
        y_1, y_2 = (-half_y - from_y) / sine, (half_y - from_y) / sine
    enter = np.fmax(np.minimum(x_1, x_2), np.minimum(y_1, y_2))
    leave = np.fmin(np.maximum(x_1, x_2), np.maximum(y_1, y_2))
    distance = np.where((leave > enter) & (leave > 0) & (enter < SCAN_RANGE_M), enter, np.inf).min(axis=1)
    result: Array = np.maximum(distance, 0.0)
    return result
