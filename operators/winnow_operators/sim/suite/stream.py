"""One topic of the suite."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from winnow_operators.sim.tick import Tick
from winnow_schemas.channel import Channel
from winnow_schemas.ros.definitions import schema_text

MS = 1_000_000
"""Nanoseconds in a millisecond."""


class Moment(NamedTuple):
    """What a message is rendered from."""

    number: int
    """Counted from 0 per topic."""
    stamp_ns: int
    """When it was measured."""
    tick: Tick
    """The tick at or just before that."""
    share: float
    """How far between this tick and the next, 0-1."""
    after: Tick
    """The next tick."""


Render = Callable[[Moment], bytes]
Occasion = Callable[[Tick, Tick], bool]
"""Whether a topic without a rate has something to say, from the tick before and the tick now."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A topic with a rate, or with occasions.

    The header's stamp is the time of measurement; the message is logged ``latency_ns`` later. Topics whose
    rate does not divide the tick's have no latency, so that a tick's messages all lie within it.
    """

    topic: str
    type_name: str
    render: Render
    rate_hz: int = 0
    """0: it has occasions instead."""
    latency_ns: int = 0
    occasion: Occasion | None = None
    latched: bool = False
    group: int = 1
    """Messages that must be rendered together: a group's first is the key frame of the others."""
    channel: Channel = field(init=False)

    def __post_init__(self) -> None:
        """Describe the channel."""
        channel = Channel(
            self.topic,
            "cdr",
            self.type_name,
            "ros2msg",
            schema_text(self.type_name),
            (("offered_qos_profiles", LATCHED_QOS if self.latched else VOLATILE_QOS),),
        )
        object.__setattr__(self, "channel", channel)

    def stamp_ns(self, start_ns: int, number: int) -> int:
        """When message ``number`` is measured."""
        return start_ns + number * 1_000_000_000 // self.rate_hz


def _qos(reliability: int, durability: int, depth: int) -> str:
    """A QoS profile as rosbag2 writes it, with its numbers: 1 reliable, 2 best effort; 1 transient local."""
    forever = "{sec: 2147483647, nsec: 4294967295}"
    return (
        f"- history: 1\n  depth: {depth}\n  reliability: {reliability}\n  durability: {durability}\n"
        f"  deadline: {forever}\n  lifespan: {forever}\n  liveliness: 1\n"
        f"  liveliness_lease_duration: {forever}\n  avoid_ros_namespace_conventions: false\n"
    )


LATCHED_QOS = _qos(1, 1, 1)
VOLATILE_QOS = _qos(1, 2, 10)
