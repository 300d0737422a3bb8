"""The safety filter: a control barrier function on the distance to what is in the way.

Barrier: the vehicle can always stop ``KEEP_M`` short with ``TRUSTED_MPS2``. Where the planner's command would
leave that set, the filter brakes instead; how much it changed is published, as a share of full braking.
It looks at raw distances, not at tracks, so it acts half a second before the planner can.
"""

import math
from typing import NamedTuple

from winnow_operators.sim.travel.frenet import Obstacle
from winnow_operators.sim.travel.vehicle import MAX_BRAKE_MPS2

KEEP_M = 0.8
"""Distance that must remain in front of the bumper."""
TRUSTED_MPS2 = 2.6
"""Braking that is always there, wet ground included; the planner itself uses 1.2 and at most 2."""
FORESIGHT_S = 0.7
"""How far what moves sideways is predicted."""


class Filtered(NamedTuple):
    """What the filter made of a command."""

    accel_mps2: float
    intervention: float
    """0-1: difference from the planner's command as a share of full braking."""
    needed_mps2: float
    """Braking that stops the vehicle ``KEEP_M`` short."""
    gap_m: float
    """Distance to the nearest thing in the way, infinite when there is none."""


def restrict(
    planned_mps2: float, speed_mps: float, s_m: float, lateral_m: float, near: list[Obstacle]
) -> Filtered:
    """Filter a planned acceleration."""
    needed, nearest, planned_limit = 0.0, math.inf, math.inf
    for thing in near:
        soon = thing._replace(lateral_m=thing.lateral_m + FORESIGHT_S * thing.speed_across_mps)
        gap = thing.gap(s_m)
        if gap < -1.0 or not (thing.covers(lateral_m) or soon.covers(lateral_m)):
            continue
        nearest = min(nearest, max(gap, 0.0))
        closing = max(speed_mps - max(thing.speed_along_mps, 0.0), 0.0)
        room = gap - KEEP_M
        if room <= 0.0:
            needed = max(needed, MAX_BRAKE_MPS2 if closing > 0.0 else 0.0)
            planned_limit = 0.0
        else:
            needed = max(needed, closing * closing / (2 * room))
    if needed <= TRUSTED_MPS2 and planned_mps2 <= planned_limit:
        return Filtered(planned_mps2, 0.0, needed, nearest)
    safe = -min(1.15 * needed, MAX_BRAKE_MPS2) if needed > TRUSTED_MPS2 else planned_limit
    if safe >= planned_mps2:
        return Filtered(planned_mps2, 0.0, needed, nearest)
    return Filtered(safe, min(1.0, (planned_mps2 - safe) / MAX_BRAKE_MPS2), needed, nearest)
