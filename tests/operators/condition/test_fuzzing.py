"""Any text is checked or refused with a place in it; any checked condition answers anything; in bounded time."""

import math
import re
from time import process_time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.operators.condition.texts import CONDITIONS, SCOPE, SIGNALS, WORDS, damaged

from winnow_operators.condition import Condition, ConditionError, check
from winnow_operators.condition.limits import DEFAULT_LIMITS

STORM = settings(deadline=None, max_examples=20_000, suppress_health_check=list(HealthCheck))
SLOWEST_S = 1.0
"""CPU time to check one text; the longest that is looked at has 500 characters."""
VALUES = st.one_of(
    st.floats(width=64),
    st.sampled_from([math.nan, math.inf, -math.inf, 1e308, 5e-324, 10**400, 2**63, -0.0]),
    st.none()
    | st.booleans()
    | st.text(max_size=3)
    | st.binary(max_size=2)
    | st.lists(st.integers(), max_size=2),
)
MESSAGES = st.lists(
    st.tuples(st.sampled_from(sorted(SIGNALS)), VALUES, st.integers(-2_000_000_000, 4_000_000_000)),
    max_size=25,
)


def checked_or_refused(text: str) -> None:
    begin = process_time()
    try:
        checked = check(text, SCOPE)
    except ConditionError as error:
        assert 1 <= error.line <= text.count("\n") + 1  # noqa: PT017
        assert error.column >= 1  # noqa: PT017
        assert "^" in str(error)  # noqa: PT017
        assert len(error.sentence) < 600  # noqa: PT017
    else:
        assert checked.signals <= set(SIGNALS)
        assert checked.footprint.memories <= DEFAULT_LIMITS.max_windows
        outside = re.sub(r"""'[^']*'|"[^"]*"|[µ°²³]""", "", text)
        assert outside.isascii(), "nothing in it only looks like what it means"
    assert process_time() - begin < SLOWEST_S


def answers_anything(text: str, messages: list[tuple[str, Any, int]]) -> None:
    """Whatever comes, in whatever order of time: true, false or unknown, twice the same, also after a restart."""
    try:
        one, two = (
            Condition(text, SIGNALS, params={"threshold": 5.0}),
            Condition(text, SIGNALS, params={"threshold": 5.0}),
        )
    except ConditionError:
        return
    again = Condition(text, SIGNALS, params={"threshold": 5.0})
    t_ns = 1_000_000_000
    for number, (name, value, step_ns) in enumerate(messages):
        t_ns += step_ns
        if number == len(messages) // 2:
            again.restore(one.snapshot())
        answer = one.update(t_ns, name, value)
        assert answer in (True, False, None)
        assert two.update(t_ns, name, value) is answer
        if number >= len(messages) // 2:
            assert again.update(t_ns, name, value) is answer


@given(WORDS | damaged())
@settings(deadline=None, max_examples=400)
def test_any_text_is_checked_or_refused(text: str) -> None:
    checked_or_refused(text)


@given(CONDITIONS, MESSAGES)
@settings(deadline=None, max_examples=150)
def test_any_condition_answers_anything(text: str, messages: list[tuple[str, Any, int]]) -> None:
    answers_anything(text, messages)


@pytest.mark.storm
@pytest.mark.timeout(1800)
@given(WORDS)
@STORM
def test_storm_of_words(text: str) -> None:
    checked_or_refused(text)


@pytest.mark.storm
@pytest.mark.timeout(1800)
@given(damaged())
@STORM
def test_storm_of_damaged_conditions(text: str) -> None:
    checked_or_refused(text)


@pytest.mark.storm
@pytest.mark.timeout(3600)
@given(CONDITIONS, MESSAGES)
@settings(STORM, max_examples=5_000)
def test_storm_of_values(text: str, messages: list[tuple[str, Any, int]]) -> None:
    answers_anything(text, messages)
