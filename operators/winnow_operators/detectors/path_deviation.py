"""Path deviation (vehicle document 3.1): how far the vehicle is from its planned route."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from winnow_operators.condition.saved import Json, Saved, load
from winnow_operators.detectors.columns import columns
from winnow_operators.detectors.detector import Detector, Inputs, Output, Outputs, Signal
from winnow_operators.detectors.geometry import Floats, line_distance
from winnow_schemas.settings.signals import SignalType
from winnow_schemas.validation import Strict

MAX_ROUTE_POINTS = 20_000
"""10 km at a point every half metre."""


class RouteState(Saved, frozen=True):
    """The newest route."""

    route: list[tuple[float, float]] | None


class PathDeviation(Detector):
    """Distance of each pose from the newest route."""

    name = "path_deviation"
    summary = "measures the distance of the vehicle from its latched route"
    inputs: ClassVar[Inputs] = {
        "pose": {"x": "pose.position.x", "y": "pose.position.y"},
        "route": {"x": "poses[].pose.position.x", "y": "poses[].pose.position.y"},
    }
    outputs: ClassVar[Outputs] = {
        "cross_track": Output(SignalType.NUMBER, "m", "distance from the route; unknown without one"),
    }

    def __init__(self, params: Strict | None = None) -> None:
        super().__init__(params)
        self._route: Floats | None = None

    def see(self, input_name: str, t_ns: int, fields: Mapping[str, Any]) -> list[Signal]:
        del t_ns
        if input_name == "route":
            table = columns(fields, limit=MAX_ROUTE_POINTS)
            self._route = table.places if table.count else None
            return [] if table.count else [("cross_track", None)]
        x, y = float(fields["x"]), float(fields["y"])
        if self._route is None or not (np.isfinite(x) and np.isfinite(y)):
            return [("cross_track", None)]
        return [("cross_track", line_distance(x, y, self._route))]

    def snapshot(self) -> Json:
        return RouteState(None if self._route is None else self._route.tolist()).to_json()

    def restore(self, state: object) -> None:
        route = load(RouteState, state).route
        self._route = np.array(route, np.float64) if route else None
