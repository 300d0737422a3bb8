"""Monitors: geofence, sensor health, temporal-logic robustness."""

from enum import StrEnum
from typing import NamedTuple

from winnow_operators.sim.geometry import Pose, distance_to
from winnow_operators.sim.scene.weather import Weather
from winnow_schemas.simulation.airside import FORBIDDEN, ZONES

WARNING_M = 3.0
"""Nearer than this to a forbidden zone the status is `warning`."""
_FORBIDDEN = tuple(zone for zone in ZONES if zone.kind in FORBIDDEN)


class Fence(StrEnum):
    """``/safety/geofence_status``."""

    INSIDE = "inside"
    WARNING = "warning"
    BREACH = "breach"


def forbidden_distance(pose: Pose) -> float:
    """Distance of the vehicle's centre to the nearest forbidden zone, 0 inside one."""
    return min(distance_to(pose.x, pose.y, zone.polygon) for zone in _FORBIDDEN)


def fence_status(distance_m: float) -> Fence:
    """Status from the distance to the nearest forbidden zone."""
    if distance_m <= 0.0:
        return Fence.BREACH
    return Fence.WARNING if distance_m < WARNING_M else Fence.INSIDE


class SensorHealth(NamedTuple):
    """One sensor's state as the health monitor sees it."""

    name: str
    level: int
    """0 ok, 1 warning, 2 error."""
    score: float
    point_ratio: float
    """Points against what the place should give; 1 for sensors without points."""


WARNING_RATIO = 0.8
ERROR_RATIO = 0.5
_OTHERS = (
    "camera_front",
    "camera_left",
    "camera_right",
    "camera_rear",
    "thermal_front",
    "thermal_rear",
    "radar",
)


def lidar_ratio(loss: float, weather: Weather) -> float:
    """Share of the expected points that still comes back."""
    return (1.0 - loss) * (1.0 - 0.1 * weather.clutter)


def sensor_health(losses: tuple[float, ...], weather: Weather, noise: float) -> tuple[SensorHealth, ...]:
    """The state of every sensor; ``losses`` are the LiDARs' shares of lost points."""
    result = []
    for number, loss in enumerate(losses):
        ratio = min(max(lidar_ratio(loss, weather) + 0.01 * noise, 0.0), 1.0)
        level = 2 if ratio < ERROR_RATIO else 1 if ratio < WARNING_RATIO else 0
        result.append(SensorHealth(f"lidar_{number}", level, ratio**1.2, ratio))
    night = 0.1 if weather.light_lux < 100.0 else 0.0
    for name in _OTHERS:
        affected = 0.0 if name == "radar" else 0.1 * weather.clutter + (night if "camera" in name else 0.0)
        result.append(SensorHealth(name, 0, 1.0 - affected, 1.0))
    return tuple(result)


STL_NAMES = ("speed_limit", "distance_ahead", "lateral_bound", "geofence", "braking_reserve")


def robustness(
    speed_mps: float, gap_m: float, lateral_error_m: float, fence_m: float, braking_mps2: float
) -> tuple[float, ...]:
    """Robustness of each formula in ``STL_NAMES``, negative when violated; units differ per formula."""
    return (
        7.0 - speed_mps,
        min(gap_m, 50.0) - 0.5,
        0.6 - abs(lateral_error_m),
        min(fence_m, 50.0) - 0.001,
        5.0 - braking_mps2,
    )
