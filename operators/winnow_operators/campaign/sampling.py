"""Triggers that sample: an ``every(...)`` or a ``distance_m(...) >= ...`` over a parameter."""

from enum import Enum

from winnow_operators.condition.expression import Expr, Place, Timing, walk

INTERVAL = "interval"
"""The parameter that says how often, in the library and in what campaigns change."""


class Sampling(Enum):
    """What a trigger samples by."""

    NOT = ""
    TIME = "time"
    DISTANCE = "distance"


def sampling(root: Expr, params: object) -> Sampling:
    """What a condition samples by, when the parameter ``interval`` says how often."""
    if not isinstance(params, dict) or not isinstance(params.get(INTERVAL), int | float):
        return Sampling.NOT
    parts = list(walk(root))
    if any(isinstance(part, Timing) and part.function == "every" for part in parts):
        return Sampling.TIME
    if any(isinstance(part, Place) and part.function == "distance_m" for part in parts):
        return Sampling.DISTANCE
    return Sampling.NOT
