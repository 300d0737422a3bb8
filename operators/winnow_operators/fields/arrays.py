"""Makes the 1-D arrays that ``[]`` gives, of the same kinds for every encoding."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from winnow_operators.fields.tree import Anything, Flag, Number, Text, Time, Type

Array = NDArray[Any]


def as_array(values: Sequence[Any], element: Type) -> Array:
    """Numbers as float64, flags as bool, texts as objects, times as int64 nanoseconds.

    A number that an element lacks is NaN, so that arrays of several fields stay in step; other values that
    are lacking are left out.
    """
    if isinstance(element, Anything):
        element = _guess(values)
    if isinstance(element, Number):
        return np.array([np.nan if value is None else value for value in values], np.float64)
    present = [value for value in values if value is not None]
    if isinstance(element, Flag):
        return np.array(present, np.bool_)
    if isinstance(element, Time):
        return np.array(present, np.int64)
    array = np.empty(len(present), np.object_)
    array[:] = present
    return array


def joined(parts: Sequence[Array], element: Type) -> Array:
    """Arrays of one element kind, one after the other."""
    return np.concatenate(parts) if parts else as_array((), element)


def _guess(values: Sequence[Any]) -> Type:
    """What a list without schema holds; mixed lists are lists of objects."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {float}:
        return Number("number")
    return Flag() if kinds == {bool} else Text()
