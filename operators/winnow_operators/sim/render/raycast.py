"""Casts the rays of a spinning LiDAR against upright boxes and flat ground.

Everything in the world is an upright box (a prism between two heights), so a ray is solved in two steps:
where its horizontal direction enters and leaves a footprint, and whether the beam is between the heights
there. The first step does not depend on the beam, which is what makes a sweep cost about a millisecond.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]
Hits = tuple[Floats, Floats]
"""Horizontal distance and albedo per ray, shape ``(a, b)`` each."""

NEAREST_M = 0.3
"""Blind zone of the sensor: what is nearer returns nothing (RS-Helios data sheet: 0.2 m)."""
EVERYWHERE_FACTOR = 1.05
"""A sensor this near to a box, in half diagonals, sees it in all directions: no bearing window then."""


@dataclass(frozen=True, slots=True)
class Solids:
    """``n`` upright boxes in the map frame; every array has shape ``(n,)``.

    ``albedo`` is the share of light that comes back, 0-1.
    """

    x: Floats
    y: Floats
    yaw: Floats
    half_length: Floats
    half_width: Floats
    bottom: Floats
    top: Floats
    albedo: Floats


@dataclass(frozen=True, slots=True)
class Rays:
    """The firing pattern of one sensor.

    ``azimuth`` of shape ``(a,)`` rises in steps of a ``steps``-th of a full turn, starting anywhere;
    ``tangent`` of shape ``(b,)`` holds the tangents of the beams' elevations.
    """

    azimuth: Floats
    steps: int
    tangent: Floats
    max_range_m: float


@dataclass(frozen=True, slots=True)
class Crossings:
    """Where azimuths cross footprints: flat arrays of one entry per (azimuth, box) pair."""

    azimuth: Indices
    box: Indices
    enter_m: Floats
    leave_m: Floats


def cast(position: tuple[float, float, float], rays: Rays, solids: Solids, ground_albedo: float) -> Hits:
    """The first hit of every ray; its distance is infinite where there is none."""
    x, y, z = position
    with np.errstate(divide="ignore", over="ignore"):
        to_ground = np.where(rays.tangent < 0, -z / rays.tangent, np.inf).astype(np.float32)
    shape = (len(rays.azimuth), len(rays.tangent))
    distance = np.broadcast_to(to_ground, shape).copy()
    albedo = np.full(shape, ground_albedo, np.float32)
    crossings = cross(x, y, rays, solids)
    for chosen in layers(crossings):
        _hit((distance, albedo), crossings, chosen, rays, z, solids)
    distance[distance > rays.max_range_m] = np.inf
    return distance, albedo


def cross(x: float, y: float, rays: Rays, solids: Solids) -> Crossings:
    """Every azimuth's way through every footprint that it crosses within range."""
    first, number = _bearing_windows(x, y, rays, solids)
    box = np.repeat(np.arange(len(first)), number)
    within = np.arange(len(box)) - np.repeat(np.cumsum(number) - number, number)
    azimuth = (first[box] + within) % rays.steps
    seen = azimuth < len(rays.azimuth)
    azimuth, box = azimuth[seen], box[seen]
    local = rays.azimuth[azimuth] - solids.yaw[box]
    cosine, sine = np.cos(local), np.sin(local)
    dx, dy = x - solids.x, y - solids.y
    turn_cos, turn_sin = np.cos(solids.yaw), np.sin(solids.yaw)
    px = (dx * turn_cos + dy * turn_sin)[box]
    py = (dy * turn_cos - dx * turn_sin)[box]
    half_length, half_width = solids.half_length[box], solids.half_width[box]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        along_1, along_2 = (-half_length - px) / cosine, (half_length - px) / cosine
        across_1, across_2 = (-half_width - py) / sine, (half_width - py) / sine
    enter = np.maximum(np.minimum(along_1, along_2), np.minimum(across_1, across_2))
    leave = np.minimum(np.maximum(along_1, along_2), np.maximum(across_1, across_2))
    kept = (leave > enter) & (leave > NEAREST_M) & (enter < rays.max_range_m)
    return Crossings(
        azimuth[kept],
        box[kept],
        np.maximum(enter[kept], np.float32(NEAREST_M)),
        leave[kept],
    )


