"""The triggers of the standard suite, as campaigns find them."""

from typing import Any

from winnow_operators.campaign import BareTriggers, Merged, merge
from winnow_operators.triggers import Inputs, resolve_triggers
from winnow_schemas.campaign import Campaign
from winnow_schemas.library import library_triggers, standard_suite
from winnow_schemas.settings.triggers import TriggersSettings


def bare_triggers(without: tuple[str, ...] = (), **own: dict[str, Any]) -> BareTriggers:
    suite, rules = standard_suite(), TriggersSettings(set=own)
    signals = {name: signal for name, signal in suite.signals.items() if name not in without}
    inputs = Inputs.of(signals, suite.position, has_zones=True)
    resolution = resolve_triggers(rules, inputs, library_triggers())
    assert not resolution.problems
    return BareTriggers(resolution, inputs, rules)


BARE = bare_triggers()
NONE = Merged(BARE.active)


def campaign(**parts: Any) -> Campaign:
    return Campaign.model_validate({"version": "1", **parts})


def put(bare: BareTriggers = BARE, **parts: Any) -> Merged:
    return merge(campaign(**parts), bare)
