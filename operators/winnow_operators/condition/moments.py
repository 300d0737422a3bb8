"""Sums, means, deviations and slopes of a sliding window, without an error that grows.

Nothing is ever subtracted: two stacks of partial results (one per sample still to leave, one running) are merged
when asked. Merging is Chan, Golub and LeVeque's (1979) parallel update. A sample is touched twice, so a push is
amortised O(1), and rounding is that of at most one pass over the window.
"""

import math

from winnow_operators.condition.history import History
from winnow_operators.condition.saved import require

Moments = tuple[int, float, float, float, float, float, float]
"""Of a set of samples (t, x): count, sum of x, mean of t, mean of x, and the centred sums of tt, tx, xx.

A plain tuple: merging is most of the cost of a push, and a named one takes twice as long to make."""

NOTHING: Moments = (0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def merge(a: Moments, b: Moments) -> Moments:
    """The moments of both sets together."""
    count_a, total_a, t_a, x_a, tt_a, tx_a, xx_a = a
    count_b, total_b, t_b, x_b, tt_b, tx_b, xx_b = b
    if not count_a:
        return b
    if not count_b:
        return a
    count = count_a + count_b
    dt, dx = t_b - t_a, x_b - x_a
    share = count_b / count
    wt, wx = dt * count_a * share, dx * count_a * share
    return (
        count,
        total_a + total_b,
        t_a + dt * share,
        x_a + dx * share,
        tt_a + tt_b + dt * wt,
        tx_a + tx_b + dt * wx,
        xx_a + xx_b + dx * wx,
    )


class SlidingMoments:
    """The moments of the samples of a history in ``(now - window, now]``.

    The split between the stacks depends only on the samples, never on when somebody asked, so results do not
    either.
    """

    __slots__ = ("_back", "_cached", "_front", "capacity", "history", "low", "middle", "window_ns")

    def __init__(self, history: History, window_ns: int, capacity: int) -> None:
        self.history = history
        self.window_ns = window_ns
        self.capacity = capacity
        self.middle = history.end
        """Number of the first sample of the back."""
        self.low = history.end
        """Number of the oldest sample in the window, at the newest push."""
        self._front: list[Moments] = []
        """Of each sample in the front with all younger ones there; the oldest sample's is last."""
        self._back = NOTHING
        self._cached: tuple[int, int, Moments] = (-1, -1, NOTHING)

    def push(self, now_ns: int) -> None:
        """The history has one more sample."""
        history = self.history
        low = history.first_in(now_ns, self.window_ns, self.capacity)
        end = history.end
        if low >= self.middle:
            self._flip(low, end)
        else:
            if low > self.low:
                del self._front[self.low - low :]
            self._back = merge(self._back, self._single(end - 1))
        self.low = low

    def _flip(self, low: int, end: int) -> None:
        """All of the front has left: what is in the back becomes the new front."""
        self._front = self._suffixes(low, end)
        self._back = NOTHING
        self.middle = end

    def _suffixes(self, low: int, end: int) -> list[Moments]:
        running = NOTHING
        front: list[Moments] = []
        for number in range(end - 1, low - 1, -1):
            running = merge(self._single(number), running)
            front.append(running)
        return front

    def _single(self, number: int) -> Moments:
        history = self.history
        index = number - history.base
        value = history.values[index]
        assert history.begun_ns is not None
        return (1, value, (history.times[index] - history.begun_ns) / 1e9, value, 0.0, 0.0, 0.0)

    def at(self, now_ns: int) -> Moments:
        """The moments now, which may be later than the newest sample."""
        low = self.history.first_in(now_ns, self.window_ns, self.capacity)
        end = self.history.end
        cached_low, cached_end, moments = self._cached
        if low == cached_low and end == cached_end:
            return moments
        if low < self.middle:
            moments = merge(self._front[self.middle - 1 - low], self._back)
        else:
            moments = self._single_pass(low, end)
        self._cached = (low, end, moments)
        return moments

    def _single_pass(self, low: int, end: int) -> Moments:
        moments = NOTHING
        for number in range(low, end):
            moments = merge(moments, self._single(number))
        return moments

    def restore(self, middle: int, low: int) -> None:
        """Rebuild both stacks from the history, exactly as they were.

        Raises:
            BadInputError: the history does not reach so far.

        """
        require(self.history.base <= low <= middle <= self.history.end, "the window is not in its history")
        self.middle = middle
        self.low = low
        self._front = self._suffixes(low, middle)
        self._back = self._single_pass(middle, self.history.end)
        self._cached = (-1, -1, NOTHING)


def mean(moments: Moments) -> float:
    """Arithmetic mean."""
    return moments[3]


def total(moments: Moments) -> float:
    """Sum."""
    return moments[1]


def deviation(moments: Moments) -> float:
    """Population standard deviation."""
    return math.sqrt(moments[6] / moments[0])


def slope(moments: Moments) -> float | None:
    """Least-squares change per second; None where all samples have the same time."""
    return moments[5] / moments[4] if moments[4] > 0 else None
