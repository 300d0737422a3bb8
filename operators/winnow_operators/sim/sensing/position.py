"""Where the vehicle thinks it is: satellite fix, pose estimate, innovation, place recognition."""

import math
from enum import StrEnum
from typing import NamedTuple

from winnow_operators.sim.geometry import Pose, inside
from winnow_operators.sim.noise import Drift, Even
from winnow_schemas.simulation.airside import REFERENCE_LATITUDE_DEG, REFERENCE_LONGITUDE_DEG

METRES_PER_DEGREE = 111_320.0
"""Of latitude; of longitude times the cosine of the latitude. Exact to 0.1 % over an airport."""
CANOPY = ((-408.0, 56.0), (-392.0, 56.0), (-392.0, 74.0), (-408.0, 74.0))
"""The depot's roof: below it the fix is only a float solution."""
INNOVATION_SIGMA_M = 0.4
"""Standard deviation that the estimator assumes of a fix in motion; innovations are in units of it."""
ACCEPTED_SCORE = 0.6
"""Similarity above which place recognition accepts a match."""


class Fix(StrEnum):
    """Quality of the satellite fix (vehicle document 4.3)."""

    RTK_FIXED = "rtk_fixed"
    RTK_FLOAT = "rtk_float"
    DGPS = "dgps"
    STANDALONE = "standalone"
    DENIED = "denied"


SIGMA_M: dict[Fix, float] = {
    # Horizontal standard deviations as receivers state them.
    Fix.RTK_FIXED: 0.015,
    Fix.RTK_FLOAT: 0.25,
    Fix.DGPS: 0.7,
    Fix.STANDALONE: 2.0,
    Fix.DENIED: 1000.0,
}


class Satellite(NamedTuple):
    """A fix: map coordinates as received."""

    quality: Fix
    x: float
    y: float


class Localizer:
    """Estimates, as functions of truth and time."""

    def __init__(self, seed: int) -> None:
        self._gps_x, self._gps_y = Drift(seed, "gps/x"), Drift(seed, "gps/y")
        self._pose_x, self._pose_y = Drift(seed, "pose/x"), Drift(seed, "pose/y")
        self._innovation = Even(seed, "innovation")
        self._place = Even(seed, "place")
        self._last = (0.0, 0.0)

    def fix(self, t_s: float, truth: Pose, forced: Fix | None, shift_m: float) -> Satellite:
        """What the receiver says; when denied it repeats the last position."""
        under_roof = inside(truth.x, truth.y, CANOPY)
        quality = forced or (Fix.RTK_FLOAT if under_roof else Fix.RTK_FIXED)
        if quality is not Fix.DENIED:
            sigma = SIGMA_M[quality]
            shift = shift_m / math.sqrt(2.0)
            self._last = (
                truth.x + sigma * self._gps_x.at(t_s) + shift,
                truth.y + sigma * self._gps_y.at(t_s) + shift,
            )
        return Satellite(quality, *self._last)

    def pose(self, t_s: float, truth: Pose) -> Pose:
        """The smoothed estimate: within two centimetres, and it never jumps."""
        return Pose(truth.x + 0.02 * self._pose_x.at(t_s), truth.y + 0.02 * self._pose_y.at(t_s), truth.yaw)

    def innovation(self, index: int, fix: Satellite, truth: Pose) -> float:
        """Normalised innovation of the last update.

        A fix that admits to being bad is not used; one that claims to be good and is not, stands out.
        """
        norm = 0.55 + 0.18 * self._innovation.at(index)
        if fix.quality is Fix.RTK_FIXED:
            error = math.hypot(fix.x - truth.x, fix.y - truth.y)
            norm += max(0.0, error - 0.1) / INNOVATION_SIGMA_M
        return norm

    def place_score(self, index: int, explained: float, clutter: float) -> float:
        """Similarity of the best match, 0-1."""
        score = 0.93 * explained * (1.0 - 0.15 * clutter) + 0.03 * self._place.at(index)
        return min(max(score, 0.0), 1.0)


def candidates(score: float) -> int:
    """How many places in the database match well enough."""
    return 0 if score < ACCEPTED_SCORE else 1 + int((score - ACCEPTED_SCORE) * 10)


def geographic(x: float, y: float) -> tuple[float, float]:
    """Latitude and longitude of map coordinates, degrees."""
    latitude = REFERENCE_LATITUDE_DEG + y / METRES_PER_DEGREE
    scale = METRES_PER_DEGREE * math.cos(math.radians(REFERENCE_LATITUDE_DEG))
    return latitude, REFERENCE_LONGITUDE_DEG + x / scale
