"""When a trigger fires: edge and level, hysteresis, cooldown, gaps; and what its event says."""

import json
import math

import pytest
from tests.operators.triggers.rig import INPUTS, Log, at, engine, trigger

from winnow_operators.triggers import Inputs, TriggerEngine
from winnow_schemas.ids import content_id
from winnow_schemas.settings.signals import SignalSettings


def ramp(*values: float, step: float = 1.0) -> list[tuple[float, float]]:
    return [(index * step, value) for index, value in enumerate(values)]


def test_an_edge_fires_once_per_rise() -> None:
    log = Log(engine(hot=trigger("x > 5"))).feed("x", *ramp(1, 6, 7, 8, 2, 6, 6))
    assert log.times == [1, 5]


def test_a_condition_that_is_true_from_the_start_fires() -> None:
    assert Log(engine(hot=trigger("x > 5"))).feed("x", *ramp(6, 6)).times == [0]


def test_a_level_fires_whenever_the_cooldown_has_passed() -> None:
    log = Log(engine(hot=trigger("x > 5", mode="level", cooldown_s=2)))
    log.feed("x", *ramp(6, 6, 6, 6, 1, 6, step=0.9))
    assert log.times == [0, 2, 4.5], (
        "at the very end of the cooldown while it holds, then at the next true message"
    )


def test_a_level_without_cooldown_counts_every_message() -> None:
    log = Log(engine(press=trigger("flag", mode="level", priority="P4")))
    log.feed("flag", (0, True), (0.2, True), (0.4, False), (3, True))
    assert log.times == [0, 0.2, 3]


def test_unknown_rearms_because_it_is_not_true() -> None:
    log = Log(engine(press=trigger("flag")))
    log.feed("flag", (0, True), (1, True), (60, True))
    assert log.times == [0, 60], "after 5 s of silence the first press is history"


def test_hysteresis() -> None:
    log = Log(engine(hot=trigger("x > 5", clear_when="x < 3")))
    log.feed("x", *ramp(6, 4, 6, 4, 6, 2.9, 4, 6))
    assert log.times == [0, 7]
    assert log.verdicts() == [("not_clear", 2)]
    assert "before clear_when was true" in log.reasons("not_clear")[0]


def test_hysteresis_on_another_signal() -> None:
    log = Log(engine(hot=trigger("x > 5", clear_when="y > 0")))
    log.feed("x", (0, 6.0), (1, 1.0)).feed("y", (2, 1.0)).feed("x", (3, 6.0))
    assert log.times == [0, 3]


def test_short_gaps_do_not_make_new_events() -> None:
    log = Log(engine(hot=trigger("x > 5", min_gap_s=2)))
    log.feed("x", (0, 6.0), (1, 1.0), (2, 6.0), (3, 1.0), (4.9, 6.0), (5, 1.0), (7, 6.0))
    assert log.times == [0, 7], "each gap is measured from the end of the last true phase"


class TestCooldown:
    def test_a_rise_within_it_that_ends_is_not_fired_and_told(self) -> None:
        log = Log(engine(hot=trigger("x > 5", cooldown_s=10)))
        log.feed("x", (0, 6.0), (1, 1.0), (2, 6.0), (3, 1.0), (20, 6.0))
        assert log.times == [0, 20]
        assert log.verdicts("unknown") == [("cooling_down", 2)]
        assert "fired 2 s ago and cools down for another 8 s" in log.reasons("cooling_down")[0]

    def test_a_rise_within_it_that_lasts_fires_at_its_end(self) -> None:
        log = Log(engine(hot=trigger("x > 5", cooldown_s=3)))
        log.feed("x", (0, 6.0), (1, 1.0), (2, 6.0), (4, 6.0))
        assert log.times == [0, 3], "at the very end, although no message has that time"

    def test_it_ends_at_its_end(self) -> None:
        log = Log(engine(hot=trigger("x > 5", cooldown_s=3)))
        log.feed("x", (0, 6.0), (1, 1.0), (3, 6.0))
        assert log.times == [0, 3]
        assert log.verdicts() == []

    def test_a_waiting_rise_that_turns_unknown_does_not_fire(self) -> None:
        log = Log(engine(hot=trigger("x > 5", cooldown_s=3)))
        log.feed("x", (0, 6.0), (1, 1.0), (2, 6.0), (2.5, math.nan), (5, math.nan))
        assert log.times == [0]

    def test_it_holds_for_p0_as_well(self) -> None:
        log = Log(engine(cbf=trigger("x > 0.1", priority="P0", cooldown_s=2)))
        log.feed("x", (0, 1.0), (0.5, 0.0), (1, 1.0), (1.5, 0.0), (2.5, 1.0))
        assert log.times == [0, 2.5]


