"""Back-off, schedule, forecast."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow_operators.tasks.forecast import queue_s, remaining_s
from winnow_operators.tasks.retrying import Backoff
from winnow_operators.tasks.schedule import DayWindow, KindRule, refusal


@given(attempt=st.integers(1, 10_000), first=st.floats(0, 100), longest=st.floats(0, 10_000))
def test_waits_double_up_to_the_longest(attempt: int, first: float, longest: float) -> None:
    backoff = Backoff(first, longest)
    wait = backoff.wait_s("task", attempt)
    plain = min(longest, first * 2.0 ** min(attempt - 1, 60))
    assert 0 <= wait <= longest
    assert min(plain * 0.8, longest) <= wait * 1.000001
    assert wait <= plain * 1.2 + 1e-9
    assert wait == backoff.wait_s("task", attempt)


def test_tasks_do_not_come_back_together() -> None:
    waits = {round(Backoff().wait_s(f"task {number}", 3), 3) for number in range(100)}
    assert len(waits) > 90


@given(start=st.integers(0, 1439), length=st.integers(1, 1439), minute=st.integers(0, 1439))
def test_a_window_holds_its_minutes_and_says_when_it_opens(start: int, length: int, minute: int) -> None:
    rule = KindRule((DayWindow(start, (start + length) % 1440),))
    now = datetime(2026, 11, 20, minute // 60, minute % 60, tzinfo=UTC)
    inside = (minute - start) % 1440 < length
    why = refusal("HEAVY_PROCESS_VIDEO", rule, now, 0.0)
    assert (why is None) == inside
    if why is not None:
        assert why.wait_s == (start - minute) % 1440 * 60


def test_a_busy_device_gets_nothing() -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    assert refusal("K_A", KindRule(load_max=0.5), now, 0.5) is None
    why = refusal("K_A", KindRule(load_max=0.5), now, 0.51)
    assert why is not None
    assert "0.51" in why.because


def test_forecasts() -> None:
    assert remaining_s(0.5, 0.0, 60.0) == 60.0
    assert remaining_s(0.75, 0.5, 60.0) == 60.0
    assert remaining_s(0.5, 0.5, 60.0) is None
    assert queue_s(0, [], [], 0) == 0.0
    assert queue_s(3, [10.0], [], 1) is None
    assert queue_s(3, [10.0, 20.0], [30.0, 50.0, 40.0], 2) == pytest.approx(75.0)
