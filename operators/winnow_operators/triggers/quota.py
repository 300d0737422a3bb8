"""Limits on how often: so many within a span of message time."""

from collections import deque


class Quota:
    """At most ``limit`` in any half-open span ``(t - span, t]``; without a limit (0) it keeps nothing."""

    __slots__ = ("_times", "limit", "span_ns")

    def __init__(self, limit: int, span_ns: int) -> None:
        self.limit = limit
        self.span_ns = span_ns
        self._times: deque[int] = deque(maxlen=limit or None)

    def is_full(self, t_ns: int) -> bool:
        """Whether one more at this time would be over the limit."""
        times = self._times
        while times and times[0] <= t_ns - self.span_ns:
            times.popleft()
        return 0 < self.limit <= len(times)

    def add(self, t_ns: int) -> None:
        """One more; to be asked first."""
        if self.limit:
            self._times.append(t_ns)

    def changed(self, limit: int, span_ns: int) -> "Quota":
        """Another limit, with what has happened so far."""
        other = Quota(limit, span_ns)
        other.restore(self.snapshot())
        return other

    def turn_back(self, t_ns: int) -> None:
        """Forget what has not happened yet."""
        self.restore([time_ns for time_ns in self._times if time_ns <= t_ns])

    def snapshot(self) -> list[int]:
        return list(self._times)

    def restore(self, times_ns: list[int]) -> None:
        """Take over the newest ones that count, also under another limit than before."""
        self._times = deque(times_ns, maxlen=self.limit or None) if self.limit else deque()