def test_pulses_are_separate_rises() -> None:
    log = Log(engine(sample=trigger("every(1 s)", priority="P5"), turn=trigger("edge(flag)")))
    log.feed("flag", *((i * 0.6, bool(i % 2)) for i in range(6)))
    assert [t for name, t in log.fired if name == "sample"] == [1, 2]
    assert [t for name, t in log.fired if name == "turn"] == [0.6, 1.2, 1.8, 2.4, 3.0]


def test_several_triggers_fire_in_order_of_priority_then_name() -> None:
    log = Log(engine(b=trigger("x > 5"), a=trigger("x > 5"), z=trigger("x > 5", priority="P0")))
    assert [name for name, _ in log.feed("x", (0, 6.0)).fired] == ["z", "a", "b"]


def test_disabled_triggers_do_not_run() -> None:
    bench = engine(off=trigger("x > 5", enabled=False), on=trigger("y > 5"))
    assert bench.names == ("on",)
    assert Log(bench).feed("x", (0, 6.0)).fired == []


def test_signals_of_one_message_are_seen_together() -> None:
    bench = engine(odd=trigger("x > y"))
    assert bench.update_all(at(0), {"x": 1.0, "y": 2.0}) == []
    assert bench.update_all(at(1), {"x": 11.0, "y": 12.0}) == [], "never 11 against 2"
    assert len(bench.update_all(at(2), {"x": 11.0, "y": 2.0, "unheard_of": 3})) == 2


def test_what_an_event_says() -> None:
    bench = engine(fast=trigger("speed > 30 km/h and flag", topics=["/can"], priority="P2"))
    log = Log(bench)
    bench.update_all(at(0), {"lat": 52.0, "lon": 10.5})
    log.feed("flag", (0, True)).feed("speed", (1, 36.0))
    (event,) = log.events
    assert event.event_id == content_id("trigger", "fast", at(1), "speed > 30 km/h and flag")
    assert (event.type, event.priority, event.t_ns) == ("fast", 2, at(1))
    assert (event.pre_roll_ns, event.post_roll_ns) == (10_000_000_000, 5_000_000_000)
    assert event.value == pytest.approx(10.0), "SI"
    assert event.threshold == pytest.approx(8.3333333)
    assert json.loads(event.values) == {"flag": True, "speed": pytest.approx(10.0)}
    assert event.topics == ["/can"]
    assert (event.latitude_deg, event.longitude_deg) == (pytest.approx(52.0), pytest.approx(10.5))
    assert log.reasons("fired") == [
        "fast fired: 36 km/h against 30 km/h (speed > 30 km/h and flag).",
    ]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("x > 5 and x > 2 * y", (6.0, 5.0)),
        ("5 < x", (6.0, 5.0)),
        ("x > 100 or x > 3", (6.0, 3.0)),
        ("flag or x > 3", (6.0, 3.0)),
        ("status == breach or x > 5", (6.0, 5.0)),
        ("rising(x > 5)", (6.0, 5.0)),
        ("2 * x > 5 + y", (12.0, 6.0)),
        ("max(x, 10 s) >= 6", (6.0, 6.0)),
    ],
)
def test_value_and_threshold_are_those_of_the_comparison_that_holds(when, expected) -> None:
    bench = engine(t=trigger(when))
    log = Log(bench).feed("y", (0, 1.0)).feed("x", (0, 0.0), (1, 6.0))
    assert [(event.value, event.threshold) for event in log.events] == [expected]


