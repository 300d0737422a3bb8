"""What a recording holds per topic: counts, bytes, rates, measured and never assumed."""

from collections.abc import Iterable
from dataclasses import dataclass

from winnow_schemas.channel import Channel, Message


@dataclass(frozen=True, slots=True)
class TopicStatistics:
    """One topic of a recording."""

    topic: str
    schema_name: str
    """Of its first channel."""
    encoding: str
    latched: bool
    count: int
    bytes: int
    """Payloads."""
    max_bytes: int
    """The largest payload."""
    first_ns: int
    last_ns: int

    @property
    def rate_hz(self) -> float:
        """Messages per second between the first and the last; 0 where there is no second one."""
        span_ns = self.last_ns - self.first_ns
        return (self.count - 1) * 1e9 / span_ns if span_ns > 0 else 0.0

    @property
    def mean_bytes(self) -> float:
        return self.bytes / self.count if self.count else 0.0

    @property
    def bytes_per_s(self) -> float:
        return self.mean_bytes * self.rate_hz


class _Tally:
    __slots__ = ("bytes", "channel", "count", "first_ns", "last_ns", "latched", "max_bytes")

    def __init__(self, channel: Channel, t_ns: int) -> None:
        self.channel = channel
        self.latched = channel.is_latched
        self.count = self.bytes = self.max_bytes = 0
        self.first_ns = self.last_ns = t_ns


def topic_statistics(channels: Iterable[Channel], messages: Iterable[Message]) -> dict[str, TopicStatistics]:
    """Count every message once; topics without messages are listed with zeros. Sorted by topic."""
    tallies: dict[str, _Tally] = {}
    for channel, t_ns, _, data in messages:
        tally = tallies.get(channel.topic)
        if tally is None:
            tally = tallies[channel.topic] = _Tally(channel, t_ns)
        size = len(data)
        tally.count += 1
        tally.bytes += size
        tally.max_bytes = max(tally.max_bytes, size)
        tally.last_ns = t_ns
    for channel in channels:
        tally = tallies.setdefault(channel.topic, _Tally(channel, 0))
        tally.latched = tally.latched or channel.is_latched
    return {topic: _frozen(tallies[topic]) for topic in sorted(tallies)}


def _frozen(tally: _Tally) -> TopicStatistics:
    return TopicStatistics(
        topic=tally.channel.topic,
        schema_name=tally.channel.schema_name,
        encoding=tally.channel.encoding,
        latched=tally.latched,
        count=tally.count,
        bytes=tally.bytes,
        max_bytes=tally.max_bytes,
        first_ns=tally.first_ns,
        last_ns=tally.last_ns,
    )
