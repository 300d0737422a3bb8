"""A map as a drawing: places in Web Mercator, and which tiles lie under it."""

import math
from collections.abc import Sequence
from typing import NamedTuple

TILE_PX = 256
"""Side of a tile; the usual of all tile servers."""
ZOOM_MAX = 19
LATITUDE_MAX_DEG = 85.0511
"""Where Web Mercator ends."""
_MARGIN_PX = 24

Place = tuple[float, float]
"""Latitude, longitude, degrees."""


class Tile(NamedTuple):
    """One tile, and where its upper left corner is drawn."""

    zoom: int
    column: int
    row: int
    x_px: float
    y_px: float


class Drawing(NamedTuple):
    """Points in pixels, tiles under them, and how long a bar of the scale is."""

    points_px: list[tuple[float, float]]
    tiles: list[Tile]
    metres_per_px: float


def drawn(places: Sequence[Place], width_px: int, height_px: int) -> Drawing:
    """Lay places into a picture, as large as whole zoom levels allow."""
    flat = [_world(*place) for place in places]
    if not flat:
        return Drawing([], [], 0.0)
    left, right = min(x for x, _ in flat), max(x for x, _ in flat)
    top, bottom = min(y for _, y in flat), max(y for _, y in flat)
    zoom = ZOOM_MAX
    while zoom and (
        (right - left) * _size(zoom) > width_px - 2 * _MARGIN_PX
        or (bottom - top) * _size(zoom) > height_px - 2 * _MARGIN_PX
    ):
        zoom -= 1
    size = _size(zoom)
    x0 = (left + right) / 2 * size - width_px / 2
    y0 = (top + bottom) / 2 * size - height_px / 2
    points = [(round(x * size - x0, 1), round(y * size - y0, 1)) for x, y in flat]
    middle_deg = (places[0][0] + places[-1][0]) / 2
    metres = 40_075_016.686 * math.cos(math.radians(middle_deg)) / size
    return Drawing(points, _tiles(zoom, x0, y0, width_px, height_px), metres)


def _size(zoom: int) -> float:
    return float(TILE_PX * 2**zoom)


def _world(latitude_deg: float, longitude_deg: float) -> tuple[float, float]:
    """In parts of the world's square, from its upper left corner."""
    latitude = math.radians(max(-LATITUDE_MAX_DEG, min(LATITUDE_MAX_DEG, latitude_deg)))
    y = 0.5 - math.log(math.tan(math.pi / 4 + latitude / 2)) / (2 * math.pi)
    return (longitude_deg + 180) / 360, y


def _tiles(zoom: int, x0: float, y0: float, width_px: int, height_px: int) -> list[Tile]:
    most = 2**zoom
    columns = range(math.floor(x0 / TILE_PX), math.floor((x0 + width_px) / TILE_PX) + 1)
    rows = range(math.floor(y0 / TILE_PX), math.floor((y0 + height_px) / TILE_PX) + 1)
    return [
        Tile(zoom, column % most, row, round(column * TILE_PX - x0, 1), round(row * TILE_PX - y0, 1))
        for row in rows
        if 0 <= row < most
        for column in columns
    ]


def scale_bar(metres_per_px: float, most_px: float) -> tuple[float, float]:
    """A round length in metres, and how many pixels it takes: 1, 2 or 5 times a power of ten."""
    if metres_per_px <= 0:
        return 0.0, 0.0
    longest = metres_per_px * most_px
    power = 10 ** math.floor(math.log10(longest))
    metres = max(step * power for step in (1, 2, 5) if step * power <= longest)
    return float(metres), metres / metres_per_px
