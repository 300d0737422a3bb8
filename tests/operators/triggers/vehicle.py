"""A vehicle of the standard suite by hand: messages as values by path, through detectors into the engine."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from tests.operators.triggers.rig import at

from winnow_operators.detectors import SignalSources
from winnow_operators.detectors.zone_map import MAX_READ_ZONES
from winnow_operators.triggers import Inputs, TriggerEngine
from winnow_schemas.library import library_triggers, standard_suite
from winnow_schemas.messages import TriggerEvent


class Thing(NamedTuple):
    """A detected or tracked object in the vehicle frame."""

    x: float
    y: float
    length: float = 4.5
    width: float = 2.0
    yaw: float = 0.0
    label: str = "truck"
    confidence: float = 0.9
    number: int = 1
    age: float = 10.0
    since: float = 0.0


def texts(values: Sequence[str]) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array


class Vehicle:
    """All 28 library triggers at once; `params` changes theirs."""

    def __init__(self, params: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        suite = standard_suite()
        triggers = {name: entry.settings() for name, entry in library_triggers().items()}
        for name, changes in (params or {}).items():
            triggers[name] = triggers[name].model_copy(
                update={"params": {**triggers[name].params, **changes}}
            )
        self.sources = SignalSources(suite.signals, suite.zones)
        self.engine = TriggerEngine(triggers, Inputs.of(suite.signals, suite.position, has_zones=True))
        self.events: list[TriggerEvent] = []

    def send(self, topic: str, seconds: float, values: Mapping[str, Any]) -> None:
        """One message."""
        wanted = self.sources.paths.get(topic, ())
        unknown = set(values) - set(wanted)
        assert not unknown, f"{topic} is not asked for {unknown}"
        signals = dict(self.sources.update(topic, at(seconds), values))
        self._take(self.engine.update_all(at(seconds), signals))
        if topic == self.sources.zones_topic:
            zones = self.sources.zones(topic, values)
            assert zones is not None
            self._take(self.engine.set_zones(at(seconds), zones))

    def scalar(self, topic: str, *samples: tuple[float, Any], field: str = "data") -> None:
        for seconds, value in samples:
            self.send(topic, seconds, {field: value})

    def tracks(self, seconds: float, things: Sequence[Thing]) -> None:
        self.send(
            "/perception/tracking_state",
            seconds,
            {
                "tracks[].id": np.array([t.number for t in things], float),
                "tracks[].label": texts([t.label for t in things]),
                "tracks[].position.x": np.array([t.x for t in things], float),
                "tracks[].position.y": np.array([t.y for t in things], float),
                "tracks[].size.x": np.array([t.length for t in things], float),
                "tracks[].size.y": np.array([t.width for t in things], float),
                "tracks[].yaw_rad": np.array([t.yaw for t in things], float),
                "tracks[].age_s": np.array([t.age for t in things], float),
                "tracks[].time_since_update_s": np.array([t.since for t in things], float),
            },
        )

    def detections(self, seconds: float, things: Sequence[Thing]) -> None:
        self.send(
            "/perception/detections",
            seconds,
            {
                "detections[].position.x": np.array([t.x for t in things], float),
                "detections[].position.y": np.array([t.y for t in things], float),
                "detections[].size.x": np.array([t.length for t in things], float),
                "detections[].size.y": np.array([t.width for t in things], float),
                "detections[].yaw_rad": np.array([t.yaw for t in things], float),
                "detections[].confidence": np.array([t.confidence for t in things], float),
                "detections[].source": texts(["lidar"] * len(things)),
            },
        )

    def radar(self, seconds: float, points: Sequence[tuple[float, float]], rcs_dbsm: float = 15.0) -> None:
        self.send(
            "/perception/radar_objects",
            seconds,
            {
                "objects[].position.x": np.array([x for x, _ in points], float),
                "objects[].position.y": np.array([y for _, y in points], float),
                "objects[].rcs_dbsm": np.full(len(points), rcs_dbsm),
            },
        )

    def pose(self, seconds: float, x: float, y: float) -> None:
        self.send("/localization/pose", seconds, {"pose.position.x": x, "pose.position.y": y})

    def weather(
        self, seconds: float, *, rain: float = 0.0, visibility: float = 10_000.0, light: float = 5000.0
    ) -> None:
        values = {
            "visibility_m": visibility,
            "rain_mm_h": rain,
            "ambient_light_lux": light,
            "ambient_temp_c": 12.0,
        }
        self.send("/perception/weather", seconds, values)

    def zones(self, seconds: float, zones: Sequence[tuple[str, str, Sequence[tuple[float, float]]]]) -> None:
        self.send("/map/zones", seconds, zone_values(zones))

    def driving(self, seconds: float, speed: float, *, planned: bool = False) -> None:
        values = {"steering_rad": 0.0, "brake": 0.0, "gear": 3.0, "mode": 0.0}
        self.send("/can/vehicle_state", seconds, {"speed_mps": speed, **values})
        self.send("/planning/state", seconds, {"behavior": "drive", "at_planned_stop": planned})

    def advance(self, seconds: float) -> None:
        self._take(self.engine.advance(at(seconds)))

    def _take(self, outcomes) -> None:
        self.events += [each for each in outcomes if isinstance(each, TriggerEvent)]

    def times(self, name: str) -> list[float]:
        """Seconds at which a trigger fired."""
        return [round((event.t_ns - at(0)) / 1e9, 6) for event in self.events if event.type == name]

    @property
    def fired(self) -> set[str]:
        return {event.type for event in self.events}


def zone_values(zones: Sequence[tuple[str, str, Sequence[tuple[float, float]]]]) -> dict[str, Any]:
    """A map message by path."""
    values: dict[str, Any] = {
        "zones[].name": texts([name for name, _, _ in zones]),
        "zones[].kind": texts([kind for _, kind, _ in zones]),
    }
    for index, (_, _, points) in enumerate(zones[:MAX_READ_ZONES]):
        values[f"zones[{index}].polygon[].x"] = np.array([x for x, _ in points], float)
        values[f"zones[{index}].polygon[].y"] = np.array([y for _, y in points], float)
    return values
