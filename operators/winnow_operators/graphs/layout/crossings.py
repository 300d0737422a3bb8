"""How many lines of a channel a line would cross, for many places of its ends at once."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.intp]


class Lines(NamedTuple):
    """The lines of a channel by the x of their ends, each an array of shape (n, 2)."""

    across: Floats
    """x above, x below."""
    above: Floats
    """Both ends above: lines that turn back."""
    below: Floats
    """Both ends below."""


def crossings_of_lines(top: Floats, low: Floats, others: Lines) -> Counts:
    """Crossings of lines from ``top`` above to ``low`` below; the two are broadcast against each other."""
    across = others.across
    turned = (top[..., None] - across[:, 0]) * (low[..., None] - across[:, 1]) < 0
    return _count(turned) + _enclosing(top, others.above) + _enclosing(low, others.below)


def crossings_of_turn(one: Floats, other: Floats, others: Lines, *, below: bool) -> Counts:
    """Crossings of lines that turn back, both ends at the row below the channel or at the one above."""
    left, right = np.minimum(one, other)[..., None], np.maximum(one, other)[..., None]
    ends = others.across[:, 1 if below else 0]
    inside = _count((left < ends) & (ends < right))
    turns = others.below if below else others.above
    first = (left < turns[:, 0]) & (turns[:, 0] < right)
    second = (left < turns[:, 1]) & (turns[:, 1] < right)
    return inside + _count(first != second)


def _enclosing(x: Floats, turns: Floats) -> Counts:
    left, right = turns.min(axis=1, initial=np.inf), turns.max(axis=1, initial=-np.inf)
    return _count((left < x[..., None]) & (x[..., None] < right))


def _count(true: NDArray[np.bool_]) -> Counts:
    counts: Counts = true.sum(axis=-1, dtype=np.intp)
    return counts
