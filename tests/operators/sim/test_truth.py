import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.sim import Simulator, compare
from winnow_operators.sim.geometry import Box, box_distance
from winnow_operators.sim.incidents.director import HAPPENINGS, Director
from winnow_operators.sim.truth.conditions import conditions
from winnow_schemas.priority import Priority
from winnow_schemas.simulation import load_script
from winnow_schemas.simulation.triggers import TRIGGER_PRIORITY
from winnow_schemas.simulation.truth import GroundTruth, read_truth

S = 1_000_000_000


def musts(truth: GroundTruth):
    return [each for each in truth.all_expectations() if each.must]


def test_nothing_must_fire_in_a_quiet_run(truths) -> None:
    assert musts(truths["quiet"]) == []
    assert {each.type for each in truths["quiet"].all_expectations()} <= {"time_sample", "new_area"}


def test_the_demo_has_every_priority_and_every_incident_came_true(truths) -> None:
    truth = truths["demo"]
    assert truth.unrealised == []
    assert truth.end_ns - truth.start_ns >= 180 * S
    assert {TRIGGER_PRIORITY[each.type] for each in musts(truth)} == set(Priority)


def test_all28_demands_all_28_types(truths) -> None:
    truth = truths["all28"]
    assert truth.unrealised == []
    assert len(TRIGGER_PRIORITY) == 28
    assert {each.type for each in musts(truth)} == set(TRIGGER_PRIORITY)


def test_musts_of_different_incidents_do_not_overlap_much(truths) -> None:
    """What fires can be told apart: no two incidents demand the same type at the same time."""
    for truth in truths.values():
        by_type = itertools.groupby(
            sorted(musts(truth), key=lambda e: (e.type, e.start_ns)), key=lambda e: e.type
        )
        for _, group in by_type:
            for before, after in itertools.pairwise(group):
                assert after.start_ns - before.end_ns > 10 * S


def test_every_must_lies_in_a_may(truths) -> None:
    for truth in truths.values():
        for must in truth.expectations:
            assert must.start_ns < must.end_ns
            if must.must:
                mays = [may for may in truth.expectations if may.type == must.type and not may.must]
                assert any(may.start_ns <= must.start_ns < may.end_ns for may in mays)


def test_every_type_has_a_condition_and_every_incident_says_what_it_causes() -> None:
    named = {condition.type for condition in conditions(load_script("quiet").weather)}
    assert named | {"time_sample", "distance_sample"} == set(TRIGGER_PRIORITY)
    caused = {name for happening in HAPPENINGS.values() for name in happening.causes}
    assert caused | {"voice_flag", "time_sample", "distance_sample"} == set(TRIGGER_PRIORITY)


def test_the_aircraft_really_is_nearer_than_three_metres(make_script) -> None:
    """The clearance in the interval, measured on the boxes themselves."""
    legs = [{"to": "stand_4", "stop_s": 5}, {"to": "stand_1", "stop_s": 5}]
    script = make_script(
        duration_s=120,
        route={"start": "stand_4", "legs": [legs[1], legs[0]]},
        incidents=[{"kind": "aircraft_pushback", "at_s": 2}],
    )
    director = Director(script, 1)
    clearances = {}
    while director.world.t_s < 120:
        tick = director.step()
        ego = Box(*tick.motion.pose, 3.2, 1.6)
        clearances[tick.index] = min(
            box_distance(ego, Box(thing.x, thing.y, thing.yaw, thing.body.length_m, thing.body.width_m))
            for thing in tick.things
            if thing.body.kind.startswith("aircraft")
        )
        assert tick.aircraft_m == pytest.approx(clearances[tick.index]) or clearances[tick.index] > 12
    truth = Simulator(script, 1).ground_truth()
    (must,) = [each for each in truth.expectations if each.must and each.type == "aircraft_proximity"]
    below = [index for index, value in clearances.items() if value < 3.0]
    assert below
    first_ns, last_ns = script.start_ns + below[0] * S // 20, script.start_ns + below[-1] * S // 20
    assert must.start_ns <= first_ns < must.end_ns
    assert min(clearances.values()) == pytest.approx(2.0, abs=0.3)
    (may,) = [each for each in truth.expectations if not each.must and each.type == "aircraft_proximity"]
    assert may.start_ns < first_ns
    assert last_ns < may.end_ns


