"""Passes messages on to a target, in the form that the target wants, and remembers what did not fit."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_tools.convert.tally import Tally, TopicTally
from winnow_tools.convert.target import Target
from winnow_tools.convert.transcoding import PayloadError, Transcoded

Source = Iterable[tuple[Channel, int, int, int, Any]]
"""Channel, log time, publish time, sequence number (-1: count them), payload; in the order of time.
"""
Transcode = Callable[[Channel], Transcoded]


@dataclass(slots=True)
class Carried:
    """What was passed on, and what was not."""

    tally: Tally = field(default_factory=Tally)
    left_out: list[str] = field(default_factory=list)
    """Messages that the target has not: sentences."""
    altered: list[str] = field(default_factory=list)
    """What of the messages has no place there: sentences."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of each channel."""

    made: dict[Channel, Transcoded]
    left_out: list[str]
    """Why the others cannot come along: sentences."""

    @property
    def channels(self) -> list[Channel]:
        """As the target will have them."""
        return [one.channel for one in self.made.values()]


@dataclass(slots=True)
class _Lane:
    """A channel on its way."""

    channel: Channel
    made: Transcoded
    number: int
    tally: TopicTally
    sequence: int = 0
    broken: int = 0
    reason: str = ""


def as_they_are(channel: Channel) -> Transcoded:
    """For targets that take anything."""
    return Transcoded(channel, None)


def plan_for(channels: Iterable[Channel], transcode: Transcode) -> Plan:
    """Find out what can come along.

    Raises:
        BadInputError: nothing can.

    """
    plan = Plan({}, [])
    for channel in channels:
        try:
            plan.made[channel] = transcode(channel)
        except BadInputError as error:
            plan.left_out.append(f"{error} It was left out.")
    if plan.left_out and not plan.made:
        raise BadInputError(
            " ".join([*plan.left_out, "There is no topic that the target can hold; nothing was written."])
        )
    return plan


def carry(messages: Source, plan: Plan, target: Target) -> Carried:
    """Pass everything on.

    Raises:
        BadInputError: the target cannot hold a time.
        OSError: the disk refuses.

    """
    carried = Carried(left_out=list(plan.left_out))
    by_channel: dict[Channel, _Lane] = {}
    numbers: dict[Channel, int] = {}
    for channel, made in plan.made.items():
        if made.channel not in numbers:
            numbers[made.channel] = target.channel(made.channel)
        by_channel[channel] = _Lane(
            channel, made, numbers[made.channel], carried.tally.of(made.channel.topic)
        )
    lanes: dict[int, tuple[Channel, _Lane | None]] = {}  # hashing a channel for each message would cost more
    published = 0
    for channel, t_ns, pub_ns, sequence, payload in messages:
        if id(channel) not in lanes:
            lanes[id(channel)] = channel, by_channel.get(channel)
        lane = lanes[id(channel)][1]
        if lane is None:
            continue
        data: Any = payload
        if lane.made.convert is not None:
            try:
                data = lane.made.convert(payload)
            except PayloadError as error:
                lane.broken += 1
                lane.reason = lane.reason or str(error)
                continue
        if sequence < 0:
            lane.sequence += 1
        kept_ns = pub_ns if target.keeps_publish_times else t_ns
        published += kept_ns != pub_ns
        target.message(lane.number, t_ns, kept_ns, lane.sequence if sequence < 0 else sequence, data)
        lane.tally.add(t_ns, kept_ns, data)
    _conclude(carried, list(by_channel.values()), published)
    return carried


def _conclude(carried: Carried, lanes: list[_Lane], published: int) -> None:
    for lane in lanes:
        if lane.broken:
            subject = "1 message of" if lane.broken == 1 else f"{lane.broken} messages of"
            verb, past = ("does", "was") if lane.broken == 1 else ("do", "were")
            carried.left_out.append(
                f"{subject} {lane.channel.topic} {verb} not match the definition ({lane.reason}) and {past} left out."
            )
    losses = sorted({lane.made.loses for lane in lanes if lane.made.loses})
    carried.altered += [f"Not kept: {loss}." for loss in losses]
    if published:
        carried.altered.append(
            f"Not kept: the publish times of {published} messages; the target has one time per message."
        )
