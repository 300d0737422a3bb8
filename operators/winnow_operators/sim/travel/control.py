"""Steering: an advanced controller, a simple baseline, and the switch between them (simplex architecture)."""

import math
from enum import StrEnum
from typing import NamedTuple

from winnow_operators.sim.geometry import Pose
from winnow_operators.sim.scene.bodies import EGO_WHEELBASE_M
from winnow_operators.sim.travel.path import DrivingPath, Projection

OFFSET_RATE = 0.2
"""How fast the wanted offset moves at most, metres sideways per metre ahead: 2.5 m take about 18 m."""
OFFSET_EASE_M = 1.5
"""From this distance to the goal on, the offset moves in proportion to what is left."""
SLOPE_RATE = 0.05
"""How fast that rate changes, per metre ahead."""
MONITOR_LATERAL_M = 0.35
"""Lateral error above which the monitor no longer trusts the advanced controller; in corners it stays below 0.2."""
BASELINE_SPEED_MPS = 2.5
"""The baseline controller may not drive faster."""
RECOVERY_S = 5.0
"""How long the baseline stays in charge at least."""
PREVIEW_S = 0.25
"""The advanced controller steers for the curvature this far ahead, which makes up for the steering lag."""


class Mode(StrEnum):
    """Who steers (``/safety/simplex_mode``)."""

    ADVANCED = "advanced"
    BASELINE = "baseline"


class Steering(NamedTuple):
    """The controllers' state."""

    mode: Mode = Mode.ADVANCED
    offset_m: float = 0.0
    """The lateral offset that is being followed."""
    slope: float = 0.0
    """Its change per metre ahead."""
    since_s: float = 0.0
    """How long the mode has lasted."""


def advance_offset(steering: Steering, goal_m: float, moved_m: float) -> Steering:
    """Move the followed offset towards the planner's."""
    wanted = OFFSET_RATE * min(max((goal_m - steering.offset_m) / OFFSET_EASE_M, -1.0), 1.0)
    # Neither the offset nor its slope may jump: a wheel cannot follow that.
    slope = steering.slope + min(max(wanted - steering.slope, -SLOPE_RATE * moved_m), SLOPE_RATE * moved_m)
    return steering._replace(offset_m=steering.offset_m + slope * moved_m, slope=slope)


def switch(steering: Steering, place: Projection, *, faulty: bool, dt_s: float) -> Steering:
    """The simplex decision: to the baseline when the monitor trips, back when the fault is gone."""
    since = steering.since_s + dt_s
    error = place.lateral_m - steering.offset_m
    if steering.mode is Mode.ADVANCED and abs(error) > MONITOR_LATERAL_M:
        return steering._replace(mode=Mode.BASELINE, since_s=0.0)
    calm = abs(error) < MONITOR_LATERAL_M / 2 and not faulty
    if steering.mode is Mode.BASELINE and since > RECOVERY_S and calm:
        return steering._replace(mode=Mode.ADVANCED, since_s=0.0)
    return steering._replace(since_s=since)


def advanced(path: DrivingPath, place: Projection, steering: Steering, speed_mps: float) -> float:
    """Steering angle from previewed curvature and feedback of both errors."""
    ahead = path.at(place.s_m + speed_mps * PREVIEW_S)
    error = place.lateral_m - steering.offset_m
    curvature = ahead.curvature - 0.25 * error - 0.9 * (place.heading_rad - math.atan(steering.slope))
    return math.atan(EGO_WHEELBASE_M * curvature)


def baseline(path: DrivingPath, pose: Pose, place: Projection, offset_m: float) -> float:
    """Pure pursuit of a point 3.5 m ahead."""
    goal_x, goal_y = path.offset(place.s_m + 3.5, offset_m)
    forward, left = pose.to_local(goal_x, goal_y)
    return math.atan(2 * EGO_WHEELBASE_M * left / max(forward * forward + left * left, 1.0))
