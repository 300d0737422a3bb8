"""Radar objects: clustered targets with range rate, and what mirrors make of them."""

import math
from typing import NamedTuple

import numpy as np

from winnow_operators.sim.geometry import Pose
from winnow_operators.sim.sensing.detector import InSight

RANGE_M = 70.0
WEAKEST_DBSM = -15.0


class RadarObject(NamedTuple):
    """One target, vehicle frame; ``thing`` is known to the simulation only."""

    x: float
    y: float
    range_rate_mps: float
    rcs_dbsm: float
    thing: int = 0
    """Number of the true thing; 0 = a ghost."""


def sense(
    ego: Pose, speed_mps: float, seen: list[InSight], random: np.random.Generator, *, blind: bool
) -> list[RadarObject]:
    """Targets of one cycle; a large object is reported once, at its centre."""
    found: list[RadarObject] = []
    noises = np.clip(random.standard_normal((len(seen), 3)), -2.5, 2.5).tolist()
    lucks = random.random(len(seen)).tolist()
    for (thing, range_m), noise, luck in zip(seen, noises, lucks, strict=True):
        if blind or range_m > RANGE_M or thing.body.rcs_dbsm < WEAKEST_DBSM or luck < 0.02:
            continue
        x, y = ego.to_local(thing.pose.x, thing.pose.y)
        cosine, sine = math.cos(ego.yaw), math.sin(ego.yaw)
        vx, vy = thing.velocity
        ahead, left = vx * cosine + vy * sine - speed_mps, vy * cosine - vx * sine
        rate = (x * ahead + y * left) / max(range_m, 0.5)
        found.append(
            RadarObject(
                x + 0.15 * noise[0],
                y + 0.15 * noise[1],
                rate + 0.05 * noise[2],
                thing.body.rcs_dbsm + noise[2],
                thing.number,
            )
        )
    return found


def ghosts(count: int, t_s: float) -> list[RadarObject]:
    """Mirror images: steady places ahead where nothing is, swaying a little as the vehicle moves."""
    result = []
    for number in range(count):
        x = 9.0 + 4.5 * number
        y = (5.5 if number % 2 else -5.0) + 0.3 * math.sin(0.7 * t_s + number)
        result.append(RadarObject(x, y, 0.1 * math.cos(0.7 * t_s + number), 8.0))
    return result
