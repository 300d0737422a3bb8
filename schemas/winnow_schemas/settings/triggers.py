"""Triggers as data: condition, window, cooldown, priority (vehicle document 3.1-3.6)."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from winnow_schemas.priority import Priority
from winnow_schemas.validation import Strict


def _priority(value: Any) -> Any:
    if isinstance(value, str) and value in Priority.__members__:
        return Priority[value]
    if isinstance(value, Priority):
        return value
    raise ValueError("allowed: P0, P1, P2, P3, P4, P5")


PriorityName = Annotated[Priority, BeforeValidator(_priority)]
"""``P0`` ... ``P5`` in YAML."""


class Mode(StrEnum):
    """When a true condition fires."""

    EDGE = "edge"
    """When it becomes true, and again only after it was not true."""
    LEVEL = "level"
    """Whenever it is true and the cooldown has passed."""


class TriggerSettings(Strict):
    """One trigger."""

    when: str = Field(min_length=1, max_length=500)
    """The condition."""
    priority: PriorityName
    """P0 to P5."""
    pre_roll_s: float = Field(ge=0, le=600)
    """Seconds wanted before the trigger."""
    post_roll_s: float = Field(ge=0, le=600)
    """Seconds wanted after it."""
    cooldown_s: float = Field(default=5.0, ge=0, le=86_400)
    """After firing, message time during which it does not fire again (the document's default is 5 s)."""
    mode: Mode = Mode.EDGE
    """Edge or level."""
    clear_when: str = Field(default="", max_length=500)
    """Hysteresis: an edge trigger re-arms only when this is true; by default when `when` is not true."""
    min_gap_s: float = Field(default=0.0, ge=0, le=86_400)
    """An edge trigger re-arms only after it has been clear for so long: shorter gaps do not make a new event."""
    signal: str = Field(default="", max_length=64)
    """The signal that `msg.data`, `data` and `value` mean in the conditions (the vehicle document's form, 7.1)."""
    params: dict[str, bool | float | str] = Field(default_factory=dict, max_length=32)
    """Named numbers of the condition (`threshold`), which campaigns may change. SI units."""
    max_events: int = Field(default=0, ge=0, le=1_000_000)
    """Limit per run; 0 = none. Not allowed for P0."""
    max_per_hour: int = Field(default=0, ge=0, le=10_000)
    """Limit in any hour of message time; 0 = none. Not allowed for P0."""
    max_per_day: int = Field(default=0, ge=0, le=100_000)
    """Limit in any 24 hours of message time; 0 = none. Not allowed for P0."""
    topics: list[str] = Field(default_factory=list)
    """Topics wanted in the clip; empty = all."""
    enabled: bool = True
    """Off: listed, never fired."""
    description: str = ""
    """One sentence for people."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.priority is Priority.P0 and (self.max_events or self.max_per_hour or self.max_per_day):
            raise ValueError("a P0 trigger is never limited; remove max_events, max_per_hour and max_per_day")
        if self.mode is Mode.LEVEL and (self.clear_when or self.min_gap_s):
            raise ValueError("clear_when and min_gap_s need mode edge; a level trigger has only its cooldown")
        return self


class StormSettings(Strict):
    """The breaker for triggers that fire too often (never for P0)."""

    max_per_minute: int = Field(default=12, ge=1, le=10_000)
    """More than this in a minute of message time mutes the trigger."""
    mute_s: float = Field(default=300.0, ge=1, le=86_400)
    """For how long; then it is announced as un-muted."""


class TriggersSettings(Strict):
    """Which triggers run."""

    library: str = Field(default="standard", pattern=r"^(standard|none)$")
    """`standard`: the 28 types that ship with Winnow, those whose signals are mapped; or `none`."""
    set: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Own triggers, whole; or changes to library triggers, only what differs."""
    max_events: int = Field(default=0, ge=0, le=1_000_000)
    """Limit per run for all triggers together, P0 excepted; 0 = none."""
    max_per_hour: int = Field(default=0, ge=0, le=100_000)
    """Limit in any hour of message time for all triggers together, P0 excepted; 0 = none."""
    utc_offset_h: float = Field(default=0.0, ge=-14, le=14)
    """Local time of `hour`, `time_of_day` and `schedule`: hours ahead of UTC."""
    storm: StormSettings = StormSettings()
    """The storm breaker."""
