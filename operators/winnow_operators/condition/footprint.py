"""What a condition may come to remember: counted before it runs."""

from typing import NamedTuple

from winnow_operators.condition.expression import Expr, Memory, Place, Stale, Timing, Window, walk
from winnow_operators.condition.limits import BYTES_PER_SAMPLE, ConditionLimits

EXTRA_BYTES = {
    "median": 8,  # the sorted structure refers to the history's own floats
    "percentile": 8,
    "min": 56,
    "max": 56,
    "mean": 144,
    "std": 144,
    "sum": 144,
    "slope": 208,
    "count": 0,
    "rate": 0,
    "delta": 0,
}
"""Per sample beside the history, as the structures in `windows` and `aggregates` hold it (CPython 3.11)."""
CELL_BYTES = 160
"""A visited cell: a tuple of two integers in an ordered dictionary."""


class Footprint(NamedTuple):
    """Upper bounds."""

    memories: int
    total_bytes: int


def footprint(root: Expr, limits: ConditionLimits) -> Footprint:
    """Count every distinct window once; equal ones are shared."""
    seen: dict[str, int] = {}
    histories: dict[str, int] = {}
    for part in walk(root):
        if isinstance(part, Window):
            samples = limits.samples(part.window_ns)
            seen[part.key] = samples * EXTRA_BYTES[part.function]
            histories[part.item.key] = max(histories.get(part.item.key, 0), samples * BYTES_PER_SAMPLE)
        elif isinstance(part, Place) and part.function == "new_cell":
            seen[part.key] = limits.max_cells * CELL_BYTES
        elif isinstance(part, Memory | Stale | Timing | Place):
            seen[part.key] = 0
    return Footprint(len(seen), sum(seen.values()) + sum(histories.values()))
