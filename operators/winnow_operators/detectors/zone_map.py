"""The map's zones, as the fields of a ``winnow_msgs/msg/ZoneArray``."""

from collections.abc import Mapping
from typing import Any

from winnow_operators.condition.zones import Zone, check_zones, make_zone
from winnow_operators.detectors.detector import DetectorInputError

MAX_READ_ZONES = 128
"""Zones that are read from a map message: each needs two paths, since a path through two lists joins them."""

ZONE_FIELDS: dict[str, str] = {
    "names": "zones[].name",
    "kinds": "zones[].kind",
    **{f"x{index}": f"zones[{index}].polygon[].x" for index in range(MAX_READ_ZONES)},
    **{f"y{index}": f"zones[{index}].polygon[].y" for index in range(MAX_READ_ZONES)},
}
"""Short name -> path."""

OPTIONAL = frozenset(name for name in ZONE_FIELDS if name[0] in "xy")
"""A map has fewer zones than there are paths."""


def zones_of(fields: Mapping[str, Any]) -> tuple[Zone, ...]:
    """Read the zones.

    Raises:
        DetectorInputError: names, kinds and polygons do not belong together, or there are too many.
        BadInputError: a polygon is not one, or the map is beyond its limits.

    """
    names, kinds = list(fields["names"]), list(fields["kinds"])
    if len(names) != len(kinds) or len(names) > MAX_READ_ZONES:
        raise DetectorInputError(
            f"A map of {len(names)} zone names and {len(kinds)} kinds cannot be used, the limit is {MAX_READ_ZONES}; "
            "the zones before stay."
        )
    zones = []
    for index, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        xs, ys = fields.get(f"x{index}"), fields.get(f"y{index}")
        if xs is None or ys is None or len(xs) != len(ys):
            raise DetectorInputError(f"Zone {str(name)[:64]!r} has no polygon; the zones before stay.")
        zones.append(make_zone(str(name), str(kind), list(zip(xs, ys, strict=True))))
    return check_zones(zones)
