"""A simulated run through the triggers, without a recording and without dora."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from winnow_operators.sim import Simulator
from winnow_operators.stream.ties import in_decision_order
from winnow_operators.triggers import TriggerEngine
from winnow_operators.triggers.feeding import feed, resolve, signals_wanted
from winnow_operators.triggers.outcomes import Outcome
from winnow_operators.triggers.signals import SignalReader
from winnow_schemas.channel import Channel, Message
from winnow_schemas.messages import TriggerEvent
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.simulation.script import Samples

_ALL = 10**9
"""More messages than a topic has in the longest run: none of it is rendered."""


class Decider:
    """The triggers of a device, and what decodes their signals."""

    def __init__(self, settings: DeviceSettings, channels: Sequence[Channel], start_ns: int) -> None:
        """Resolve the triggers; a run begins at ``start_ns``.

        Raises:
            BadInputError: the settings do not fit together.

        """
        inputs, resolution = resolve(settings, None)
        self._engine = TriggerEngine(resolution.require(), inputs, settings.triggers)
        wanted = signals_wanted(settings, self._engine.signals)
        self._reader = SignalReader(wanted, settings.zones, channels.__getitem__)
        self._numbers = {channel.topic: number for number, channel in enumerate(channels)}
        self._engine.start(start_ns)

    @property
    def topics(self) -> AbstractSet[str]:
        """What is decoded; other topics may be left out."""
        return self._reader.topics

    @property
    def triggers(self) -> int:
        """How many run."""
        return len(self._engine.names)

    def decide(self, messages: Iterable[Message], newest_ns: int) -> list[TriggerEvent]:
        """What fires, in order; ``newest_ns`` is the last time of the run."""
        outcomes: list[Outcome] = []
        for message in in_decision_order(messages):
            topic = message.channel.topic
            signals, zones = self._reader.read(topic, self._numbers[topic], message.t_ns, bytes(message.data))
            outcomes += feed(self._engine, message.t_ns, signals, zones)
        outcomes += self._engine.advance(newest_ns)
        outcomes += self._engine.finish(newest_ns)
        return [outcome for outcome in outcomes if isinstance(outcome, TriggerEvent)]


def rendered(simulator: Simulator, topics: AbstractSet[str]) -> Iterable[Message]:
    """The messages of some topics; the others are not rendered."""
    skip = [channel.topic for channel in simulator.channels if channel.topic not in topics]
    return simulator.messages(dict.fromkeys(skip, _ALL))


def decide(simulator: Simulator, settings: DeviceSettings) -> list[TriggerEvent]:
    """What fires in a whole run.

    Raises:
        BadInputError: the settings do not fit together.

    """
    decider = Decider(settings, simulator.channels, simulator.start_ns)
    return decider.decide(rendered(simulator, decider.topics), simulator.end_ns - 1)


def library_settings(samples: Samples) -> DeviceSettings:
    """The standard suite with the whole library, its sampling triggers as a script wants them."""
    return DeviceSettings.model_validate(
        {
            "suite": "standard",
            "triggers": {
                "library": "standard",
                "set": {
                    "time_sample": {"params": {"interval": samples.every_s}},
                    "distance_sample": {"params": {"interval": samples.every_m}},
                },
            },
        }
    )
