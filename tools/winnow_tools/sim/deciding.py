"""A simulated run through the triggers, without a recording and without dora."""

from winnow_operators.sim import Simulator
from winnow_operators.stream.ties import in_decision_order
from winnow_operators.triggers import TriggerEngine
from winnow_operators.triggers.feeding import feed, resolve, signals_wanted
from winnow_operators.triggers.outcomes import Outcome
from winnow_operators.triggers.signals import SignalReader
from winnow_schemas.messages import TriggerEvent
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.simulation.script import Samples

_ALL = 10**9
"""More messages than a topic has in the longest run: none of it is rendered."""


def decide(simulator: Simulator, settings: DeviceSettings) -> list[TriggerEvent]:
    """What fires, in order; only the topics that triggers look at are rendered.

    Raises:
        BadInputError: the settings do not fit together.

    """
    inputs, resolution = resolve(settings, None)
    engine = TriggerEngine(resolution.require(), inputs, settings.triggers)
    reader = SignalReader(
        signals_wanted(settings, engine.signals), settings.zones, simulator.channels.__getitem__
    )
    numbers = {channel.topic: number for number, channel in enumerate(simulator.channels)}
    engine.start(simulator.start_ns)
    outcomes: list[Outcome] = []
    skip = {topic: _ALL for topic in numbers if topic not in reader.topics}
    for message in in_decision_order(simulator.messages(skip)):
        topic = message.channel.topic
        signals, zones = reader.read(topic, numbers[topic], message.t_ns, bytes(message.data))
        outcomes += feed(engine, message.t_ns, signals, zones)
    outcomes += engine.advance(simulator.end_ns - 1)
    outcomes += engine.finish(simulator.end_ns - 1)
    return [outcome for outcome in outcomes if isinstance(outcome, TriggerEvent)]


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
