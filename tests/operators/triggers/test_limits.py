"""Limits, the storm breaker, and that P0 knows neither."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.operators.triggers.rig import Log, engine, trigger

from winnow_operators.triggers.quota import Quota
from winnow_schemas.settings.triggers import TriggersSettings


def presses(*seconds: float) -> list[tuple[float, bool]]:
    return [sample for second in seconds for sample in ((second, True), (second + 0.01, False))]


def test_limit_per_run() -> None:
    log = Log(engine(t=trigger("flag", max_events=2))).feed("flag", *presses(0, 1, 2, 3)).finish(10)
    assert log.times == [0, 1]
    assert log.reasons("over_limit")[0] == "t did not fire: it has reached its limit of 2 events per run."
    assert "1 more time" in log.reasons("over_limit")[1]


def test_limits_per_hour_and_day_slide() -> None:
    log = Log(engine(t=trigger("flag", max_per_hour=2))).feed(
        "flag", *presses(0, 1800, 3599, 3600, 5399, 5400)
    )
    assert log.times == [0, 1800, 3600, 5400], "(t - 1 h, t] never holds more than 2"
    day = 86_400
    log = Log(engine(t=trigger("flag", max_per_day=1))).feed("flag", *presses(0, day - 1, day))
    assert log.times == [0, day]


def test_limits_for_all_together_leave_p0_out() -> None:
    rules = TriggersSettings(max_per_hour=2)
    bench = engine(
        rules, a=trigger("flag"), b=trigger("flag", priority="P5"), s=trigger("flag", priority="P0")
    )
    log = Log(bench).feed("flag", *presses(0, 10))
    assert log.fired == [("s", 0), ("a", 0), ("b", 0), ("s", 10)]
    assert "for all triggers together" in log.reasons("over_limit")[0]
    run = Log(engine(TriggersSettings(max_events=1), a=trigger("flag"), b=trigger("flag")))
    assert run.feed("flag", *presses(0)).fired == [("a", 0)]


def test_a_storm_is_muted_announced_and_over() -> None:
    rules = TriggersSettings(storm={"max_per_minute": 3, "mute_s": 100})
    log = Log(engine(rules, t=trigger("flag"))).feed("flag", *presses(*range(0, 60, 2))).advance(300)
    assert log.times == [0, 2, 4]
    assert log.verdicts("muted", "unknown") == [("storm", 6), ("storm_over", 106)]
    assert log.reasons("storm_over") == [
        "t is no longer muted: it may fire again; while muted it would have fired 27 times."
    ]
    log.feed("flag", *presses(300))
    assert log.times[-1] == 300


def test_muting_is_told_once_and_then_counted() -> None:
    rules = TriggersSettings(storm={"max_per_minute": 1, "mute_s": 50})
    log = Log(engine(rules, t=trigger("flag"))).feed("flag", *presses(*range(20))).finish(200)
    assert log.verdicts("unknown") == [("storm", 1), ("muted", 2), ("storm_over", 51), ("muted", 200)]
    assert "17 more times" in log.reasons("muted")[1]


def test_one_muted_trigger_leaves_the_others_alone() -> None:
    rules = TriggersSettings(storm={"max_per_minute": 2, "mute_s": 1000})
    log = Log(engine(rules, a=trigger("flag"), b=trigger("x > 5"))).feed("flag", *presses(*range(10)))
    log.feed("x", (20, 6.0))
    assert log.fired == [("a", 0), ("a", 1), ("b", 20)]


@given(st.lists(st.floats(0.02, 30), max_size=60))
@settings(deadline=None, max_examples=40)
def test_p0_is_never_muted_limited_or_weakened(gaps) -> None:
    rules = TriggersSettings(max_per_hour=1, max_events=1, storm={"max_per_minute": 1, "mute_s": 86_400})
    times = [sum(gaps[: i + 1]) for i in range(len(gaps))]
    log = Log(engine(rules, stop=trigger("flag", priority="P0"), other=trigger("flag")))
    log.feed("flag", *presses(*times))
    assert len([name for name, _ in log.fired if name == "stop"]) == len(times)
    assert not [
        each
        for each in log.outcomes
        if getattr(each, "trigger", "") == "stop" and each.verdict not in ("fired", "unknown")
    ]


@pytest.mark.parametrize("limit", ["max_events", "max_per_hour", "max_per_day"])
def test_settings_refuse_limits_for_p0(limit) -> None:
    with pytest.raises(ValidationError, match="a P0 trigger is never limited"):
        trigger("flag", priority="P0", **{limit: 3})


@pytest.mark.parametrize("changes", [{"clear_when": "x < 3"}, {"min_gap_s": 3}])
def test_settings_refuse_hysteresis_for_levels(changes) -> None:
    with pytest.raises(ValidationError, match="need mode edge"):
        trigger("flag", mode="level", **changes)


@given(st.integers(1, 5), st.lists(st.integers(0, 40), max_size=60))
@settings(deadline=None)
def test_a_quota_never_lets_more_through_in_any_span(limit, gaps) -> None:
    quota, let, t = Quota(limit, 100), [], 0
    for gap in gaps:
        t += gap
        full = quota.is_full(t)
        assert full is (len([each for each in let if each > t - 100]) >= limit)
        if not full:
            quota.add(t)
            let.append(t)
    assert all(len([b for b in let if a - 100 < b <= a]) <= limit for a in let)


def test_decisions_are_bounded_under_a_flickering_input() -> None:
    log = Log(engine(t=trigger("x > 5 and y > 0", cooldown_s=1)))
    log.feed("y", (0, 1.0))
    for step in range(6000):
        log.feed("x", (step * 0.01, (math.nan, 6.0, 1.0)[step % 3]))
        if step % 100 == 0:
            log.feed("y", (step * 0.01, 1.0))
    log.finish(60)
    assert len(log.verdicts()) <= 8, "6000 samples over a minute, a handful of decisions"
    assert log.engine.counters["mistyped"] == 0