def _bearing_windows(x: float, y: float, rays: Rays, solids: Solids) -> tuple[Indices, Indices]:
    """First azimuth index and number of azimuths of each box's bearing window; 0 when out of range."""
    step = 2 * np.pi / rays.steps
    dx, dy = solids.x - x, solids.y - y
    range_m = np.hypot(dx, dy)
    diagonal = np.hypot(solids.half_length, solids.half_width)
    bearing = np.arctan2(dy, dx)
    inside = range_m <= EVERYWHERE_FACTOR * diagonal
    turn_cos, turn_sin = np.cos(solids.yaw), np.sin(solids.yaw)
    spread_low = np.zeros_like(bearing)
    spread_high = np.zeros_like(bearing)
    for side_x, side_y in ((1, 1), (1, -1), (-1, -1), (-1, 1)):
        corner_x = dx + side_x * solids.half_length * turn_cos - side_y * solids.half_width * turn_sin
        corner_y = dy + side_x * solids.half_length * turn_sin + side_y * solids.half_width * turn_cos
        offset = np.arctan2(corner_y, corner_x) - bearing
        offset = (offset + np.pi) % (2 * np.pi) - np.pi
        spread_low = np.minimum(spread_low, offset)
        spread_high = np.maximum(spread_high, offset)
    start = (bearing + spread_low - rays.azimuth[0]) / step
    first = np.ceil(start).astype(np.int64)
    last = np.floor((bearing + spread_high - rays.azimuth[0]) / step).astype(np.int64)
    number = np.where(inside, rays.steps, np.maximum(0, last - first + 1))
    number[range_m - diagonal > rays.max_range_m] = 0
    return first % rays.steps, number


def layers(crossings: Crossings) -> list[Indices]:
    """Groups of crossings, farthest first, in each of which an azimuth comes at most once."""
    if not len(crossings.azimuth):
        return []
    order = np.lexsort((-crossings.enter_m, crossings.azimuth))
    azimuth = crossings.azimuth[order]
    fresh = np.empty(len(azimuth), bool)
    fresh[0] = True
    np.not_equal(azimuth[1:], azimuth[:-1], out=fresh[1:])
    starts = np.flatnonzero(fresh)
    rank = np.arange(len(azimuth)) - np.repeat(starts, np.diff(np.append(starts, len(azimuth))))
    by_rank = np.argsort(rank, kind="stable")
    return np.split(order[by_rank], np.cumsum(np.bincount(rank))[:-1])


def _hit(
    hits: Hits, crossings: Crossings, chosen: Indices, rays: Rays, height: float, solids: Solids
) -> None:
    """Shorten the rays that hit a side, the top or the underside of the chosen crossings' boxes."""
    distance, albedo = hits
    tangent = rays.tangent
    azimuth, box = crossings.azimuth[chosen], crossings.box[chosen]
    enter = crossings.enter_m[chosen, None]
    bottom, top = solids.bottom[box, None] - np.float32(height), solids.top[box, None] - np.float32(height)
    rise = enter * tangent
    reached = np.where((rise >= bottom) & (rise <= top), enter, np.float32(np.inf))
    leaves = crossings.leave_m[chosen, None] * tangent
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if np.any(top < 0):
            reached = np.where((rise > top) & (leaves < top), top / tangent, reached)
        if np.any(bottom > 0):
            reached = np.where((rise < bottom) & (leaves > bottom), bottom / tangent, reached)
    before = distance[azimuth]
    nearer = reached < before
    distance[azimuth] = np.where(nearer, reached, before)
    albedo[azimuth] = np.where(nearer, solids.albedo[box, None], albedo[azimuth])
