"""The map of the simulated airport: what is painted on the ground, what stands on it, and which way one drives.

Coordinates are metres in the ``map`` frame, x east and y north of the reference point. Two one-way lanes
run between the terminal and a taxiway: the south lane eastward, the north lane westward behind the aircraft.
"""

from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

REFERENCE_LATITUDE_DEG = 52.0
"""Latitude of the map's origin. The airport is invented; the place is none in particular."""
REFERENCE_LONGITUDE_DEG = 10.0
"""Longitude of the map's origin."""

Point = tuple[float, float]


class ZoneKind(StrEnum):
    """What a zone is for (``winnow_msgs/msg/Zone``)."""

    APRON = "apron"
    TAXIWAY = "taxiway"
    RUNWAY = "runway"
    STAND = "stand"
    RESTRICTED = "restricted"
    DEPOT = "depot"


FORBIDDEN = (ZoneKind.RESTRICTED, ZoneKind.RUNWAY)
"""Zones that the vehicle may never enter: being in one is a geofence breach (vehicle document 3.1)."""


class Zone(NamedTuple):
    """A named area; the polygon is closed implicitly."""

    name: str
    kind: ZoneKind
    polygon: tuple[Point, ...]


class Structure(NamedTuple):
    """Something built: an axis-aligned upright box that the map knows."""

    name: str
    x: float
    y: float
    length: float
    """Along x."""
    width: float
    """Along y."""
    bottom: float
    top: float
    albedo: float
    """Share of LiDAR light that comes back, 0-1."""


class Stand(NamedTuple):
    """A place where an aircraft parks, nose to the north."""

    name: str
    x: float
    y: float
    aircraft: str
    """Which kind stands there when a run begins; empty = none."""


class StationKind(StrEnum):
    """What one does at a station of the road network."""

    WAY = "way"
    STOP = "stop"
    HOLD_SHORT = "hold_short"


class Station(NamedTuple):
    """A named point of the road network."""

    x: float
    y: float
    kind: StationKind


class Road(NamedTuple):
    """A one-way straight between two stations."""

    start: str
    end: str
    closed: bool = False
    """In the network, but not to be used: it leads through a restricted zone."""


def _rectangle(west: float, south: float, east: float, north: float) -> tuple[Point, ...]:
    return ((west, south), (east, south), (east, north), (west, north))


_NARROW = "aircraft_narrowbody"
_WIDE = "aircraft_widebody"

STANDS: tuple[Stand, ...] = (
    Stand("stand_1", -270.0, 118.0, _NARROW),
    Stand("stand_2", -200.0, 118.0, _NARROW),
    Stand("stand_3", -130.0, 118.0, _NARROW),
    Stand("stand_4", -60.0, 118.0, _NARROW),
    Stand("stand_5", 62.0, 128.0, _WIDE),
    Stand("stand_6", 140.0, 128.0, _WIDE),
    Stand("stand_7", 215.0, 118.0, ""),
    Stand("stand_8", 280.0, 118.0, _NARROW),
)

ZONES: tuple[Zone, ...] = (
    Zone("apron_west", ZoneKind.APRON, _rectangle(-335.0, 42.0, 0.0, 160.0)),
    Zone("apron_east", ZoneKind.APRON, _rectangle(0.0, 42.0, 335.0, 160.0)),
    Zone("apron_cargo", ZoneKind.APRON, _rectangle(100.0, -95.0, 335.0, -35.0)),
    Zone("apron_maintenance", ZoneKind.APRON, _rectangle(-335.0, -95.0, -100.0, -35.0)),
    Zone("taxiway_a", ZoneKind.TAXIWAY, _rectangle(-450.0, 4.0, 450.0, 36.0)),
    Zone("runway", ZoneKind.RUNWAY, _rectangle(-450.0, -200.0, 450.0, -140.0)),
    Zone("depot", ZoneKind.DEPOT, _rectangle(-440.0, 38.0, -340.0, 100.0)),
    Zone("hydrant_valves", ZoneKind.RESTRICTED, _rectangle(-255.0, 58.0, -225.0, 72.0)),
    Zone("fuel_pit", ZoneKind.RESTRICTED, _rectangle(-115.0, 58.0, -85.0, 72.0)),
    *(
        Zone(
            stand.name,
            ZoneKind.STAND,
            _rectangle(
                stand.x - (31.0 if stand.y > 120 else 20.0),
                92.0,
                stand.x + (31.0 if stand.y > 120 else 20.0),
                160.0,
            ),
        )
        for stand in STANDS
    ),
)

_MASTS = (-285.0, -210.0, -145.0, -60.0, 60.0, 140.0, 210.0, 285.0)
_FAR_MASTS = tuple((float(x), -30.0) for x in range(-300, 301, 100))
_SHELTERS = tuple((x, y) for x in (-376.0, 376.0) for y in (62.0, -14.0))
_FENCES = (*range(-300, -20, 60), *range(30, 310, 60))
_PENS = (-190.0, -40.0, 40.0, 110.0, 190.0, 260.0)

