"""What a trigger does, in sentences."""

from collections.abc import Mapping

from winnow_operators.condition.expression import Place, walk
from winnow_operators.triggers.checking import CheckedTrigger, Inputs, check_trigger
from winnow_operators.triggers.wording import clause, duration
from winnow_schemas.priority import Priority
from winnow_schemas.settings.signals import SignalSettings
from winnow_schemas.settings.triggers import Mode, TriggerSettings, TriggersSettings


def explain(
    name: str,
    settings: TriggerSettings,
    inputs: Inputs,
    rules: TriggersSettings | None = None,
    signals: Mapping[str, SignalSettings] | None = None,
) -> list[str]:
    """Sentences about a trigger: what it looks at, when it fires, what it asks for, what holds it back.

    Raises:
        ConditionError: its condition is not valid.

    """
    rules = rules or TriggersSettings()
    checked = check_trigger(name, settings, inputs, rules)
    return [
        _opening(name, settings),
        _firing(checked),
        *_inputs(checked, inputs, signals or {}),
        _clip(settings),
        *_limits(settings, rules),
    ]


def _opening(name: str, settings: TriggerSettings) -> str:
    what = f": {settings.description.rstrip('.')}" if settings.description else ""
    return f"{name} has priority {settings.priority.name}{what}."


def _firing(checked: CheckedTrigger) -> str:
    settings = checked.settings
    words = clause(checked.when.root)
    if settings.mode is Mode.LEVEL:
        return f"It fires at every message at which this holds: {words}."
    if checked.clear:
        return (
            f"It fires when this becomes true: {words}; and again only after this has been true: "
            f"{clause(checked.clear.root)}."
        )
    return f"It fires when this becomes true: {words}."


def _inputs(checked: CheckedTrigger, inputs: Inputs, signals: Mapping[str, SignalSettings]) -> list[str]:
    names = set(checked.when.signals) | (set(checked.clear.signals) if checked.clear else set())
    roots = [checked.when.root, *([checked.clear.root] if checked.clear else [])]
    if any(isinstance(part, Place) for root in roots for part in walk(root)):
        names |= set(inputs.position.values())
    sentences = []
    for name in sorted(names):
        spec = inputs.specs[name]
        unit = f" in {spec.unit.name}" if spec.unit and spec.unit.name != "1" else ""
        origin = _origin(name, signals)
        sentences.append(
            f"It reads {name}, a {spec.type.value} signal{unit}{origin}, unknown after {duration(spec.stale_ns)} "
            "without a message."
        )
    return sentences or ["It reads no signal, only message time."]


def _origin(name: str, signals: Mapping[str, SignalSettings]) -> str:
    signal = signals.get(name)
    if signal is None:
        return ""
    if signal.topic:
        return f" from {signal.field} of {signal.topic}"
    topics = " and ".join(sorted(set(signal.inputs.values())))
    return f" made by the detector {signal.detector} from {topics}"


def _clip(settings: TriggerSettings) -> str:
    count = len(settings.topics)
    topics = "all topics" if not count else "1 topic" if count == 1 else f"{count} topics"
    return f"It asks for a clip of {topics}, from {settings.pre_roll_s:g} s before to {settings.post_roll_s:g} s after."


def _limits(settings: TriggerSettings, rules: TriggersSettings) -> list[str]:
    sentences = []
    if settings.cooldown_s:
        sentences.append(f"After firing it waits {settings.cooldown_s:g} s.")
    if settings.min_gap_s:
        sentences.append(f"It must have been clear for {settings.min_gap_s:g} s before it fires again.")
    counts = [
        (settings.max_events, "in a run"),
        (settings.max_per_hour, "in any hour"),
        (settings.max_per_day, "in any 24 hours"),
    ]
    sentences += [f"It fires at most {count} times {span}." for count, span in counts if count]
    if settings.priority is Priority.P0:
        sentences.append("Nothing mutes or limits it.")
    else:
        storm = rules.storm
        sentences.append(
            f"More than {storm.max_per_minute} events in a minute mute it for {duration(round(storm.mute_s * 1e9))}."
        )
    return sentences
