"""What happens in a generated drive: speeds, cars with plates, light, bumps; and what is true of each plate.

A street of a town at its real measures. The camera passes parked cars, waits behind one at a light, goes on
over a bump, through a tunnel and into the night. All that a record claims can be computed from here.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from winnow_operators.dashcam.gps.track import EARTH_M, Fix
from winnow_operators.dashcam.scenes.plates import STYLES, plate_texts
from winnow_schemas.library.plate_formats import PlateFormats

WIDTH_PX, HEIGHT_PX = 1920, 1080
FPS = 20
FOCAL_PX = 1350.0
"""71 degrees across: between a phone in a holder and a wide dashcam."""
EYE_M = 1.3
"""Height of the lens above the road."""
DURATION_S = 46.0
_SPEEDS = (
    (0.0, 7.0), (14.0, 7.0), (17.0, 0.0), (25.0, 0.0), (27.0, 7.0), (34.0, 8.0), (36.0, 6.5), (DURATION_S, 6.5),
)  # fmt: skip
"""Seconds and metres per second, straight lines in between: 25 km/h, a red light, 25 to 29 km/h, 23 km/h at night."""
_PARKED_M = (
    (2.9, 24), (2.9, 43), (-3.3, 54), (3.0, 64), (2.9, 82), (-3.3, 93), (2.9, 140), (3.0, 156), (-3.3, 197),
    (2.9, 216), (3.0, 236), (-3.3, 243),
)  # fmt: skip
"""Across and along: cars at both kerbs."""
_LEAD_GAP_M = 6.5
"""From the lens to the car ahead at the light."""
TUNNEL_S = (32.0, 34.0)
NIGHT_FROM_S = 34.0
CROSSING_S = (19.5, 23.0)
"""While waiting, a car crosses."""
BUMP_S = (28.0, 28.25)
"""Pot hole: the picture smears."""
EXPOSURE_DAY_S, EXPOSURE_NIGHT_S = 1 / 400, 1 / 160
LEGIBLE_PX = 15.0
"""Height of a plate's field from which a reader must manage: 110 mm, so 70 px of width. The smallest plate that people
read without effort in the real drives beside which this one was made was 12 px high."""
LEGIBLE_S = 0.6
"""For how long: two frames a third of a second apart, the shortest interval of the gate."""
ORIGIN_DEG = (47.25, 9.6)
BEARING_DEG = 63.0
START_NS = 1_777_881_600_600_000_000
"""2026-05-04 08:00:00.6 UTC; a camera writes whole seconds, so its clock is 0.6 s off."""
_GPS_SIGMA_M = 1.5
_GPS_MEMORY = 0.8
"""A receiver's error wanders over several fixes; it does not jump from one to the next."""


class Car(NamedTuple):
    """A car with a plate towards the camera."""

    text: str
    country: str
    style: int
    x_m: float
    z_m: float
    """Where its plate is at the start; the lead car leaves with the light."""
    colour_bgr: tuple[int, int, int]
    lead: bool = False


class PlateTruth(NamedTuple):
    """What a reader can be asked for."""

    text: str
    country: str
    first_ns: int
    """When the plate is legible for the first time; 0 when it never is."""
    last_ns: int
    tallest_px: float
    legible: bool
    """Whether it is so for long enough that it must be read."""


