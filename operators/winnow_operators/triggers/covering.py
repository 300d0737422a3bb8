"""A trigger under requests that act while a condition holds."""

from collections.abc import Sequence
from typing import NamedTuple

from winnow_operators.condition.machine import Program
from winnow_operators.triggers.tuning import Cover
from winnow_schemas.settings.triggers import TriggerSettings


class Asked(NamedTuple):
    """The conditions of a trigger, running."""

    program: Program
    clear: Program | None

    @property
    def sources(self) -> frozenset[str]:
        return self.program.sources | (self.clear.sources if self.clear else frozenset())


class RunningCover(NamedTuple):
    """A cover whose condition runs, with what the trigger asks meanwhile."""

    cover: Cover
    condition: Program
    asked: Asked
    """The trigger's own conditions where the cover has no parameters."""


class Covered(NamedTuple):
    """What holds for a trigger at this moment."""

    asked: Asked
    settings: TriggerSettings
    """With the priority and the cooldown of this moment."""
    reason: str
    """What made it so, for the ledger; empty when nothing did."""


def covered(
    settings: TriggerSettings, own: Asked, covers: Sequence[RunningCover], active: Sequence[int]
) -> Covered:
    """Put the covers that act together: the largest boost, the shortest cooldown, the first one's parameters."""
    acting = [covers[place] for place in active]
    if not acting:
        return Covered(own, settings, "")
    priority = min(each.cover.priority(settings.priority) for each in acting)
    factor = min(each.cover.cooldown_factor for each in acting)
    asked = next((each.asked for each in acting if each.cover.params), own)
    changed = settings.model_copy(update={"priority": priority, "cooldown_s": settings.cooldown_s * factor})
    conditions = " and ".join(each.cover.condition for each in acting)
    boosted = f", so that its priority is {priority.name}" if priority is not settings.priority else ""
    return Covered(asked, changed, f"the campaign's request holds ({conditions}){boosted}")


def acting(covers: Sequence[RunningCover]) -> tuple[int, ...]:
    """Places of the covers whose condition is true now."""
    return tuple(place for place, each in enumerate(covers) if each.condition.run() is True)
