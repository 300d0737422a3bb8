"""What `winnow ring` shows: values taken from the rings at one moment, and their JSON."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class RunState(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    RING_DOWN = "ring down"
    """The ring's process is gone, its readers live: dora starts it again, or the run is about to end."""
    ENDED = "ended"
    """The source said that this was all; readers finish."""
    STOPPED = "stopped"
    """The graph was stopped; readers finish."""
    DEAD = "dead"
    """Neither the ring nor a reader lives; only the memory is left."""
    GONE = "gone"
    """The run is over and its memory was freed."""


@dataclass(frozen=True, slots=True)
class TopicRing:
    """One topic's ring."""

    topic: str
    port: str
    messages: int
    """Written since the run began."""
    bytes: int
    in_ring: int
    capacity_bytes: int
    index_capacity: int
    fill: float
    index_fill: float
    rate_hz: float | None
    """Messages per second of the present, over the last second; None until there were two looks."""
    rate_mb_s: float | None
    hot_s: float
    """Message time between the oldest and the newest stamp in the ring."""
    hot_when_full_s: float | None
    """The same, once the ring is full, if messages go on as those in it; None while it is empty."""
    lost: int
    oversize: int
    duplicates: int
    largest_bytes: int
    oldest_ns: int | None
    newest_ns: int | None


@dataclass(frozen=True, slots=True)
class ReaderLag:
    """How far a reader is behind the ring."""

    reader: str
    pid: int
    alive: bool
    idle: bool
    finished: bool
    beats: int
    """Heartbeats since the one up to which it has everything it wanted."""
    messages: int | None
    """Messages since then; None when that heartbeat was before the first look."""
    seconds: float
    """Since the ring passed that heartbeat, in the present; at least so much where ``messages`` is None."""
    hold_ns: int | None
    """It needs messages from this time on in memory."""
    keep_ns: int | None
    """It needs them on disk."""


@dataclass(frozen=True, slots=True)
class RingState:
    """All rings of a run at one moment."""

    run_id: str
    out: str
    state: RunState
    beat: int
    """Number of the newest heartbeat."""
    watermark_ns: int | None
    """Everything older has arrived; None while nobody has said so, or when all has."""
    newest_ns: int | None
    messages: int
    bytes: int
    lost: int
    over_s: float
    """The present that the rates are about."""
    topics: tuple[TopicRing, ...]
    readers: tuple[ReaderLag, ...]

    def to_json(self) -> dict[str, Any]:
        """Field names are what scripts rely on: they are added to, never changed."""
        return asdict(self)
