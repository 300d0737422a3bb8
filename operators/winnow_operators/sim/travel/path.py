"""A drivable line through stations: straights joined by arcs, by arc length."""

import math
from typing import NamedTuple

import numpy as np

from winnow_operators.sim.geometry import Array, Box, wrap
from winnow_schemas.simulation.airside import STATIONS, StationKind

STEP_M = 0.5
"""Distance of the samples; on the tightest arc the chord is then 4 mm off."""
RADIUS_M = 8.0
"""Turning radius at corners: twice the smallest of a baggage tractor."""
SEARCH_M = 6.0
"""How far from the last place the next projection looks: a tick moves the vehicle 0.4 m at most."""


class PathPoint(NamedTuple):
    """A place on the path."""

    x: float
    y: float
    yaw: float
    curvature: float
    """1/m, positive to the left."""


class Projection(NamedTuple):
    """Where a pose lies relative to the path."""

    s_m: float
    lateral_m: float
    """Positive to the left of the path."""
    heading_rad: float
    """Pose's heading minus the path's."""


class DrivingPath:
    """Sampled every ``STEP_M``; ``s`` is the arc length from the first station."""

    def __init__(self, stations: tuple[str, ...]) -> None:
        self.stations = stations
        points, corners = _rounded([(STATIONS[name].x, STATIONS[name].y) for name in stations])
        steps = np.hypot(*np.diff(points, axis=0).T)
        along = np.concatenate([[0.0], np.cumsum(steps)])
        self.length_m = float(along[-1])
        self._s: Array = np.arange(0.0, self.length_m + STEP_M, STEP_M)
        self._x: Array = np.interp(self._s, along, points[:, 0])
        self._y: Array = np.interp(self._s, along, points[:, 1])
        turns = np.unwrap(np.arctan2(np.gradient(self._y), np.gradient(self._x)))
        self._yaw: Array = turns
        self._curvature: Array = np.gradient(turns, STEP_M)
        self.station_s_m: tuple[float, ...] = tuple(float(along[index]) for index in corners)

    def at(self, s_m: float) -> PathPoint:
        """The place at arc length ``s_m``; beyond the ends the first or last one, extended straight."""
        clamped = min(max(s_m, 0.0), self.length_m)
        place = clamped / STEP_M
        index = min(int(place), len(self._s) - 2)
        share = place - index
        keep = 1.0 - share
        yaw = float(self._yaw[index] * keep + self._yaw[index + 1] * share)
        x = float(self._x[index] * keep + self._x[index + 1] * share)
        y = float(self._y[index] * keep + self._y[index + 1] * share)
        curvature = float(self._curvature[index] * keep + self._curvature[index + 1] * share)
        beyond = s_m - clamped
        return PathPoint(x + beyond * math.cos(yaw), y + beyond * math.sin(yaw), wrap(yaw), curvature)

    def offset(self, s_m: float, lateral_m: float) -> tuple[float, float]:
        """The map point beside the path."""
        place = self.at(s_m)
        return place.x - lateral_m * math.sin(place.yaw), place.y + lateral_m * math.cos(place.yaw)

    def project(
        self, x: float, y: float, yaw: float, near_s_m: float, search_m: float = SEARCH_M
    ) -> Projection:
        """The nearest place within ``search_m`` of ``near_s_m``; beyond the end, the end."""
        low = min(max(0, int((near_s_m - search_m) / STEP_M)), len(self._s) - 2)
        high = min(len(self._s), max(low, int((near_s_m + search_m) / STEP_M)) + 2)
        away = (self._x[low:high] - x) ** 2 + (self._y[low:high] - y) ** 2
        s_m = (low + int(np.argmin(away))) * STEP_M
        place = self.at(s_m)
        along = (x - place.x) * math.cos(place.yaw) + (y - place.y) * math.sin(place.yaw)
        place = self.at(s_m + along)
        lateral = (y - place.y) * math.cos(place.yaw) - (x - place.x) * math.sin(place.yaw)
        return Projection(s_m + along, lateral, wrap(yaw - place.yaw))

    def distances(self, box: Box, low_s_m: float, high_s_m: float) -> tuple[Array, Array]:
        """Arc lengths of the samples between two, and their distances to a box; shapes ``(n,)``."""
        low = min(max(0, int(low_s_m / STEP_M)), len(self._s) - 1)
        high = max(low + 1, min(len(self._s), int(high_s_m / STEP_M) + 2))
        dx, dy = self._x[low:high] - box.x, self._y[low:high] - box.y
        cosine, sine = math.cos(box.yaw), math.sin(box.yaw)
        along = np.maximum(np.abs(dx * cosine + dy * sine) - box.length / 2, 0.0)
        across = np.maximum(np.abs(dy * cosine - dx * sine) - box.width / 2, 0.0)
        return self._s[low:high], np.hypot(along, across)

    def bend(self, low_s_m: float, high_s_m: float) -> float:
        """Largest absolute curvature between two arc lengths, 1/m."""
        low, high = max(0, int(low_s_m / STEP_M)), int(high_s_m / STEP_M) + 2
        part = np.abs(self._curvature[low:high])
        return float(part.max()) if len(part) else 0.0

    def hold_lines(self) -> tuple[float, ...]:
        """Arc lengths of the hold-short lines."""
        names = zip(self.stations, self.station_s_m, strict=True)
        return tuple(s for name, s in names if STATIONS[name].kind is StationKind.HOLD_SHORT)

    def outline(self, straight_m: float = 10.0) -> Array:
        """Points for a map message, shape ``(n, 3)`` of x, y, yaw: 1 m apart in curves, ``straight_m`` elsewhere."""
        chosen = [0]
        for index in range(1, len(self._s)):
            since = (index - chosen[-1]) * STEP_M
            curved = max(abs(self._curvature[index]), abs(self._curvature[chosen[-1]])) > 0.01
            if since >= (1.0 if curved else straight_m) or index == len(self._s) - 1:
                chosen.append(index)
        return np.stack([self._x[chosen], self._y[chosen], self._yaw[chosen]], axis=1)


def _rounded(corners: list[tuple[float, float]]) -> tuple[Array, list[int]]:
    """Points of the polyline with its corners rounded, and the index of the point nearest to each corner."""
    points: list[tuple[float, float]] = [corners[0]]
    places = [0]
    for before, here, after in zip(corners, corners[1:], corners[2:], strict=False):
        heading_in = math.atan2(here[1] - before[1], here[0] - before[0])
        heading_out = math.atan2(after[1] - here[1], after[0] - here[0])
        turn = wrap(heading_out - heading_in)
        if abs(turn) < 0.01:
            points.append(here)
            places.append(len(points) - 1)
            continue
        reach = min(
            RADIUS_M * math.tan(abs(turn) / 2),
            0.5 * math.dist(before, here),
            0.5 * math.dist(here, after),
        )
        radius = reach / math.tan(abs(turn) / 2)
        start = (here[0] - reach * math.cos(heading_in), here[1] - reach * math.sin(heading_in))
        side = math.copysign(1.0, turn)
        centre = (
            start[0] - side * radius * math.sin(heading_in),
            start[1] + side * radius * math.cos(heading_in),
        )
        pieces = max(4, math.ceil(abs(turn) * radius / (STEP_M / 2)))
        first = len(points)
        for piece in range(pieces + 1):
            heading = heading_in + turn * piece / pieces
            points.append(
                (centre[0] + side * radius * math.sin(heading), centre[1] - side * radius * math.cos(heading))
            )
        places.append(first + pieces // 2)
    points.append(corners[-1])
    return np.array(points), [*places, len(points) - 1]
