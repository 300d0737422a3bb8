"""Rates and gaps of a topic, from the times of its messages."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GAP_FACTOR = 3.0
"""A pause is a gap when it is so many times the usual one: jitter of a real sensor stays below twice."""
LEAST_MESSAGES = 4
"""With fewer, no pause is the usual one."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a topic's messages follow each other."""

    messages: int
    rate_hz: float | None
    """From the first message to the last; None for fewer than two times."""
    period_s: float | None
    """The usual pause: the median."""
    longest_s: float | None
    longest_at_ns: int | None
    """When the longest pause began."""
    gaps: int
    """Pauses that are longer than usual by ``GAP_FACTOR``."""


NO_PACE = Pace(0, None, None, None, None, 0)
"""Of a topic without messages."""


def pace(times_ns: NDArray[np.int64]) -> Pace:
    """The pace of messages at ``times_ns``, shape (n,), in any order."""
    count = len(times_ns)
    times = np.sort(times_ns)
    if count < 2 or times[-1] == times[0]:
        return Pace(count, None, None, None, None, 0)
    pauses = np.diff(times)
    usual = float(np.median(pauses))
    place = int(np.argmax(pauses))
    gaps = int(np.count_nonzero(pauses > GAP_FACTOR * usual)) if count >= LEAST_MESSAGES and usual > 0 else 0
    return Pace(
        count,
        (count - 1) / (int(times[-1] - times[0]) / 1e9),
        usual / 1e9,
        int(pauses[place]) / 1e9,
        int(times[place]),
        gaps,
    )
