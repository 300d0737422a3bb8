"""Holds sending to a rate that may change at any moment, and counts what went over the wire."""

import math
import threading
from dataclasses import dataclass

from winnow_operators.upload.pacing import TokenBucket
from winnow_runtime.clock import Clock
from winnow_schemas.errors import WinnowError

LONGEST_SLEEP_S = 0.05
"""A new rate, or a stop, takes effect at least this fast."""


class SendingStoppedError(WinnowError):
    """The link went, or the uploader is to end: the request in progress was cut off on purpose."""


@dataclass(frozen=True, slots=True)
class Sending:
    """What one unit of work sent."""

    wire_bytes: int
    busy_s: float
    """From its first byte to its last."""
    waited_s: float
    """How much of that was our own limit's doing."""


class Pacer:
    """One for all connections. ``take`` is called by whoever sends, the rest by anybody."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._bucket: TokenBucket | None = None
        self._stopped = self._cut = self._reading_cut = ""
        self._wire_bytes = self._total_bytes = 0
        self._first_ns = self._last_ns = 0
        self._waited_s = 0.0

    @property
    def slice_bytes(self) -> int:
        """The most to take at once."""
        with self._lock:
            return self._bucket.slice_bytes if self._bucket else 64 * 1024

    @property
    def rate_bytes_per_s(self) -> float:
        """The rate of the unit in progress; infinite outside of one."""
        with self._lock:
            return self._bucket.rate_bytes_per_s if self._bucket else math.inf

    @property
    def unit_bytes(self) -> int:
        """What the unit in progress has put on the wire; of none in progress, the last one."""
        with self._lock:
            return self._wire_bytes

    @property
    def total_bytes(self) -> int:
        """What all units have put on the wire."""
        with self._lock:
            return self._total_bytes

    @property
    def stopped(self) -> str:
        """Why nothing may be sent, empty if it may."""
        with self._lock:
            return self._stopped

    def begin(self, rate_bytes_per_s: float) -> None:
        """Start a unit of work at a rate; its bytes and times are counted from here."""
        with self._lock:
            self._set_rate(rate_bytes_per_s)
            self._cut = self._reading_cut = ""
            self._wire_bytes, self._waited_s = 0, 0.0
            self._first_ns = self._last_ns = 0

    def end(self) -> Sending:
        """What went since ``begin``; from now on nothing is held back."""
        with self._lock:
            self._bucket = None
            return Sending(self._wire_bytes, (self._last_ns - self._first_ns) / 1e9, self._waited_s)

    def change_rate(self, rate_bytes_per_s: float) -> None:
        """Another rate for the unit in progress, if there is one; 0 cuts it off."""
        with self._lock:
            if self._bucket is not None:
                self._set_rate(rate_bytes_per_s)

    def stop(self, reason: str) -> None:
        """Cut off the unit in progress, and refuse every other; an empty reason allows sending again."""
        with self._lock:
            self._stopped = reason

    def cut(self, reason: str) -> None:
        """Cut off the unit in progress, and nothing else."""
        with self._lock:
            self._cut = reason

    def cut_reading(self, reason: str) -> None:
        """Cut off the unit in progress if it is reading an object back: that can be done again at any time."""
        with self._lock:
            self._reading_cut = reason

    def may_read(self) -> None:
        """To be asked now and then while an object is read back.

        Raises:
            SendingStoppedError: something else goes first, or the uploader is to end.

        """
        with self._lock:
            reason = self._stopped or self._reading_cut
        if reason:
            raise SendingStoppedError(reason)

    def count(self, size_bytes: int) -> None:
        """Count bytes on the wire that were not asked for beforehand, such as a TLS handshake."""
        with self._lock:
            self._wire_bytes += size_bytes
            self._total_bytes += size_bytes

    def take(self, size_bytes: int) -> None:
        """Wait until so many bytes may go, and count them.

        Raises:
            SendingStoppedError: they may not go at all.

        """
        while True:
            with self._lock:
                now_ns = self._clock.monotonic_ns()
                wait_s = self._take_at(size_bytes, now_ns)
            if wait_s <= 0:
                return
            self._clock.sleep_s(min(wait_s, LONGEST_SLEEP_S))
            with self._lock:
                self._waited_s += (self._clock.monotonic_ns() - now_ns) / 1e9

    def sent(self) -> None:
        """The bytes taken are in the kernel's hands."""
        with self._lock:
            self._last_ns = self._clock.monotonic_ns()

    def _take_at(self, size_bytes: int, now_ns: int) -> float:
        """Take if the bucket allows it, else say how long to wait."""
        if self._stopped or self._cut:
            raise SendingStoppedError(self._stopped or self._cut)
        if self._bucket is not None:
            if self._bucket.rate_bytes_per_s <= 0:
                raise SendingStoppedError("The link allows no sending any more; the part will be sent again.")
            self._bucket = self._bucket.at(now_ns)
            wait_s = self._bucket.wait_s()
            if wait_s > 0:
                return wait_s
            self._bucket = self._bucket.taking(size_bytes)
        self._first_ns = self._first_ns or now_ns
        self._wire_bytes += size_bytes
        self._total_bytes += size_bytes
        return 0.0

    def _set_rate(self, rate_bytes_per_s: float) -> None:
        now_ns = self._clock.monotonic_ns()
        rate = max(rate_bytes_per_s, 0.0)
        # A unit begins with nothing saved up: the one before it may have used this very moment.
        bucket = self._bucket or TokenBucket(rate, now_ns)
        self._bucket = bucket.at(now_ns).with_rate(rate)
