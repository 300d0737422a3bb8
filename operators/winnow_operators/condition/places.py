"""Parts of a condition that look at where the vehicle is."""

import math
from collections import OrderedDict
from typing import Any

from winnow_operators.condition.nodes import Cell, Clock, Node
from winnow_operators.condition.saved import Json, Saved, load
from winnow_operators.condition.units import ANGLE
from winnow_operators.condition.zones import Zone, check_zones, make_zone

FIX = "@fix"
"""The source that changes with each position."""
ZONES = "@zones"
"""The source that changes with the map."""

ODOMETER_STEP_M = 0.5
"""Movement counts in steps of at least this, so that position noise (RTK: 1-3 cm) adds up to nothing at rest."""
MAX_SPEED_MPS = 150.0
"""A faster move is a relocation (GPS regained, map switched): it is no distance travelled."""
EARTH_RADIUS_M = 6_371_008.8
"""Mean radius (IUGG)."""


class PositionState(Saved, frozen=True):
    """Where the vehicle is, how far it came, and its map."""

    xy: tuple[float, float] | None
    fix_ns: int
    origin: tuple[float, float] | None
    anchor: tuple[float, float, int] | None
    odometer_m: float
    relocations: int
    zones: list[tuple[str, str, list[tuple[float, float]]]] | None


class DistanceState(Saved, frozen=True):
    """Of ``distance_m``."""

    base_m: float


class CellsState(Saved, frozen=True):
    """Of ``new_cell``: what was visited, oldest first."""

    visited: list[tuple[int, int]]
    forgotten: int


class Position:
    """The newest position, in metres: x and y on the map, or else latitude and longitude from the first fix."""

    __slots__ = (
        "anchor", "cells", "clock", "fix_ns", "is_map", "latitude", "longitude", "odometer_m", "origin", "relocations",
        "xy", "zones",
    )  # fmt: skip

    def __init__(self, clock: Clock, cells: dict[str, Cell]) -> None:
        self.clock = clock
        self.cells = cells
        """By role: ``x_m``, ``y_m``, ``latitude_deg``, ``longitude_deg``; those that the settings name."""
        self.is_map = "x_m" in cells and "y_m" in cells
        self.xy: tuple[float, float] | None = None
        self.fix_ns = -1
        self.origin: tuple[float, float] | None = None
        self.anchor: tuple[float, float, int] | None = None
        self.odometer_m = 0.0
        self.relocations = 0
        self.zones: tuple[Zone, ...] | None = None

    @property
    def roles(self) -> tuple[str, str]:
        """The two cells that make a position."""
        return ("x_m", "y_m") if self.is_map else ("latitude_deg", "longitude_deg")

    @property
    def is_known(self) -> bool:
        """Whether there is a position and it is not stale."""
        return self.xy is not None and not any(self.cells[role].is_stale for role in self.roles)

    def degrees(self, role: str) -> float | None:
        """Latitude or longitude, None while unknown."""
        cell = self.cells.get(role)
        if cell is None or cell.value is None:
            return None
        unit = cell.spec.unit
        return math.degrees(cell.value) if unit and unit.dimension == ANGLE else float(cell.value)

    def take_fix(self, now_ns: int) -> bool:
        """Whether both coordinates have just come, with the same time; then the position is theirs."""
        first, second = (self.cells[role] for role in self.roles)
        if first.t_ns != second.t_ns or first.value is None or second.value is None:
            return False
        if self.is_map:
            xy = (float(first.value), float(second.value))
        else:
            latitude, longitude = self.degrees("latitude_deg"), self.degrees("longitude_deg")
            if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 360:
                return False
            xy = self._project(latitude, longitude)
        if not (abs(xy[0]) < 1e9 and abs(xy[1]) < 1e9):
            return False
        self.xy = xy
        self.fix_ns = now_ns
        self._travel(xy, now_ns)
        return True

    def _project(self, latitude: float, longitude: float) -> tuple[float, float]:
        """Equirectangular around the first fix: over 50 km its error is below 0.5 %."""
        if self.origin is None:
            self.origin = (latitude, longitude)
        latitude0, longitude0 = self.origin
        east = (longitude - longitude0 + 180.0) % 360.0 - 180.0
        x = math.radians(east) * EARTH_RADIUS_M * math.cos(math.radians(latitude0))
        return x, math.radians(latitude - latitude0) * EARTH_RADIUS_M

    def _travel(self, xy: tuple[float, float], now_ns: int) -> None:
        if self.anchor is None:
            self.anchor = (*xy, now_ns)
            return
        x, y, t_ns = self.anchor
        step_m = math.hypot(xy[0] - x, xy[1] - y)
        if step_m < ODOMETER_STEP_M:
            # Standing still must not lend its time to a later jump.
            self.anchor = (x, y, now_ns)
            return
        if step_m > MAX_SPEED_MPS * (now_ns - t_ns) / 1e9 + ODOMETER_STEP_M:
            self.relocations += 1
        else:
            self.odometer_m += step_m
        self.anchor = (*xy, now_ns)

    def snapshot(self) -> Json:
        return PositionState(
            self.xy,
            self.fix_ns,
            self.origin,
            self.anchor,
            self.odometer_m,
            self.relocations,
            None
            if self.zones is None
            else [(zone.name, zone.kind, list(zone.polygon)) for zone in self.zones],
        ).to_json()

    def restore(self, state: object) -> None:
        """Take over what :meth:`snapshot` gave.

        Raises:
            BadInputError: it is no state of a position.

        """
        saved = load(PositionState, state)
        self.xy, self.fix_ns, self.origin, self.anchor = saved.xy, saved.fix_ns, saved.origin, saved.anchor
        self.odometer_m, self.relocations = saved.odometer_m, saved.relocations
        self.zones = None if saved.zones is None else check_zones([make_zone(*zone) for zone in saved.zones])


