"""Segments that a legal hold covers never go, and the others go as if those were not there."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.retention.eviction import EvictionLimits, SegmentInfo, plan_eviction

LIMITS = EvictionLimits(
    limit_bytes=1000, evict_at=0.9, evict_to=0.8, min_retention_ns=30, free_floor_bytes=100
)


@settings(max_examples=300, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 400), st.booleans()), max_size=15),
    free=st.integers(0, 500),
    needed=st.integers(0, 200),
)
def test_what_is_held_never_goes_and_costs_the_others_nothing(
    sizes: list[tuple[int, bool]], free: int, needed: int
) -> None:
    segments = [
        SegmentInfo(f"s{n:02}", n * 10, n * 10 + 10, size, held=held) for n, (size, held) in enumerate(sizes)
    ]
    others = [segment for segment in segments if not segment.held]

    def plan(of: list[SegmentInfo]) -> list[str]:
        evictions = plan_eviction(
            of,
            used_bytes=sum(segment.size_bytes for segment in of),
            free_bytes=free,
            newest_ns=len(segments) * 10,
            needed_from_ns=needed,
            limits=LIMITS,
        )
        return [one.segment.name for one in evictions]

    gone = plan(segments)
    assert not set(gone) & {segment.name for segment in segments if segment.held}
    assert gone == plan(others)
    assert gone == sorted(gone), "oldest first"


def test_without_the_hold_the_oldest_goes() -> None:
    old, new = SegmentInfo("a", 0, 10, 600), SegmentInfo("b", 1000, 1010, 600)

    def gone(*of: SegmentInfo) -> list[str]:
        plan = plan_eviction(
            of, used_bytes=1200, free_bytes=10_000, newest_ns=1010, needed_from_ns=2000, limits=LIMITS
        )
        return [one.segment.name for one in plan]

    assert gone(old, new) == ["a"]
    assert gone(replace(old, held=True), new) == []