@pytest.mark.parametrize(
    ("unit", "when", "value", "said"),
    [
        ("m/s", "v > 8", 10.0, "10 m/s against 8 m/s"),
        ("km/h", "v > 8 m/s", 36.0, "36 km/h against 28.8 km/h"),
        ("km/h", "2 * v > 1", 36.0, "72 km/h against 3.6 km/h"),
        ("km/h", "v * 2 s > 1 m", 36.0, "20 m against 1 m"),
        ("degC", "v > 30 degC", 36.0, "36 degC against 30 degC"),
        ("degC", "max(v, 10 s) > 30 degC", 36.0, "36 degC against 30 degC"),
        ("degC", "delta(v, 10 s) > -1", 36.0, "0 K against -1 K"),
        ("1", "v > 0.26", 0.27, "0.27 against 0.26"),
        ("", "v > 0.26", 0.27, "0.27 against 0.26"),
        ("", "v > 3 m", 4.0, "4 m against 3 m"),
        ("m", "count(v, 10 s) >= 1", 4.0, "1 against 1"),
    ],
)
def test_numbers_are_told_in_the_unit_of_their_signal(unit, when, value, said) -> None:
    inputs = Inputs.of({"v": SignalSettings(topic="/v", field="data", unit=unit)})
    log = Log(TriggerEngine({"t": trigger(when)}, inputs)).feed("v", (0, value), (1, value))
    assert log.reasons("fired")[0] == f"t fired: {said} ({when})."


def test_conditions_without_a_number_have_no_value() -> None:
    log = Log(engine(t=trigger("status == breach"))).feed("status", (0, "breach"))
    assert [(event.value, event.threshold) for event in log.events] == [(None, None)]


def test_infinite_values_are_left_out_of_events() -> None:
    log = Log(engine(t=trigger("x > 5"))).feed("x", (0, math.inf))
    assert (log.events[0].value, log.events[0].values) == (None, '{"x":null}')


def test_a_latitude_in_degrees_needs_no_unit() -> None:
    signals = {name: SignalSettings(topic="/fix", field=name) for name in ("lat", "lon")}
    bench = TriggerEngine(
        {"t": trigger("every(1 s)")}, Inputs.of(signals, {"latitude_deg": "lat", "longitude_deg": "lon"})
    )
    bench.update_all(at(0), {"lat": 52.25, "lon": 10.5})
    (event, _) = bench.advance(at(1.5))
    assert (event.latitude_deg, event.longitude_deg) == (52.25, 10.5)


def test_one_event_per_trigger_and_time() -> None:
    log = Log(engine(t=trigger("flag", mode="level"))).feed("flag", (0, True), (0, True))
    assert log.times == [0]


def test_distance_since_it_fired() -> None:
    bench = engine(
        sample=trigger("distance_m(since=fired) >= 20 m"), other=trigger("distance_m(since=start) >= 30 m")
    )
    log = Log(bench)
    for step in range(71):
        log.take(bench.update_all(at(step), {"px": float(step), "py": 0.0}))
    assert log.fired == [("sample", 20), ("other", 30), ("sample", 40), ("sample", 60)]
    assert log.events[0].value == 20.0, "before it begins anew"


def test_a_refused_distance_sample_begins_anew_as_well() -> None:
    bench = engine(sample=trigger("distance_m(since=fired) >= 20 m", max_events=1))
    log = Log(bench)
    for step in range(71):
        log.take(bench.update_all(at(step), {"px": float(step), "py": 0.0}))
    log.finish(70)
    assert log.times == [20]
    assert log.verdicts() == [("over_limit", 40), ("over_limit", 70)], "the third is told at the end"


def test_late_messages_are_decided_on_arrival_and_counted() -> None:
    log = Log(engine(t=trigger("x > 5"))).feed("y", (10, 0.0)).feed("x", (9, 6.0))
    assert log.times == [9], "the event has the message's own time"
    assert log.engine.counters["late"] == 1


def test_inputs_name_signals_that_exist() -> None:
    from winnow_schemas.errors import BadInputError

    with pytest.raises(BadInputError, match="there is no signal 'nowhere'"):
        Inputs.of({}, {"x_m": "nowhere"})
    assert INPUTS.specs["speed"].unit is not None
