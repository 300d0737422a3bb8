"""A campaign put onto the triggers of a device: the triggers that run then, or everything that speaks against it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from winnow_operators.campaign.bare import BareTriggers
from winnow_operators.campaign.requests import cover_of
from winnow_operators.campaign.saturation import saturate
from winnow_operators.campaign.updating import updated
from winnow_operators.campaign.verdicts import Objections
from winnow_operators.condition.failure import ConditionError
from winnow_operators.triggers.checking import check_triggers
from winnow_operators.triggers.tuning import NO_TUNING, Cover, Tuning
from winnow_schemas.campaign import Campaign
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.triggers import TriggerSettings


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
    for name, trigger in merged.triggers.items():
        length_s = trigger.pre_roll_s + trigger.post_roll_s
        if length_s > bare.max_window_s and trigger is not bare.active[name]:
            objections.add(
                f"updates.{name}", f"it wants {length_s:g} s, the longest clip has {bare.max_window_s:g} s"
            )
    try:
        check_triggers(merged.triggers, bare.inputs, bare.rules, merged.tuning)
    except ConditionError as error:
        objections.add(error.file, f"{error.sentence}\n{error.picture()}")
    except BadInputError as error:
        objections.add("together", str(error))
    objections.settle()
