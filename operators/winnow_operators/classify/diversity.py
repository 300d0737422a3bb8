"""How different a clip is from the ones before it (vehicle document 4.3; errata 4.3).

One minus the largest cosine similarity to the last clips, over features that are all within 0 and 1. The
memory is bounded, and the same clips in the same order give the same scores.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from winnow_operators.classify.rules import BY_TRIGGER, Surroundings
from winnow_operators.classify.scenario import Scenario

_TYPES = tuple(BY_TRIGGER)
_SCENARIOS = tuple(Scenario)
SIZE = len(_TYPES) + len(_SCENARIOS) + 10
_HOUR_S = 3600.0
_CELL_DEG = 0.001
"""About 100 m: clips from another place are different clips."""


def clip_features(
    *,
    types: Iterable[str],
    scenario: Scenario,
    duration_s: float,
    t_ns: int,
    surroundings: Surroundings,
    position: tuple[float, float] | None,
) -> NDArray[np.float64]:
    """Features of a clip, shape ``(SIZE,)``, each in [0, 1]."""
    features = np.zeros(SIZE)
    for kind in types:
        if kind in BY_TRIGGER:
            features[_TYPES.index(kind)] = 1.0
    base = len(_TYPES)
    features[base + _SCENARIOS.index(scenario)] = 1.0
    base += len(_SCENARIOS)
    day = (t_ns / 1e9 % 86_400) / 86_400 * 2 * math.pi
    features[base] = min(duration_s / 120.0, 1.0)
    features[base + 1] = (math.sin(day) + 1) / 2
    features[base + 2] = (math.cos(day) + 1) / 2
    features[base + 3] = _scaled(surroundings.visibility_m, 5000.0)
    features[base + 4] = _scaled(surroundings.rain_mm_h, 20.0)
    features[base + 5] = _scaled(surroundings.ambient_light_lux, 100_000.0)
    if position is not None:
        for place, degrees in enumerate(position):
            phase = degrees / _CELL_DEG
            features[base + 6 + 2 * place] = (math.sin(phase) + 1) / 2
            features[base + 7 + 2 * place] = (math.cos(phase) + 1) / 2
    return features


def _scaled(value: float | None, top: float) -> float:
    return 0.0 if value is None or math.isnan(value) else min(max(value / top, 0.0), 1.0)


class Diversity:
    """Compares with the last ``history`` clips."""

    def __init__(self, history: int) -> None:
        self._recent: deque[NDArray[np.float64]] = deque(maxlen=history)

    def __len__(self) -> int:
        return len(self._recent)

    def score(self, features: NDArray[np.float64]) -> float:
        """0 = seen before, 1 = like nothing before (also the first clip); remembers the clip."""
        norm = float(np.linalg.norm(features))
        unit = features / norm if norm else features
        similar = max((float(unit @ other) for other in self._recent), default=0.0)
        self._recent.append(unit)
        return float(min(1.0, max(0.0, 1.0 - similar)))

    def snapshot(self) -> list[list[float]]:
        return [features.tolist() for features in self._recent]

    def restore(self, saved: Sequence[Any]) -> None:
        """Take over a snapshot; features of another length (an older version) are left out."""
        self._recent.extend(np.array(row) for row in saved if len(row) == SIZE)
