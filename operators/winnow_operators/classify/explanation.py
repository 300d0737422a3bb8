"""Why a model scored a clip as it did: the features without which it would have said less of it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from winnow_operators.classify.layout import FEATURES, SIZE, Statistic

Array = NDArray[np.float32]
LEAST = 0.01
"""Probability that a feature must have moved to be worth telling."""
TOLD = 4
_UNLIKE = 0.02
"""Of the range: a feature this near to the ordinary value moved nothing."""


def reasons(
    features: Array, ordinary: Array, score: Callable[[Array], Array], scenario: int
) -> list[tuple[str, float]]:
    """Words and how much of the scenario's probability each feature brought, the largest first.

    ``score``: features ``(n, 128)`` -> probabilities ``(n, 10)``. Each feature in turn is put to its ordinary
    value (the training data's mean) and the fall of the probability is what it brought (occlusion). All 129
    variants go through the model in one batch.
    """
    variants = np.repeat(features[None], SIZE + 1, axis=0)
    places = np.arange(SIZE)
    variants[places, places] = ordinary
    scores = score(variants)[:, scenario]
    fall = scores[SIZE] - scores[:SIZE]
    told = []
    for place in np.argsort(-fall, kind="stable")[: TOLD * 2].tolist():
        if fall[place] < LEAST or abs(features[place] - ordinary[place]) < _UNLIKE:
            continue
        told.append(
            (words(place, float(features[place]), float(ordinary[place])), round(float(fall[place]), 3))
        )
    return told[:TOLD]


def words(place: int, value: float, ordinary: float) -> str:
    """A feature's value for people: ``innovation_norm max 3.2 (ordinarily 0.9): localization was surprised``."""
    feature = FEATURES[place]
    if feature.statistic is Statistic.PRESENT:
        return feature.words if value > 0.5 else f"not: {feature.words}"
    real, usual = _real(place, value), _real(place, ordinary)
    unit = "" if feature.unit == "1" else f" {feature.unit}"
    clause = feature.words if value > ordinary else f"the opposite of '{feature.words}'"
    if (
        feature.high - feature.low == 1
        and feature.statistic is Statistic.FACT
        and feature.unit == "1"
        and not feature.signed
    ):
        return feature.words if value > ordinary else f"not: {feature.words}"
    return f"{feature.name.replace('_', ' ')} {real:.3g}{unit} (ordinarily {usual:.3g}): {clause}"


def _real(place: int, value: float) -> float:
    feature = FEATURES[place]
    return value * feature.high if feature.signed else feature.low + value * (feature.high - feature.low)
