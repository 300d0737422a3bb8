"""Novel object classes (vehicle document 3.1): confidence below 0.3 for every class."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from winnow_operators.condition.saved import Json
from winnow_operators.detectors.columns import columns
from winnow_operators.detectors.detector import Detector, Inputs, Output, Outputs, Signal
from winnow_operators.detectors.persistence import Persistence
from winnow_schemas.settings.signals import SignalType
from winnow_schemas.validation import Strict


class NovelObjectsParams(Strict):
    """When an object counts as one of no known class."""

    confidence: float = Field(default=0.3, gt=0, le=1)
    """The most likely class is less likely than this (3.1)."""
    persist_s: float = Field(default=0.4, ge=0, le=60)
    """The same object must stay so for this long: single sweeps are noise."""
    range_m: float = Field(default=60.0, gt=0, le=1000)
    """Farther objects have too few points to be of any class."""


class NovelObjects(Detector):
    """Counts detections of no known class that persist."""

    name = "novel_objects"
    summary = "counts detected objects that fit no trained class, sweep after sweep"
    inputs: ClassVar[Inputs] = {
        "detections": {
            "x": "detections[].position.x",
            "y": "detections[].position.y",
            "confidence": "detections[].confidence",
        }
    }
    outputs: ClassVar[Outputs] = {
        "novel_objects": Output(SignalType.NUMBER, "1", "objects in range that fit no trained class"),
    }
    params_model = NovelObjectsParams

    def __init__(self, params: Strict | None = None) -> None:
        super().__init__(params)
        # Up to 7 m/s of own speed at 10 Hz is 0.7 m per sweep, three sweeps may be missed.
        self._persistence = Persistence(gate_m=2.5, persist_s=self.params.persist_s, patience_s=0.35)

    def see(self, input_name: str, t_ns: int, fields: Mapping[str, Any]) -> list[Signal]:
        del input_name
        table = columns(fields)
        unknown = table["confidence"] < self.params.confidence
        unknown &= np.hypot(table["x"], table["y"]) <= self.params.range_m
        return [("novel_objects", float(self._persistence.see(t_ns, table.places[unknown])))]

    def snapshot(self) -> Json:
        return self._persistence.snapshot()

    def restore(self, state: object) -> None:
        self._persistence.restore(state)
