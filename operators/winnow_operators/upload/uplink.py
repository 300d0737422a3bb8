"""Measures the uplink from the uploader's own sending, where nothing else does.

Sending that was never held back by our own limit shows what the link carries. Sending at the limit shows
only that it carries at least that. So a measurement holds for a while, during which the reserve keeps us
below it and we learn nothing; then it is forgotten, one part may use the whole of the mode's limit, and
what that part achieves is the next measurement.
"""

from dataclasses import dataclass, replace

MIN_SAMPLE_BYTES = 1024 * 1024
"""Less than this is round trips, not bandwidth."""
HELD_BACK_FRACTION = 0.05
"""Our own limit was what counted when it made the sending wait for more than this part of its time."""


@dataclass(frozen=True, slots=True)
class UplinkMeter:
    """What was measured, and until when it holds."""

    holds_ns: int
    """How long a measurement holds, nanoseconds."""
    measured_bytes_per_s: float | None = None
    until_ns: int = 0
    """End of its validity, on the monotonic clock."""

    def at(self, now_ns: int) -> float | None:
        """The measured uplink in bytes per second, None when there is no valid measurement."""
        return self.measured_bytes_per_s if now_ns < self.until_ns else None

    def observed(self, body_bytes: int, busy_s: float, waited_s: float, now_ns: int) -> "UplinkMeter":
        """Take in one sending that took ``busy_s``, ``waited_s`` of it because of our own limit."""
        if body_bytes < MIN_SAMPLE_BYTES or busy_s <= 0 or waited_s > HELD_BACK_FRACTION * busy_s:
            return self
        return replace(self, measured_bytes_per_s=body_bytes / busy_s, until_ns=now_ns + self.holds_ns)
