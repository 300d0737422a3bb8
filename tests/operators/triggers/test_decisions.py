"""Reasons for what did not fire."""

import math

from tests.operators.triggers.rig import Log, engine, trigger

from winnow_operators.triggers import TriggerDecision
from winnow_schemas.priority import Priority


def test_unknown_inputs_are_named_with_their_age() -> None:
    log = Log(engine(t=trigger("x > 5")))
    log.feed("x", (0, 1.0)).advance(10)
    (decision,) = [each for each in log.outcomes if isinstance(each, TriggerDecision)]
    assert decision == TriggerDecision(
        log.outcomes[0].t_ns,
        "t",
        Priority.P1,
        "unknown",
        "t could not be decided: x is stale (last message 5.0 s ago).",
        {},
    )


def test_reasons_for_unknown() -> None:
    cases = {
        "x > 5 and y > 5": ("x", [(0, 6.0)], "y has not been received yet"),
        "x > median(x, 5 s, min_samples=4)": ("x", [(0, 1.0)], "median(x, 5 s) has 1 of at least 4 samples"),
        "rate(x, 5 s) < 3": ("x", [(0, 1.0)], "rate(x, 5 s) has not seen a whole window yet"),
        "x > 5": ("x", [(0, 1.0), (1, math.nan)], "the newest x has no usable value"),
        "flag": ("flag", [(0, False), (1, None)], "the newest flag has no usable value"),
        "previous(x) > 5": ("x", [(0, 1.0)], "x has no earlier value"),
        "distance_m() > 5 m and flag": ("flag", [(0, True)], "the vehicle's position is not known"),
        "1 / x > 5": ("x", [(0, 0.0)], "a part of it has no value"),
        "slope(x, 5 s) > 5": ("x", [(0, 0.0), (0, 1.0)], "slope(x, 5 s) has 1 of at least 2 samples"),
    }
    for when, (name, samples, reason) in cases.items():
        log = Log(engine(t=trigger(when))).feed(name, *samples)
        assert log.reasons("unknown") == [f"t could not be decided: {reason}."], when


def test_zones_that_never_came() -> None:
    bench = engine(t=trigger("in_zone(kind=apron)"))
    log = Log(bench)
    log.take(bench.update_all(log.engine._machine.clock.now_ns, {"px": 0.0, "py": 0.0}))
    assert log.reasons("unknown") == ["t could not be decided: the map's zones have not been received yet."]


def test_what_cannot_matter_is_not_told() -> None:
    log = Log(engine(t=trigger("x > 5 and y > 5"))).feed("x", (0, 1.0), (1, 2.0))
    assert log.outcomes == [], "x alone decides that it is false"


def test_silence_after_an_event_is_not_a_missed_event() -> None:
    log = Log(engine(press=trigger("flag"))).feed("flag", (0, True)).advance(100)
    assert log.verdicts() == []


def test_unknown_is_told_once_per_change_and_then_counted() -> None:
    log = Log(engine(t=trigger("x > 5")))
    log.feed("x", *((i, (1.0, math.nan)[i % 2]) for i in range(20))).finish(20)
    assert [verdict for verdict, _ in log.verdicts()] == ["unknown", "unknown"]
    assert "9 more times" in log.reasons("unknown")[1]
