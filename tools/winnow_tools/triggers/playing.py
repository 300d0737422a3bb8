"""A recording through triggers, without a dataflow: the order and the decisions are those of the node."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from winnow_operators.campaign import BareTriggers, Merged
from winnow_operators.triggers.engine import TriggerEngine
from winnow_operators.triggers.outcomes import Outcome, TriggerDecision
from winnow_operators.triggers.signals import SignalReader
from winnow_runtime.recordings import Recording
from winnow_schemas.channel import Message
from winnow_schemas.errors import BadInputError
from winnow_schemas.messages import TriggerEvent
from winnow_schemas.settings import DeviceSettings

_TOLD_EVERY = 4096


@dataclass(slots=True)
class Played:
    """What triggers did on a recording."""

    start_ns: int
    end_ns: int
    """One after the last message."""
    events: list[TriggerEvent] = field(default_factory=list)
    decisions: list[TriggerDecision] = field(default_factory=list)

    def take(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            if isinstance(outcome, TriggerEvent):
                self.events.append(outcome)
            else:
                self.decisions.append(outcome)


Watch = Callable[[int, dict[str, Any], list[TriggerEngine]], None]
"""Called after each message with its time, the signals that it brought, and the engines."""


def play(
    recording: Recording,
    settings: DeviceSettings,
    bare: BareTriggers,
    variants: Sequence[Merged],
    *,
    watch: Watch | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[list[Played], list[str]]:
    """Play a recording once through several sets of triggers; what each did, and what could not be read.

    Raises:
        BadInputError: the recording has no message of any topic that the triggers look at.

    """
    engines = [TriggerEngine(each.triggers, bare.inputs, bare.rules, each.tuning) for each in variants]
    reader = _reader(recording, settings, engines)
    here = {channel.topic for channel in recording.channels}
    if not here & reader.topics:
        raise BadInputError(
            f"{recording.path} has none of the topics that the triggers look at "
            f"({', '.join(sorted(reader.topics)[:5])} ...); nothing was decided."
        )
    played = [Played(recording.start_ns, recording.end_ns) for _ in engines]
    numbers = {channel: number for number, channel in enumerate(recording.channels)}
    for engine in engines:
        engine.start(recording.start_ns)
    for message in _in_order(recording, reader, progress):
        signals, zones = reader.read(
            message.channel.topic, numbers[message.channel], message.t_ns, bytes(message.data)
        )
        for engine, result in zip(engines, played, strict=True):
            if zones is not None:
                result.take(engine.set_zones(message.t_ns, zones))
            if signals:
                result.take(engine.update_all(message.t_ns, signals))
        if watch is not None:
            watch(message.t_ns, signals, engines)
    for engine, result in zip(engines, played, strict=True):
        result.take(engine.finish(recording.end_ns - 1))
    problems = [f"{topic}: {sentence}" for topic, sentence in reader.problems]
    return played, [*problems, *recording.problems]


def _reader(recording: Recording, settings: DeviceSettings, engines: list[TriggerEngine]) -> SignalReader:
    wanted = {name for engine in engines for name in engine.signals} | set(settings.position.values())
    signals = {name: signal for name, signal in settings.signals.items() if name in wanted}
    return SignalReader(signals, settings.zones, recording.channels.__getitem__)


def _in_order(
    recording: Recording, reader: SignalReader, progress: Callable[[float], None] | None
) -> Iterator[Message]:
    """By ``(t_ns, topic)``, as the node decides."""
    span_ns = max(1, recording.end_ns - recording.start_ns)
    groups = groupby(recording.messages(reader.topics), lambda message: message.t_ns)
    for number, (t_ns, group) in enumerate(groups):
        if progress is not None and number % _TOLD_EVERY == 0:
            progress(min(1.0, max(0.0, (t_ns - recording.start_ns) / span_ns)))
        same = list(group)
        yield from sorted(same, key=lambda message: message.channel.topic) if len(same) > 1 else same
