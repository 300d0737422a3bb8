"""A recording in one value, for the command line."""

from dataclasses import dataclass
from typing import Any

from winnow_runtime.recordings.recording import Progress, Recording
from winnow_runtime.recordings.statistics import TopicStatistics


@dataclass(frozen=True, slots=True)
class RecordingInfo:
    """What a person wants to know first."""

    path: str
    container: str
    size_bytes: int
    start_ns: int
    end_ns: int
    """One after the last message."""
    messages: int
    """That can be played."""
    stated_messages: int | None
    """That the recording says it holds."""
    topics: tuple[TopicStatistics, ...]
    problems: tuple[str, ...]

    @property
    def duration_s(self) -> float:
        return max(0, self.end_ns - 1 - self.start_ns) / 1e9

    def to_json(self) -> dict[str, Any]:
        """Plain values, with rates in messages per second."""
        return {
            "path": self.path,
            "container": self.container,
            "size_bytes": self.size_bytes,
            "start_ns": self.start_ns,
            "end_ns": self.end_ns,
            "duration_s": self.duration_s,
            "messages": self.messages,
            "stated_messages": self.stated_messages,
            "topics": [_topic_json(topic) for topic in self.topics],
            "problems": list(self.problems),
        }


def describe(recording: Recording, progress: Progress | None = None) -> RecordingInfo:
    """Read the whole recording once and say what it holds and what is wrong with it."""
    topics = tuple(recording.topics(progress).values())
    return RecordingInfo(
        path=str(recording.path),
        container=str(recording.container),
        size_bytes=recording.size_bytes,
        start_ns=recording.start_ns,
        end_ns=recording.end_ns,
        messages=sum(topic.count for topic in topics),
        stated_messages=recording.message_count,
        topics=topics,
        problems=recording.problems,
    )


def _topic_json(topic: TopicStatistics) -> dict[str, Any]:
    return {
        "topic": topic.topic,
        "schema": topic.schema_name,
        "encoding": topic.encoding,
        "latched": topic.latched,
        "messages": topic.count,
        "bytes": topic.bytes,
        "max_bytes": topic.max_bytes,
        "first_ns": topic.first_ns,
        "last_ns": topic.last_ns,
        "rate_hz": round(topic.rate_hz, 3),
    }
