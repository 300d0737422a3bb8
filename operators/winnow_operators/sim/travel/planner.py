"""Plans speed and offset from the route and from what perception has confirmed."""

import math
from enum import StrEnum
from typing import NamedTuple

from winnow_operators.sim.scene.bodies import EGO
from winnow_operators.sim.travel.frenet import (
    LONG_MARGIN_M,
    Candidates,
    Obstacle,
    choose_offset,
    evaluate,
)
from winnow_operators.sim.travel.mission import ARRIVED_M, Mission

CRUISE_MPS = 5.8
"""Apron speed limit of 25 km/h, with room below it."""
COMFORT_MPS2 = 1.1
MAX_PLANNED_BRAKE_MPS2 = 2.0
MAX_PLANNED_ACCEL_MPS2 = 1.2
CORNER_MPS2 = 1.0
"""Sideways acceleration that loaded dollies stand."""
STAND_OFF_M = LONG_MARGIN_M + 0.15
"""Where to stop before something that blocks the way."""
YIELD_M = 4.5
"""Where to stop before people."""
PERSON_ROOM_M = 1.6
"""People nearer to the vehicle's middle line than this are waited for."""
SLOW_PASSING_MPS = 3.0
SLOW_PASSING_M = 0.9
"""Nearer than this to something beside, one drives slowly."""


class Behavior(StrEnum):
    """What the vehicle is doing (``winnow_msgs/msg/PlanningState``)."""

    DRIVE = "drive"
    YIELD = "yield"
    STOP = "stop"
    HOLD_SHORT = "hold_short"
    DOCK = "dock"


class Plan(NamedTuple):
    """Result of one planning step (10 Hz)."""

    behavior: Behavior
    offset_m: float
    candidates: Candidates
    cost: float
    stop_gap_m: float
    """Distance to the obstacle or person for which to stop, less the distance to keep; infinite without."""
    slow_mps: float
    """Speed limit from what is near."""


class Seen(NamedTuple):
    """An obstacle as the planner knows it."""

    obstacle: Obstacle
    person: bool


def plan(s_m: float, lateral_m: float, speed_mps: float, goal_m: float, seen: list[Seen]) -> Plan:
    """Choose the offset, check the candidates, and find what to stop for."""
    obstacles = [thing.obstacle for thing in seen]
    offset = choose_offset(s_m, goal_m, [thing.obstacle for thing in seen if not thing.person])
    candidates = evaluate(s_m, lateral_m, speed_mps, offset, obstacles)
    gap, behavior = math.inf, Behavior.DRIVE
    for thing in seen:
        distance = thing.obstacle.gap(s_m)
        if thing.person:
            if _waits_for(thing.obstacle, offset) and 0.0 < distance < 28.0 and distance - YIELD_M < gap:
                gap, behavior = distance - YIELD_M, Behavior.YIELD
        elif distance > 0.0 and thing.obstacle.covers(offset) and distance - STAND_OFF_M < gap:
            gap, behavior = distance - STAND_OFF_M, Behavior.STOP
    slow = _passing_speed(s_m, offset, obstacles)
    return Plan(behavior, offset, candidates, candidates.chosen_cost, gap, slow)


def _waits_for(person: Obstacle, offset_m: float) -> bool:
    side = person.lateral_m - offset_m
    coming = side * person.speed_across_mps < 0 and abs(person.speed_across_mps) > 0.3 and abs(side) < 6.0
    return abs(side) < PERSON_ROOM_M or coming


def _passing_speed(s_m: float, offset_m: float, obstacles: list[Obstacle]) -> float:
    for thing in obstacles:
        beside = abs(thing.lateral_m - offset_m) - thing.half_across_m - EGO.width_m / 2
        if (
            beside < SLOW_PASSING_M
            and abs(thing.s_m - s_m) < thing.half_along_m + 9.0
            and not thing.covers(offset_m)
        ):
            return SLOW_PASSING_MPS
    return math.inf


def wanted_speed(mission: Mission, decided: Plan, limit_mps: float) -> float:
    """The speed that all limits ahead allow right now."""
    speed = min(CRUISE_MPS, limit_mps, decided.slow_mps, _corner_speed(mission))
    for distance in (mission.stop_m, decided.stop_gap_m):
        if distance < 60.0:
            rest = distance - ARRIVED_M / 2
            speed = min(speed, math.sqrt(2 * COMFORT_MPS2 * rest) if rest > 0 else 0.0)
    return speed


def _corner_speed(mission: Mission) -> float:
    """Slow enough for each bend within braking distance."""
    speed = math.inf
    for ahead in (0.0, 3.0, 6.0, 9.0, 12.0, 15.0):
        bend = mission.path.bend(mission.s_m + ahead - 1.0, mission.s_m + ahead + 2.0)
        if bend > 0.01:
            corner = CORNER_MPS2 / bend
            speed = min(speed, math.sqrt(corner + 2 * 0.8 * max(ahead - 2.0, 0.0)))
    return speed


def acceleration(speed_mps: float, wanted_mps: float) -> float:
    """Follow a wanted speed, within what the planner may use."""
    if wanted_mps <= 0.0:
        return -COMFORT_MPS2 if speed_mps < 1.0 else -MAX_PLANNED_BRAKE_MPS2
    change = (wanted_mps - speed_mps) / 0.5
    return min(max(change, -MAX_PLANNED_BRAKE_MPS2), MAX_PLANNED_ACCEL_MPS2)
