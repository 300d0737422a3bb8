"""Boxes in path coordinates: what is in the way of a vehicle that follows the path."""

import math

from winnow_operators.sim.geometry import Box
from winnow_operators.sim.travel.frenet import Obstacle
from winnow_operators.sim.travel.path import DrivingPath

LOOK_M = 45.0
"""How far ahead planning looks: three times the braking distance."""
BEHIND_M = 5.0
ASIDE_M = 8.0
"""What is farther from the path than this is in nobody's way."""
LARGE_M = 20.0
"""Boxes longer than this (aircraft) are described by their nearest edge: as a turned rectangle in path
coordinates they would cover half the apron."""


def obstacle(path: DrivingPath, s_m: float, box: Box, velocity: tuple[float, float]) -> Obstacle | None:
    """A box as an obstacle for a vehicle at ``s_m``; None when it is far from the path."""
    if box.length > LARGE_M:
        return _edge(path, s_m, box, velocity)
    s, lateral, heading = path.project(
        box.x, box.y, box.yaw, s_m + (LOOK_M - BEHIND_M) / 2, (LOOK_M + BEHIND_M) / 2
    )
    cosine, sine = abs(math.cos(heading)), abs(math.sin(heading))
    half_along = (cosine * box.length + sine * box.width) / 2
    half_across = (sine * box.length + cosine * box.width) / 2
    if abs(lateral) - half_across > ASIDE_M:
        return None
    return Obstacle(s, lateral, half_along, half_across, *_turned(velocity, box.yaw - heading))


def _edge(path: DrivingPath, s_m: float, box: Box, velocity: tuple[float, float]) -> Obstacle | None:
    """The part of a large box that is nearest to the path, as an obstacle of 2 m width."""
    s, away = path.distances(box, s_m - BEHIND_M, s_m + LOOK_M)
    nearest = float(away.min())
    if nearest > ASIDE_M:
        return None
    close = s[away < nearest + 0.5]
    middle, half_along = float(close[0] + close[-1]) / 2, float(close[-1] - close[0]) / 2
    place = path.at(middle)
    left = (box.y - place.y) * math.cos(place.yaw) - (box.x - place.x) * math.sin(place.yaw)
    lateral = math.copysign(nearest + 1.0, left) if nearest > 0 else 0.0
    return Obstacle(middle, lateral, half_along, 1.0, *_turned(velocity, place.yaw))


def _turned(velocity: tuple[float, float], yaw_rad: float) -> tuple[float, float]:
    """A velocity along and across a heading."""
    cosine, sine = math.cos(yaw_rad), math.sin(yaw_rad)
    return velocity[0] * cosine + velocity[1] * sine, velocity[1] * cosine - velocity[0] * sine
