"""The bootstrap rules of 4.2 and 4.4, the merged clip, diversity, the sun."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.classify.diversity import SIZE, Diversity, clip_features
from winnow_operators.classify.rules import BY_TRIGGER, Surroundings, classify
from winnow_operators.classify.scenario import ANNOTATION_PRIORITY, Scenario, action
from winnow_operators.classify.sun import sun_elevation_deg
from winnow_schemas.library import library_triggers

NOTHING = Surroundings()


def test_4_2_scenarios_and_their_annotation_priority() -> None:
    assert [(str(each), ANNOTATION_PRIORITY[each]) for each in Scenario] == [
        ("near_miss", 1.0),
        ("novel_object", 0.95),
        ("adverse_weather", 0.85),
        ("sensor_degradation", 0.80),
        ("mapping_discrepancy", 0.75),
        ("calibration_drift", 0.70),
        ("rare_maneuver", 0.65),
        ("night_operation", 0.60),
        ("normal_diverse", 0.40),
        ("normal_routine", 0.10),
    ]


def test_every_type_of_the_library_has_a_rule() -> None:
    assert set(BY_TRIGGER) == set(library_triggers())


P0 = ["estop", "collision", "cbf_intervention", "geofence_breach", "simplex_switch", "aircraft_proximity"]
RULES = {
    **dict.fromkeys(P0, "near_miss"),
    "ood_spike": "novel_object",
    "novel_object": "novel_object",
    "tracking_failure": "novel_object",
    "detection_disagreement": "novel_object",
    "sensor_degradation": "sensor_degradation",
    "multi_sensor_inconsistency": "sensor_degradation",
    "gtsam_innovation_spike": "mapping_discrepancy",
    "gps_denied_transition": "mapping_discrepancy",
    "place_recognition_fail": "mapping_discrepancy",
    "map_discrepancy": "mapping_discrepancy",
    "calibration_drift": "calibration_drift",
    "frenet_exhaustion": "rare_maneuver",
    "high_cost_trajectory": "rare_maneuver",
    "deadlock": "rare_maneuver",
    "path_deviation": "rare_maneuver",
    "unplanned_stop": "rare_maneuver",
    "operator_flag": "rare_maneuver",
    "voice_flag": "rare_maneuver",
    "time_sample": "normal_routine",
    "distance_sample": "normal_diverse",
    "new_area": "normal_diverse",
    "weather_transition": "adverse_weather",
}


@pytest.mark.parametrize(("kind", "scenario"), RULES.items())
def test_4_4_the_type_maps_to_the_scenario(kind: str, scenario: str) -> None:
    priority = int(library_triggers()[kind].priority)
    ruled = classify([(kind, priority)], NOTHING)
    assert ruled.scenario == scenario
    assert ruled.annotation_priority == ANNOTATION_PRIORITY[ruled.scenario]
    assert ruled.confidence <= 0.7  # the document: about 70 %
    assert kind in ruled.reasons[0]


@pytest.mark.parametrize("kind", [*BY_TRIGGER, "a trigger of my own"])
def test_any_p0_trigger_is_a_near_miss(kind: str) -> None:
    assert classify([(kind, 0)], NOTHING).scenario is Scenario.NEAR_MISS


@pytest.mark.parametrize(
    ("priority", "scenario"),
    [
        (1, "novel_object"),
        (2, "mapping_discrepancy"),
        (3, "rare_maneuver"),
        (4, "rare_maneuver"),
        (5, "normal_diverse"),
    ],
)
def test_a_users_own_trigger_goes_by_its_priority(priority: int, scenario: str) -> None:
    assert classify([("mine", priority)], NOTHING).scenario == scenario


@pytest.mark.parametrize(
    ("surroundings", "scenario", "why"),
    [
        (Surroundings(visibility_m=999.0), "adverse_weather", "visibility"),
        (Surroundings(visibility_m=1000.0), None, ""),
        (Surroundings(rain_mm_h=0.6), "adverse_weather", "rain"),
        (Surroundings(rain_mm_h=0.5), None, ""),
        (Surroundings(ambient_light_lux=9.0), "night_operation", "light"),
        (Surroundings(ambient_light_lux=10.0, sun_elevation_deg=-40.0), None, ""),
        (Surroundings(sun_elevation_deg=-6.5), "night_operation", "sun"),
        (Surroundings(sun_elevation_deg=-5.5), None, ""),
        (Surroundings(visibility_m=50.0, ambient_light_lux=1.0), "adverse_weather", "visibility"),
        (Surroundings(visibility_m=math.nan, rain_mm_h=math.nan, ambient_light_lux=math.nan), None, ""),
    ],
)
@pytest.mark.parametrize("kind", ["time_sample", "distance_sample"])
def test_normal_driving_in_weather_or_at_night(
    surroundings: Surroundings, scenario: str | None, why: str, kind: str
) -> None:
    ruled = classify([(kind, 5)], surroundings)
    assert ruled.scenario == (scenario or RULES[kind])
    assert why in ruled.reasons[-1]


def test_what_happened_outweighs_the_weather() -> None:
    assert classify([("estop", 0)], Surroundings(visibility_m=10.0)).scenario is Scenario.NEAR_MISS


class TestAMergedClip:
    def test_the_scenario_that_is_worth_most_speaks(self) -> None:
        for first, second in itertools.combinations(RULES, 2):
            pair = [(kind, int(library_triggers()[kind].priority)) for kind in (first, second)]
            ruled = classify(pair, NOTHING)
            assert ruled == classify(pair[::-1], NOTHING)
            alone = [classify([each], NOTHING).annotation_priority for each in pair]
            assert ruled.annotation_priority == max(alone)

    def test_agreement_raises_the_confidence(self) -> None:
        alone = classify([("ood_spike", 1)], NOTHING)
        both = classify([("ood_spike", 1), ("novel_object", 1)], NOTHING)
        assert both.confidence == pytest.approx(alone.confidence + 0.1)
        assert both.reasons[-1] == "novel_object agrees"

    def test_the_same_type_twice_is_no_agreement(self) -> None:
        assert classify([("ood_spike", 1)] * 3, NOTHING) == classify([("ood_spike", 1)], NOTHING)

    @given(st.lists(st.sampled_from(list(RULES)), min_size=1, max_size=8))
    def test_confidence_stays_below_one(self, kinds: list[str]) -> None:
        ruled = classify([(kind, int(library_triggers()[kind].priority)) for kind in kinds], NOTHING)
        assert 0 < ruled.confidence <= 0.9


@pytest.mark.parametrize(
    ("priority", "what"),
    [
        (1.0, "immediately"),
        (0.90, "immediately"),
        (0.85, "week"),
        (0.7, "week"),
        (0.65, "subset"),
        (0.4, "subset"),
        (0.1, "auto-label only"),
        (0.05, "archive"),
    ],
)
def test_8_2_what_the_cloud_does(priority: float, what: str) -> None:
    assert what in action(priority)


surroundings = st.builds(
    Surroundings,
    visibility_m=st.none() | st.floats(),
    rain_mm_h=st.none() | st.floats(),
    ambient_light_lux=st.none() | st.floats(),
)


@settings(max_examples=150, deadline=None)
@given(
    types=st.lists(st.sampled_from([*RULES, "mine"]), max_size=5),
    scenario=st.sampled_from(list(Scenario)),
    duration=st.floats(min_value=0, max_value=1e6),
    t_ns=st.integers(min_value=-(2**62), max_value=2**62),
    surroundings=surroundings,
    position=st.none() | st.tuples(st.floats(-90, 90), st.floats(-180, 180)),
)
def test_every_feature_is_within_0_and_1(
    types: list[str],
    scenario: Scenario,
    duration: float,
    t_ns: int,
    surroundings: Surroundings,
    position: tuple[float, float] | None,
) -> None:
    features = clip_features(
        types=types,
        scenario=scenario,
        duration_s=duration,
        t_ns=t_ns,
        surroundings=surroundings,
        position=position,
    )
    assert features.shape == (SIZE,)
    assert np.all((features >= 0) & (features <= 1))


class TestDiversity:
    def test_the_first_is_all_new_and_a_repeat_is_not(self) -> None:
        diversity = Diversity(10)
        one = np.ones(SIZE)
        assert diversity.score(one) == 1.0
        assert diversity.score(one) == pytest.approx(0.0, abs=1e-12)
        other = np.zeros(SIZE)
        other[0] = 1.0
        assert diversity.score(other) == pytest.approx(1 - 1 / math.sqrt(SIZE))

    def test_only_the_last_ones_count(self) -> None:
        diversity = Diversity(2)
        basis = np.eye(SIZE)
        for index in range(3):
            assert diversity.score(basis[index]) == 1.0
        assert diversity.score(basis[0]) == 1.0  # forgotten
        assert diversity.score(basis[2]) == pytest.approx(0.0)

    def test_it_goes_on_from_its_snapshot(self) -> None:
        rng = np.random.default_rng(7)
        rows = rng.random((30, SIZE))
        whole, part = Diversity(10), Diversity(10)
        expected = [whole.score(row) for row in rows]
        got = [part.score(row) for row in rows[:13]]
        again = Diversity(10)
        again.restore([*part.snapshot(), [1.0]])
        assert got + [again.score(row) for row in rows[13:]] == expected


@pytest.mark.parametrize(
    ("utc_s", "latitude", "longitude", "elevation"),
    [
        # Equinox 2024-03-20 12:07 UTC, equator, Greenwich: overhead (equation of time -7.5 minutes).
        (1_710_936_420, 0.0, 0.0, 90.0),
        # Summer solstice 2024-06-20 12:00 UTC at Heathrow: 90 - 51.47 + 23.44.
        (1_718_885_000, 51.47, -0.45, 61.97),
        # The same day at midnight: -(90 - 51.47 - 23.44).
        (1_718_928_100, 51.47, -0.45, -15.09),
    ],
)
def test_the_sun(utc_s: int, latitude: float, longitude: float, elevation: float) -> None:
    assert sun_elevation_deg(utc_s * 10**9, latitude, longitude) == pytest.approx(elevation, abs=0.4)


def test_a_trigger_of_ones_own_is_not_said_to_have_a_usual_meaning() -> None:
    ruled = classify([("slowing_down", 2)], Surroundings())
    assert ruled.reasons == (
        "slowing_down is none of the standard triggers, and P2 is taken for mapping_discrepancy",
    )
    assert classify([("estop", 0)], Surroundings()).reasons == ("estop usually means near_miss",)
