"""Which time of a log is the video's first frame.

Cameras write when they began; their clocks show local time as often as UTC, and are a few seconds off.
Where the log does not overlap the video as the camera dates it, whole quarters of an hour (all time zones)
are tried; where the camera dates nothing, the log is taken to begin with the video, and the uncertainty says so.
"""

from typing import NamedTuple

QUARTER_NS = 900_000_000_000
DAY_QUARTERS = 14 * 4
"""Time zones go from UTC-12 to UTC+14."""
CREATED_CLOCK_S = 2.0
"""A creation time has whole seconds, and is written at the beginning by some cameras, at the first key frame by others."""
ASSUMED_CLOCK_S = 5.0
"""A camera starts its log within a few seconds of its video."""


class Alignment(NamedTuple):
    """How a log was laid along a video."""

    start_ns: int
    """The log's time at the first frame."""
    clock_s: float
    how: str


def align(first_ns: int, last_ns: int, *, created_ns: int | None, duration_ns: int) -> Alignment | None:
    """Lay a log from first to last fix along a video; None when it belongs to another time altogether."""
    if created_ns is None:
        # Shorter or longer by more than half a minute: another trip's log, or one of a whole day.
        if abs((last_ns - first_ns) - duration_ns) > max(30_000_000_000, duration_ns // 2):
            return None
        return Alignment(
            first_ns, ASSUMED_CLOCK_S, "the log is taken to begin with the video, which is not dated"
        )
    shifts = sorted(range(-DAY_QUARTERS, DAY_QUARTERS + 1), key=lambda each: (abs(each), each))
    best = max(
        shifts, key=lambda each: _common(first_ns, last_ns, created_ns + each * QUARTER_NS, duration_ns)
    )
    start = created_ns + best * QUARTER_NS
    if _common(first_ns, last_ns, start, duration_ns) <= 0:
        return None
    zone = f", moved by {best * 15} minutes (its time zone)" if best else ""
    return Alignment(start, CREATED_CLOCK_S, f"the video's creation time{zone}")


def _common(first_ns: int, last_ns: int, start_ns: int, duration_ns: int) -> int:
    return min(last_ns, start_ns + duration_ns) - max(first_ns, start_ns)
