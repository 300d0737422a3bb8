"""Plane geometry of upright boxes and polygons, metres and radians, map frame unless said otherwise."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Pose(NamedTuple):
    """Where something is and where it heads."""

    x: float
    y: float
    yaw: float

    def to_local(self, x: float, y: float) -> tuple[float, float]:
        """A map point in this pose's frame (x forward, y left)."""
        dx, dy = x - self.x, y - self.y
        cosine, sine = math.cos(self.yaw), math.sin(self.yaw)
        return dx * cosine + dy * sine, dy * cosine - dx * sine

    def to_map(self, x: float, y: float) -> tuple[float, float]:
        """A point of this pose's frame in the map."""
        cosine, sine = math.cos(self.yaw), math.sin(self.yaw)
        return self.x + x * cosine - y * sine, self.y + x * sine + y * cosine


class Box(NamedTuple):
    """A rectangle on the ground: centre, heading, full length (along the heading) and width."""

    x: float
    y: float
    yaw: float
    length: float
    width: float

    def corners(self) -> tuple[tuple[float, float], ...]:
        """The four corners, counter-clockwise from the front left."""
        pose = Pose(self.x, self.y, self.yaw)
        half_length, half_width = self.length / 2, self.width / 2
        signs = ((1, 1), (-1, 1), (-1, -1), (1, -1))
        return tuple(pose.to_map(sx * half_length, sy * half_width) for sx, sy in signs)


def wrap(angle_rad: float) -> float:
    """The same angle in [-pi, pi)."""
    return (angle_rad + math.pi) % (2 * math.pi) - math.pi


def box_distance(first: Box, second: Box) -> float:
    """Smallest distance between two boxes, 0 when they touch or overlap.

    Two convex shapes that do not overlap are nearest at a corner of one of them.
    """
    if _overlap(first, second):
        return 0.0
    return min(
        *(_point_to_box(x, y, second) for x, y in first.corners()),
        *(_point_to_box(x, y, first) for x, y in second.corners()),
    )


def _point_to_box(x: float, y: float, box: Box) -> float:
    along, across = Pose(box.x, box.y, box.yaw).to_local(x, y)
    outside_x = max(abs(along) - box.length / 2, 0.0)
    outside_y = max(abs(across) - box.width / 2, 0.0)
    return math.hypot(outside_x, outside_y)


def _overlap(first: Box, second: Box) -> bool:
    """Separating axis test over the four edge directions."""
    corners = first.corners(), second.corners()
    for yaw in (first.yaw, first.yaw + math.pi / 2, second.yaw, second.yaw + math.pi / 2):
        axis_x, axis_y = math.cos(yaw), math.sin(yaw)
        spans = [[x * axis_x + y * axis_y for x, y in shape] for shape in corners]
        if max(spans[0]) < min(spans[1]) or max(spans[1]) < min(spans[0]):
            return False
    return True


def inside(x: float, y: float, polygon: tuple[tuple[float, float], ...]) -> bool:
    """Whether a point lies in a polygon (even-odd rule)."""
    result = False
    for index, (x1, y1) in enumerate(polygon):
        x2, y2 = polygon[index - 1]
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            result = not result
    return result


def distance_to(x: float, y: float, polygon: tuple[tuple[float, float], ...]) -> float:
    """Distance of a point to a polygon's area, 0 inside."""
    if inside(x, y, polygon):
        return 0.0
    return min(_to_segment(x, y, polygon[index - 1], end) for index, end in enumerate(polygon))


def _to_segment(x: float, y: float, start: tuple[float, float], end: tuple[float, float]) -> float:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length_2 = dx * dx + dy * dy
    share = (
        0.0 if length_2 == 0 else min(1.0, max(0.0, ((x - start[0]) * dx + (y - start[1]) * dy) / length_2))
    )
    return math.hypot(x - start[0] - share * dx, y - start[1] - share * dy)


def sight_blocked(x: float, y: float, targets: Array, blockers: Array) -> NDArray[np.bool_]:
    """Whether the straight line from a point to each target crosses a blocker.

    ``targets`` has shape ``(n, 2)``; ``blockers`` shape ``(m, 5)`` with x, y, yaw, length, width. Result of shape ``(n,)``.
    """
    if not len(targets) or not len(blockers):
        return np.zeros(len(targets), bool)
    cosine, sine = np.cos(blockers[:, 2]), np.sin(blockers[:, 2])
    from_x, from_y = x - blockers[:, 0], y - blockers[:, 1]
    start_x, start_y = from_x * cosine + from_y * sine, from_y * cosine - from_x * sine
    to_x, to_y = targets[:, 0, None] - x, targets[:, 1, None] - y
    ray_x, ray_y = to_x * cosine + to_y * sine, to_y * cosine - to_x * sine
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        near_x, far_x = (-blockers[:, 3] / 2 - start_x) / ray_x, (blockers[:, 3] / 2 - start_x) / ray_x
        near_y, far_y = (-blockers[:, 4] / 2 - start_y) / ray_y, (blockers[:, 4] / 2 - start_y) / ray_y
    enter = np.fmax(np.minimum(near_x, far_x), np.minimum(near_y, far_y))
    leave = np.fmin(np.maximum(near_x, far_x), np.maximum(near_y, far_y))
    hit = (enter < leave) & (leave > 0) & (enter < 1)
    return np.asarray(hit.any(axis=1))