STRUCTURES: tuple[Structure, ...] = (
    Structure("terminal", 0.0, 185.0, 640.0, 40.0, 0.0, 18.0, 0.45),
    Structure("hangar", -220.0, -115.0, 160.0, 40.0, 0.0, 20.0, 0.5),
    Structure("cargo_hall", 220.0, -113.0, 200.0, 30.0, 0.0, 14.0, 0.5),
    Structure("depot_hall", -425.0, 115.0, 40.0, 20.0, 0.0, 6.0, 0.5),
    Structure("tower", -375.0, 165.0, 14.0, 14.0, 0.0, 45.0, 0.4),
    *(Structure(f"bridge_{stand.name}", stand.x - 9.0, 150.0, 3.5, 30.0, 4.5, 7.5, 0.6) for stand in STANDS),
    *(
        Structure(f"bridge_leg_{stand.name}", stand.x - 9.0, 138.0, 1.2, 1.2, 0.0, 4.5, 0.6)
        for stand in STANDS
    ),
    *(Structure(f"mast_{x:.0f}", x, 65.0, 0.6, 0.6, 0.0, 22.0, 0.5) for x in _MASTS),
    *(Structure(f"mast_{x:.0f}_{y:.0f}", x, y, 0.6, 0.6, 0.0, 22.0, 0.5) for x, y in _FAR_MASTS),
    *(Structure(f"shelter_{x:.0f}_{y:.0f}", x, y, 8.0, 6.0, 0.0, 3.5, 0.5) for x, y in _SHELTERS),
    *(Structure(f"fence_{x}", x + 22.5, 41.0, 45.0, 0.3, 0.0, 2.8, 0.35) for x in _FENCES),
    *(Structure(f"pen_{x:.0f}", x, 66.0, 9.0, 4.0, 0.0, 2.4, 0.55) for x in _PENS),
)

_W, _S, _H = StationKind.WAY, StationKind.STOP, StationKind.HOLD_SHORT

STATIONS: dict[str, Station] = {
    "south_west": Station(-320.0, 50.0, _W),
    "south_240w": Station(-240.0, 50.0, _W),
    "bay_1": Station(-205.0, 50.0, _S),
    "south_165w": Station(-165.0, 50.0, _W),
    "south_100w": Station(-100.0, 50.0, _W),
    "bay_2": Station(-60.0, 50.0, _S),
    "south_20w": Station(-20.0, 50.0, _W),
    "south_20e": Station(20.0, 50.0, _W),
    "bay_3": Station(120.0, 50.0, _S),
    "bay_4": Station(240.0, 50.0, _S),
    "south_east": Station(320.0, 50.0, _W),
    "north_east": Station(320.0, 80.0, _W),
    "stand_8": Station(280.0, 80.0, _S),
    "stand_7": Station(215.0, 80.0, _S),
    "stand_6": Station(140.0, 80.0, _S),
    "stand_5": Station(62.0, 80.0, _S),
    "north_20e": Station(20.0, 80.0, _W),
    "north_20w": Station(-20.0, 80.0, _W),
    "stand_4": Station(-60.0, 80.0, _S),
    "north_100w": Station(-100.0, 80.0, _W),
    "stand_3": Station(-130.0, 80.0, _S),
    "north_165w": Station(-165.0, 80.0, _W),
    "stand_2": Station(-200.0, 80.0, _S),
    "north_240w": Station(-240.0, 80.0, _W),
    "stand_1": Station(-270.0, 80.0, _S),
    "north_west": Station(-320.0, 80.0, _W),
    "depot_north": Station(-400.0, 80.0, _W),
    "depot": Station(-400.0, 65.0, _S),
    "depot_south": Station(-400.0, 50.0, _W),
    "west_gate": Station(-350.0, 50.0, _W),
    "east_gate": Station(350.0, 50.0, _W),
    "hold_east": Station(350.0, 40.0, _H),
    "cargo_gate": Station(350.0, -45.0, _W),
    "cargo_1": Station(250.0, -45.0, _S),
    "cargo_2": Station(160.0, -45.0, _S),
    "maintenance": Station(-220.0, -45.0, _S),
    "maintenance_gate": Station(-350.0, -45.0, _W),
    "hold_west": Station(-350.0, 0.0, _H),
}

STOPS: tuple[str, ...] = tuple(name for name, station in STATIONS.items() if station.kind == _S)
"""Where a leg of a route may end."""


def _chain(*names: str) -> tuple[Road, ...]:
    return tuple(Road(start, end) for start, end in pairwise(names))


ROADS: tuple[Road, ...] = (
    *_chain(
        "south_west",
        "south_240w",
        "bay_1",
        "south_165w",
        "south_100w",
        "bay_2",
        "south_20w",
        "south_20e",
        "bay_3",
        "bay_4",
        "south_east",
        "north_east",
    ),
    *_chain(
        "north_east",
        "stand_8",
        "stand_7",
        "stand_6",
        "stand_5",
        "north_20e",
        "north_20w",
        "stand_4",
        "north_100w",
        "stand_3",
        "north_165w",
        "stand_2",
        "north_240w",
        "stand_1",
        "north_west",
        "south_west",
    ),
    Road("south_165w", "north_165w"),
    Road("south_20w", "north_20w"),
    Road("north_20e", "south_20e"),
    *_chain("north_west", "depot_north", "depot", "depot_south", "west_gate", "south_west"),
    *_chain("south_east", "east_gate", "hold_east", "cargo_gate", "cargo_1", "cargo_2", "maintenance"),
    *_chain("maintenance", "maintenance_gate", "hold_west", "west_gate"),
    Road("south_240w", "north_240w", closed=True),
    Road("south_100w", "north_100w", closed=True),
)
