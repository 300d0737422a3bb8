"""Window functions against a model that looks at all samples, with numpy."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.condition import Condition, ConditionLimits, SignalSpec

SECOND = 1_000_000_000
T0 = 1_700_000_000 * SECOND
SIGNALS = {"x": SignalSpec("x", stale_ns=10**15), "y": SignalSpec("y", stale_ns=10**15)}

values = st.floats(-1e6, 1e6, allow_subnormal=False) | st.integers(-3, 3).map(float)
steps = st.lists(st.tuples(st.integers(0, 900_000_000), values | st.just(math.nan)), min_size=1, max_size=80)

MODELS = {
    "median(x, 2 s)": (1, np.median),
    "mean(x, 2 s)": (1, np.mean),
    "std(x, 2 s)": (2, np.std),
    "min(x, 2 s)": (1, np.min),
    "max(x, 2 s)": (1, np.max),
    "sum(x, 2 s)": (1, np.sum),
    "percentile(x, 90, 2 s)": (1, lambda v: np.percentile(v, 90)),
    "percentile(x, 0, 2 s)": (1, lambda v: np.percentile(v, 0)),
    "percentile(x, 100, 2 s)": (1, lambda v: np.percentile(v, 100)),
    "delta(x, 2 s)": (2, lambda v: v[-1] - v[0]),
    "count(x, 2 s)": (0, len),
    "mean(x, 2 s, min_samples=4)": (4, np.mean),
}


def value_of(condition: Condition, expression: str) -> float | None:
    """The left side of ``expression > 0``."""
    key = condition.checked.root.parts[0].key
    assert expression
    return condition.program.runs[key]()


@pytest.mark.parametrize("expression", MODELS)
@given(steps)
@settings(deadline=None, max_examples=150)
def test_window_equals_numpy_over_all_samples(expression: str, messages: list[tuple[int, float]]) -> None:
    least, model = MODELS[expression]
    condition = Condition(f"{expression} > 0", SIGNALS)
    seen: list[tuple[int, float]] = []
    t = T0
    for gap, value in messages:
        t += gap
        condition.update(t, "x", value)
        if not math.isnan(value):
            seen.append((t, value))
        inside = [v for at, v in seen if at > t - 2 * SECOND]
        got = value_of(condition, expression)
        if not seen and "count" in expression:
            assert got in (None, 0.0)
        elif len(inside) < least:
            assert got is None
        else:
            assert got == pytest.approx(float(model(np.array(inside))), rel=1e-9, abs=1e-6)


@given(steps)
@settings(deadline=None, max_examples=150)
def test_slope_is_the_least_squares_line(messages: list[tuple[int, float]]) -> None:
    condition = Condition("slope(x, 3 s) > 0", SIGNALS)
    seen: list[tuple[int, float]] = []
    t = T0
    for gap, value in messages:
        t += gap
        condition.update(t, "x", value)
        if not math.isnan(value):
            seen.append((t, value))
        inside = [(at, v) for at, v in seen if at > t - 3 * SECOND]
        got = value_of(condition, "slope")
        times = np.array([(at - T0) / SECOND for at, _ in inside])
        if len(inside) < 2 or np.ptp(times) == 0:
            assert got is None
        elif np.ptp(times) > 1e-3:
            expected = np.polyfit(times - times[0], [v for _, v in inside], 1)[0]
            assert got == pytest.approx(expected, rel=1e-6, abs=1e-3)


@given(
    st.lists(
        st.tuples(st.integers(1, 30_000_000), st.floats(0, 20) | st.integers(0, 3).map(float)),
        min_size=100,
        max_size=400,
    ),
    st.sampled_from([">", "<", ">=", "<="]),
    st.sampled_from([("median(x, 3 s)", 50), ("percentile(x, 90, 3 s)", 90)]),
    st.floats(0.5, 3),
)
@settings(deadline=None, max_examples=150)
def test_a_comparison_decided_by_bounds_equals_the_exact_one(messages, op, quantile, factor) -> None:
    """The bracket shortcut must not change a single answer, equality included."""
    text, percent = quantile
    condition = Condition(f"x {op} {factor!r} * max({text}, 0.5)", SIGNALS)
    seen: list[tuple[int, float]] = []
    t = T0
    for gap, value in messages:
        t += gap
        seen.append((t, value))
        inside = np.array([v for at, v in seen if at > t - 3 * SECOND])
        limit = factor * max(exact_percentile(inside, percent), 0.5)
        expected = {">": value > limit, "<": value < limit, ">=": value >= limit, "<=": value <= limit}[op]
        assert condition.update(t, "x", value) is expected


def exact_percentile(inside: np.ndarray, percent: float) -> float:
    ordered = sorted(inside.tolist())
    place = percent / 100 * (len(ordered) - 1)
    rank = int(place)
    if place == rank:
        return ordered[rank]
    return min(ordered[rank] + (ordered[rank + 1] - ordered[rank]) * (place - rank), ordered[rank + 1])


def test_window_is_half_open() -> None:
    condition = Condition("count(x, 2 s) >= 3", SIGNALS)
    assert condition.update(T0, "x", 1.0) is False
    assert condition.update(T0 + SECOND, "x", 1.0) is False
    assert condition.update(T0 + 2 * SECOND, "x", 1.0) is False, "the sample 2 s ago has left"
    assert condition.update(T0 + 2 * SECOND + 1, "x", 1.0) is True


def test_sums_do_not_drift_over_a_million_samples() -> None:
    """A running sum that subtracts would be left with 1e-4 of the large values' rounding."""
    condition = Condition("mean(x, 1 s) > 0", SIGNALS)
    t = T0
    for number in itertools.count():
        t += 10_000_000
        condition.update(t, "x", 1e12 if number < 500 else 0.1)
        if number == 60_000:
            break
    assert value_of(condition, "mean") == pytest.approx(0.1, rel=1e-12)


