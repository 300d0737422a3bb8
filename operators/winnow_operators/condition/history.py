"""The samples of one value: appended once, read by every window over it."""

import math
from bisect import bisect_right
from itertools import pairwise

from winnow_operators.condition.saved import Json, Saved, load, require

_FIRST_TRIM = 256
"""Samples before the first look at what can go."""


class HistoryState(Saved, frozen=True):
    """A history as JSON-able values."""

    base: int
    times_ns: list[int]
    values: list[float]
    begun_ns: int | None
    overflowed: int
    trim_at: int


class History:
    """Samples in time order, numbered from 0 on; the oldest leave when no window can see them any more.

    Appending is amortised O(1). At most ``capacity`` samples count; ``overflowed`` says how many had to go
    although they were still within the longest window.
    """

    __slots__ = (
        "_look_at",
        "_trim_at",
        "base",
        "begun_ns",
        "capacity",
        "overflowed",
        "times",
        "values",
        "window_ns",
    )

    def __init__(self) -> None:
        self.window_ns = 0
        """The longest window over it."""
        self.capacity = 2
        self.times: list[int] = []
        self.values: list[float] = []
        self.base = 0
        """Number of the sample at index 0."""
        self.begun_ns: int | None = None
        """When it was first asked for a sample, whether or not there was one."""
        self.overflowed = 0
        self._trim_at = _FIRST_TRIM
        self._look_at = 2

    def widen(self, window_ns: int, capacity: int) -> None:
        """Another window wants to look at it."""
        self.window_ns = max(self.window_ns, window_ns)
        self.capacity = max(self.capacity, capacity)
        self._look_at = min(self.capacity, self._trim_at)

    def push(self, t_ns: int, value: float) -> None:
        """Append a sample; ``t_ns`` never decreases."""
        times = self.times
        times.append(t_ns)
        self.values.append(value)
        if len(times) > self._look_at:
            self._look(t_ns)

    def _look(self, now_ns: int) -> None:
        """Count what capacity pushed out; now and then, let go what no window sees."""
        times = self.times
        oldest_kept = len(times) - self.capacity
        if oldest_kept > 0 and times[oldest_kept - 1] > now_ns - self.window_ns:
            self.overflowed += 1
        if len(times) <= self._trim_at:
            return
        cut = max(bisect_right(times, now_ns - self.window_ns), oldest_kept)
        del times[:cut]
        del self.values[:cut]
        self.base += cut
        # A fraction of what is in use keeps the cost per sample constant and the slack bounded.
        self._trim_at = len(times) + max(_FIRST_TRIM, min(len(times), self.capacity // 4))
        self._look_at = min(self.capacity, self._trim_at)

    @property
    def end(self) -> int:
        """Number of the next sample."""
        return self.base + len(self.times)

    def first_in(self, now_ns: int, window_ns: int, capacity: int) -> int:
        """Number of the oldest sample in ``(now - window, now]``."""
        times = self.times
        return self.base + max(bisect_right(times, now_ns - window_ns), len(times) - capacity)

    def snapshot(self) -> Json:
        return HistoryState(
            self.base, self.times, self.values, self.begun_ns, self.overflowed, self._trim_at
        ).to_json()

    def restore(self, state: object) -> None:
        """Take over what :meth:`snapshot` gave.

        Raises:
            BadInputError: it is no state of a history.

        """
        saved = load(HistoryState, state)
        times, values = saved.times_ns, saved.values
        require(len(times) == len(values) <= saved.trim_at, "times and values do not belong together")
        require(all(a <= b for a, b in pairwise(times)), "times are not in order")
        require(all(map(math.isfinite, values)), "a sample is not finite")
        require(saved.base >= 0 and (saved.begun_ns is not None or not times), "samples before the beginning")
        self.base, self.times, self.values = saved.base, times, values
        self.begun_ns, self.overflowed, self._trim_at = saved.begun_ns, saved.overflowed, saved.trim_at
        self._look_at = min(self.capacity, self._trim_at)
