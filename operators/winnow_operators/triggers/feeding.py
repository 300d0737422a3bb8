"""What a message does to the triggers: the same steps in the node under dora and in a what-if run."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from winnow_operators.condition.zones import Zone
from winnow_operators.triggers.checking import Inputs
from winnow_operators.triggers.engine import TriggerEngine
from winnow_operators.triggers.outcomes import Outcome
from winnow_operators.triggers.resolve import Resolution, resolve_triggers
from winnow_schemas.library import library_triggers
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.signals import SignalSettings
from winnow_schemas.yaml_source import YamlDocument


def resolve(settings: DeviceSettings, document: YamlDocument | None) -> tuple[Inputs, Resolution]:
    """The triggers that the settings come to.

    Raises:
        BadInputError: a signal's unit is not known, or the position names one that is not there.

    """
    inputs = Inputs.of(settings.signals, settings.position, has_zones=bool(settings.zones))
    return inputs, resolve_triggers(settings.triggers, inputs, library_triggers(), document)


def signals_wanted(settings: DeviceSettings, used: AbstractSet[str]) -> dict[str, SignalSettings]:
    """The signals that triggers use, and those of the vehicle's position: others need no decoding."""
    wanted = used | set(settings.position.values())
    return {name: signal for name, signal in settings.signals.items() if name in wanted}


def feed(
    engine: TriggerEngine, t_ns: int, signals: Mapping[str, Any], zones: Sequence[Zone] | None
) -> Iterator[Outcome]:
    """Let the engine see what one message brought."""
    if zones is not None:
        yield from engine.set_zones(t_ns, zones)
    if len(signals) == 1:
        ((name, value),) = signals.items()
        yield from engine.update(t_ns, name, value)
    elif signals:
        yield from engine.update_all(t_ns, signals)
