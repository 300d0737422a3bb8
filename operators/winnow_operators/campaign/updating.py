"""Updates of one trigger: what they may change, and what they may never do to P0."""

import difflib

from pydantic import ValidationError

from winnow_operators.campaign.bare import BareTriggers
from winnow_operators.campaign.verdicts import Objections
from winnow_operators.campaign.weakening import holds_no_less
from winnow_operators.condition.failure import ConditionError
from winnow_operators.triggers.checking import check_trigger
from winnow_schemas.campaign import TriggerUpdate
from winnow_schemas.priority import Priority
from winnow_schemas.settings.triggers import TriggerSettings

_LIMITS = ("max_events", "max_per_hour", "max_per_day")


def updated(
    name: str, before: TriggerSettings, update: TriggerUpdate, bare: BareTriggers, objections: Objections
) -> TriggerSettings:
    """The trigger after the update; as it was where there are objections."""
    where = f"updates.{name}"
    params = update.parameters
    if not parameters_fit(before, params, objections, where):
        return before
    changes = {**update.settings, "params": {**before.params, **params}}
    if before.priority is Priority.P0:
        wanted = before.model_copy(update=changes)
        if not _is_no_weaker(name, before, wanted, bare, objections, where):
            return before
    try:
        return TriggerSettings.model_validate({**before.model_dump(), **changes})
    except ValidationError as error:
        for each in error.errors(include_url=False):
            place = ".".join([where, *map(str, each["loc"])])
            objections.add(place, each["msg"].removeprefix("Value error, "))
        return before


def parameters_fit(
    before: TriggerSettings, params: dict[str, bool | float | str], objections: Objections, where: str
) -> bool:
    """Whether the trigger has these parameters, with values of this type."""
    fits = True
    for key, value in params.items():
        if key not in before.params:
            close = difflib.get_close_matches(key, before.params, n=1)
            known = ", ".join(sorted(before.params)) or "none"
            hint = f"did you mean {close[0]!r}?" if close else f"it has: {known}"
            objections.add(f"{where}.{key}", f"the trigger has no such parameter; {hint}")
            fits = False
        elif _type(before.params[key]) != _type(value):
            objections.add(
                f"{where}.{key}", f"{value!r} is not allowed; it must be {_type(before.params[key])}"
            )
            fits = False
    return fits


def _type(value: bool | float | str) -> str:
    if isinstance(value, bool):
        return "true or false"
    return "a text" if isinstance(value, str) else "a number"


def _is_no_weaker(
    name: str,
    before: TriggerSettings,
    after: TriggerSettings,
    bare: BareTriggers,
    objections: Objections,
    where: str,
) -> bool:
    """P0 may become more watchful, and nothing else."""
    faults = [
        (after.priority is not Priority.P0, "priority", "it cannot get another priority"),
        (not after.enabled, "enabled", "it cannot be switched off"),
        (after.cooldown_s > before.cooldown_s, "cooldown_sec", "its cooldown cannot grow"),
        (after.min_gap_s > before.min_gap_s, "min_gap_sec", "its gap cannot grow"),
        (after.pre_roll_s < before.pre_roll_s, "pre_roll_sec", "its window cannot shrink"),
        (after.post_roll_s < before.post_roll_s, "post_roll_sec", "its window cannot shrink"),
        *((getattr(after, key) > 0, key, "it cannot be limited") for key in _LIMITS),
    ]
    weakened = [(key, sentence) for weaker, key, sentence in faults if weaker]
    for key, sentence in weakened:
        objections.weakens(f"{where}.{key}", f"{name} is P0: {sentence}")
    return not weakened and conditions_no_weaker(name, before, after, bare, objections, where)


def conditions_no_weaker(
    name: str,
    before: TriggerSettings,
    after: TriggerSettings,
    bare: BareTriggers,
    objections: Objections,
    where: str,
) -> bool:
    """Whether a P0 trigger still fires whenever it would have."""
    if before.params == after.params:
        return True
    try:
        old = check_trigger(name, before, bare.inputs, bare.rules)
        new = check_trigger(name, after, bare.inputs, bare.rules)
    except ConditionError as error:
        objections.add(where, error.sentence)
        return False
    clears_alike = old.clear is None or new.clear is None or holds_no_less(old.clear.root, new.clear.root)
    stronger = old.when.root.key != new.when.root.key
    if holds_no_less(old.when.root, new.when.root) and (clears_alike or stronger):
        return True
    objections.weakens(
        where,
        f"{name} is P0: with {_shown(before, after)} it cannot be shown to fire whenever it does now ({before.when})",
    )
    return False


def _shown(before: TriggerSettings, after: TriggerSettings) -> str:
    return ", ".join(
        f"{key} {after.params[key]!r} instead of {value!r}"
        for key, value in before.params.items()
        if after.params[key] != value
    )
