"""Fields of lists of objects, as columns of one table: checked for length, count and finite places."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from winnow_operators.detectors.detector import DetectorInputError

Floats = NDArray[np.float64]
MAX_OBJECTS = 500
"""Objects in one message: perception stacks report some dozens; pairs of two such lists stay below 2 MB."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Objects with a finite place; every array has shape ``(n,)``."""

    numbers: dict[str, Floats]
    texts: dict[str, list[str]]
    count: int

    def __getitem__(self, name: str) -> Floats:
        return self.numbers[name]

    @property
    def places(self) -> Floats:
        """X and y in metres, shape ``(n, 2)``."""
        return np.column_stack((self.numbers["x"], self.numbers["y"]))


def columns(fields: Mapping[str, Any], texts: tuple[str, ...] = (), limit: int = MAX_OBJECTS) -> Columns:
    """Make a table of the fields; objects whose x or y is not finite are left out.

    Raises:
        DetectorInputError: columns of different lengths, or more objects than the limit.

    """
    lengths = {name: len(value) if hasattr(value, "__len__") else -1 for name, value in fields.items()}
    if len(set(lengths.values())) > 1 or -1 in lengths.values():
        raise DetectorInputError(
            f"The fields of a message do not belong together ({lengths}); it was ignored."
        )
    count = next(iter(lengths.values()), 0)
    if count > limit:
        raise DetectorInputError(f"A message holds {count} objects, the limit is {limit}; it was ignored.")
    try:
        numbers = {
            name: np.asarray(value, np.float64).reshape(-1)
            for name, value in fields.items()
            if name not in texts
        }
    except (TypeError, ValueError):
        raise DetectorInputError(
            "A field that should hold numbers does not; the message was ignored."
        ) from None
    if any(len(values) != count for values in numbers.values()):
        raise DetectorInputError("A field is not one value per object; the message was ignored.")
    keep = np.isfinite(numbers["x"]) & np.isfinite(numbers["y"])
    words = {
        name: [str(word)[:64] for word, kept in zip(fields[name], keep, strict=True) if kept]
        for name in texts
    }
    return Columns({name: values[keep] for name, values in numbers.items()}, words, int(keep.sum()))
