"""The shortest way over the one-way road network."""

import heapq
import math
from collections.abc import Iterable

from winnow_schemas.errors import BadInputError
from winnow_schemas.simulation.airside import ROADS, STATIONS, Road


def way(start: str, end: str, via: Iterable[str] = (), *, closed_through: str = "") -> tuple[str, ...]:
    """Stations from ``start`` to ``end``, both included, past ``via`` in order.

    Closed roads are not used, except the one that begins at ``closed_through``, which then must be.

    Raises:
        BadInputError: there is no way.

    """
    goals = [*via, end]
    if closed_through:
        road = next(road for road in ROADS if road.closed and road.start == closed_through)
        goals = [road.start, road.end, *goals]
    stations: list[str] = [start]
    for goal in goals:
        if goal == stations[-1]:
            continue
        stations += _shortest(stations[-1], goal, closed_through)[1:]
    return tuple(stations)


def _shortest(start: str, end: str, closed_through: str) -> list[str]:
    """Dijkstra; ties go to the station that comes first by name."""
    queue: list[tuple[float, str, tuple[str, ...]]] = [(0.0, start, (start,))]
    done: set[str] = set()
    while queue:
        length, here, stations = heapq.heappop(queue)
        if here == end:
            return list(stations)
        if here in done:
            continue
        done.add(here)
        for road in ROADS:
            if road.start == here and road.end not in done and _open(road, closed_through):
                heapq.heappush(queue, (length + road_length(road), road.end, (*stations, road.end)))
    raise BadInputError(f"There is no open road from {start!r} to {end!r}; the route was not planned.")


def _open(road: Road, closed_through: str) -> bool:
    return not road.closed or road.start == closed_through


def road_length(road: Road) -> float:
    """Length of a road, m."""
    start, end = STATIONS[road.start], STATIONS[road.end]
    return math.hypot(end.x - start.x, end.y - start.y)


def leads_into_closed(station: str) -> bool:
    """Whether a closed road begins at this station."""
    return any(road.closed and road.start == station for road in ROADS)
