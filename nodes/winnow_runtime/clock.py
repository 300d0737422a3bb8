"""The present, as an argument. The only module that asks the system for it."""

import time
from typing import Protocol


class Clock(Protocol):
    """What pacing, retries, rate limits, daily budgets and retention take instead of looking at a clock."""

    def wall_ns(self) -> int:
        """Nanoseconds UTC; may step in either direction."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds that only grow."""
        ...

    def sleep_s(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The real one."""

    def wall_ns(self) -> int:
        return time.time_ns()  # noqa: TID251 - the one place that asks

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def sleep_s(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)
