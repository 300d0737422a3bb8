"""What a recording holds, looked at once: sizes and rates per topic, values per field."""

import math
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from winnow_operators.fields import FieldDecoder, FieldError, Value, list_fields
from winnow_runtime.recordings import TopicStatistics
from winnow_runtime.recordings.recording import with_progress
from winnow_runtime.recordings.statistics import topic_statistics
from winnow_schemas.channel import Channel, Message
from winnow_schemas.settings.topics import Kind
from winnow_tools.scaffold.kinds import judge

MAX_FIELDS = 24
"""Fields that are looked at per topic; more would be no example any more."""
MAX_TEXTS = 8
"""Distinct texts up to which a field counts as an enumeration."""
MAX_TEXT_LENGTH = 32
_SAMPLES = 4096
"""Values kept per field for percentiles; beyond it every second one goes, again and again."""
_SUMMARIES = {"LaserScan": "min(ranges[])", "DiagnosticArray": "max(status[].level)"}
_QUATERNION = re.compile(r"(orientation|rotation|quaternion)\.[xyzw]$")
_BOOKKEEPING = ("seq", "frame_id", "child_frame_id", "hardware_id")


@dataclass(slots=True)
class FieldValues:
    """What was seen of one field."""

    path: str
    value: Value
    count: int = 0
    low: float = math.inf
    high: float = -math.inf
    texts: set[str] = field(default_factory=set)
    is_free_text: bool = False
    """More distinct or longer texts than an enumeration has."""
    _samples: "array[float]" = field(default_factory=lambda: array("d"))
    _stride: int = 1

    def see(self, seen: float | bool | str | None) -> None:
        """Count one value; missing ones, NaN and infinite ones are passed."""
        if seen is None or (isinstance(seen, float) and not math.isfinite(seen)):
            return
        kind = Value.TEXT if isinstance(seen, str) else Value.BOOL if isinstance(seen, bool) else Value.NUMBER
        if self.value is Value.ANY:
            self.value = kind
        if kind is not self.value:  # JSON without schema may change its mind
            return
        self.count += 1
        if isinstance(seen, str):
            if not self.is_free_text:
                self.texts.add(seen[: MAX_TEXT_LENGTH + 1])
                self.is_free_text = len(self.texts) > MAX_TEXTS or len(seen) > MAX_TEXT_LENGTH
            return
        number = float(seen)
        self.low = min(self.low, number)
        self.high = max(self.high, number)
        if self.count % self._stride == 0:
            self._samples.append(number)
            if len(self._samples) >= _SAMPLES:
                self._samples = self._samples[::2]
                self._stride *= 2

    def percentile(self, part: float) -> float:
        """Of the values kept; ``part`` from 0 to 1."""
        ordered = sorted(self._samples)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else self.low

    @property
    def varies(self) -> bool:
        """Whether a condition on it could be true at one time and false at another."""
        if self.value is Value.TEXT:
            return len(self.texts) > 1 and not self.is_free_text
        return self.low < self.high and math.isfinite(self.high - self.low)


@dataclass(frozen=True, slots=True)
class TopicSurvey:
    """One topic."""

    statistics: TopicStatistics
    channel: Channel
    fields: tuple[FieldValues, ...]
    undecodable: str
    """Why fields cannot be read; empty if they can."""


class Surveyed(Protocol):
    """What a survey needs of a recording, or of a live system that is listened to."""

    @property
    def channels(self) -> Sequence[Channel]:
        """All of them, once the messages have been taken."""
        ...

    @property
    def start_ns(self) -> int: ...

    @property
    def end_ns(self) -> int: ...

    def messages(self) -> Iterator[Message]:
        """Every message once."""
        ...


class _Looker:
    """Reads the fields of one topic while its messages pass."""

    def __init__(self, channel: Channel, first: bytes | memoryview) -> None:
        self.channel = channel
        self.undecodable = ""
        self.fields: list[FieldValues] = []
        self._decoder: FieldDecoder | None = None
        try:
            paths = _interesting(channel, first)[:MAX_FIELDS]
            self._decoder = FieldDecoder(channel, paths)
            self.fields = [FieldValues(*pair) for pair in zip(paths, self._decoder.values, strict=True)]
        except FieldError as error:
            self.undecodable = str(error)

    def look(self, message: Message) -> None:
        if self._decoder is None or message.channel is not self.channel:
            return
        try:
            values = self._decoder.decode(message.data)
        except FieldError as error:
            self.undecodable = self.undecodable or str(error)
            return
        for seen, value in zip(self.fields, values, strict=True):
            seen.see(value)


def survey(recording: Surveyed, progress: Callable[[float], None] | None = None) -> list[TopicSurvey]:
    """Play the recording once. Every topic, also those without messages, sorted."""
    lookers: dict[str, _Looker] = {}

    def looked_at() -> Iterator[Message]:
        messages = recording.messages()
        if progress is not None:
            messages = with_progress(messages, recording.start_ns, recording.end_ns, progress)
        for message in messages:
            looker = lookers.get(message.channel.topic)
            if looker is None:
                looker = lookers[message.channel.topic] = _Looker(message.channel, message.data)
            looker.look(message)
            yield message

    statistics = topic_statistics(recording.channels, looked_at())
    return [_topic(statistics[topic], lookers.get(topic), recording) for topic in sorted(statistics)]


def _topic(statistics: TopicStatistics, looker: _Looker | None, recording: Surveyed) -> TopicSurvey:
    if looker is not None:
        return TopicSurvey(statistics, looker.channel, tuple(looker.fields), looker.undecodable)
    channel = next(channel for channel in recording.channels if channel.topic == statistics.topic)
    return TopicSurvey(statistics, channel, (), "")


def _interesting(channel: Channel, first: bytes | memoryview) -> list[str]:
    """What a trigger might look at: summaries of lists where the type has a usual one, else single values."""
    fields = list_fields(channel, first)
    summary = _SUMMARIES.get(re.split(r"[/.]", channel.schema_name)[-1])
    if summary is not None and any(path in summary for path, _ in fields):
        return [summary]
    if judge(channel).kind in (Kind.LIDAR, Kind.CAMERA, Kind.THERMAL):
        return []  # width and height of a cloud or an image say nothing about the scene
    return [path for path, kind in fields if _is_single_value(path, kind)]


def _is_single_value(path: str, kind: str) -> bool:
    """Not a list, not a time, not bookkeeping of the middleware."""
    last = path.rpartition(".")[2]
    if _QUATERNION.search(path):
        return False  # no single component of a quaternion means anything
    return "[]" not in path and kind not in ("time", "duration", "timestamp") and last not in _BOOKKEEPING
