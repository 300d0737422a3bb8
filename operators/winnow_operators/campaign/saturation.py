"""Saturation signals: less of a scenario, by the classifier's table of what triggers usually show (4.4)."""

import difflib
from collections.abc import Sequence

from winnow_operators.campaign.bare import BareTriggers
from winnow_operators.campaign.sampling import INTERVAL, Sampling, sampling
from winnow_operators.campaign.verdicts import Objections
from winnow_operators.classify.rules import BY_TRIGGER
from winnow_operators.classify.scenario import Scenario
from winnow_operators.condition.failure import ConditionError
from winnow_operators.triggers.checking import check_trigger
from winnow_schemas.campaign import SaturationSignal
from winnow_schemas.priority import Priority
from winnow_schemas.settings.triggers import TriggerSettings

_SPARED = (Priority.P0, Priority.P4)
"""What is always extracted (3.1): safety, and what a person asked for."""


def triggers_of(scenario: Scenario) -> list[str]:
    """The trigger types that usually show a scenario."""
    return [name for name, (shown, _) in BY_TRIGGER.items() if shown is scenario]


def saturate(
    signals: Sequence[SaturationSignal],
    triggers: dict[str, TriggerSettings],
    bare: BareTriggers,
    objections: Objections,
) -> tuple[dict[str, int], dict[str, TriggerSettings]]:
    """How much of each trigger's events stays, and the triggers with longer intervals where they sample.

    A trigger that samples takes its samples at longer intervals; of every other one, events are left out evenly.
    """
    keep: dict[str, int] = {}
    seen: set[str] = set()
    for place, signal in enumerate(signals):
        where = f"saturation_signals.{place}"
        if signal.scenario in seen:
            objections.add(where, f"{signal.scenario} stands here a second time; one must go")
            continue
        seen.add(signal.scenario)
        names = _names(signal, triggers, objections, where)
        for name in names:
            keep[name] = signal.keep_percent
    changed = dict(triggers)
    for name in list(keep):
        trigger = triggers[name]
        if _kind(name, trigger, bare) is not Sampling.NOT:
            interval = trigger.params[INTERVAL]
            assert isinstance(interval, int | float)
            longer = {**trigger.params, INTERVAL: interval * 100 / keep.pop(name)}
            changed[name] = trigger.model_copy(update={"params": longer})
    return keep, changed


def _names(
    signal: SaturationSignal, triggers: dict[str, TriggerSettings], objections: Objections, where: str
) -> list[str]:
    try:
        scenario = Scenario(signal.scenario)
    except ValueError:
        close = difflib.get_close_matches(signal.scenario, [str(each) for each in Scenario], n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(Scenario)}"
        objections.add(f"{where}.scenario", f"{signal.scenario!r} is no scenario of the classifier; {hint}")
        return []
    types = triggers_of(scenario)
    here = [name for name in types if name in triggers]
    taken = [name for name in here if triggers[name].priority not in _SPARED]
    if here and not taken and all(triggers[name].priority is Priority.P0 for name in here):
        objections.weakens(
            f"{where}.scenario", f"{scenario} means {', '.join(here)}, which are P0 and never limited"
        )
        return []
    if not signal.is_saturated:
        target = 5000 if signal.target_frames is None else signal.target_frames
        objections.note(
            f"{where} is left aside: {scenario} has {signal.coverage_frames} of {target} frames, so it is not saturated."
        )
        return []
    spared = [name for name in here if name not in taken]
    if spared:
        objections.note(f"{where}: {', '.join(spared)} stay as they are, P0 and P4 are never limited.")
    if not taken:
        objections.note(f"{where} changes nothing: no trigger that runs here usually shows {scenario}.")
    return taken


def _kind(name: str, trigger: TriggerSettings, bare: BareTriggers) -> Sampling:
    try:
        return sampling(check_trigger(name, trigger, bare.inputs, bare.rules).when.root, trigger.params)
    except ConditionError:
        return Sampling.NOT  # said when everything is checked together
