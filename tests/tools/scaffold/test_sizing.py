"""Queue and ring sizes follow from measured sizes and rates."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_runtime.recordings import TopicStatistics
from winnow_schemas.errors import BadInputError
from winnow_tools.scaffold.sizing import INDEX_SHARE, LEAST_MESSAGES, MOST_HOT_S, queue_size, ring_sizes

SECOND = 1_000_000_000


def topic(size: int, rate_hz: float, seconds: float = 10.0, largest: int | None = None) -> TopicStatistics:
    count = max(1, round(rate_hz * seconds) + 1) if rate_hz else 1
    last_ns = round((count - 1) / rate_hz * SECOND) if rate_hz else 0
    return TopicStatistics("/t", "", "cdr", False, count, size * count, largest or size, 0, last_ns)


@pytest.mark.parametrize(
    ("size", "rate_hz", "expected"),
    [
        (2_900_000, 10, 5),  # the document's cloud
        (480_000, 10, 34),
        (30_000, 20, 559),
        (60, 500, 1000),
        (12, 10, 1000),
        (1, 0, 1000),
        (2_900_000, 100, 23),  # a quarter of a second is more, up to 64 MiB
        (60_000_000, 10, 2),
        (500_000_000, 1, 2),
    ],
)
def test_queue_sizes(size: int, rate_hz: float, expected: int):
    assert queue_size(topic(size, rate_hz)) == expected


def test_rings_hold_the_same_stretch_of_time():
    topics = [topic(2_900_000, 10), topic(480_000, 10), topic(60_000, 20)]
    sizes = ring_sizes(topics, 512)
    held = [size.hot_s for size in sizes]
    assert max(held) - min(held) < 0.2
    assert 10 < held[0] < 13
    assert sum(size.ring_bytes for size in sizes) * (1 + INDEX_SHARE) <= 512 * 2**20


def test_small_topics_are_not_given_more_than_is_useful():
    (size,) = ring_sizes([topic(64, 100)], 4096)
    assert MOST_HOT_S <= size.hot_s < MOST_HOT_S * 1.1
    assert size.ring_bytes < 2 * 2**20


@given(
    st.lists(
        st.tuples(st.integers(0, 5_000_000), st.floats(0, 2000), st.integers(1, 4)), min_size=1, max_size=20
    ),
    st.floats(0.1, 8192),
)
@settings(deadline=None, max_examples=150)
def test_rings_fit_the_memory_and_hold_the_largest_messages_or_are_refused(shapes, memory_mib):
    topics = [topic(size, rate, largest=size * factor) for size, rate, factor in shapes]
    try:
        sizes = ring_sizes(topics, memory_mib)
    except BadInputError as error:
        assert "raise --memory-mib" in str(error)  # noqa: PT017 - both outcomes are right
        least = sum(max(65_536, LEAST_MESSAGES * (item.max_bytes + 64)) + 65_536 for item in topics)
        assert least * (1 + INDEX_SHARE) > memory_mib * 2**20
        return
    assert sum(size.ring_bytes for size in sizes) * (1 + INDEX_SHARE) <= memory_mib * 2**20
    for item, size in zip(topics, sizes, strict=True):
        assert size.ring_bytes >= LEAST_MESSAGES * item.max_bytes
        assert size.ring_bytes % 65_536 == 0
