"""How things other than the vehicle move."""

import math
from typing import Protocol

from winnow_operators.sim.geometry import Pose, wrap


class Motion(Protocol):
    """Advances a pose; keeps its own progress."""

    def step(self, pose: Pose, dt_s: float) -> tuple[Pose, float]:
        """The next pose and the speed on the way there, m/s (negative: backwards)."""


class Walk:
    """Along a polyline at constant speed, turning on the spot, with a rest at each corner."""

    def __init__(
        self,
        points: tuple[tuple[float, float], ...],
        speed_mps: float,
        *,
        rest_s: float = 0.0,
        repeat: bool = False,
    ) -> None:
        self._points = points
        self._speed = speed_mps
        self._rest = rest_s
        self._repeat = repeat
        self._next = 0
        self._waiting = 0.0

    @property
    def arrived(self) -> bool:
        """Whether the last point is reached."""
        return self._next >= len(self._points)

    def step(self, pose: Pose, dt_s: float) -> tuple[Pose, float]:
        if self._waiting > 0:
            self._waiting -= dt_s
            return pose, 0.0
        if self.arrived:
            return pose, 0.0
        goal_x, goal_y = self._points[self._next]
        away = math.hypot(goal_x - pose.x, goal_y - pose.y)
        step = self._speed * dt_s
        if away <= step:
            self._next += 1
            self._waiting = self._rest
            if self._repeat and self._next == len(self._points):
                self._next = 0
            return Pose(goal_x, goal_y, pose.yaw), away / dt_s
        yaw = math.atan2(goal_y - pose.y, goal_x - pose.x)
        return Pose(pose.x + step * math.cos(yaw), pose.y + step * math.sin(yaw), yaw), self._speed


class Shuttle:
    """Straight to a goal without turning, with soft start and stop; forwards or backwards."""

    def __init__(self, goal: tuple[float, float], top_mps: float, accel_mps2: float = 0.8) -> None:
        self._goal = goal
        self._top = top_mps
        self._accel = accel_mps2
        self._speed = 0.0
        self.arrived = False

    def step(self, pose: Pose, dt_s: float) -> tuple[Pose, float]:
        dx, dy = self._goal[0] - pose.x, self._goal[1] - pose.y
        away = math.hypot(dx, dy)
        if self.arrived or away < 0.02:
            self.arrived = True
            self._speed = 0.0
            return pose, 0.0
        braking = math.sqrt(2 * self._accel * away)
        self._speed = min(self._top, braking, self._speed + self._accel * dt_s)
        step = min(away, max(self._speed, 0.1) * dt_s)
        moved = Pose(pose.x + dx / away * step, pose.y + dy / away * step, pose.yaw)
        ahead = abs(wrap(math.atan2(dy, dx) - pose.yaw)) < math.pi / 2
        return moved, step / dt_s if ahead else -step / dt_s


class Transit:
    """Through traffic: along a straight line, and from its start again once out of sight at its end."""

    def __init__(self, start: tuple[float, float], end: tuple[float, float], speed_mps: float) -> None:
        self._start = start
        self._end = end
        self._speed = speed_mps
        self._yaw = math.atan2(end[1] - start[1], end[0] - start[0])

    def step(self, pose: Pose, dt_s: float) -> tuple[Pose, float]:
        along = (pose.x - self._start[0]) * math.cos(self._yaw) + (pose.y - self._start[1]) * math.sin(
            self._yaw
        )
        length = math.dist(self._start, self._end)
        along = (along + self._speed * dt_s) % length
        x = self._start[0] + along * math.cos(self._yaw)
        y = self._start[1] + along * math.sin(self._yaw)
        return Pose(x, y, self._yaw), self._speed
