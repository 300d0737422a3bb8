"""New geographic areas (vehicle document 3.1): the first visit to a zone of the map."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from winnow_operators.condition.saved import Json, Saved, load
from winnow_operators.condition.zones import Zone, check_zones, make_zone
from winnow_operators.detectors.detector import Detector, Inputs, Output, Outputs, Signal
from winnow_operators.detectors.zone_map import OPTIONAL, ZONE_FIELDS, zones_of
from winnow_schemas.settings.signals import SignalType
from winnow_schemas.validation import Strict

MAX_VISITED = 10_000
"""Names that are remembered, over all maps that a vehicle has had."""


class ZoneVisitsParams(Strict):
    """Which zones are areas."""

    kinds: tuple[str, ...] = Field(default=("apron",), min_length=1, max_length=32)
    """Kinds of zones that count."""


class VisitsState(Saved, frozen=True):
    """The zones that count, and the names of those visited, oldest first."""

    zones: list[tuple[str, str, list[tuple[float, float]]]] | None
    visited: list[str]


class ZoneVisits(Detector):
    """Notices the first pose inside each zone; what was visited outlives a restart."""

    name = "zone_visits"
    summary = "notices when the vehicle enters a zone of the map for the first time"
    inputs: ClassVar[Inputs] = {
        "pose": {"x": "pose.position.x", "y": "pose.position.y"},
        "zones": ZONE_FIELDS,
    }
    outputs: ClassVar[Outputs] = {
        "new_zone": Output(SignalType.BOOL, "", "true at the first pose inside a zone never visited"),
        "zone": Output(SignalType.TEXT, "", "name of the zone that the vehicle is in, empty outside all"),
    }
    params_model = ZoneVisitsParams
    optional_fields = OPTIONAL

    def __init__(self, params: Strict | None = None) -> None:
        super().__init__(params)
        self._zones: tuple[Zone, ...] | None = None
        self._visited: dict[str, None] = {}

    def see(self, input_name: str, t_ns: int, fields: Mapping[str, Any]) -> list[Signal]:
        del t_ns
        if input_name == "zones":
            self._zones = tuple(zone for zone in zones_of(fields) if zone.kind in self.params.kinds)
            return []
        if self._zones is None:
            return self.without(input_name)
        x, y = float(fields["x"]), float(fields["y"])
        inside = [zone.name for zone in self._zones if zone.contains(x, y)]
        fresh = [name for name in inside if name not in self._visited]
        for name in fresh:
            self._visited[name] = None
        while len(self._visited) > MAX_VISITED:
            del self._visited[next(iter(self._visited))]
        return [("new_zone", bool(fresh)), ("zone", inside[0] if inside else "")]

    def snapshot(self) -> Json:
        zones = self._zones
        return VisitsState(
            None if zones is None else [(zone.name, zone.kind, list(zone.polygon)) for zone in zones],
            list(self._visited),
        ).to_json()

    def restore(self, state: object) -> None:
        saved = load(VisitsState, state)
        self._zones = None if saved.zones is None else check_zones([make_zone(*zone) for zone in saved.zones])
        self._visited = dict.fromkeys(saved.visited)
