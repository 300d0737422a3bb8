"""What changes between two sets of triggers, trigger by trigger."""

from dataclasses import dataclass
from typing import Any

from winnow_operators.campaign.bare import BareTriggers
from winnow_operators.campaign.merge import Merged
from winnow_operators.condition.expression import Memory, Place, Timing, Window, walk
from winnow_operators.triggers.checking import CheckedTrigger, check_trigger
from winnow_operators.triggers.tuning import Cover
from winnow_schemas.priority import Priority
from winnow_schemas.settings.triggers import TriggerSettings


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is different."""

    trigger: str
    what: str
    """``threshold``, ``cooldown_s``, ``while night AND fog``, ..."""
    before: Any
    after: Any

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.trigger}: {self.what}: {self.after}"
        if self.after is None:
            return f"{self.trigger}: {self.what}: no longer {self.before}"
        return f"{self.trigger}: {self.what} {_plain(self.before)} -> {_plain(self.after)}"


def differences(before: Merged, after: Merged) -> list[Change]:
    """Everything that is different, most urgent triggers first."""
    names = sorted(
        before.triggers.keys() | after.triggers.keys(),
        key=lambda name: ((after.triggers.get(name) or before.triggers[name]).priority, name),
    )
    found: list[Change] = []
    for name in names:
        old, new = before.triggers.get(name), after.triggers.get(name)
        found += _settings(name, old, new)
        found += _covers(name, before.tuning.covers.get(name, ()), after.tuning.covers.get(name, ()))
        keep = before.tuning.keep_percent.get(name), after.tuning.keep_percent.get(name)
        if keep[0] != keep[1]:
            found.append(Change(name, "events that go out, %", keep[0] or 100, keep[1] or 100))
    return found


def begins_anew(before: Merged, after: Merged, bare: BareTriggers) -> list[str]:
    """The triggers of ``after`` some of whose windows and timers did not run in ``before``: those start empty."""
    kept = {key for checked in _checked(before, bare).values() for key in _remembering(checked)}
    return [name for name, checked in _checked(after, bare).items() if _remembering(checked) - kept]


def _checked(merged: Merged, bare: BareTriggers) -> dict[str, CheckedTrigger]:
    return {
        name: check_trigger(name, trigger, bare.inputs, bare.rules, merged.tuning.covers.get(name, ()))
        for name, trigger in merged.triggers.items()
        if trigger.enabled
    }


def _remembering(checked: CheckedTrigger) -> set[str]:
    return {
        part.key
        for condition in checked.conditions
        for part in walk(condition.root)
        if isinstance(part, Window | Memory | Timing | Place)
    }


def _settings(name: str, old: TriggerSettings | None, new: TriggerSettings | None) -> list[Change]:
    if old is None or new is None:
        return [Change(name, "trigger", None if old is None else "there", None if new is None else "there")]
    found = []
    for key in TriggerSettings.model_fields:
        was, now = getattr(old, key), getattr(new, key)
        if key == "params":
            keys = [*was, *(each for each in now if each not in was)]
            found += [
                Change(name, each, was.get(each), now.get(each))
                for each in keys
                if was.get(each) != now.get(each)
            ]
        elif was != now:
            found.append(Change(name, key, was, now))
    return found


def _covers(name: str, old: tuple[Cover, ...], new: tuple[Cover, ...]) -> list[Change]:
    gone = [Change(name, f"while {each.condition}", say_cover(each), None) for each in old if each not in new]
    come = [Change(name, f"while {each.condition}", None, say_cover(each)) for each in new if each not in old]
    return gone + come


def say_cover(cover: Cover) -> str:
    """What a cover does, in words."""
    said = []
    if cover.boost:
        said.append(f"{cover.boost} level{'s' if cover.boost > 1 else ''} more urgent")
    if cover.cooldown_factor != 1:
        said.append(f"cooldown times {cover.cooldown_factor:g}")
    said += [f"{key} {_plain(value)}" for key, value in cover.params.items()]
    return ", ".join(said)


def _plain(value: Any) -> str:
    if isinstance(value, Priority):
        return value.name
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)
