"""What a classifier is worth: per scenario with intervals, confusion, and whether its probabilities can be believed."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from winnow_operators.classify.network import CLASSES, SCENARIOS

BINS = 10
"""Of the reliability table."""
_Z = 1.959964


@dataclass(frozen=True, slots=True)
class ClassWorth:
    """One scenario."""

    scenario: str
    support: int
    precision: float
    recall: float
    recall_low: float
    """Wilson's interval at 95 %."""
    recall_high: float
    f1: float


@dataclass(frozen=True, slots=True)
class Worth:
    """All of it."""

    count: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    macro_f1: float
    calibration_error: float
    """Expected calibration error over ten bins."""
    classes: tuple[ClassWorth, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Rows are what people said, columns what the classifier said."""
    reliability: tuple[tuple[float, float, int], ...]
    """Mean confidence, accuracy and count per bin."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def evaluate(labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> Worth:
    """Compare class numbers ``(n,)`` with probabilities ``(n, 10)``."""
    said = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    table = np.zeros((CLASSES, CLASSES), np.int64)
    np.add.at(table, (labels, said), 1)
    right = said == labels
    low, high = wilson(int(right.sum()), len(labels))
    classes = tuple(_class(number, table) for number in range(CLASSES))
    bins = _reliability(confidence, right)
    error = sum(abs(mean - part) * count for mean, part, count in bins) / max(1, len(labels))
    present = [each.f1 for each in classes if each.support]
    return Worth(
        len(labels),
        float(right.mean()) if len(labels) else 0.0,
        low,
        high,
        float(np.mean(present)) if present else 0.0,
        float(error),
        classes,
        tuple(tuple(int(each) for each in row) for row in table),
        bins,
    )


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Wilson's interval of a proportion at 95 %."""
    if not count:
        return 0.0, 1.0
    part = hits / count
    middle = (part + _Z**2 / (2 * count)) / (1 + _Z**2 / count)
    half = _Z * math.sqrt(part * (1 - part) / count + _Z**2 / (4 * count**2)) / (1 + _Z**2 / count)
    return max(0.0, middle - half), min(1.0, middle + half)


def _class(number: int, table: NDArray[np.int64]) -> ClassWorth:
    hits, support, said = int(table[number, number]), int(table[number].sum()), int(table[:, number].sum())
    precision, recall = hits / said if said else 0.0, hits / support if support else 0.0
    low, high = wilson(hits, support)
    both = precision + recall
    return ClassWorth(
        SCENARIOS[number].value,
        support,
        precision,
        recall,
        low,
        high,
        2 * precision * recall / both if both else 0.0,
    )


def _reliability(
    confidence: NDArray[np.float32], right: NDArray[np.bool_]
) -> tuple[tuple[float, float, int], ...]:
    places = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return tuple(
        (float(confidence[inside].mean()), float(right[inside].mean()), int(inside.sum()))
        for number in range(BINS)
        if (inside := places == number).any()
    )


def paired_difference(
    right_a: NDArray[np.bool_], right_b: NDArray[np.bool_], seed: int = 1, rounds: int = 2000
) -> tuple[float, float, float]:
    """Accuracy of b minus that of a on the same clips, with a bootstrap interval at 95 %."""
    change = right_b.astype(np.float64) - right_a
    generator = np.random.default_rng(seed)
    means = [float(change[generator.integers(len(change), size=len(change))].mean()) for _ in range(rounds)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(change.mean()), float(low), float(high)
