"""Parts that look at message time only."""

import datetime as dt

import pytest

from winnow_operators.condition import Condition, SignalSpec

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
MIDNIGHT = int(dt.datetime(2026, 4, 11, tzinfo=dt.UTC).timestamp()) * SECOND
"""A Saturday."""
SIGNALS = {"x": SignalSpec("x", stale_ns=10**18)}


def run(text: str, start_ns: int, end_ns: int, **options) -> list[int]:
    """Times at which the condition is true, asked by its own timers."""
    condition = Condition(text, SIGNALS, **options)
    condition.update(start_ns, "x", 0.0)
    for hour in range(1, (end_ns - start_ns) // HOUR + 1):
        condition.advance(start_ns + hour * HOUR)
    condition.advance(end_ns)
    return [t for t, answer in condition.instants if answer]


def test_every_keeps_a_grid_from_the_first_message() -> None:
    start = MIDNIGHT + 7
    assert run("every(30 min)", start, start + 2 * HOUR) == [start + k * HOUR // 2 for k in (1, 2, 3)]
    times = run("every(30 min, from_start=True)", start, start + HOUR)
    assert times == [start, start + HOUR // 2]


def test_every_is_over_at_the_next_message() -> None:
    condition = Condition("every(10 s) and x > 0", SIGNALS)
    condition.update(MIDNIGHT, "x", 1.0)
    assert condition.update(MIDNIGHT + 11 * SECOND, "x", 1.0) is False
    assert condition.instants == [(MIDNIGHT + 10 * SECOND, True)]


def test_a_stretch_of_more_than_a_day_is_left_out() -> None:
    start = MIDNIGHT
    condition = Condition("every(1 h)", SIGNALS)
    condition.update(start, "x", 0.0)
    condition.update(start + 10_000 * 24 * HOUR + 1, "x", 0.0)
    assert len(condition.instants) == 24, "one day's worth, not thirty years'"
    condition.advance(start + 10_000 * 24 * HOUR + HOUR + 1)
    assert condition.instants[-1] == (start + 10_000 * 24 * HOUR + HOUR, True), "the grid goes on"


def test_schedule_on_all_days_and_on_some() -> None:
    start = MIDNIGHT + HOUR
    assert run('schedule("00:30", "08:00")', start, start + 24 * HOUR) == [
        MIDNIGHT + 8 * HOUR,
        MIDNIGHT + 24 * HOUR + HOUR // 2,
    ]
    assert run('schedule("08:00", days="mon, sun")', start, start + 72 * HOUR) == [
        MIDNIGHT + 32 * HOUR,
        MIDNIGHT + 56 * HOUR,
    ]
    assert run('schedule("01:00")', start, start + HOUR) == [start], "a shift that begins then meets it"


def test_schedule_in_local_time() -> None:
    assert run('schedule("08:00")', MIDNIGHT, MIDNIGHT + 24 * HOUR, utc_offset_ns=2 * HOUR) == [
        MIDNIGHT + 6 * HOUR
    ]


@pytest.mark.parametrize(
    ("begin", "end", "inside", "outside"),
    [
        ("22:00", "05:00", [0, 4.99, 22, 23.5], [5, 12, 21.99]),
        ("08:00", "16:30", [8, 12, 16.49], [0, 7.99, 16.5, 23]),
    ],
)
def test_time_of_day_is_half_open_and_may_span_midnight(begin, end, inside, outside) -> None:
    for hours, expected in [*((h, True) for h in inside), *((h, False) for h in outside)]:
        condition = Condition(f'time_of_day("{begin}", "{end}")', SIGNALS)
        assert condition.update(MIDNIGHT + int(hours * HOUR), "x", 0.0) is expected, hours


def test_time_of_day_changes_without_messages() -> None:
    condition = Condition('time_of_day("22:00", "05:00")', SIGNALS)
    condition.update(MIDNIGHT + 12 * HOUR, "x", 0.0)
    condition.advance(MIDNIGHT + 36 * HOUR)
    assert condition.instants == [(MIDNIGHT + 22 * HOUR, True), (MIDNIGHT + 29 * HOUR, False)]


def test_hour_of_the_day() -> None:
    condition = Condition("hour >= 22 or hour < 5", SIGNALS, utc_offset_ns=-HOUR)
    assert condition.update(MIDNIGHT, "x", 0.0) is True, "23:00 local time"
    assert condition.update(MIDNIGHT + 5 * HOUR, "x", 0.0) is True
    assert condition.update(MIDNIGHT + 6 * HOUR, "x", 0.0) is False
    condition.advance(MIDNIGHT + 24 * HOUR)
    assert (MIDNIGHT + 23 * HOUR, True) in condition.instants


def test_late_messages_never_turn_time_back() -> None:
    condition = Condition("mean(x, 10 s) > 1", SIGNALS)
    condition.update(MIDNIGHT + 5 * SECOND, "x", 1.0)
    assert condition.update(MIDNIGHT, "x", 4.0) is True, "decided on arrival"
    assert condition.machine.late == 1
    assert condition.machine.clock.now_ns == MIDNIGHT + 5 * SECOND
