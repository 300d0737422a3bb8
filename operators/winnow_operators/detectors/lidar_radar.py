"""Multi-sensor inconsistency (vehicle document 3.1): what LiDAR sees and radar does not, and the other way."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from winnow_operators.condition.saved import Json, Saved, load, require
from winnow_operators.detectors.columns import Columns, columns
from winnow_operators.detectors.detector import Detector, Inputs, Output, Outputs, Signal
from winnow_operators.detectors.geometry import point_box_distances
from winnow_operators.detectors.persistence import Persistence
from winnow_schemas.settings.signals import SignalType
from winnow_schemas.validation import Strict


class LidarRadarParams(Strict):
    """What both sensors should agree on."""

    range_m: float = Field(default=35.0, gt=0, le=500)
    """Within it both see everything that is large enough."""
    gate_m: float = Field(default=2.0, gt=0, le=50)
    """A radar target this near to an object's box belongs to it."""
    min_length_m: float = Field(default=2.5, ge=0, le=100)
    """Radar should see objects at least this long: vehicles and aircraft, not people and cones."""
    min_rcs_dbsm: float = Field(default=0.0, ge=-50, le=50)
    """LiDAR should see what reflects radar at least this strongly."""
    persist_s: float = Field(default=1.5, ge=0, le=60)
    """Each disagreement must last this long: both sensors miss single objects now and then."""
    max_apart_s: float = Field(default=0.15, gt=0, le=10)
    """Messages farther apart in time are not compared."""


class LidarRadarState(Saved, frozen=True):
    """The newest detections by field, and what only one of the sensors sees."""

    lidar: dict[str, list[float | str]] | None
    t_ns: int
    only_lidar: Json
    only_radar: Json


class LidarRadar(Detector):
    """Counts objects that only one of the two sensors reports, for a while, at the same place."""

    name = "lidar_radar"
    summary = "compares LiDAR detections with radar targets and counts lasting disagreements"
    inputs: ClassVar[Inputs] = {
        "detections": {
            "x": "detections[].position.x",
            "y": "detections[].position.y",
            "yaw": "detections[].yaw_rad",
            "length": "detections[].size.x",
            "width": "detections[].size.y",
            "source": "detections[].source",
        },
        "radar": {"x": "objects[].position.x", "y": "objects[].position.y", "rcs": "objects[].rcs_dbsm"},
    }
    outputs: ClassVar[Outputs] = {
        "lidar_radar_disagreements": Output(
            SignalType.NUMBER, "1", "objects near the vehicle that only LiDAR or only radar reports"
        ),
    }
    params_model = LidarRadarParams

    def __init__(self, params: Strict | None = None) -> None:
        super().__init__(params)
        gates = {"gate_m": 2.5, "persist_s": self.params.persist_s, "patience_s": 0.35}
        self._only_lidar = Persistence(**gates)
        self._only_radar = Persistence(**gates)
        self._lidar: Columns | None = None
        self._t_ns = 0

    def without(self, input_name: str) -> list[Signal]:
        if input_name == "detections":
            self._lidar = None
        return super().without(input_name)

    def see(self, input_name: str, t_ns: int, fields: Mapping[str, Any]) -> list[Signal]:
        if input_name == "detections":
            self._lidar = columns(fields, texts=("source",))
            self._t_ns = t_ns
            return []
        radar = columns(fields)
        lidar = self._lidar
        if lidar is None or abs(t_ns - self._t_ns) > self.params.max_apart_s * 1e9:
            return []
        yaw, length, width = (np.nan_to_num(lidar[name]) for name in ("yaw", "length", "width"))
        boxes = (lidar["x"], lidar["y"], yaw, length, width)
        near = point_box_distances(radar.places, boxes) <= self.params.gate_m
        params = self.params
        # A camera says nothing about where LiDAR looked.
        from_lidar = np.array([source != "camera" for source in lidar.texts["source"]], bool)
        unseen_by_radar = ~near.any(axis=0) & from_lidar & (lidar["length"] >= params.min_length_m)
        unseen_by_radar &= np.hypot(lidar["x"], lidar["y"]) <= params.range_m
        unseen_by_lidar = ~near.any(axis=1) & (radar["rcs"] >= params.min_rcs_dbsm)
        unseen_by_lidar &= np.hypot(radar["x"], radar["y"]) <= params.range_m
        count = self._only_lidar.see(t_ns, lidar.places[unseen_by_radar])
        count += self._only_radar.see(t_ns, radar.places[unseen_by_lidar])
        return [("lidar_radar_disagreements", float(count))]

    def snapshot(self) -> Json:
        lidar = None
        if self._lidar is not None:
            numbers = {name: values.tolist() for name, values in self._lidar.numbers.items()}
            lidar = {**numbers, **self._lidar.texts}
        return LidarRadarState(
            lidar, self._t_ns, self._only_lidar.snapshot(), self._only_radar.snapshot()
        ).to_json()

    def restore(self, state: object) -> None:
        saved = load(LidarRadarState, state)
        wanted = set(self.inputs["detections"])
        require(saved.lidar is None or set(saved.lidar) == wanted, "it lacks fields of the detections")
        self._lidar = None if saved.lidar is None else columns(saved.lidar, texts=("source",))
        self._t_ns = saved.t_ns
        self._only_lidar.restore(saved.only_lidar)
        self._only_radar.restore(saved.only_radar)
