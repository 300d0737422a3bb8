"""Zones of the map: named polygons, and which of them a point lies in."""

from collections.abc import Sequence
from dataclasses import dataclass

from winnow_schemas.errors import BadInputError

MAX_ZONES = 2_000
"""An airport's apron map has some hundred."""
MAX_VERTICES = 100_000
"""Of all zones together."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A polygon in the map frame, metres; closed by itself."""

    name: str
    kind: str
    polygon: tuple[tuple[float, float], ...]
    box: tuple[float, float, float, float]
    """Smallest x, y, largest x, y."""

    def contains(self, x: float, y: float) -> bool:
        """Whether the point lies inside (crossing number; an edge belongs to the zone on one side of it)."""
        x0, y0, x1, y1 = self.box
        if not (x0 <= x <= x1 and y0 <= y <= y1):
            return False
        inside = False
        xa, ya = self.polygon[-1]
        for xb, yb in self.polygon:
            if (ya > y) != (yb > y) and x < (xb - xa) * (y - ya) / (yb - ya) + xa:
                inside = not inside
            xa, ya = xb, yb
        return inside


def make_zone(name: str, kind: str, points: Sequence[tuple[float, float]]) -> Zone:
    """Make a zone of at least three points.

    Raises:
        BadInputError: fewer points, or one that is not finite.

    """
    polygon = tuple((float(x), float(y)) for x, y in points)
    if len(polygon) < 3:
        raise BadInputError(f"Zone {name[:64]!r} has {len(polygon)} points, it needs 3; it was not used.")
    if not all(abs(x) < 1e9 and abs(y) < 1e9 for x, y in polygon):
        raise BadInputError(f"Zone {name[:64]!r} has a point that is no place on a map; it was not used.")
    xs, ys = [x for x, _ in polygon], [y for _, y in polygon]
    return Zone(name, kind, polygon, (min(xs), min(ys), max(xs), max(ys)))


def check_zones(zones: Sequence[Zone]) -> tuple[Zone, ...]:
    """Keep a map within its limits.

    Raises:
        BadInputError: too many zones or points.

    """
    vertices = sum(len(zone.polygon) for zone in zones)
    if len(zones) > MAX_ZONES or vertices > MAX_VERTICES:
        raise BadInputError(
            f"The map has {len(zones)} zones with {vertices} points, the limits are {MAX_ZONES} and "
            f"{MAX_VERTICES}; the zones were not used."
        )
    return tuple(zones)
