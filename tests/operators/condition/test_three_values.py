"""Kleene's logic: unknown inputs, and what follows from them."""

import itertools
import math

import pytest

from winnow_operators.condition import Condition, SignalSpec
from winnow_schemas.settings.signals import SignalType

T0 = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
BOOLS = {name: SignalSpec(name, SignalType.BOOL) for name in "abc"}
NUMBERS = {name: SignalSpec(name) for name in "xy"}
TRUTHS = (True, False, None)


def weakest(values):
    return False if False in values else None if None in values else True


def strongest(values):
    return True if True in values else None if None in values else False


def evaluate(text: str, values: dict) -> bool | None:
    condition = Condition(text, BOOLS)
    for name, value in values.items():
        condition.update(T0, name, value)
    return condition.value()


@pytest.mark.parametrize(("a", "b", "c"), list(itertools.product(TRUTHS, repeat=3)))
def test_truth_tables(a, b, c) -> None:
    values = {"a": a, "b": b, "c": c}
    assert evaluate("a and b", values) is weakest([a, b])
    assert evaluate("a or b", values) is strongest([a, b])
    assert evaluate("not a", values) is (None if a is None else not a)
    assert evaluate("a and b and c", values) is weakest([a, b, c])
    assert evaluate("a or b or c", values) is strongest([a, b, c])
    assert evaluate("a and (b or c)", values) is weakest([a, strongest([b, c])])
    assert evaluate("not (a and b)", values) is evaluate("not a or not b", values)


@pytest.mark.parametrize("bad", [math.nan, None, "text", [1]])
def test_what_is_no_number_is_unknown(bad) -> None:
    condition = Condition("x > 5", NUMBERS)
    inverse = Condition("not (x > 5)", NUMBERS)
    assert condition.update(T0, "x", bad) is None
    assert inverse.update(T0, "x", bad) is None
    assert condition.update(T0 + 1, "x", 6.0) is True


def test_infinities_compare_but_do_not_enter_windows() -> None:
    assert Condition("x > 5", NUMBERS).update(T0, "x", math.inf) is True
    assert Condition("x < 5", NUMBERS).update(T0, "x", -math.inf) is True
    assert Condition("x - x == 0", NUMBERS).update(T0, "x", math.inf) is None
    mean = Condition("mean(x, 10 s) < 2", NUMBERS)
    mean.update(T0, "x", 1.0)
    assert mean.update(T0 + 1, "x", math.inf) is True


def test_missing_and_stale_signals_are_unknown_also_negated() -> None:
    condition = Condition("not (x > 5) and y > 0", NUMBERS)
    assert condition.update(T0, "y", 1.0) is None, "x is missing"
    assert condition.update(T0, "x", 1.0) is True
    assert condition.update(T0 + 4 * SECOND, "y", 1.0) is True
    assert condition.update(T0 + 5 * SECOND + 1, "y", 1.0) is None, "x is older than its 5 s"
    assert condition.update(T0 + 6 * SECOND, "x", 1.0) is True


def test_staleness_begins_after_the_messages_of_its_very_instant() -> None:
    due = T0 + 5 * SECOND
    for order in (["x", "y"], ["y", "x"]):
        condition = Condition("x > 0 and y > 0", NUMBERS)
        condition.update(T0, "x", 1.0)
        condition.update(T0, "y", 1.0)
        answers = [condition.update(due, name, 1.0) for name in order]
        assert answers == [True, True], "both come in time"
        assert condition.instants == []


@pytest.mark.parametrize(
    "text",
    [
        "x / y > 1",
        "x % y > 1",
        "sqrt(x - 10) > 1",
        "1e300 * x * 1e300 - 1e300 * x * 1e300 > 1",
        "(x * 1e200)**4 > 1",
    ],
)
def test_results_that_do_not_exist_are_unknown(text) -> None:
    condition = Condition(text, NUMBERS)
    condition.update(T0, "y", 0.0)
    result = condition.update(T0, "x", 3.0)
    assert result is None or (text.startswith("(x") and result in (None, True))


def test_stale_itself_is_never_unknown() -> None:
    condition = Condition("stale(x) or stale(y, 1 s)", NUMBERS)
    condition.update(T0, "y", 0.0)
    assert condition.value() is False, "nothing is stale at the start, not even what was never heard of"
    condition.advance(T0 + 10 * SECOND)
    assert condition.instants == [(T0 + SECOND, True), (T0 + 5 * SECOND, True)]
    assert condition.update(T0 + 11 * SECOND, "y", 0.0) is True, "x was never heard of"
    assert condition.update(T0 + 11 * SECOND, "x", 0.0) is False
    assert condition.update(T0 + 11 * SECOND, "x", math.nan) is False, "heard of, although of no use"