def test_incidents_that_cannot_happen_are_named(make_script) -> None:
    script = make_script(duration_s=6, incidents=[{"kind": "blocked_lane", "at_s": 3}])
    truth = Simulator(script, 1).ground_truth()
    assert [each.kind for each in truth.unrealised] == ["blocked_lane"]


def test_speech_that_asks_for_nothing_demands_nothing(make_script) -> None:
    words = [{"kind": "voice_command", "at_s": 1, "text": "hello"}, {"kind": "voice_command", "at_s": 3}]
    truth = Simulator(make_script(incidents=words), 1).ground_truth()
    assert [each.incident for each in truth.expectations if each.type == "voice_flag" and each.must] == [2]


def test_playing_a_run_gives_the_same_truth_as_asking_for_it(make_script) -> None:
    script = make_script(duration_s=3, incidents=[{"kind": "flag_button", "at_s": 1}])
    asked = Simulator(script, 1).ground_truth()
    played = Simulator(script, 1)
    for _ in played.messages():
        pass
    assert played._truth == asked


def test_the_file_reads_back(truths) -> None:
    for truth in truths.values():
        assert read_truth(truth.to_json()) == truth


# --- sampling -----------------------------------------------------------------------------------------------


def test_samples_follow_the_triggers_parameters(truths) -> None:
    truth = truths["all28"]
    times = [each for each in truth.time_samples(300) if each.must]
    assert [(each.start_ns + each.end_ns) // 2 - truth.start_ns for each in times] == [
        number * 300 * S for number in range(1, 5)
    ]
    distances = truth.distance_samples(1000)
    driven = truth.odometer.metres[-1]
    assert len(distances) == int(driven / 980)
    for number, each in enumerate(distances, 1):
        reached = truth.odometer.reached_ns(1000.0 * number)
        assert reached is None or each.start_ns <= reached < each.end_ns


# --- comparing ----------------------------------------------------------------------------------------------


def middle(expectation) -> tuple[str, int]:
    return expectation.type, (expectation.start_ns + expectation.end_ns) // 2


@given(st.data())
@settings(deadline=None, max_examples=30)
def test_what_is_left_out_is_missing_and_the_rest_is_met(truths, data) -> None:
    truth = truths["all28"]
    expected = musts(truth)
    left_out = data.draw(st.sets(st.integers(0, len(expected) - 1)))
    fired = [middle(each) for number, each in enumerate(expected) if number not in left_out]
    result = compare(truth, data.draw(st.permutations(fired)))
    assert result.missing == [expected[number] for number in sorted(left_out)]
    assert result.unexpected == []
    assert len(result.met) == len(fired)
    assert result.clean == (not left_out)


def test_an_event_at_the_wrong_time_is_unexpected_and_half_open_ends_do_not_count(truths) -> None:
    truth = truths["demo"]
    must = next(each for each in musts(truth) if each.type == "operator_flag")
    may = next(each for each in truth.expectations if each.type == "operator_flag" and not each.must)
    assert compare(truth, [("operator_flag", must.start_ns)]).unexpected == []
    assert compare(truth, [("operator_flag", may.end_ns - 1)]).unexpected == []
    late = compare(truth, [("operator_flag", may.end_ns)])
    assert [(each.type, each.t_ns) for each in late.unexpected] == [("operator_flag", may.end_ns)]
    assert must in late.missing


def test_users_own_triggers_are_neither_right_nor_wrong(truths) -> None:
    result = compare(truths["quiet"], [("my_trigger", truths["quiet"].start_ns)])
    assert result.clean
    assert [each.type for each in result.other] == ["my_trigger"]
