"""The weather and the light, true and as the sensors estimate them."""

import math
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from winnow_schemas.simulation.airside import REFERENCE_LATITUDE_DEG, REFERENCE_LONGITUDE_DEG
from winnow_schemas.simulation.incidents import Sky
from winnow_schemas.simulation.script import Climate

FULL_STRENGTH: dict[Sky, tuple[float, float]] = {
    # Rain in mm/h and visibility in m at strength 1: heavy rain begins at 7.6 mm/h, dense fog below 200 m.
    Sky.RAIN: (8.0, 2500.0),
    Sky.FOG: (0.0, 150.0),
    Sky.SPRAY: (0.0, 60.0),
}


class Weather(NamedTuple):
    """The state of the air around the vehicle."""

    rain_mm_h: float
    visibility_m: float
    light_lux: float
    temp_c: float
    spray: float
    """0-1: de-icing fluid in the air, which also wets the sensors."""

    @property
    def clutter(self) -> float:
        """0-1: how much of what sensors see is disturbed by drops in the air."""
        fog = max(0.0, 1.0 - self.visibility_m / 400.0)
        return min(1.0, 0.06 * self.rain_mm_h + 0.5 * fog + 0.3 * self.spray)


def blend(climate: Climate, sky: Sky | None, amount: float, light_lux: float) -> Weather:
    """The climate with a share ``amount`` of some other weather (1 = its full strength, may be more)."""
    if sky is None or amount <= 0:
        return Weather(climate.rain_mm_h, climate.visibility_m, light_lux, climate.ambient_temp_c, 0.0)
    rain, visibility = FULL_STRENGTH[sky]
    share = min(1.0, amount)
    # Visibility adds up as extinction does: its reciprocals are blended.
    extinction = (1 - share) / climate.visibility_m + amount / visibility
    return Weather(
        climate.rain_mm_h + rain * amount,
        1.0 / extinction,
        light_lux * (1.0 - 0.6 * share),
        climate.ambient_temp_c,
        share if sky is Sky.SPRAY else 0.0,
    )


def follow(estimate: Weather, truth: Weather, share: float) -> Weather:
    """Move an estimate towards the truth; visibility as its reciprocal, which is what haze adds up in."""
    keep = 1.0 - share
    return Weather(
        estimate.rain_mm_h * keep + truth.rain_mm_h * share,
        1.0 / (keep / estimate.visibility_m + share / truth.visibility_m),
        estimate.light_lux * keep + truth.light_lux * share,
        truth.temp_c,
        truth.spray,
    )


def daylight_lux(t_ns: int) -> float:
    """Illuminance of a clear sky at the airport: about 100,000 lx at noon in summer, 0.2 lx plus lamps at night.

    The sun's elevation follows Cooper's declination formula and the local hour angle; within half a degree.
    """
    now = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=t_ns // 1000)
    day = now.timetuple().tm_yday
    declination = math.radians(23.45) * math.sin(2 * math.pi * (284 + day) / 365)
    hours = now.hour + now.minute / 60 + now.second / 3600 + REFERENCE_LONGITUDE_DEG / 15
    hour_angle = math.radians(15 * (hours - 12))
    latitude = math.radians(REFERENCE_LATITUDE_DEG)
    sine = math.sin(latitude) * math.sin(declination) + math.cos(latitude) * math.cos(declination) * math.cos(
        hour_angle
    )
    apron_lamps_lux = 30.0
    if sine <= -0.1:
        return apron_lamps_lux
    twilight = 400.0 * math.exp(min(sine, 0.0) * 60)
    return apron_lamps_lux + (120_000.0 * sine**1.2 + twilight if sine > 0 else twilight)
