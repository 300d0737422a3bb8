"""The retention table of 6.1, and what it must never do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.retention.clips import ClipFacts, RetentionRules, plan_retention
from winnow_schemas.priority import Priority

DAY = 86_400 * 1_000_000_000
NOW = 20_000 * DAY
RULES = RetentionRules(
    p0_days=30, p1_p4_days=7, p5_days=0, room_bytes=1000, high_fraction=0.9, low_fraction=0.8
)


def clip(name: str, priority: int, days_ago: float | None, size: int = 1, *, held: str = "") -> ClipFacts:
    verified = None if days_ago is None else NOW - int(days_ago * DAY)
    return ClipFacts(name, Priority(priority), size, verified, held)


@pytest.mark.parametrize(("priority", "days"), [(0, 30), (1, 7), (2, 7), (3, 7), (4, 7)])
def test_days_after_verified_upload(priority: int, days: int) -> None:
    (early,) = plan_retention([clip("c", priority, days - 0.001)], NOW, RULES).steps
    (due,) = plan_retention([clip("c", priority, days)], NOW, RULES).steps
    assert (early.delete, due.delete) == (False, True)
    assert due.due_wall_ns == NOW


def test_p5_goes_when_its_upload_is_verified() -> None:
    (step,) = plan_retention([clip("c", 5, 0)], NOW, RULES).steps
    assert step.delete


def test_under_pressure_the_least_urgent_and_largest_go_first_and_p0_last() -> None:
    clips = [
        clip("p0", 0, 1, 300),
        clip("p1", 1, 1, 200),
        clip("p4", 4, 1, 100),
        clip("p3", 3, 1, 150),
        clip("waits", 3, None, 250),
    ]
    gone = {step.clip.name for step in plan_retention(clips, NOW, RULES).steps if step.delete}
    assert gone == {"p3", "p1"}


facts = st.builds(
    ClipFacts,
    name=st.text("abcdef", min_size=1, max_size=4),
    priority=st.sampled_from(list(Priority)),
    size_bytes=st.integers(min_value=0, max_value=600),
    verified_wall_ns=st.none() | st.integers(min_value=NOW - 40 * DAY, max_value=NOW),
    held=st.sampled_from(["", "", "a case"]),
)


@settings(max_examples=300, deadline=None)
@given(clips=st.lists(facts, max_size=12, unique_by=lambda fact: fact.name))
def test_what_never_happens(clips: list[ClipFacts]) -> None:
    steps = plan_retention(clips, NOW, RULES).steps
    assert sorted(step.clip.name for step in steps) == sorted(each.name for each in clips)
    for step in steps:
        if step.delete:
            assert step.clip.verified_wall_ns is not None
            assert not step.clip.held
    kept = [step.clip for step in steps if not step.delete]
    used = sum(each.size_bytes for each in kept)
    may_go = [each for each in kept if each.verified_wall_ns is not None and not each.held]
    by_pressure = [step.clip for step in steps if step.delete and step.due_wall_ns is None]
    # Room is made as far as it may be, and no further than it must be.
    assert used <= 900 or not may_go
    if by_pressure:
        assert used + max(each.size_bytes for each in by_pressure) > 800
        # Nothing more urgent went while something less urgent that may go stayed.
        assert not may_go or max(each.priority.upload_class for each in may_go) <= min(
            each.priority.upload_class for each in by_pressure
        )
    assert plan_retention(list(reversed(clips)), NOW, RULES).steps == steps
