"""420 candidate trajectories along the path, and which of them are feasible (vehicle document 3.1)."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow_operators.sim.geometry import Array
from winnow_operators.sim.scene.bodies import EGO
from winnow_operators.sim.travel.control import OFFSET_RATE

OFFSETS_M: Array = np.array([0.0, 0.5, -0.5, 1.0, -1.0, 1.5, -1.5, 2.0, -2.0, 2.5, 3.0, 3.5])
"""12 lateral goals; further to the left, where the strip between the lanes is free."""
SPEEDS_MPS: Array = np.arange(1.0, 8.0)
"""7 end speeds. Standing still is not a candidate: it is what remains when there is none."""
HORIZONS_S: Array = np.arange(1.0, 6.0)
"""5 horizons."""
TOTAL = len(OFFSETS_M) * len(SPEEDS_MPS) * len(HORIZONS_S)
"""420."""
MAX_ACCEL_MPS2 = 2.5
MAX_DECEL_MPS2 = 3.5
CHECKS = 6
"""Points in time at which a candidate is checked for collisions."""
LONG_MARGIN_M = 1.8
"""Distance kept to obstacles ahead; the planner stops a little before it."""
SIDE_MARGIN_M = 0.3
"""Distance kept to obstacles beside."""
FREE_WAY_M = 34.0
"""A way that is free this far is as good as any: twice the braking distance, and room to change the lane."""
MOVING_MPS = 0.4

BASE_COST = 10.0
"""Cost of time on the road: a trajectory with nothing wrong costs exactly this."""
STOP_COST = 12.0
"""What it costs on top when no candidate is left but to stop."""
COMFORT_CLEARANCE_M = 1.1
"""Passing nearer than this costs."""
CLEARANCE_WEIGHT = 30.0
FREE_OFFSET_M = 0.6
"""Being off the route by more than this costs."""
OFFSET_WEIGHT = 6.0


class Obstacle(NamedTuple):
    """Something that may be in the way, in path coordinates; half sizes along and across the path."""

    s_m: float
    lateral_m: float
    half_along_m: float
    half_across_m: float
    speed_along_mps: float
    speed_across_mps: float

    @property
    def moves(self) -> bool:
        """Whether it is not worth driving around: one waits for what moves."""
        return math.hypot(self.speed_along_mps, self.speed_across_mps) > MOVING_MPS

    def covers(self, lateral_m: float) -> bool:
        """Whether it is in the way of a vehicle at this offset."""
        return abs(self.lateral_m - lateral_m) < self.half_across_m + EGO.width_m / 2 + SIDE_MARGIN_M

    def gap(self, s_m: float) -> float:
        """Distance from the front bumper of a vehicle at ``s_m``, m; negative beside and behind."""
        return self.s_m - self.half_along_m - EGO.length_m / 2 - s_m


class Candidates(NamedTuple):
    """Result over the 420; ``costs`` are those of the feasible ones, in candidate order."""

    feasible_count: int
    costs: NDArray[np.float32]
    chosen_cost: float
    """Cost of the farthest-reaching feasible candidate at the chosen offset."""


OFFSET_OF, SPEED_OF, HORIZON_OF = (
    grid.ravel() for grid in np.meshgrid(OFFSETS_M, SPEEDS_MPS, HORIZONS_S, indexing="ij")
)
"""The candidates, in the order offset, speed, horizon; shape ``(420,)`` each."""
_SHARES: Array = np.arange(1, CHECKS + 1) / CHECKS


def choose_offset(s_m: float, goal_m: float, obstacles: list[Obstacle]) -> float:
    """The lateral goal: where the way is free farthest, near to the route, and reluctant to change."""
    best_offset, best_score = 0.0, -math.inf
    for offset in OFFSETS_M.tolist():
        free = FREE_WAY_M
        for thing in obstacles:
            beside = thing.s_m + thing.half_along_m > s_m - EGO.length_m / 2 - 1.0
            if not thing.moves and beside and thing.covers(offset):
                free = min(free, max(thing.gap(s_m), 0.0))
        score = free - 2.0 * abs(offset) - 0.5 * abs(offset - goal_m)
        if score > best_score:
            best_offset, best_score = offset, score
    return best_offset


def evaluate(
    s_m: float, lateral_m: float, speed_mps: float, goal_m: float, obstacles: list[Obstacle]
) -> Candidates:
    """Check all candidates from a state; ``goal_m`` is the lateral goal that was chosen."""
    change = (SPEED_OF - speed_mps) / HORIZON_OF
    feasible = (change <= MAX_ACCEL_MPS2) & (change >= -MAX_DECEL_MPS2)
    clearance = np.full(TOTAL, np.inf)
    if obstacles:
        collides, clearance = _against(s_m, lateral_m, speed_mps, obstacles)
        feasible &= ~collides
    costs = (
        BASE_COST
        + OFFSET_WEIGHT * np.maximum(np.abs(OFFSET_OF) - FREE_OFFSET_M, 0.0)
        + CLEARANCE_WEIGHT * np.maximum(COMFORT_CLEARANCE_M - clearance, 0.0)
    )
    mine = np.flatnonzero(feasible & (goal_m == OFFSET_OF))
    if len(mine):
        chosen = float(costs[mine[int(np.argmax(SPEED_OF[mine] * HORIZON_OF[mine]))]])
    else:
        chosen = BASE_COST + STOP_COST
    return Candidates(int(feasible.sum()), costs[feasible].astype(np.float32), chosen)


def _against(
    s_m: float, lateral_m: float, speed_mps: float, obstacles: list[Obstacle]
) -> tuple[NDArray[np.bool_], Array]:
    """Which candidates collide, and how near each passes sideways; both of shape ``(420,)``."""
    time = HORIZON_OF[:, None] * _SHARES
    moved = (speed_mps + (SPEED_OF - speed_mps)[:, None] * _SHARES / 2) * time
    reach = OFFSET_RATE * moved
    offset = lateral_m + np.clip(OFFSET_OF[:, None] - lateral_m, -reach, reach)
    collides = np.zeros(TOTAL, bool)
    clearance = np.full(TOTAL, np.inf)
    for thing in obstacles:
        along = np.abs(s_m + moved - thing.s_m - thing.speed_along_mps * time)
        across = np.abs(offset - thing.lateral_m - thing.speed_across_mps * time)
        beside = across - thing.half_across_m - EGO.width_m / 2
        near = along - thing.half_along_m - EGO.length_m / 2 < LONG_MARGIN_M
        collides |= (near & (beside < SIDE_MARGIN_M)).any(axis=1)
        clearance = np.minimum(clearance, np.where(near, beside, np.inf).min(axis=1))
    return collides, clearance