class DrivePlan:
    """One drive; the same seed gives the same."""

    def __init__(self, formats: PlateFormats, seed: int, until_s: float = DURATION_S) -> None:
        """``until_s``: where the drive is cut; what comes later is not seen."""
        generator = np.random.default_rng(seed)
        places = [*_PARKED_M, (0.1, self.camera_m(17.0) + _LEAD_GAP_M)]
        texts = plate_texts(formats, len(places), seed)
        self.seed = seed
        self.frames = round(min(until_s, DURATION_S) * FPS)
        self.cars: Sequence[Car] = tuple(
            Car(
                text,
                country,
                int(generator.integers(len(STYLES))),
                float(x + generator.uniform(-0.15, 0.15)),
                float(z + (generator.uniform(-2, 2) if place < len(_PARKED_M) else 0)),
                (int(generator.integers(40, 215)), int(generator.integers(40, 215)), int(generator.integers(40, 215))),
                lead=place == len(_PARKED_M),
            )
            for place, ((text, country), (x, z)) in enumerate(zip(texts, places, strict=True))
        )  # fmt: skip

    @staticmethod
    def speed_mps(t_s: float) -> float:
        times = [each[0] for each in _SPEEDS]
        return float(np.interp(t_s, times, [each[1] for each in _SPEEDS]))

    @staticmethod
    def camera_m(t_s: float) -> float:
        """Distance driven; the integral of the speed. Before the start the camera drove as fast as then."""
        if t_s <= 0:
            return t_s * _SPEEDS[0][1]
        way = 0.0
        for (begin, one), (end, other) in pairwise(_SPEEDS):
            if t_s >= end:
                way += (one + other) / 2 * (end - begin)
            elif t_s > begin:
                now = one + (other - one) * (t_s - begin) / (end - begin)
                way += (one + now) / 2 * (t_s - begin)
        return way + max(0.0, t_s - _SPEEDS[-1][0]) * _SPEEDS[-1][1]

    def ahead_m(self, car: Car, t_s: float) -> float:
        """How far in front of the lens a car's plate is."""
        way = car.z_m - self.camera_m(t_s)
        leaving_s = max(0.0, t_s - 24.0)
        return way + (1.6 * leaving_s**2 if car.lead else 0.0)

    @staticmethod
    def night(t_s: float) -> bool:
        return t_s >= NIGHT_FROM_S

    @staticmethod
    def dark(t_s: float) -> bool:
        """In the tunnel, where the camera sees nothing."""
        return TUNNEL_S[0] <= t_s < TUNNEL_S[1]

    def truth(self, car: Car) -> PlateTruth:
        """When a plate is wholly in the picture, tall enough, and lit."""
        tallest, seen = 0.0, []
        for frame in range(self.frames):
            t_s = frame / FPS
            ahead = self.ahead_m(car, t_s)
            if ahead < 1 or self.dark(t_s) or BUMP_S[0] <= t_s < BUMP_S[1]:
                continue
            side_px = FOCAL_PX * (abs(car.x_m) + 0.3) / ahead
            high_px = FOCAL_PX * 0.11 / ahead
            if side_px > WIDTH_PX / 2:
                continue
            tallest = max(tallest, high_px)
            if high_px >= LEGIBLE_PX:
                seen.append(frame * 1_000_000_000 // FPS)
        long_enough = len(seen) >= LEGIBLE_S * FPS
        first, last = (seen[0], seen[-1]) if seen else (0, 0)
        return PlateTruth(car.text, car.country, first, last, round(tallest, 1), long_enough)

    def place_deg(self, t_s: float) -> tuple[float, float]:
        """Latitude and longitude of the camera, along a straight street."""
        return _moved(ORIGIN_DEG, self.camera_m(t_s), BEARING_DEG)

    def fixes(self) -> list[Fix]:
        """What the receiver logs: once a second, from 4 s before to 3 s after, none in the tunnel."""
        generator = np.random.default_rng(self.seed + 1)
        north = east = 0.0
        found = []
        first_ns = START_NS // 1_000_000_000 * 1_000_000_000
        for second in range(-4, math.ceil(DURATION_S) + 4):
            t_ns = first_ns + second * 1_000_000_000
            t_s = (t_ns - START_NS) / 1e9
            north, east = (
                _GPS_MEMORY * each + math.sqrt(1 - _GPS_MEMORY**2) * float(generator.normal(0, _GPS_SIGMA_M))
                for each in (north, east)
            )
            if self.dark(t_s):
                continue
            latitude, longitude = _moved(_moved(self.place_deg(t_s), north, 0.0), east, 90.0)
            found.append(
                Fix(t_ns, round(latitude, 7), round(longitude, 7), round(self.speed_mps(t_s), 2), BEARING_DEG)
            )
        return found


def _moved(place_deg: tuple[float, float], way_m: float, bearing_deg: float) -> tuple[float, float]:
    """Along a bearing; a few hundred metres, for which the earth is flat."""
    north, east = (way_m * turn(math.radians(bearing_deg)) for turn in (math.cos, math.sin))
    latitude, longitude = place_deg
    return (
        latitude + math.degrees(north / EARTH_M),
        longitude + math.degrees(east / (EARTH_M * math.cos(math.radians(latitude)))),
    )


def phase(t_s: float) -> str:
    """What a moment of the drive is for."""
    names = ((0.0, "day"), (17.0, "waiting"), (25.0, "day"), (TUNNEL_S[0], "tunnel"), (NIGHT_FROM_S, "night"))
    return names[bisect_right([each[0] for each in names], t_s) - 1][1]
