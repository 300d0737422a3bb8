"""How much memory each topic gets: ring sizes and queue sizes, from measured sizes and rates."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from winnow_runtime.recordings import TopicStatistics
from winnow_schemas.errors import BadInputError

MIB = 1024 * 1024
SLOT_BYTES = 64
"""The ring rounds each message up to whole cache lines."""
INDEX_SHARE = 0.25
"""The ring's time index may take up to a quarter of its data on top."""
LEAST_MESSAGES = 4
"""Every ring holds at least this many of its topic's largest messages..."""
LEAST_RING_BYTES = 64 * 1024
"""...and at least this much; rings are multiples of it, so that settings stay readable."""
MOST_HOT_S = 300.0
"""More is the warm tier's business: the longest clip has 180 s."""

QUEUE_BYTES = 16 * MIB
"""An edge's queue holds about this much: 5 clouds of 2.9 MB, 559 images of 30 kB..."""
QUEUE_S = 0.25
"""...but at least this long a stretch of its topic, where that fits into MOST_QUEUE_BYTES..."""
MOST_QUEUE_BYTES = 64 * MIB
LEAST_QUEUE, MOST_QUEUE = 2, 1000
"""...between these: beyond 1,000 small signals nothing was gained in trials, and dora buffers ten times as much."""


@dataclass(frozen=True, slots=True)
class RingSize:
    """The ring of one topic."""

    ring_bytes: int
    hot_s: float
    """How long a stretch of the topic it holds at the measured rate; infinite for single messages."""


def queue_size(topic: TopicStatistics) -> int:
    """Messages that the edge into the ring may queue.

    ``clamp(max(QUEUE_BYTES // size, min(ceil(rate * QUEUE_S), MOST_QUEUE_BYTES // size)), 2, 1000)`` with
    the size of the largest message and the mean rate.
    """
    size = max(1, topic.max_bytes)
    by_bytes = QUEUE_BYTES // size
    by_rate = min(math.ceil(topic.rate_hz * QUEUE_S), MOST_QUEUE_BYTES // size)
    return max(LEAST_QUEUE, min(MOST_QUEUE, max(by_bytes, by_rate)))


def ring_sizes(topics: Sequence[TopicStatistics], memory_mib: float) -> list[RingSize]:
    """Share the memory so that all rings hold the same stretch of time, as long as it fits.

    Every ring gets ``max(least, rate * slot * T)`` bytes, with the largest ``T`` up to ``MOST_HOT_S`` at which
    the sum, with its indexes, stays within the memory. Measured rates of a short recording may be exceeded
    later; then the rings hold less time, not less data.

    Raises:
        BadInputError: not even the least fits.

    """
    room_bytes = int(memory_mib * MIB / (1 + INDEX_SHARE))
    least = [max(LEAST_RING_BYTES, LEAST_MESSAGES * _slot(topic.max_bytes)) for topic in topics]
    if sum(map(_whole, least)) > room_bytes:
        needed = sum(map(_whole, least)) * (1 + INDEX_SHARE) / MIB
        raise BadInputError(
            f"The rings of {len(topics)} topics need at least {needed:.1f} MiB (four of the largest messages each), "
            f"the budget is {memory_mib:g} MiB; nothing was written; raise --memory-mib."
        )
    rates = [_slot(math.ceil(topic.mean_bytes)) * topic.rate_hz for topic in topics]

    def sizes(seconds: float) -> list[int]:
        return [_whole(max(low, math.ceil(rate * seconds))) for low, rate in zip(least, rates, strict=True)]

    seconds = _longest(lambda seconds: sum(sizes(seconds)) <= room_bytes)
    return [
        RingSize(size, size / rate if rate else math.inf)
        for size, rate in zip(sizes(seconds), rates, strict=True)
    ]


def _longest(fits: Callable[[float], bool]) -> float:
    """The longest stretch that fits, to a tenth of a second; 0 s always fits."""
    low, high = 0, int(MOST_HOT_S * 10)
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle / 10):
            low = middle
        else:
            high = middle - 1
    return low / 10


def _slot(size: int) -> int:
    return max(SLOT_BYTES, -(-size // SLOT_BYTES) * SLOT_BYTES)


def _whole(size: int) -> int:
    """The next multiple of the least ring."""
    return -(-size // LEAST_RING_BYTES) * LEAST_RING_BYTES
