"""Paint on the ground: lane edges, stand lines, hold-short lines, restricted areas."""

import math
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from winnow_operators.sim.geometry import Array
from winnow_schemas.simulation.airside import (
    ROADS,
    STANDS,
    STATIONS,
    ZONES,
    StationKind,
    ZoneKind,
)

PIECE_M = 12.0
"""Lines are cut into pieces of this length, so that what is far can be left out."""
LANE_HALF_M = 2.0


class Ink(StrEnum):
    """Colour of a marking."""

    WHITE = "white"
    YELLOW = "yellow"
    RED = "red"


class Markings(NamedTuple):
    """All pieces: outlines of shape ``(n, 4, 2)``, and the ink of each."""

    outlines: Array
    inks: tuple[Ink, ...]


def _line(
    start: tuple[float, float], end: tuple[float, float], width_m: float
) -> list[list[tuple[float, float]]]:
    length = math.dist(start, end)
    pieces = max(1, math.ceil(length / PIECE_M))
    yaw = math.atan2(end[1] - start[1], end[0] - start[0])
    side_x, side_y = -math.sin(yaw) * width_m / 2, math.cos(yaw) * width_m / 2
    result = []
    for piece in range(pieces):
        first, last = piece / pieces, (piece + 1) / pieces
        x1, y1 = (start[axis] + (end[axis] - start[axis]) * first for axis in (0, 1))
        x2, y2 = (start[axis] + (end[axis] - start[axis]) * last for axis in (0, 1))
        result.append(
            [
                (x1 + side_x, y1 + side_y),
                (x2 + side_x, y2 + side_y),
                (x2 - side_x, y2 - side_y),
                (x1 - side_x, y1 - side_y),
            ]
        )
    return result


def markings() -> Markings:
    """Everything that is painted."""
    pieces: list[list[tuple[float, float]]] = []
    inks: list[Ink] = []

    def add(start: tuple[float, float], end: tuple[float, float], width_m: float, ink: Ink) -> None:
        fresh = _line(start, end, width_m)
        pieces.extend(fresh)
        inks.extend([ink] * len(fresh))

    for road in ROADS:
        start, end = STATIONS[road.start], STATIONS[road.end]
        yaw = math.atan2(end.y - start.y, end.x - start.x)
        for side in (-1.0, 1.0):
            dx, dy = -math.sin(yaw) * side * LANE_HALF_M, math.cos(yaw) * side * LANE_HALF_M
            add((start.x + dx, start.y + dy), (end.x + dx, end.y + dy), 0.15, Ink.WHITE)
    for stand in STANDS:
        add((stand.x, 88.0), (stand.x, 150.0), 0.2, Ink.YELLOW)
        for side in (-1.0, 1.0):
            x = stand.x + side * (32.0 if stand.y > 120 else 21.0)
            add((x, 90.0), (x, 150.0), 0.15, Ink.RED)
    add((-450.0, 20.0), (450.0, 20.0), 0.3, Ink.YELLOW)
    for station in STATIONS.values():
        if station.kind is StationKind.HOLD_SHORT:
            add((station.x - 3.0, station.y), (station.x + 3.0, station.y), 0.4, Ink.YELLOW)
    for zone in ZONES:
        if zone.kind is ZoneKind.RESTRICTED:
            for index, corner in enumerate(zone.polygon):
                add(zone.polygon[index - 1], corner, 0.3, Ink.RED)
    return Markings(np.array(pieces), tuple(inks))
