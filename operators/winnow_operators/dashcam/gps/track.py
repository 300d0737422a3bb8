"""A track of fixes, and where the camera was in between.

Between two fixes the position is interpolated along the straight line; the uncertainty is that of the fixes
plus what a car can have deviated in between, plus what the offset between the two clocks may hide. Outside
of the track there is no position.
"""

import bisect
import math
from collections.abc import Iterable
from typing import Any, NamedTuple

EARTH_M = 6_371_008.8
"""Mean radius (IUGG)."""
FIX_M = 5.0
"""Uncertainty of a fix that does not tell its own: a receiver with open sky (GPS SPS performance standard, 95 %)."""
UERE_M = 3.0
"""Metres per unit of horizontal dilution, for receivers that tell only that."""
TURN_MPS2 = 4.0
"""How hard a car turns or brakes: half of this times the square of half the gap is how far it may be off the line."""
LONGEST_GAP_NS = 30_000_000_000
"""A tunnel: over a longer gap nothing is interpolated."""
MOST_FIXES = 2_000_000
"""Nine hours at 60 per second."""
PATH_POINTS = 1000
"""More cannot be told apart on a page."""


class Fix(NamedTuple):
    """One line of a log."""

    t_ns: int
    """UTC, or since the video's start where the log says so."""
    latitude_deg: float
    longitude_deg: float
    speed_mps: float | None = None
    bearing_deg: float | None = None
    altitude_m: float | None = None
    uncertainty_m: float | None = None


class Place(NamedTuple):
    """Where the camera was at a moment."""

    latitude_deg: float
    longitude_deg: float
    uncertainty_m: float
    speed_mps: float | None
    bearing_deg: float | None
    gap_s: float
    """Time between the fixes on both sides."""


def sound(fixes: Iterable[Fix]) -> list[Fix]:
    """Fixes that can be: finite, on the earth, not at the null island of receivers without one, by time, once."""
    found: dict[int, Fix] = {}
    for fix in fixes:
        finite = math.isfinite(fix.latitude_deg) and math.isfinite(fix.longitude_deg)
        if not finite or not -90 <= fix.latitude_deg <= 90 or not -180 <= fix.longitude_deg <= 180:
            continue
        if fix.latitude_deg == 0 and fix.longitude_deg == 0:
            continue
        found.setdefault(fix.t_ns, fix)
    return [found[t_ns] for t_ns in sorted(found)]


class GpsTrack:
    """Fixes on the video's own time."""

    def __init__(
        self, fixes: Iterable[Fix], *, start_ns: int, clock_s: float, source: str, aligned: str
    ) -> None:
        """``start_ns``: the log's time at the video's first frame; ``clock_s``: how far that may be wrong."""
        self.fixes = sound(fixes)
        self._times = [fix.t_ns - start_ns for fix in self.fixes]
        self._clock_s = clock_s
        self._source = source
        self._aligned = aligned

    def describe(self) -> dict[str, Any]:
        """For the record."""
        return {
            "source": self._source,
            "fixes": len(self.fixes),
            "aligned": self._aligned,
            "clock_uncertainty_s": self._clock_s,
            "first_ns": self._times[0] if self._times else None,
            "last_ns": self._times[-1] if self._times else None,
            "path": self._path(),
        }

    def _path(self) -> list[list[float]]:
        """Latitude and longitude along the way, for maps: at most :data:`PATH_POINTS`, degrees to 0.1 m."""
        step = max(1, -(-len(self.fixes) // PATH_POINTS))
        return [[round(fix.latitude_deg, 6), round(fix.longitude_deg, 6)] for fix in self.fixes[::step]]

    def at(self, t_ns: int) -> Place | None:
        """Where the camera was; None outside of the track, and in holes of more than 30 s."""
        after = bisect.bisect_left(self._times, t_ns)
        if after < len(self._times) and self._times[after] == t_ns:
            return self._place(self.fixes[after], self.fixes[after], 0.0, 0)
        if not 0 < after < len(self._times):
            return None
        gap_ns = self._times[after] - self._times[after - 1]
        if gap_ns > LONGEST_GAP_NS:
            return None
        part = (t_ns - self._times[after - 1]) / gap_ns
        return self._place(self.fixes[after - 1], self.fixes[after], part, gap_ns)

    def _place(self, one: Fix, other: Fix, part: float, gap_ns: int) -> Place:
        speed = _mixed(one.speed_mps, other.speed_mps, part)
        gap_s = gap_ns / 1e9
        length = metres_between(one, other)
        if speed is None and gap_s:
            speed = length / gap_s
        bearing = _mixed_bearing(one.bearing_deg, other.bearing_deg, part)
        if bearing is None and length > 1:
            bearing = bearing_between(one, other)
        own = max(FIX_M if each.uncertainty_m is None else each.uncertainty_m for each in (one, other))
        near_s = gap_s * min(part, 1 - part)
        off = 0.5 * TURN_MPS2 * near_s**2 + self._clock_s * (speed or 0.0)
        east = (other.longitude_deg - one.longitude_deg + 180) % 360 - 180
        longitude = (one.longitude_deg + east * part + 180) % 360 - 180
        latitude = one.latitude_deg + (other.latitude_deg - one.latitude_deg) * part
        return Place(
            round(latitude, 8),
            round(longitude, 8),
            round(math.hypot(own, off), 2),
            None if speed is None else round(speed, 3),
            None if bearing is None else round(bearing, 2),
            round(gap_s, 3),
        )


def metres_between(one: Fix, other: Fix) -> float:
    """Great-circle distance (haversine)."""
    first, second = math.radians(one.latitude_deg), math.radians(other.latitude_deg)
    east = math.radians(other.longitude_deg - one.longitude_deg)
    half = math.sin((second - first) / 2) ** 2 + math.cos(first) * math.cos(second) * math.sin(east / 2) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(half)))


def bearing_between(one: Fix, other: Fix) -> float:
    """Initial course in degrees clockwise from north."""
    first, second = math.radians(one.latitude_deg), math.radians(other.latitude_deg)
    east = math.radians(other.longitude_deg - one.longitude_deg)
    y = math.sin(east) * math.cos(second)
    x = math.cos(first) * math.sin(second) - math.sin(first) * math.cos(second) * math.cos(east)
    return math.degrees(math.atan2(y, x)) % 360


def _mixed(one: float | None, other: float | None, part: float) -> float | None:
    if one is None or other is None:
        return one if other is None else other
    return one + (other - one) * part


def _mixed_bearing(one: float | None, other: float | None, part: float) -> float | None:
    if one is None or other is None:
        return one if other is None else other
    return (one + ((other - one + 180) % 360 - 180) * part) % 360
