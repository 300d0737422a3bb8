"""Calibration drift (vehicle document 3.1): a LiDAR whose points do not fit those of the others any more."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from winnow_operators.condition.saved import Json, Saved, load, require
from winnow_operators.detectors.detector import (
    Detector,
    DetectorInputError,
    Inputs,
    Output,
    Outputs,
    Signal,
)
from winnow_schemas.settings.signals import SignalType
from winnow_schemas.validation import Strict

MAX_LIDARS = 64
"""A vehicle of the suite has 8."""


class LidarConsistencyParams(Strict):
    """What is normal for a LiDAR."""

    min_overlap: float = Field(default=0.2, ge=0, le=1)
    """A LiDAR that shares fewer points with the others cannot be compared."""
    learn: int = Field(default=8, ge=1, le=1000)
    """Messages from which a LiDAR's normal residual is learnt: 4 s at 2 Hz."""
    rate: float = Field(default=0.02, ge=0, le=1)
    """How fast the normal residual follows slow changes, as a share per message."""
    follow_below: float = Field(default=1.5, gt=1, le=100)
    """It follows only while the residual is less than so many times normal: drift must not become normal."""
    floor_m: float = Field(default=0.01, gt=0, le=1)
    """Normal residuals are taken for at least this much (LiDAR range noise, 1-2 cm)."""


class ConsistencyState(Saved, frozen=True):
    """Normal residuals, and those from which they are being learnt, by number of the LiDAR."""

    normal: list[tuple[int, float]]
    learning: list[tuple[int, list[float]]]


class LidarConsistency(Detector):
    """The worst LiDAR's residual, in metres and as a multiple of what is normal for it."""

    name = "lidar_consistency"
    summary = "compares each LiDAR's residual against the others with what is normal for it"
    inputs: ClassVar[Inputs] = {"consistency": {"residual": "residual_m[]", "overlap": "overlap[]"}}
    outputs: ClassVar[Outputs] = {
        "lidar_residual": Output(
            SignalType.NUMBER, "m", "residual of the LiDAR that is worst against its normal"
        ),
        "lidar_residual_ratio": Output(SignalType.NUMBER, "1", "that residual over the LiDAR's normal one"),
    }
    params_model = LidarConsistencyParams

    def __init__(self, params: Strict | None = None) -> None:
        super().__init__(params)
        self._normal: dict[int, float] = {}
        self._learning: dict[int, list[float]] = {}

    def see(self, input_name: str, t_ns: int, fields: Mapping[str, Any]) -> list[Signal]:
        del input_name, t_ns
        residuals, overlaps = (
            np.asarray(fields[name], np.float64).reshape(-1) for name in ("residual", "overlap")
        )
        if len(residuals) != len(overlaps) or len(residuals) > MAX_LIDARS:
            raise DetectorInputError(
                f"{len(residuals)} residuals and {len(overlaps)} overlaps do not describe up to {MAX_LIDARS} LiDARs; "
                "the message was ignored."
            )
        worst: tuple[float, float] | None = None
        for number, (residual, overlap) in enumerate(zip(residuals.tolist(), overlaps.tolist(), strict=True)):
            if not (np.isfinite(residual) and residual >= 0 and overlap >= self.params.min_overlap):
                continue
            ratio = self._ratio(number, residual)
            if ratio is not None and (worst is None or ratio > worst[0]):
                worst = (ratio, residual)
        if worst is None:
            return self.without("")
        return [("lidar_residual", worst[1]), ("lidar_residual_ratio", worst[0])]

    def _ratio(self, number: int, residual: float) -> float | None:
        normal = self._normal.get(number)
        if normal is None:
            seen = self._learning.setdefault(number, [])
            seen.append(residual)
            if len(seen) == self.params.learn:
                self._normal[number] = max(self.params.floor_m, float(np.median(seen)))
                del self._learning[number]
            return None
        ratio = residual / normal
        if ratio < self.params.follow_below:
            self._normal[number] = max(self.params.floor_m, normal + self.params.rate * (residual - normal))
        return ratio

    def snapshot(self) -> Json:
        return ConsistencyState(list(self._normal.items()), list(self._learning.items())).to_json()

    def restore(self, state: object) -> None:
        saved = load(ConsistencyState, state)
        require(all(value > 0 for _, value in saved.normal), "a normal residual is not positive")
        self._normal, self._learning = dict(saved.normal), dict(saved.learning)
