"""Where the sun stands, for telling night from day when no sensor does.

The low-precision formulas of the Astronomical Almanac: right to about 0.1 degrees between 1950 and 2050,
which is far better than night and day need.
"""

import math

_J2000_S = 946_728_000
"""2000-01-01 12:00 UTC."""


def sun_elevation_deg(t_ns: int, latitude_deg: float, longitude_deg: float) -> float:
    """Elevation of the sun above the horizon in degrees, without refraction."""
    days = (t_ns / 1e9 - _J2000_S) / 86_400
    mean_longitude = math.radians((280.460 + 0.9856474 * days) % 360)
    anomaly = math.radians((357.528 + 0.9856003 * days) % 360)
    ecliptic = mean_longitude + math.radians(1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly))
    obliquity = math.radians(23.439 - 4e-7 * days)
    declination = math.asin(math.sin(obliquity) * math.sin(ecliptic))
    right_ascension = math.atan2(math.cos(obliquity) * math.sin(ecliptic), math.cos(ecliptic))
    sidereal = math.radians((280.46061837 + 360.98564736629 * days + longitude_deg) % 360)
    hour_angle = sidereal - right_ascension
    latitude = math.radians(latitude_deg)
    sine = math.sin(latitude) * math.sin(declination) + math.cos(latitude) * math.cos(declination) * math.cos(
        hour_angle
    )
    return math.degrees(math.asin(max(-1.0, min(1.0, sine))))
