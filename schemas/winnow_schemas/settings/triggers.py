"""Triggers as data: condition, window, cooldown, priority (vehicle document 3.1-3.6)."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

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
    params: dict[str, float | bool | str] = Field(default_factory=dict)
    """Named numbers of the condition (`threshold`), which campaigns may change. SI units."""
    max_per_hour: int = Field(default=0, ge=0)
    """Limit per hour of message time; 0 = none. Not allowed for P0."""
    max_per_day: int = Field(default=0, ge=0)
    """Limit per day of message time; 0 = none. Not allowed for P0."""
    topics: list[str] = Field(default_factory=list)
    """Topics wanted in the clip; empty = all."""
    enabled: bool = True
    """Off: listed, never fired."""
    description: str = ""
    """One sentence for people."""


class StormSettings(Strict):
    """The breaker for triggers that fire too often (never for P0)."""

    max_per_minute: int = Field(default=12, ge=1)
    """More than this in a minute of message time mutes the trigger."""
    mute_s: float = Field(default=300.0, gt=0)
    """For how long; then it is announced as un-muted."""


class TriggersSettings(Strict):
    """Which triggers run."""

    library: str = Field(default="standard", pattern=r"^(standard|none)$")
    """`standard`: the 28 types that ship with Winnow, those whose signals are mapped; or `none`."""
    set: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Own triggers, whole; or changes to library triggers, only what differs."""
    max_per_hour: int = Field(default=0, ge=0)
    """Limit for all triggers together, P0 excepted; 0 = none."""
    storm: StormSettings = StormSettings()
    """The storm breaker."""
