"""Parts that remember: previous, rising, falling, edge, for_at_least."""

import pytest

from winnow_operators.condition import Condition, SignalSpec
from winnow_schemas.settings.signals import SignalType

T0 = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
SIGNALS = {
    "x": SignalSpec("x"),
    "y": SignalSpec("y"),
    "status": SignalSpec("status", SignalType.TEXT),
    "flag": SignalSpec("flag", SignalType.BOOL),
}


def answers(text: str, name: str, values: list, step_ns: int = SECOND // 10) -> list:
    condition = Condition(text, SIGNALS)
    return [condition.update(T0 + i * step_ns, name, value) for i, value in enumerate(values)]


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("rising(flag)", [True, False, True, True, False], [False, False, True, False, False]),
        ("rising(flag)", [False, True, None, True], [False, True, None, False]),
        ("rising(flag)", [False, None, True], [False, None, True]),
        ("falling(flag)", [True, False, False, True, False], [False, True, False, False, True]),
        ("edge(flag)", [True, False, True, None, False], [False, True, True, None, True]),
    ],
)
def test_changes_are_between_known_values(text, values, expected) -> None:
    assert answers(text, "flag", values) == expected


def test_changes_of_conditions_and_texts() -> None:
    assert answers("rising(x > 3)", "x", [1.0, 4.0, 5.0, 2.0, 6.0]) == [False, True, False, False, True]
    texts = ["rtk_fixed", "rtk_float", "rtk_float", "rtk_fixed", "denied"]
    assert answers("falling(status == rtk_fixed)", "status", texts) == [False, True, False, False, True]
    assert answers("edge(status)", "status", texts) == [False, True, False, True, True]


def test_a_change_is_over_when_another_signal_comes() -> None:
    condition = Condition("rising(flag) and x > 0", SIGNALS)
    condition.update(T0, "x", 1.0)
    condition.update(T0, "flag", False)
    assert condition.update(T0 + 1, "flag", True) is True
    assert condition.update(T0 + 1, "x", 1.0) is False


def test_previous_of_each_type() -> None:
    assert answers("x - previous(x) > 2", "x", [1.0, 4.0, None, 5.0]) == [None, True, None, False]
    assert answers("delta(x) > 2", "x", [1.0, 4.0, 5.0]) == [None, True, False]
    assert answers("previous(status) == a and status == b", "status", ["a", "b", "b"]) == [False, True, False]
    assert answers("flag and not previous(flag)", "flag", [False, True, True]) == [False, True, False]


def test_previous_is_unknown_when_stale() -> None:
    condition = Condition("previous(x) > 0 or y > 0", SIGNALS)
    condition.update(T0, "x", 1.0)
    condition.update(T0 + 1, "x", 1.0)
    assert condition.update(T0 + 2, "y", 0.0) is True
    assert condition.update(T0 + 6 * SECOND, "y", 0.0) is None


class TestForAtLeast:
    TEXT = "for_at_least(x < 1, 3 s)"

    def test_it_comes_true_at_the_exact_time_without_a_message(self) -> None:
        condition = Condition(self.TEXT, SIGNALS)
        assert condition.update(T0, "x", 0.0) is False
        assert condition.update(T0 + 2 * SECOND, "x", 0.5) is False
        condition.advance(T0 + 3 * SECOND)
        assert condition.instants == [], "due at that time, not before it"
        condition.advance(T0 + 3 * SECOND + 1)
        assert condition.instants == [(T0 + 3 * SECOND, True)]

    @pytest.mark.parametrize("interruption", [2.0, None, float("nan")])
    def test_a_break_begins_it_anew(self, interruption) -> None:
        condition = Condition(self.TEXT, SIGNALS)
        condition.update(T0, "x", 0.0)
        condition.update(T0 + 2 * SECOND, "x", interruption)
        condition.update(T0 + 2 * SECOND + 1, "x", 0.0)
        condition.advance(T0 + 10 * SECOND)
        assert condition.instants[0] == (T0 + 5 * SECOND + 1, True)

    def test_a_message_at_the_due_time_has_the_last_word(self) -> None:
        condition = Condition(self.TEXT, SIGNALS)
        condition.update(T0, "x", 0.0)
        assert condition.update(T0 + 3 * SECOND, "x", 2.0) is False
        condition.advance(T0 + 4 * SECOND)
        assert condition.instants == []

    def test_a_stale_input_ends_it(self) -> None:
        condition = Condition("for_at_least(x < 1, 20 s)", SIGNALS)
        for second in range(4):
            condition.update(T0 + second * SECOND, "x", 0.0)
        condition.advance(T0 + 60 * SECOND)
        assert [answer for _, answer in condition.instants] == [None]

    def test_holds_can_be_nested(self) -> None:
        condition = Condition("for_at_least(rising(x > 1) or for_at_least(x > 1, 1 s), 1 s)", SIGNALS)
        condition.update(T0, "x", 0.0)
        for tenth in range(1, 31):
            condition.update(T0 + tenth * SECOND // 10, "x", 2.0)
        assert (T0 + SECOND // 10 + 2 * SECOND, True) in condition.instants


def test_a_pulse_is_over_at_any_later_message() -> None:
    condition = Condition("rising(flag) or every(1 s)", SIGNALS)
    condition.update(T0, "flag", False)
    assert condition.update(T0 + 1, "flag", True) is True
    assert condition.update(T0 + 1, "nobody", 0.0) is False
    assert condition.update(T0 + SECOND + 1, "nobody", 0.0) is False
    assert condition.instants == [(T0 + SECOND, True)]
