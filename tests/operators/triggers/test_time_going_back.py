"""A clock that is set back, or one absurd stamp, must not silence the triggers."""

import json

import pytest
from tests.operators.triggers.rig import INPUTS, Log, at, engine, trigger

from winnow_operators.condition import make_zone
from winnow_operators.triggers import Inputs, TriggerEngine
from winnow_operators.triggers.engine import STRAYS
from winnow_schemas.errors import BadInputError

CENTURY = 3_155_760_000.0


def test_one_absurd_stamp_silences_nothing_for_long() -> None:
    log = Log(engine(stop=trigger("flag", priority="P0", cooldown_s=2)))
    log.feed("flag", (0, True), (1, False), (CENTURY, True))
    log.feed("flag", *((2 + i * 0.1, False) for i in range(STRAYS)))
    log.feed("flag", (10, True))
    assert log.times == [0, CENTURY, 10], "without going back, the cooldown would last a century"
    (told,) = log.reasons("time_went_back")
    assert told.startswith("20 messages in a row came from 3155759")


def test_a_straggler_is_late_and_no_reason_to_go_back() -> None:
    log = Log(engine(t=trigger("x > 5")))
    for second in range(100, 140):
        log.feed("x", (second, 1.0), (second - 50, 1.0))
    assert log.reasons("time_went_back") == []
    assert log.engine.counters["late"] == 40


def test_windows_begin_anew_and_places_stay() -> None:
    bench = engine(
        mean=trigger("mean(x, 10 s, min_samples=3) > 5"),
        cell=trigger("new_cell(10 m)"),
        zone=trigger("in_zone(apron)"),
        few=trigger("flag", max_events=1),
    )
    bench.set_zones(at(1000), [make_zone("apron", "apron", [(100, 0), (110, 0), (110, 10)])])
    log = Log(bench)
    log.take(bench.update_all(at(1000), {"px": 0.0, "py": 0.0}))
    log.feed("flag", (1000, True), (1001, False))
    log.feed("x", *((1000 + i, 9.0) for i in range(3)))
    assert log.fired == [("cell", 1000), ("few", 1000), ("mean", 1002)]
    log.feed("x", *((i * 0.01, 9.0) for i in range(STRAYS + 1)))
    log.feed("x", (0.5, 9.0))
    log.feed("flag", (0.6, True))
    log.take(bench.update_all(at(0.7), {"px": 1.0, "py": 0.0}))
    log.take(bench.update_all(at(0.8), {"px": 109.0, "py": 1.0}))
    assert log.fired[3:] == [("mean", 0.5), ("cell", 0.8), ("zone", 0.8)], (
        "the first cell is known, the limit reached"
    )


def test_a_restart_while_going_back() -> None:
    log = Log(engine(t=trigger("flag", cooldown_s=5))).feed("flag", (100, True), (101, False))
    log.feed("flag", *((i * 0.1, False) for i in range(STRAYS - 1)))
    state = json.loads(json.dumps(log.engine.snapshot()))
    after = Log(engine(t=trigger("flag", cooldown_s=5)))
    after.engine.restore(state)
    after.feed("flag", (3, True))
    assert after.reasons("time_went_back")
    assert after.times == [3]


@pytest.mark.parametrize("position", [{"x_m": "px"}, {"latitude_deg": "lat"}, {"height_m": "px"}])
def test_half_a_position_is_refused(position) -> None:
    from tests.operators.triggers.rig import SIGNALS

    with pytest.raises(BadInputError, match="nothing was started"):
        Inputs.of(SIGNALS, position)


def test_the_documents_spelling_needs_a_signal_that_exists() -> None:
    log = Log(TriggerEngine({"t": trigger("msg.data > 5", signal="x")}, INPUTS)).feed("x", (0, 6.0))
    assert log.times == [0]
    with pytest.raises(BadInputError, match=r"'msg\.data' means the signal 'nowhere', which does not exist"):
        engine(t=trigger("msg.data > 5", signal="nowhere"))
