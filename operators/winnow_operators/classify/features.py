"""Makes the 128 features of a clip from what its messages said in the window before the trigger. Pure and deterministic."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from winnow_operators.classify.layout import CATEGORIES, FEATURES, SIZE, WINDOW_S, Feature, Statistic
from winnow_operators.classify.rules import BY_TRIGGER

Vector = NDArray[np.float32]
"""Shape ``(128,)``, in the order of :data:`FEATURES`, each in 0 to 1 or -1 to 1."""
CATEGORY_OF: dict[str, str] = {}
_FIRST = {
    "estop": "safety",
    "ood_spike": "perception",
    "gtsam_innovation_spike": "localization",
    "frenet_exhaustion": "planning",
    "operator_flag": "operator",
    "time_sample": "diversity",
}
PLACE_OF: dict[str, int] = {}
"""Of a type within its category, from 1; 0 = a type of the user's own."""
for _name in BY_TRIGGER:
    _category = _FIRST.get(_name) or next(reversed(CATEGORY_OF.values()))
    CATEGORY_OF[_name] = _category
    PLACE_OF[_name] = sum(each == _category for each in CATEGORY_OF.values())


@dataclass(frozen=True, slots=True)
class Samples:
    """An input's values, in the order of time."""

    t_ns: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """What the sidecar says."""

    type: str
    """Of the trigger that names the clip."""
    priority: int
    t_ns: int
    duration_s: float
    types: tuple[str, ...] = ()
    """Of all triggers."""
    value: float | None = None
    threshold: float | None = None
    pre_roll_s: float = 0.0
    missing_parts: int = 0
    topic_count: int = 0
    truncated: bool = False
    sun_elevation_deg: float | None = None
    """Known where the position is."""


@dataclass(frozen=True, slots=True)
class ClipFeatures:
    """The features, and what they were made from."""

    vector: Vector
    missing: tuple[str, ...] = field(default=())
    """Inputs without a sample in the window; defaults stand in their features."""


def extract(facts: ClipFacts, samples: Mapping[str, Samples]) -> ClipFeatures:
    """Features of one clip; samples outside ``[t - 10 s, t]`` and values that are not finite do not count."""
    windows = {name: _window(each, facts.t_ns) for name, each in samples.items()}
    known = _facts(facts)
    vector = np.empty(SIZE, np.float32)
    missing: dict[str, None] = {}
    for place, feature in enumerate(FEATURES):
        if feature.statistic is Statistic.FACT:
            value = known.get(feature.source)
        else:
            window = windows.get(feature.source)
            value = _value(feature, window) if window is not None and len(window.values) else None
            if value is None and feature.statistic is not Statistic.PRESENT:
                missing[feature.source] = None
        vector[place] = _scaled(feature, feature.default if value is None else value)
    return ClipFeatures(vector, tuple(sorted(missing)))


def _window(samples: Samples, t_ns: int) -> Samples:
    inside = (
        (samples.t_ns >= t_ns - int(WINDOW_S * 1e9)) & (samples.t_ns <= t_ns) & np.isfinite(samples.values)
    )
    return Samples(samples.t_ns[inside], samples.values[inside])


def _value(feature: Feature, window: Samples) -> float:
    values = window.values
    match feature.statistic:
        case Statistic.LAST:
            return float(values[-1])
        case Statistic.MEAN:
            return float(values.mean())
        case Statistic.MAX:
            return float(values.max())
        case Statistic.MIN:
            return float(values.min())
        case Statistic.STD:
            return float(values.std())
        case Statistic.ABOVE:
            return float((values > feature.level).mean())
        case Statistic.CHANGES:
            return float((values[1:] != values[:-1]).sum())
        case Statistic.SLOPE:
            return _slope(window)
        case _:
            return 1.0


def _slope(window: Samples) -> float:
    """Per second; 0 where all samples have one time."""
    seconds = (window.t_ns - window.t_ns[0]) / 1e9
    centred = seconds - seconds.mean()
    spread = float(centred @ centred)
    return float(centred @ window.values) / spread if spread > 0 else 0.0


def _scaled(feature: Feature, value: float) -> float:
    if feature.signed:
        return min(1.0, max(-1.0, value / feature.high))
    part = (value - feature.low) / (feature.high - feature.low)
    return min(1.0, max(0.0, part))


def _facts(facts: ClipFacts) -> dict[str, float]:
    category = CATEGORY_OF.get(facts.type) or CATEGORIES[min(max(facts.priority, 0), 5)]
    day = (facts.t_ns / 1e9 % 86_400) / 86_400 * 2 * math.pi
    known = {
        **{f"is_{each}": float(each == category) for each in CATEGORIES},
        "priority": float(facts.priority),
        "duration_s": facts.duration_s,
        "trigger_count": float(max(1, len(facts.types))),
        "type_count": float(max(1, len(set(facts.types)))),
        "type_in_category": float(PLACE_OF.get(facts.type, 0)),
        "excess": _excess(facts),
        "pre_roll_s": facts.pre_roll_s,
        "missing_parts": float(facts.missing_parts),
        "topic_count": float(facts.topic_count),
        "truncated": float(facts.truncated),
        "hour_sin": math.sin(day),
        "hour_cos": math.cos(day),
        "position_known": float(facts.sun_elevation_deg is not None),
    }
    if facts.sun_elevation_deg is not None:
        known["sun_elevation_deg"] = facts.sun_elevation_deg
    return known


def _excess(facts: ClipFacts) -> float:
    """How far the value is beyond the threshold, doublings; 0 where either is unknown or not above 0."""
    value, threshold = facts.value, facts.threshold
    if value is None or threshold is None or value <= 0 or threshold <= 0:
        return 0.0
    if not math.isfinite(value) or not math.isfinite(threshold):
        return 0.0
    return math.log2(value / threshold)