def test_rate_is_unknown_until_the_window_was_covered() -> None:
    condition = Condition("rate(x, 2 s) < 3 Hz", SIGNALS)
    for step in range(20):
        answer = condition.update(T0 + step * SECOND // 10, "x", 1.0)
        assert answer is None, "a start is no drop in rate"
    assert condition.update(T0 + 2 * SECOND, "x", 1.0) is False


def test_a_topic_that_falls_silent_is_noticed_at_the_exact_time() -> None:
    condition = Condition("rate(x, 2 s) < 3 Hz", SIGNALS)
    for step in range(50):
        condition.update(T0 + step * SECOND // 10, "x", 1.0)
    last = T0 + 49 * SECOND // 10
    condition.advance(T0 + 20 * SECOND)
    first_true = next(t for t, answer in condition.instants if answer)
    # 20 samples in (t - 2 s, t] at full rate; fewer than 6 are left once the 6th youngest has gone.
    assert first_true == last - 5 * SECOND // 10 + 2 * SECOND


def test_count_of_a_yes_no_value_counts_the_true_ones() -> None:
    condition = Condition("count(x > 5, 10 s) >= 3", SIGNALS)
    answers = [condition.update(T0 + i, "x", v) for i, v in enumerate([6.0, 1.0, 7.0, 2.0, 8.0, 1.0])]
    assert answers == [False, False, False, False, True, True]


def test_windows_over_expressions_take_one_sample_per_message() -> None:
    condition = Condition("max(abs(x - y), 10 s) > 5", SIGNALS)
    assert condition.update(T0, "x", 1.0) is None, "y is missing"
    assert condition.update(T0 + 1, "y", 2.0) is False
    assert condition.update(T0 + 2, "x", 9.0) is True
    assert condition.update(T0 + 3, "x", 2.0) is True, "the maximum lasts"


def test_overflow_drops_the_oldest_and_counts() -> None:
    limits = ConditionLimits(max_window_samples=10)
    condition = Condition("sum(x, 100 s) >= 0", SIGNALS, limits=limits)
    for step in range(25):
        condition.update(T0 + step, "x", float(step))
    assert value_of(condition, "sum") == sum(range(15, 25))
    assert condition.machine.overflowed == 15


def test_stale_signal_makes_windows_unknown_but_not_counts() -> None:
    signals = {"x": SignalSpec("x", stale_ns=SECOND), "y": SignalSpec("y", stale_ns=10**15)}
    mean = Condition("mean(x, 10 s) > y - 100", signals)
    count = Condition("count(x, 10 s) > y - 100", signals)
    for condition in (mean, count):
        condition.update(T0, "x", 1.0)
        assert condition.update(T0 + SECOND // 2, "y", 0.0) is True
    assert mean.update(T0 + 2 * SECOND, "y", 0.0) is None
    assert count.update(T0 + 2 * SECOND, "y", 0.0) is True


@given(st.lists(st.tuples(st.sampled_from("+-"), st.integers(0, 50)), max_size=3000))
@settings(deadline=None, max_examples=150)
def test_ranking_is_a_sorted_multiset(changes) -> None:
    from winnow_operators.condition.ranking import Ranking

    start = [float(i % 97) for i in range(2100)]
    ranking, model = Ranking(start), sorted(start)
    for sign, number in changes:
        value = float(number)
        if sign == "+":
            ranking.insert(value)
            model.append(value)
        elif value in model:
            ranking.remove(value)
            model.remove(value)
    model.sort()
    assert ranking.size == len(model)
    assert [ranking.at(rank) for rank in range(0, len(model), 37)] == model[::37]
