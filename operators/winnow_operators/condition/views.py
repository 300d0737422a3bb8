"""Windows over a history: each looks only at what is new since it was last asked."""

from collections import deque

from winnow_operators.condition.history import History
from winnow_operators.condition.ranking import Ranking


class RankedView:
    """The samples in ``(now - window, now]``, in the order of their values.

    It catches up when asked: each sample goes in and out at most once (O(log n) each), and where much has
    changed it sorts anew, so a window that nobody asks for costs nothing.
    """

    __slots__ = ("_end", "_low", "_ranking", "capacity", "history", "window_ns")

    def __init__(self, history: History, window_ns: int, capacity: int) -> None:
        self.history = history
        self.window_ns = window_ns
        self.capacity = capacity
        self.reset()

    def reset(self) -> None:
        """The history is another one."""
        self._ranking = Ranking()
        self._low = self._end = 0

    def at(self, now_ns: int) -> Ranking:
        """The samples at a time not before the newest one."""
        history = self.history
        low = history.first_in(now_ns, self.window_ns, self.capacity)
        end = history.end
        if end == self._end and low == self._low:
            return self._ranking
        base, values, ranking = history.base, history.values, self._ranking
        come, gone = end - self._end, low - self._low
        if self._low < base or low > self._end or come + gone > 8 + ranking.size // 2:
            self._ranking = Ranking(values[low - base : end - base])
        else:
            ranking.change(values[self._end - base : end - base], values[self._low - base : low - base])
        self._low, self._end = low, end
        return self._ranking


class ExtremeView:
    """The smallest (``sign`` 1) or largest (-1) sample in ``(now - window, now]``; amortised O(1)."""

    __slots__ = ("_end", "_queue", "capacity", "history", "sign", "window_ns")

    def __init__(self, history: History, window_ns: int, capacity: int, sign: int) -> None:
        self.history = history
        self.window_ns = window_ns
        self.capacity = capacity
        self.sign = sign
        self.reset()

    def reset(self) -> None:
        """The history is another one."""
        self._queue: deque[tuple[int, float]] = deque()
        """Samples (number, value * sign) that are smaller than all younger ones."""
        self._end = 0

    def at(self, now_ns: int) -> tuple[int, float]:
        """How many samples there are, and the extreme one (0.0 without any)."""
        history, queue, sign = self.history, self._queue, self.sign
        low = history.first_in(now_ns, self.window_ns, self.capacity)
        end = history.end
        for number in range(max(self._end, low), end):
            value = history.values[number - history.base] * sign
            while queue and queue[-1][1] >= value:
                queue.pop()
            queue.append((number, value))
        self._end = end
        while queue and queue[0][0] < low:
            queue.popleft()
        return end - low, (queue[0][1] * sign if queue else 0.0)


def ends_at(history: History, now_ns: int, window_ns: int, capacity: int) -> tuple[int, float]:
    """How many samples there are, and newest minus oldest."""
    low = history.first_in(now_ns, window_ns, capacity)
    count = history.end - low
    return count, (history.values[-1] - history.values[low - history.base] if count else 0.0)
