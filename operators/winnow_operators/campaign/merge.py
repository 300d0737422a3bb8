"""A campaign put onto the triggers of a device: the triggers that run then, or everything that speaks against it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from winnow_operators.campaign.requests import cover_of
from winnow_operators.campaign.saturation import saturate
from winnow_operators.campaign.updating import updated
from winnow_operators.campaign.verdicts import Objections
from winnow_operators.condition.failure import ConditionError
from winnow_operators.triggers.checking import Inputs, check_triggers
from winnow_operators.triggers.resolve import Resolution
from winnow_operators.triggers.tuning import NO_TUNING, Cover, Tuning
from winnow_schemas.campaign import Campaign
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.triggers import TriggerSettings, TriggersSettings


@dataclass(frozen=True, slots=True)
class BareTriggers:
    """The triggers of a device without any campaign."""

    resolution: Resolution
    inputs: Inputs
    rules: TriggersSettings

    @property
    def active(self) -> dict[str, TriggerSettings]:
        return self.resolution.active


@dataclass(frozen=True, slots=True)
class Merged:
    """What a campaign comes to on one device."""

    triggers: dict[str, TriggerSettings]
    """All triggers of the device, those that it switches off with ``enabled`` false."""
    tuning: Tuning = NO_TUNING
    notes: tuple[str, ...] = ()
    """What was left aside or clamped: sentences."""
    inactive: Mapping[str, str] = field(default_factory=dict)


def merge(campaign: Campaign, bare: BareTriggers) -> Merged:
    """Put a campaign onto a device's own triggers. Always onto those: campaigns do not add up.

    Raises:
        CampaignRefusedError: something in it does not fit or would weaken P0; all of it is listed, nothing changes.

    """
    objections = Objections(campaign.version)
    triggers = dict(bare.active)
    for name, update in campaign.updates.items():
        if objections.knows(name, bare, f"updates.{name}"):
            triggers[name] = updated(name, triggers[name], update, bare, objections)
    keep, triggers = saturate(campaign.saturation_signals, triggers, bare, objections)
    covers: dict[str, tuple[Cover, ...]] = {}
    for place, request in enumerate(campaign.coverage_requests):
        where = f"coverage_requests.{place}"
        if objections.knows(request.trigger, bare, where):
            cover = cover_of(request, triggers[request.trigger], bare, objections, where)
            if cover is not None:
                covers[request.trigger] = (*covers.get(request.trigger, ()), cover)
    objections.settle()
    merged = Merged(triggers, Tuning(covers, keep), tuple(objections.notes), bare.resolution.inactive)
    _check_whole(merged, bare, objections)
    return merged


def _check_whole(merged: Merged, bare: BareTriggers, objections: Objections) -> None:
    """What only shows when everything is together: window memory, counts, conditions with their new numbers."""
    try:
        check_triggers(merged.triggers, bare.inputs, bare.rules, merged.tuning)
    except ConditionError as error:
        objections.add(error.file, f"{error.sentence}\n{error.picture()}")
    except BadInputError as error:
        objections.add("together", str(error))
    objections.settle()
