"""Signals: the scalars that triggers look at, each a field of a recorded message or a detector's output."""

from enum import StrEnum
from typing import Self

from pydantic import Field, JsonValue, model_validator

from winnow_schemas.validation import Strict


class SignalType(StrEnum):
    """What values a signal has."""

    NUMBER = "number"
    BOOL = "bool"
    TEXT = "text"
    """Enumerated text: conditions may only compare it for equality."""


class SignalSettings(Strict):
    """Where a signal comes from: ``topic`` + ``field``, or a ``detector`` over ``inputs``."""

    topic: str = ""
    """The recorded topic whose messages carry it."""
    field: str = ""
    """Path of the field in the decoded message: ``linear_acceleration.x``, ``status[0].level``,
    ``max(status[].level)``. With a detector: which of its outputs; by default the one of the signal's own name."""
    detector: str = ""
    """Name of an operator that turns messages into this signal (`winnow triggers list` names them)."""
    inputs: dict[str, str] = Field(default_factory=dict)
    """With a detector: its input names -> topics."""
    params: dict[str, JsonValue] = Field(default_factory=dict)
    """With a detector: its parameters."""
    type: SignalType = SignalType.NUMBER
    """What values it has."""
    unit: str = ""
    """Unit of the recorded value (`m/s2`, `deg`, ...); conditions see SI."""
    stale_s: float = Field(default=5.0, gt=0, le=86_400)
    """Older than this, its value is unknown."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.topic) == bool(self.detector):
            raise ValueError("a signal has either 'topic' (with 'field') or 'detector' (with 'inputs')")
        if self.topic and not self.field:
            raise ValueError("a signal with 'topic' needs 'field', the path of a field in its messages")
        if self.detector and not self.inputs:
            raise ValueError("a signal with 'detector' needs 'inputs', which topics the detector reads")
        return self
