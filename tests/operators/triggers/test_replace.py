"""Other triggers while running: what is unchanged keeps what it remembers."""

import pytest
from tests.operators.triggers.rig import Log, at, engine, trigger

from winnow_operators.condition import ConditionError
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.triggers import TriggersSettings

WINDOW = "x > 2 * median(x, 10 s, min_samples=5)"


def filled(**triggers) -> Log:
    log = Log(engine(**triggers))
    return log.feed("x", *((i * 0.1, 1.0) for i in range(10)))


def test_an_unchanged_window_keeps_its_samples() -> None:
    log = filled(t=trigger(WINDOW))
    log.engine.replace({"other": trigger(f"{WINDOW} and x > threshold", params={"threshold": 2.0})})
    assert log.feed("x", (1, 3.0)).fired == [("other", 1)], "no new warm-up"


def test_a_window_that_nobody_wanted_meanwhile_begins_anew() -> None:
    log = filled(t=trigger(WINDOW))
    log.engine.replace({"t": trigger("x > 100")})
    log.engine.replace({"t": trigger(WINDOW)})
    assert log.feed("x", (1, 3.0)).fired == []


def test_cooldown_counts_and_muting_outlive_a_changed_threshold() -> None:
    log = Log(engine(t=trigger("x > threshold", params={"threshold": 5.0}, cooldown_s=10, max_events=2)))
    log.feed("x", (0, 6.0), (1, 0.0))
    log.engine.replace(
        {"t": trigger("x > threshold", params={"threshold": 1.0}, cooldown_s=10, max_events=2)}
    )
    log.feed("x", (2, 2.0), (3, 0.0), (11, 2.0), (12, 0.0), (30, 2.0))
    assert log.times == [0, 11], "still cooling down at 2, and 30 would be the third"


def test_a_new_cooldown_holds_at_once() -> None:
    log = Log(engine(t=trigger("flag", cooldown_s=100))).feed("flag", (0, True), (1, False))
    log.engine.replace({"t": trigger("flag", cooldown_s=2)})
    assert log.feed("flag", (3, True)).times == [0, 3]


def test_a_hold_goes_on() -> None:
    log = Log(engine(t=trigger("for_at_least(x < 1, 3 s)"))).feed("x", (0, 0.0))
    log.engine.replace({"u": trigger("for_at_least(x < 1, 3 s) and y > 0")})
    log.feed("y", (1, 1.0)).advance(4)
    assert log.fired == [("u", 3)]


def test_a_sample_that_joins_later_keeps_to_the_grid_of_the_run() -> None:
    log = Log(engine(t=trigger("flag"))).feed("flag", (0, False), (5.5, False))
    log.engine.replace({"s": trigger("every(2 s, from_start=True)")})
    log.advance(9)
    assert log.times == [6, 8]


def test_removed_triggers_are_silent_and_come_back_fresh() -> None:
    log = Log(engine(t=trigger("flag", max_events=1))).feed("flag", (0, True), (1, False))
    log.engine.replace({})
    assert log.engine.names == ()
    log.feed("flag", (2, True), (3, False))
    log.engine.replace({"t": trigger("flag", max_events=1)})
    assert log.feed("flag", (4, True)).times == [0, 4]


@pytest.mark.parametrize(
    ("triggers", "error"),
    [
        ({"good": trigger("x > 1"), "bad": trigger("x > nothing")}, ConditionError),
        ({"bad": trigger("flag", clear_when="flagg")}, ConditionError),
        ({f"t{i}": trigger("x > 1") for i in range(501)}, BadInputError),
        ({f"t{i}": trigger(f"mean(x, {i + 1} s) > std(y, 1 h)") for i in range(100)}, BadInputError),
    ],
)
def test_invalid_triggers_leave_everything_as_it_was(triggers, error) -> None:
    log = filled(t=trigger(WINDOW))
    before = log.engine.snapshot()
    with pytest.raises(error):
        log.engine.replace(triggers)
    assert log.engine.snapshot() == before
    assert log.feed("x", (1, 3.0)).fired == [("t", 1)]


def test_rules_stay_those_of_the_start() -> None:
    rules = TriggersSettings(max_events=1)
    log = Log(engine(rules, t=trigger("flag"))).feed("flag", (0, True), (1, False))
    log.engine.replace({"t": trigger("flag"), "u": trigger("x > 1")})
    log.feed("x", (2, 3.0))
    assert log.fired == [("t", 0)]
    assert log.engine.signals >= {"flag", "x"}
    assert log.engine.update(at(3), "nobody", 1.0) == ()


def test_a_signal_that_nobody_wanted_before_is_not_stale_at_once() -> None:
    log = Log(engine(t=trigger("flag"))).feed("flag", (0, False), (100, False))
    log.engine.replace({"t": trigger("flag"), "s": trigger("stale(x)"), "q": trigger("stale(flag, 2 s)")})
    log.advance(103)
    assert log.fired == [("q", 102)], "x is listened to since 100"
    log.advance(106)
    assert log.fired[1:] == [("s", 105)]


def test_time_never_goes_back_when_a_part_joins_late() -> None:
    log = Log(engine(t=trigger("flag"))).feed("flag", (0, False), (4, None)).advance(8)
    log.engine.replace({"q": trigger("stale(flag, 2 s)"), "h": trigger("for_at_least(not flag, 1 s)")})
    log.advance(8.5)
    assert log.fired == [("q", 8)], "due since 6, noticed at 8"
