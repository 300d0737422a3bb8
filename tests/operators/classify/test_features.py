"""The 128 features: complete, in range whatever comes in, and honest about what is missing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.classify.features import CATEGORY_OF, ClipFacts, Samples, extract
from winnow_operators.classify.layout import BLOCKS, CATEGORIES, FEATURES, INPUTS, SIZE, Statistic
from winnow_operators.classify.rules import BY_TRIGGER
from winnow_operators.fleet.clips import fleet_clips

T = 1_775_865_600 * 10**9
S = 10**9
FACTS = ClipFacts("ood_spike", 1, T, 20.0)
PLACES = {feature.name: place for place, feature in enumerate(FEATURES)}


def samples(*rows: tuple[float, float]) -> Samples:
    return Samples(
        np.array([T + int(t * S) for t, _ in rows], np.int64), np.array([v for _, v in rows], np.float64)
    )


def test_the_layout_has_the_documents_places() -> None:
    assert len(FEATURES) == SIZE == len(PLACES)
    assert [each[0] for each in BLOCKS.values()] == [0, 16, 48, 72, 96, 112]
    assert (
        PLACES["objects"],
        PLACES["innovation"],
        PLACES["feasible"],
        PLACES["lidar_0_health"],
        PLACES["hour_sin"],
    ) == (16, 48, 72, 96, 112)
    assert all(feature.low < feature.high and feature.words for feature in FEATURES)
    masked = {feature.source for feature in FEATURES if feature.statistic is Statistic.PRESENT}
    assert masked <= set(INPUTS)


def test_every_trigger_type_has_its_category() -> None:
    assert CATEGORY_OF.keys() == BY_TRIGGER.keys()
    counts = [list(CATEGORY_OF.values()).count(each) for each in CATEGORIES]
    assert counts == [6, 6, 5, 5, 2, 4]


def test_values_are_those_of_the_window() -> None:
    made = extract(
        FACTS, {"ood_score": samples((-20, 9.9), (-10, 2.0), (-5, 4.0), (0, 6.0), (0.5, 9.9))}
    ).vector
    assert made[PLACES["ood_mean"]] == pytest.approx(0.4)
    assert made[PLACES["ood_max"]] == pytest.approx(0.6)
    assert made[PLACES["ood_last"]] == pytest.approx(0.6)
    assert made[PLACES["ood_slope"]] == pytest.approx(0.4, abs=1e-6)
    assert made[PLACES["ood_above"]] == pytest.approx(1 / 3)
    assert made[PLACES["has_ood_score"]] == 1.0


def test_what_is_missing_is_marked_and_has_its_default() -> None:
    made = extract(FACTS, {"visibility": samples((-30, 100.0)), "speed": samples((-1, float("nan")))})
    assert made.vector[PLACES["has_visibility"]] == 0.0
    assert made.vector[PLACES["visibility"]] == 1.0
    assert {"visibility", "speed", "ood_score"} <= set(made.missing)
    here = extract(FACTS, {"visibility": samples((-1, 100.0))})
    assert here.vector[PLACES["visibility"]] == pytest.approx(0.02)
    assert "visibility" not in here.missing


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(INPUTS),
        st.lists(st.tuples(st.floats(-12, 1), st.floats(allow_nan=True, allow_infinity=True)), max_size=8),
        max_size=12,
    ),
    st.sampled_from([*BY_TRIGGER, "my_own"]),
    st.integers(0, 5),
    st.floats(0, 1e6),
    st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)),
)
def test_every_feature_stays_in_its_range(
    inputs: dict[str, list[tuple[float, float]]],
    kind: str,
    priority: int,
    duration_s: float,
    value: float | None,
) -> None:
    facts = ClipFacts(kind, priority, T, duration_s, value=value, threshold=1.0)
    series = {name: samples(*sorted(rows)) for name, rows in inputs.items() if rows}
    with np.errstate(over="ignore", invalid="ignore"):
        vector = extract(facts, series).vector
    assert vector.dtype == np.float32
    for feature, each in zip(FEATURES, vector.tolist(), strict=True):
        assert (-1.0 if feature.signed else 0.0) <= each <= 1.0, feature.name


def test_no_feature_is_constant_over_the_fleet() -> None:
    rows = np.stack([extract(clip.facts, clip.samples).vector for clip in fleet_clips(5, 1200)])
    assert [FEATURES[place].name for place in range(SIZE) if rows[:, place].std() < 1e-4] == []


def test_the_fleet_is_the_same_each_time_and_rules_are_right_about_seven_times_in_ten() -> None:
    from winnow_tools.classifier.dataset import fleet_rows

    rows = list(fleet_rows(11, 800))
    again = list(fleet_rows(11, 800))
    assert all(
        (a["features"] == b["features"]).all() and a["label"] == b["label"]
        for a, b in zip(rows, again, strict=True)
    )
    right = sum(row["by_rules"] == row["label"] for row in rows) / len(rows)
    assert 0.64 < right < 0.76
