"""A campaign put onto the library's triggers."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.operators.campaign.bare import BARE, NONE, bare_triggers, campaign, put
from tests.schemas.campaign.example import EXAMPLE

from winnow_operators.campaign import differences, merge
from winnow_operators.campaign.difference import begins_anew
from winnow_operators.classify.scenario import Scenario
from winnow_operators.triggers.tuning import Cover
from winnow_schemas.campaign import CampaignRefusedError, Refusal, read_campaign
from winnow_schemas.priority import Priority


def refused(kind: Refusal, bare: Any = BARE, **parts: Any) -> str:
    with pytest.raises(CampaignRefusedError) as caught:
        put(bare, **parts)
    assert caught.value.refusal is kind
    return str(caught.value)


def test_the_document_of_8_4() -> None:
    merged = merge(read_campaign(EXAMPLE, "8.4").campaign, BARE)
    assert [str(change) for change in differences(NONE, merged)] == [
        "novel_object: cooldown_s 30 -> 60",
        "ood_spike: cooldown_s 10 -> 15",
        "ood_spike: threshold 5 -> 6",
        "time_sample: interval 1800 -> 3600",
        "time_sample: while aircraft_type == widebody: interval 600",
        "weather_transition: while night AND fog: 1 level more urgent, cooldown times 0.5",
    ]
    assert merged.notes == ()
    assert begins_anew(NONE, merged, BARE) == ["time_sample"], "windows of unchanged conditions go on"


def test_what_is_not_named_stays() -> None:
    merged = put(updates={"ood_spike": {"threshold": 6}})
    for name, trigger in BARE.active.items():
        if name != "ood_spike":
            assert merged.triggers[name] is trigger
    before, after = BARE.active["ood_spike"], merged.triggers["ood_spike"]
    assert after.params == {**before.params, "threshold": 6.0}
    assert after.model_copy(update={"params": before.params}) == before


def test_a_trigger_that_cannot_run_here_is_left_aside() -> None:
    merged = put(
        bare_triggers(without=("ood_score",)),
        updates={"ood_spike": {"threshold": 6}, "novel_object": {"cooldown_sec": 60}},
    )
    (note,) = merged.notes
    assert note == (
        "updates.ood_spike is left aside: ood_spike does not run here, it needs the signal 'ood_score', not mapped "
        "under 'signals'."
    )
    assert merged.triggers["novel_object"].cooldown_s == 60


def test_what_the_settings_switched_off_stays_off() -> None:
    bare = bare_triggers(ood_spike={"enabled": False})
    merged = put(bare, updates={"ood_spike": {"enabled": True}})
    assert "ood_spike" not in merged.triggers
    assert "switched off in the settings" in merged.notes[0]


def test_all_that_is_wrong_is_told_at_once() -> None:
    said = refused(
        Refusal.DOES_NOT_FIT,
        updates={"ood_spik": {}, "novel_object": {"treshold": 1}, "geofence_breach": {"on_warning": 1.0}},
        coverage_requests=[
            {"condition": "nigth", "trigger": "new_area", "boost_priority": -1},
            {"condition": "night", "trigger": "distance_sample", "interval_override_sec": 60},
            {"condition": "night", "trigger": "new_area", "interval_override_sec": 60},
        ],
        saturation_signals=[{"scenario": "near_mis", "action": "reduce_sampling_50pct"}],
    )
    for part in (
        "there is no trigger 'ood_spik'; did you mean 'ood_spike'?",
        "updates.novel_object.treshold: the trigger has no such parameter; did you mean 'threshold'?",
        "updates.geofence_breach.on_warning: 1.0 is not allowed; it must be true or false",
        "coverage_requests.0.condition: There is no signal or parameter 'nigth'; did you mean 'night'?",
        "distance_sample samples by distance",
        "new_area has no interval",
        "'near_mis' is no scenario of the classifier; did you mean 'near_miss'?",
    ):
        assert part in said


def test_a_value_that_no_condition_can_have_is_refused() -> None:
    assert "-3 s" in refused(Refusal.DOES_NOT_FIT, updates={"deadlock": {"hold": -3}})
    assert "min_gap_sec" not in refused(Refusal.DOES_NOT_FIT, updates={"operator_flag": {"min_gap_sec": 1}})


def test_no_trigger_wants_more_than_the_longest_clip() -> None:
    short = replace(BARE, max_window_s=90.0)
    put(short, updates={"ood_spike": {"pre_roll_sec": 80}})
    said = refused(Refusal.DOES_NOT_FIT, short, updates={"ood_spike": {"pre_roll_sec": 81}})
    assert "it wants 91 s, the longest clip has 90 s" in said


# --- P0 -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parts",
    [
        {"updates": {"estop": {"enabled": False}}},
        {"updates": {"estop": {"cooldown_sec": 1}}},
        {"updates": {"estop": {"max_per_hour": 5}}},
        {"updates": {"estop": {"max_per_day": 5}}},
        {"updates": {"estop": {"max_events": 5}}},
        {"updates": {"estop": {"min_gap_sec": 1}}},
        {"updates": {"estop": {"pre_roll_sec": 29}}},
        {"updates": {"estop": {"post_roll_sec": 9}}},
        {"updates": {"estop": {"priority": "P1"}}},
        {"updates": {"cbf_intervention": {"threshold": 0.2}}},
        {"updates": {"aircraft_proximity": {"threshold": 2.9}}},
        {"updates": {"aircraft_proximity": {"margin": 0.6}}},
        {
            "coverage_requests": [
                {"condition": "night", "trigger": "cbf_intervention", "params": {"threshold": 0.2}}
            ]
        },
        {"coverage_requests": [{"condition": "night", "trigger": "estop", "boost_priority": -1}]},
        {"saturation_signals": [{"scenario": "near_miss", "action": "reduce_sampling_1pct"}]},
    ],
)
def test_p0_is_never_weakened(parts: dict[str, Any]) -> None:
    assert "P0" in refused(Refusal.WEAKENS_P0, **parts)


@pytest.mark.parametrize(
    "update",
    [
        {"cbf_intervention": {"threshold": 0.05, "cooldown_sec": 1}},
        {"aircraft_proximity": {"threshold": 4.0, "pre_roll_sec": 20}},
        {"aircraft_proximity": {"margin": 0.4}},
        {"geofence_breach": {"on_warning": True}},
    ],
)
def test_p0_may_become_more_watchful(update: dict[str, Any]) -> None:
    assert differences(NONE, put(updates=update))


def test_a_p0_trigger_of_ones_own_is_protected_too() -> None:
    own = {
        "when": "for_at_least(abs(speed) > limit, hold) and not at_planned_stop",
        "params": {"limit": 8.0, "hold": 2.0},
        "priority": "P0",
        "pre_roll_s": 10,
        "post_roll_s": 10,
    }
    bare = bare_triggers(too_fast=own)
    refused(Refusal.WEAKENS_P0, bare, updates={"too_fast": {"hold": 3.0}})
    refused(Refusal.WEAKENS_P0, bare, updates={"too_fast": {"limit": 9.0, "hold": 1.0}})
    assert put(bare, updates={"too_fast": {"limit": 7.0, "hold": 1.0}}).triggers["too_fast"].params == {
        "limit": 7.0,
        "hold": 1.0,
    }


# --- boosts and saturation ----------------------------------------------------------------------------------


def test_boosts_stop_at_p1_and_say_so() -> None:
    merged = put(
        coverage_requests=[{"condition": "night", "trigger": "map_discrepancy", "boost_priority": -3}]
    )
    (cover,) = merged.tuning.covers["map_discrepancy"]
    assert cover.priority(Priority.P2) is Priority.P1
    assert "boosted to P1" in merged.notes[0]


@given(st.integers(0, 5), st.sampled_from(list(Priority)))
def test_no_boost_reaches_p0_or_lowers_anything(boost: int, priority: Priority) -> None:
    boosted = Cover("night", boost).priority(priority)
    assert boosted <= priority
    assert (boosted is Priority.P0) == (priority is Priority.P0)


def test_saturation_follows_the_classifiers_table() -> None:
    merged = put(
        saturation_signals=[
            {"scenario": "novel_object", "action": "reduce_sampling_75pct"},
            {"scenario": "normal_diverse", "action": "reduce_sampling_50pct"},
            {"scenario": "rare_maneuver", "action": "reduce_sampling_20pct"},
            {"scenario": "night_operation", "action": "reduce_sampling_20pct"},
            {
                "scenario": "adverse_weather",
                "coverage_frames": 10,
                "target_frames": 100,
                "action": "reduce_sampling_90pct",
            },
        ]
    )
    keep = merged.tuning.keep_percent
    assert keep["ood_spike"] == keep["tracking_failure"] == keep["novel_object"] == 25
    assert merged.triggers["distance_sample"].params["interval"] == 10_000
    assert keep["new_area"] == 50
    assert keep["deadlock"] == 80
    assert not keep.keys() & {"operator_flag", "voice_flag", "weather_transition", "distance_sample", "estop"}
    assert any("operator_flag, voice_flag stay as they are" in note for note in merged.notes)
    assert any("night_operation" in note for note in merged.notes)
    assert any("10 of 100 frames" in note for note in merged.notes)


def test_a_scenario_stands_once() -> None:
    signal = {"scenario": "normal_routine", "action": "reduce_sampling_50pct"}
    assert "a second time" in refused(Refusal.DOES_NOT_FIT, saturation_signals=[signal, signal])


# --- what holds for all campaigns ---------------------------------------------------------------------------

NUMBER = st.floats(0.01, 50, allow_nan=False).map(lambda number: round(number, 3))
TRIGGER = st.sampled_from(sorted(BARE.active))


@st.composite
def updates(draw: st.DrawFn) -> dict[str, Any]:
    name = draw(TRIGGER)
    known = [key for key, value in BARE.active[name].params.items() if not isinstance(value, bool)]
    keys = draw(
        st.lists(st.sampled_from([*known, "cooldown_sec", "max_per_day", "pre_roll_sec"]), max_size=3)
    )
    return {name: {key: draw(st.integers(0, 5)) if key == "max_per_day" else draw(NUMBER) for key in keys}}


REQUEST = st.fixed_dictionaries(
    {
        "condition": st.sampled_from(["night", "night AND fog", "speed > 3", "aircraft_type == widebody"]),
        "trigger": TRIGGER,
        "reduce_cooldown": st.sampled_from([0.25, 0.5, 1.0]),
    },
    optional={"boost_priority": st.integers(-5, 0)},
)
SATURATION = st.fixed_dictionaries(
    {
        "scenario": st.sampled_from([str(scenario) for scenario in Scenario]),
        "action": st.integers(1, 99).map("reduce_sampling_{}pct".format),
    }
)
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "updates": updates(),
        "coverage_requests": st.lists(REQUEST, max_size=3),
        "saturation_signals": st.lists(SATURATION, max_size=2),
    },
)


@settings(deadline=None, max_examples=120)
@given(PARTS)
def test_merging_is_repeatable_and_leaves_p0_alone(parts: dict[str, Any]) -> None:
    try:
        merged = merge(campaign(**parts), BARE)
    except CampaignRefusedError:
        return
    assert merge(campaign(**parts), BARE) == merged, "the same always comes of it"
    for name, before in BARE.active.items():
        after = merged.triggers[name]
        assert (after.priority is Priority.P0) == (before.priority is Priority.P0)
        if before.priority is Priority.P0:
            assert after.enabled
            assert after.cooldown_s <= before.cooldown_s
            assert after.pre_roll_s >= before.pre_roll_s
            assert (after.max_events, after.max_per_hour, after.max_per_day) == (0, 0, 0)
            assert name not in merged.tuning.keep_percent
            assert all(not cover.boost for cover in merged.tuning.covers.get(name, ()))


@settings(deadline=None, max_examples=60)
@given(st.lists(updates(), min_size=2, max_size=4))
def test_the_order_of_updates_does_not_matter(each: list[dict[str, Any]]) -> None:
    together = {name: update for one in each for name, update in one.items()}
    backwards = dict(reversed(together.items()))
    try:
        merged = put(updates=together)
    except CampaignRefusedError:
        with pytest.raises(CampaignRefusedError):
            put(updates=backwards)
        return
    assert put(updates=backwards).triggers == merged.triggers
