"""Detection-tracking disagreement (vehicle document 3.1): detections that no track explains."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from winnow_operators.condition.saved import Json, Saved, load, require
from winnow_operators.detectors.columns import columns
from winnow_operators.detectors.detector import Detector, Inputs, Output, Outputs, Signal
from winnow_operators.detectors.geometry import Floats, distances, nearest_pairs
from winnow_schemas.settings.signals import SignalType
from winnow_schemas.validation import Strict


class DetectionMatchingParams(Strict):
    """How a detection and a track are taken for the same object."""

    gate_m: float = Field(default=1.5, gt=0, le=100)
    """Distance of the centres, plus a quarter of the detection's length."""
    max_apart_s: float = Field(default=0.15, gt=0, le=10)
    """Detections and tracks farther apart in time are not compared."""
    min_confidence: float = Field(default=0.0, ge=0, le=1)
    """Detections below it are not counted."""


class MatchingState(Saved, frozen=True):
    """The newest detections."""

    places: list[tuple[float, float]]
    gates: list[float]
    t_ns: int | None


class DetectionMatching(Detector):
    """Compares each list of tracks with the newest detections."""

    name = "detection_matching"
    summary = "associates detections with tracks and counts those without one"
    inputs: ClassVar[Inputs] = {
        "detections": {
            "x": "detections[].position.x",
            "y": "detections[].position.y",
            "length": "detections[].size.x",
            "confidence": "detections[].confidence",
        },
        "tracks": {"x": "tracks[].position.x", "y": "tracks[].position.y"},
    }
    outputs: ClassVar[Outputs] = {
        "unmatched_detections": Output(SignalType.NUMBER, "1", "detections that belong to no track"),
    }
    params_model = DetectionMatchingParams

    def __init__(self, params: Strict | None = None) -> None:
        super().__init__(params)
        self._places: Floats = np.empty((0, 2))
        self._gates: Floats = np.empty(0)
        self._t_ns: int | None = None

    def without(self, input_name: str) -> list[Signal]:
        if input_name == "detections":
            self._t_ns = None
        return super().without(input_name)

    def see(self, input_name: str, t_ns: int, fields: Mapping[str, Any]) -> list[Signal]:
        table = columns(fields)
        if input_name == "detections":
            counted = table["confidence"] >= self.params.min_confidence
            self._places = table.places[counted]
            lengths = np.nan_to_num(table["length"][counted], nan=0.0, posinf=0.0, neginf=0.0)
            self._gates = self.params.gate_m + lengths / 4
            self._t_ns = t_ns
            return []
        if self._t_ns is None or abs(t_ns - self._t_ns) > self.params.max_apart_s * 1e9:
            return []
        pairs = nearest_pairs(distances(self._places, table.places), self._gates[:, None])
        return [("unmatched_detections", float(len(self._places) - len(pairs)))]

    def snapshot(self) -> Json:
        return MatchingState(self._places.tolist(), self._gates.tolist(), self._t_ns).to_json()

    def restore(self, state: object) -> None:
        saved = load(MatchingState, state)
        require(len(saved.places) == len(saved.gates), "places and gates do not belong together")
        self._places = np.array(saved.places, np.float64).reshape(-1, 2)
        self._gates = np.array(saved.gates, np.float64)
        self._t_ns = saved.t_ns
