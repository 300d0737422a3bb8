"""Coverage requests: more of a trigger while a condition holds."""

from winnow_operators.campaign.bare import BareTriggers
from winnow_operators.campaign.sampling import INTERVAL, Sampling, sampling
from winnow_operators.campaign.updating import conditions_no_weaker, parameters_fit
from winnow_operators.campaign.verdicts import Objections
from winnow_operators.condition.failure import ConditionError
from winnow_operators.triggers.checking import check_trigger
from winnow_operators.triggers.tuning import MOST_URGENT, Cover
from winnow_schemas.campaign import CoverageRequest
from winnow_schemas.priority import Priority
from winnow_schemas.settings.triggers import TriggerSettings


def cover_of(
    request: CoverageRequest,
    trigger: TriggerSettings,
    bare: BareTriggers,
    objections: Objections,
    where: str,
) -> Cover | None:
    """The cover that a request comes to; None where there are objections, or the trigger is switched off."""
    name = request.trigger
    if not trigger.enabled:
        objections.note(f"{where} is left aside: the campaign itself switches {name} off.")
        return None
    if not parameters_fit(trigger, request.params, objections, where):
        return None
    params = {**request.params, **_interval(request, trigger, bare, objections, where)}
    cover = Cover(
        request.condition, _boost(request, trigger, objections, where), request.reduce_cooldown or 1.0, params
    )
    try:
        check_trigger(name, trigger, bare.inputs, bare.rules, [cover])
    except ConditionError as error:
        part = "condition" if ".covers." in error.file else "params"
        objections.add(f"{where}.{part}", f"{error.sentence}\n{error.picture()}")
        return None
    if trigger.priority is Priority.P0 and params:
        changed = cover.settings(trigger)
        if not conditions_no_weaker(name, trigger, changed, bare, objections, where):
            return None
    return cover


def _boost(request: CoverageRequest, trigger: TriggerSettings, objections: Objections, where: str) -> int:
    levels = -request.boost_priority
    if not levels:
        return 0
    if trigger.priority is Priority.P0:
        objections.weakens(
            f"{where}.boost_priority",
            f"{request.trigger} is P0 already; a campaign does not touch its priority",
        )
    elif trigger.priority - levels < MOST_URGENT:
        objections.note(
            f"{where}: {levels} levels above {trigger.priority.name} would be beyond P1, so that {request.trigger} "
            "is boosted to P1."
        )
    return levels


def _interval(
    request: CoverageRequest,
    trigger: TriggerSettings,
    bare: BareTriggers,
    objections: Objections,
    where: str,
) -> dict[str, bool | float | str]:
    wanted = {
        Sampling.TIME: ("interval_override_sec", request.interval_override_sec),
        Sampling.DISTANCE: ("interval_override_m", request.interval_override_m),
    }
    given = {kind: pair for kind, pair in wanted.items() if pair[1] is not None}
    if not given:
        return {}
    try:
        kind = sampling(
            check_trigger(request.trigger, trigger, bare.inputs, bare.rules).when.root, trigger.params
        )
    except ConditionError as error:
        objections.add(where, error.sentence)
        return {}
    for asked, (key, value) in given.items():
        if asked is not kind or value is None:
            how = f"samples by {kind.value}" if kind is not Sampling.NOT else "has no interval"
            objections.add(f"{where}.{key}", f"{request.trigger} {how}, so that this means nothing")
            return {}
        return {INTERVAL: value}
    return {}
