"""Triggers as settings, checked against what there is to look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from winnow_operators.condition.checking import Checked, check
from winnow_operators.condition.limits import DEFAULT_LIMITS, ConditionLimits
from winnow_operators.condition.scope import Scope
from winnow_operators.condition.signals import SignalSpec, signal_specs
from winnow_operators.triggers.tuning import NO_TUNING, Cover, Tuning
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.device import POSITION_ROLES
from winnow_schemas.settings.signals import SignalSettings
from winnow_schemas.settings.triggers import TriggerSettings, TriggersSettings

MAX_TRIGGERS = 500
"""The library has 28; a fleet's campaigns add some dozens."""
MAX_TOTAL_BYTES = 1024**3
"""Window memory of all triggers together, at planned sizes."""
_ALIASES = ("msg.data", "data", "value")
_HOUR_NS = 3_600_000_000_000


@dataclass(frozen=True, slots=True)
class Inputs:
    """What triggers can look at."""

    specs: Mapping[str, SignalSpec]
    position: Mapping[str, str] = field(default_factory=dict)
    """Role (``latitude_deg``, ``longitude_deg``, ``x_m``, ``y_m``) -> signal."""
    has_zones: bool = False
    """Whether somebody will call ``set_zones``."""
    limits: ConditionLimits = DEFAULT_LIMITS

    @classmethod
    def of(
        cls,
        signals: Mapping[str, SignalSettings],
        position: Mapping[str, str] | None = None,
        *,
        has_zones: bool = False,
    ) -> "Inputs":
        """From the settings of a device.

        Raises:
            BadInputError: a signal's unit is not known, or the position names a signal that is not there.

        """
        position = position or {}
        for role, name in position.items():
            if role not in POSITION_ROLES:
                raise BadInputError(
                    f"position.{role}: allowed: {', '.join(POSITION_ROLES)}; nothing was started."
                )
            if name not in signals:
                raise BadInputError(f"position.{role}: there is no signal {name!r}; nothing was started.")
        for pair in (POSITION_ROLES[:2], POSITION_ROLES[2:]):
            if len(position.keys() & set(pair)) == 1:
                raise BadInputError(f"position: {pair[0]} and {pair[1]} come together; nothing was started.")
        return cls(signal_specs(signals), position, has_zones)

    def scope(self, name: str, settings: TriggerSettings, rules: TriggersSettings) -> Scope:
        """What the conditions of one trigger may name."""
        aliases = (
            {word: settings.signal for word in _ALIASES if word not in self.specs} if settings.signal else {}
        )
        return Scope(
            self.specs,
            settings.params,
            aliases,
            trigger=name,
            has_position=bool(self.position),
            has_map_position="x_m" in self.position and "y_m" in self.position,
            has_zones=self.has_zones,
            utc_offset_ns=round(rules.utc_offset_h * _HOUR_NS),
        )


class CheckedCover(NamedTuple):
    """A request that may act."""

    cover: Cover
    condition: Checked
    when: Checked | None
    """The trigger's conditions with the request's parameters; None where it has none."""
    clear: Checked | None


class CheckedTrigger(NamedTuple):
    """A trigger that may run."""

    settings: TriggerSettings
    when: Checked
    clear: Checked | None
    covers: tuple[CheckedCover, ...] = ()

    @property
    def conditions(self) -> list[Checked]:
        """All of them, in the order in which programs are handed out."""
        found = [self.when, self.clear]
        for each in self.covers:
            found += [each.condition, each.when, each.clear]
        return [each for each in found if each is not None]


def check_trigger(
    name: str,
    settings: TriggerSettings,
    inputs: Inputs,
    rules: TriggersSettings,
    covers: Sequence[Cover] = (),
) -> CheckedTrigger:
    """Check the conditions of a trigger.

    Raises:
        ConditionError: one of them is not valid.

    """
    when, clear = _own_conditions(name, settings, inputs, rules)
    checked = []
    for place, cover in enumerate(covers):
        scope = inputs.scope(name, settings, rules)
        file = f"{name}.covers.{place}"
        condition = check(cover.condition, scope, limits=inputs.limits, file=file)
        other = (
            _own_conditions(name, cover.settings(settings), inputs, rules) if cover.params else (None, None)
        )
        checked.append(CheckedCover(cover, condition, *other))
    return CheckedTrigger(settings, when, clear, tuple(checked))


def _own_conditions(
    name: str, settings: TriggerSettings, inputs: Inputs, rules: TriggersSettings
) -> tuple[Checked, Checked | None]:
    scope = inputs.scope(name, settings, rules)
    when = check(settings.when, scope, limits=inputs.limits, file=f"{name}.when")
    if not settings.clear_when:
        return when, None
    return when, check(settings.clear_when, scope, limits=inputs.limits, file=f"{name}.clear_when")


def check_triggers(
    triggers: Mapping[str, TriggerSettings],
    inputs: Inputs,
    rules: TriggersSettings,
    tuning: Tuning = NO_TUNING,
) -> dict[str, CheckedTrigger]:
    """Check all enabled triggers.

    Raises:
        ConditionError: a condition is not valid.
        BadInputError: too many triggers, or too much window memory.

    """
    enabled = {name: settings for name, settings in triggers.items() if settings.enabled}
    if len(enabled) > MAX_TRIGGERS:
        raise BadInputError(
            f"There are {len(enabled)} triggers, the limit is {MAX_TRIGGERS}; none was changed."
        )
    checked = {
        name: check_trigger(name, settings, inputs, rules, tuning.covers.get(name, ()))
        for name, settings in enabled.items()
    }
    total = sum(each.footprint.total_bytes for trigger in checked.values() for each in trigger.conditions)
    if total > MAX_TOTAL_BYTES:
        raise BadInputError(
            f"The windows of all triggers may need {total / 2**20:.0f} MiB, the limit is "
            f"{MAX_TOTAL_BYTES / 2**20:.0f} MiB; none was changed."
        )
    return checked
