"""What changes a trigger while it runs, beside its settings: requests that act while a condition holds, and thinning."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from winnow_schemas.priority import Priority
from winnow_schemas.settings.triggers import TriggerSettings

MOST_URGENT = Priority.P1
"""As far as a boost goes: P0 is for what the library and the settings call safety-critical."""


@dataclass(frozen=True, slots=True)
class Cover:
    """While ``condition`` is true, the trigger behaves otherwise. Unknown is not true."""

    condition: str
    boost: int = 0
    """Levels more urgent, 0-5."""
    cooldown_factor: float = 1.0
    """In (0, 1]."""
    params: Mapping[str, bool | float | str] = field(default_factory=dict)
    """Parameters that its conditions have meanwhile."""

    def settings(self, settings: TriggerSettings) -> TriggerSettings:
        """The trigger with this cover's parameters."""
        return settings.model_copy(update={"params": {**settings.params, **self.params}})

    def priority(self, priority: Priority) -> Priority:
        """The boosted priority; P0 and what is at P1 already stay."""
        return priority if priority <= MOST_URGENT else Priority(max(MOST_URGENT, priority - self.boost))


@dataclass(frozen=True, slots=True)
class Tuning:
    """All of a campaign that settings cannot say."""

    covers: Mapping[str, tuple[Cover, ...]] = field(default_factory=dict)
    """By trigger, in the order of the document."""
    keep_percent: Mapping[str, int] = field(default_factory=dict)
    """By trigger: so many of a hundred events go out, evenly; triggers that are not here keep all."""


NO_TUNING = Tuning()
