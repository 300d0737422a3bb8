"""Values as they arrive, made into what conditions compute with."""

import math
from numbers import Real
from typing import SupportsFloat

from winnow_operators.condition.limits import MAX_TEXT
from winnow_operators.condition.signals import SignalSpec
from winnow_schemas.settings.signals import SignalType


def convert(spec: SignalSpec, value: object) -> tuple[float | bool | str | None, bool]:
    """The value in SI, and whether it had the signal's type. None, NaN and misfits become None: unknown.

    Numbers may be Python's or numpy's. A yes/no signal also takes 0 and 1, as ``uint8`` flags are recorded.
    """
    if value is None:
        return None, True
    if spec.type is SignalType.TEXT:
        fits = isinstance(value, str) and len(value) <= MAX_TEXT
        return (str(value) if fits else None), fits
    if isinstance(value, str | bytes) or not isinstance(value, Real | SupportsFloat):
        return None, False
    number = _float(value)
    if number is None:
        return None, False
    if spec.type is SignalType.BOOL:
        return (number == 1.0, True) if number in (0.0, 1.0) else (None, math.isnan(number))
    if math.isnan(number):
        return None, True
    if spec.unit is not None:
        number = number * spec.unit.factor + spec.unit.offset
    return number, True


def _float(value: SupportsFloat) -> float | None:
    try:
        return float(value)
    except (OverflowError, TypeError, ValueError):
        return None
