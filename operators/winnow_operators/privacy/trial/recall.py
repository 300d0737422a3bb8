"""How much of what should be covered is covered."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from winnow_operators.privacy.boxes import Box

ENOUGH = 0.8
"""Of the true box's area. A face of which a fifth shows is still nobody's; half a face is somebody's."""


@dataclass(frozen=True, slots=True)
class Recall:
    """Subjects in frames that were covered, of all that were visible."""

    covered: int
    of: int

    @property
    def value(self) -> float:
        """0-1; 0 when there was nothing to cover, because then nothing is proven."""
        return self.covered / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval at 95 %, as if frames were independent."""
        if not self.of:
            return 0.0, 1.0
        z, n, p = 1.96, self.of, self.value
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return max(0.0, middle - half), min(1.0, middle + half)

    def __add__(self, other: "Recall") -> "Recall":
        return Recall(self.covered + other.covered, self.of + other.of)


NOTHING = Recall(0, 0)


def covered_part(truth: Box, covers: Iterable[Box]) -> float:
    """Part of a true box's area that covers hide, 0-1; measured on whole pixels."""
    left, top = math.floor(truth.x0), math.floor(truth.y0)
    wide, high = max(1, math.ceil(truth.x1) - left), max(1, math.ceil(truth.y1) - top)
    hidden = np.zeros((high, wide), bool)
    for box in covers:
        x0, x1 = max(0, math.floor(box.x0) - left), max(0, math.ceil(box.x1) - left)
        y0, y1 = max(0, math.floor(box.y0) - top), max(0, math.ceil(box.y1) - top)
        hidden[y0:y1, x0:x1] = True
    return float(hidden.mean())


def recall_of(truths: Sequence[Sequence[Box]], covers: Sequence[Sequence[Box]]) -> Recall:
    """Compare frame by frame."""
    hits = [
        covered_part(truth, row) >= ENOUGH
        for boxes, row in zip(truths, covers, strict=True)
        for truth in boxes
    ]
    return Recall(sum(hits), len(hits))