class Distance(Node):
    """``distance_m``: metres travelled since it was last reset, or since the start."""

    __slots__ = ("base_m", "position")

    def __init__(self, key: str, position: Position, sources: frozenset[str]) -> None:
        super().__init__(key, position.clock, sources)
        self.position = position
        self.base_m = 0.0

    def reset(self) -> None:
        """Its trigger fired."""
        self.base_m = self.position.odometer_m

    def value(self) -> float | None:
        return self.position.odometer_m - self.base_m if self.position.is_known else None

    def snapshot(self) -> Json:
        return DistanceState(self.base_m).to_json()

    def restore(self, state: object) -> None:
        self.base_m = load(DistanceState, state).base_m


class InZone(Node):
    """``in_zone``: unknown without a map or a position."""

    __slots__ = ("_answer", "_asked", "kind", "name", "position")

    def __init__(self, key: str, position: Position, sources: frozenset[str], name: str, kind: str) -> None:
        super().__init__(key, position.clock, sources)
        self.position = position
        self.name = name
        self.kind = kind
        self._asked: tuple[Any, Any] = (None, None)
        self._answer = False

    def value(self) -> bool | None:
        position = self.position
        if position.zones is None or position.xy is None or not position.is_known:
            return None
        asked = (position.zones, position.xy)
        if asked[0] is not self._asked[0] or asked[1] is not self._asked[1]:
            self._asked = asked
            self._answer = any(
                zone.contains(*position.xy)
                for zone in position.zones
                if (zone.name == self.name if self.name else zone.kind == self.kind)
            )
        return self._answer


class NewCell(Node):
    """``new_cell``: a pulse on entering a square that was never entered; remembers so many squares."""

    __slots__ = ("forgotten", "limit", "position", "pulse_step", "size_m", "visited")
    samples = True

    def __init__(
        self, key: str, position: Position, sources: frozenset[str], size_m: float, limit: int
    ) -> None:
        super().__init__(key, position.clock, sources)
        self.position = position
        self.size_m = size_m
        self.limit = limit
        self.forgotten = 0
        """Squares that had to go because there were too many."""
        self.pulse_step = -1
        self.visited: OrderedDict[tuple[int, int], None] = OrderedDict()

    def push(self) -> None:
        position = self.position
        if position.xy is None or position.fix_ns != self.clock.now_ns:
            return
        cell = (math.floor(position.xy[0] / self.size_m), math.floor(position.xy[1] / self.size_m))
        if cell in self.visited:
            return
        self.visited[cell] = None
        self.pulse_step = self.clock.step
        if len(self.visited) > self.limit:
            self.visited.popitem(last=False)
            self.forgotten += 1

    def value(self) -> bool | None:
        if self.pulse_step == self.clock.step:
            return True
        return False if self.position.is_known else None

    def snapshot(self) -> Json:
        return CellsState(list(self.visited), self.forgotten).to_json()

    def restore(self, state: object) -> None:
        saved = load(CellsState, state)
        self.visited = OrderedDict.fromkeys(saved.visited)
        self.forgotten = saved.forgotten
