"""Where samples arrive, on Zenoh's threads: judged, counted, stamped, and put in a bounded queue.

Nothing here waits for the graph: a full queue loses the newest message and counts it, because a Zenoh thread that
waits would hold up the robot's publishers.
"""

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from winnow_operators.ros2.attachment import MAX_BYTES, Attachment, parse_attachment
from winnow_operators.ros2.keys import TopicKey, parse_topic_key, shown
from winnow_operators.ros2.numbering import Judged, Numbering, Verdict
from winnow_operators.ros2.stamps import ReceiveTime
from winnow_runtime.clock import Clock
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.ros2 import Ros2Settings

if TYPE_CHECKING:
    import zenoh

MAX_WAITING = 50_000
"""Messages in the queue beside the limit in bytes: 50 seconds of the document's suite."""
MAX_GAPS = 10_000
"""Gaps that wait to be named; the counts go on beyond it."""
MAX_EXAMPLES = 20
"""Keys that are named as malformed; further ones are counted."""


@dataclass(slots=True)
class TopicCounts:
    """What came of one topic, by what became of it."""

    received: int = 0
    bytes: int = 0
    sent: int = 0
    """Into the graph."""
    missed: int = 0
    """Never came: gaps in publishers' numbers, less what came late."""
    late: int = 0
    repeated: int = 0
    anew: int = 0
    """Publishers that counted from the start again."""
    unnumbered: int = 0
    overflow: int = 0
    """Lost here: the queue was full."""
    oversize: int = 0
    """Lost here: larger than a message may be."""
    no_attachment: int = 0
    bad_attachment: int = 0
    disbelieved: int = 0
    """Source stamps too far from the receive time."""

    @property
    def lost_here(self) -> int:
        return self.overflow + self.oversize


class Gap(NamedTuple):
    """Numbers that a publisher gave and that never came; ``[first, last]``."""

    topic: str
    gid: bytes
    first: int
    last: int
    t_ns: int
    while_down: bool


class Arrived(NamedTuple):
    """A message that waits for the graph."""

    receive_ns: int
    source_ns: int | None
    key: TopicKey
    payload: "zenoh.ZBytes"
    size: int


