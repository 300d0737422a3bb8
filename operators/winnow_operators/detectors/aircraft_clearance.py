"""Aircraft proximity (vehicle document 3.1): the gap between the vehicle's box and the nearest aircraft's."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from winnow_operators.detectors.columns import columns
from winnow_operators.detectors.detector import Detector, Inputs, Output, Outputs, Signal
from winnow_operators.detectors.geometry import box_box_distances, box_corners
from winnow_schemas.settings.signals import SignalType
from winnow_schemas.validation import Strict


class AircraftClearanceParams(Strict):
    """The vehicle's own box, and what is an aircraft."""

    length_m: float = Field(default=3.2, gt=0, le=50)
    """Length of the vehicle (a baggage tractor)."""
    width_m: float = Field(default=1.6, gt=0, le=20)
    """Its width."""
    center_x_m: float = Field(default=0.0, ge=-25, le=25)
    """Its centre, ahead of the origin of the vehicle frame."""
    prefix: str = Field(default="aircraft", min_length=1, max_length=64)
    """Labels that begin so are aircraft; what follows is the type (`aircraft_widebody`: `widebody`)."""
    range_m: float = Field(default=200.0, gt=0, le=5000)
    """What is given when no aircraft is nearer."""
    max_coast_s: float = Field(default=1.0, ge=0, le=60)
    """Tracks that were not updated for longer are not measured."""


class AircraftClearance(Detector):
    """Box-to-box clearance in the plane, 0 where the boxes overlap."""

    name = "aircraft_clearance"
    summary = "measures the gap between the vehicle's box and the nearest aircraft's box"
    inputs: ClassVar[Inputs] = {
        "tracks": {
            "label": "tracks[].label",
            "x": "tracks[].position.x",
            "y": "tracks[].position.y",
            "yaw": "tracks[].yaw_rad",
            "length": "tracks[].size.x",
            "width": "tracks[].size.y",
            "since": "tracks[].time_since_update_s",
        }
    }
    outputs: ClassVar[Outputs] = {
        "aircraft_clearance": Output(
            SignalType.NUMBER, "m", "gap to the nearest aircraft, at most the range"
        ),
        "aircraft_type": Output(
            SignalType.TEXT, "", "type of the nearest aircraft in range, `none` without one"
        ),
    }
    params_model = AircraftClearanceParams

    def see(self, input_name: str, t_ns: int, fields: Mapping[str, Any]) -> list[Signal]:
        del input_name, t_ns
        params = self.params
        table = columns(fields, texts=("label",))
        labels = table.texts["label"]
        wanted = np.array([label.startswith(params.prefix) for label in labels], bool)
        wanted &= table["since"] <= params.max_coast_s
        chosen = np.flatnonzero(wanted).tolist()
        if not chosen:
            return [("aircraft_clearance", params.range_m), ("aircraft_type", "none")]
        yaw, length, width = (np.nan_to_num(table[name][chosen]) for name in ("yaw", "length", "width"))
        others = box_corners(table["x"][chosen], table["y"][chosen], yaw, length, width)
        gaps = box_box_distances(self._own_corners(), others)
        nearest = int(np.argmin(gaps))
        if gaps[nearest] >= params.range_m:
            return [("aircraft_clearance", params.range_m), ("aircraft_type", "none")]
        kind = labels[chosen[nearest]].removeprefix(params.prefix).strip("_- ")
        return [("aircraft_clearance", float(gaps[nearest])), ("aircraft_type", kind or "unspecified")]

    def _own_corners(self) -> Any:
        params = self.params
        values = (params.center_x_m, 0.0, 0.0, params.length_m, params.width_m)
        return box_corners(*(np.array([value]) for value in values))[0]
