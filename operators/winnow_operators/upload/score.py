"""The composite upload score (vehicle document 8.3): lower goes first."""

import math

from winnow_schemas.priority import UploadClass

POINTS_PER_CLASS = 100.0
ANNOTATION_POINTS = 50.0
DIVERSITY_POINTS = 20.0
UNCERTAINTY_POINTS = 30.0
"""The three together are one class, so a score never lets a class pass another, at most draw level."""
UNKNOWN = 0.5
"""What a missing annotation priority or diversity counts as (8.3)."""
FULL_UNCERTAINTY_OOD = 10.0
"""The OOD score from which a clip counts as fully uncertain (8.3)."""


def upload_score(
    upload_class: UploadClass, annotation_priority: float, diversity: float, uncertainty: float
) -> float:
    """Score a clip; the last three are 0 to 1, higher is worth more, NaN counts as unknown or none."""
    return (
        POINTS_PER_CLASS * upload_class
        - ANNOTATION_POINTS * _unit(annotation_priority, UNKNOWN)
        - DIVERSITY_POINTS * _unit(diversity, UNKNOWN)
        - UNCERTAINTY_POINTS * _unit(uncertainty, 0.0)
    )


def uncertainty_of(ood_score: float) -> float:
    """How uncertain perception was, 0 to 1, from the highest OOD score of the clip."""
    return _unit(ood_score / FULL_UNCERTAINTY_OOD, 0.0)


def _unit(value: float, otherwise: float) -> float:
    return otherwise if math.isnan(value) else min(max(value, 0.0), 1.0)