class Arrivals:
    """The queue between Zenoh's threads and the node's loop."""

    def __init__(self, settings: Ros2Settings, clock: Clock) -> None:
        self._clock = clock
        self._queue_bytes_max = int(settings.queue_mib * 2**20)
        self._message_bytes_max = int(settings.max_message_mib * 2**20)
        self._max_topics = settings.max_topics
        self._lock = threading.Condition()
        self._queue: deque[Arrived] = deque()
        self._queue_bytes = 0
        self._time = ReceiveTime()
        self._keys: dict[str, TopicKey] = {}
        self.numbering = Numbering()
        self.topics: dict[str, TopicCounts] = {}
        self.gaps: deque[Gap] = deque(maxlen=MAX_GAPS)
        self.malformed = 0
        """Samples whose key or kind is none of ROS's."""
        self.malformed_reasons: list[str] = []
        self.untracked = 0
        """Samples of topics beyond the limit of topics."""

    # --- Zenoh's threads ----------------------------------------------------------------------------------

    def take(self, sample: "zenoh.Sample") -> None:
        """A subscriber's callback."""
        from zenoh import SampleKind

        attached = sample.attachment
        attachment = attached.to_bytes() if attached is not None and len(attached) <= MAX_BYTES else None
        if attached is not None and attachment is None:
            attachment = b"-" * (MAX_BYTES + 1)
        if sample.kind != SampleKind.PUT:
            self.refuse(f"The sample on {shown(str(sample.key_expr))} deletes; it was ignored.")
            return
        self.put(str(sample.key_expr), sample.payload, len(sample.payload), attachment)

    def put(self, key_text: str, payload: "zenoh.ZBytes", size: int, attachment: bytes | None) -> None:
        """Judge, count and keep one message."""
        with self._lock:
            key = self._key(key_text)
            counts = self._counts(key.topic) if key is not None else None
            if key is None or counts is None:
                return
            now_ns = self._now()
            counts.received += 1
            counts.bytes += size
            told = self._attachment(counts, attachment)
            if told is not None and not self._is_wanted(key.topic, told, counts, now_ns):
                return
            if size > self._message_bytes_max:
                counts.oversize += 1
            elif self._queue_bytes + size > self._queue_bytes_max or len(self._queue) >= MAX_WAITING:
                counts.overflow += 1
            else:
                self._queue.append(Arrived(now_ns, told.source_ns if told else None, key, payload, size))
                self._queue_bytes += size
                self._lock.notify()

    def refuse(self, reason: str) -> None:
        """Count something that is no message, and keep a few reasons."""
        self.malformed += 1
        if len(self.malformed_reasons) < MAX_EXAMPLES:
            self.malformed_reasons.append(reason)

    def _key(self, text: str) -> TopicKey | None:
        key = self._keys.get(text)
        if key is None:
            try:
                key = parse_topic_key(text)
            except BadInputError as error:
                self.refuse(str(error))
                return None
            if len(self._keys) < 4 * self._max_topics:
                self._keys[text] = key
        return key

    def _counts(self, topic: str) -> TopicCounts | None:
        counts = self.topics.get(topic)
        if counts is None:
            if len(self.topics) >= self._max_topics:
                self.untracked += 1
                return None
            counts = self.topics[topic] = TopicCounts()
        return counts

    @staticmethod
    def _attachment(counts: TopicCounts, data: bytes | None) -> Attachment | None:
        if data is None:
            counts.no_attachment += 1
            return None
        try:
            return parse_attachment(data)
        except BadInputError:
            counts.bad_attachment += 1
            return None

    def _is_wanted(self, topic: str, told: Attachment, counts: TopicCounts, now_ns: int) -> bool:
        """Count by the publisher's numbers; False for what is here already."""
        judged: Judged = self.numbering.judge(topic, told.gid, told.sequence, told.source_ns)
        if judged.lost:
            counts.missed += judged.lost
            self.gaps.append(Gap(topic, told.gid, judged.first, judged.last, now_ns, judged.while_down))
        if judged.verdict is Verdict.REPEATED:
            counts.repeated += 1
            return False
        if judged.verdict is Verdict.LATE:
            counts.late += 1
            counts.missed -= 1
        elif judged.verdict is Verdict.ANEW:
            counts.anew += 1
        elif judged.verdict is Verdict.UNNUMBERED:
            counts.unnumbered += 1
        return True

    def _now(self) -> int:
        return self._time.stamp(self._clock.wall_ns(), self._clock.monotonic_ns())

    # --- the node's loop ----------------------------------------------------------------------------------

    def wait(self, timeout_s: float) -> None:
        """Until a message waits, or the time is over."""
        with self._lock:
            if not self._queue:
                self._lock.wait(timeout_s)

    def head(self) -> Arrived | None:
        """The message that waits longest."""
        with self._lock:
            return self._queue[0] if self._queue else None

    def pop(self) -> None:
        """Take it out."""
        with self._lock:
            self._queue_bytes -= self._queue.popleft().size

    def horizon_ns(self) -> int:
        """No message that is still to come has an earlier receive stamp."""
        with self._lock:
            return self._queue[0].receive_ns if self._queue else self._now()

    def snapshot(self) -> list[tuple[str, bytes, int, int]]:
        """What a checkpoint needs to recognise publishers."""
        with self._lock:
            return self.numbering.snapshot()

    def drain_gaps(self) -> list[Gap]:
        """The gaps since the last call."""
        with self._lock:
            gaps = list(self.gaps)
            self.gaps.clear()
            return gaps

    @property
    def waiting(self) -> tuple[int, int]:
        """Messages and bytes in the queue."""
        with self._lock:
            return len(self._queue), self._queue_bytes

    @property
    def steps_back(self) -> int:
        """How often the wall clock was set back."""
        return self._time.steps_back
