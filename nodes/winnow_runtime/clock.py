"""The present, for the few things that need it: pacing, retries, rate limits, upload days, retention.

The only module that asks the operating system for the time of day; everything else is given a `Clock`, so
that tests run in no time and a replay never depends on when it is run.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """What time it is, and waiting."""

    def wall_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC; may jump either way when the device's clock is set."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds since some fixed moment; never jumps."""
        ...

    def sleep_s(self, seconds: float) -> None:
        """Wait; zero and negative return at once."""
        ...


class SystemClock:
    """The operating system's clock."""

    def wall_ns(self) -> int:
        return time.time_ns()  # noqa: TID251 - the one place that asks

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def sleep_s(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)
