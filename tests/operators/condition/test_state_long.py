"""A snapshot at any point, restored, goes on as if nothing had happened."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.condition import Condition, SignalSpec
from winnow_schemas.settings.signals import SignalType

T0 = 1_700_000_000_000_000_000
SIGNALS = {
    "x": SignalSpec("x", stale_ns=3_000_000_000),
    "y": SignalSpec("y"),
    "b": SignalSpec("b", SignalType.BOOL),
    "s": SignalSpec("s", SignalType.TEXT),
}
POSITION = {"x_m": "x", "y_m": "y"}

TEXTS = [
    "x > 1.5 * median(x, 2 s, min_samples=3)",
    "x > mean(x, 2 s) + 2 * std(x, 2 s) or slope(x, 3 s) > 0.5",
    "sum(x, 2 s) > 3 and min(x, 1 s) > -2 and max(x, 3 s) < 4",
    "x >= percentile(x, 80, 3 s, min_samples=2)",
    "count(x > 0, 2 s) >= 2 or rate(y, 2 s) < 1",
    "delta(x, 2 s) > 1 or delta(y) > 1 or previous(s) == a",
    "rising(x > 0) or falling(b) or edge(s)",
    "for_at_least(x > 0 and b, 1500 ms)",
    "for_at_least(not stale(x, 1 s), 2 s) or stale(y)",
    "every(700 ms, from_start=True) and b",
    "distance_m(since=start) > 3 m or new_cell(2 m)",
    "max(abs(x - y), 2 s) > 3 or std(x * y, 2 s) > 2",
]

messages = st.lists(
    st.tuples(
        st.integers(0, 1_500_000_000),
        st.one_of(
            st.tuples(
                st.just("x"),
                st.sampled_from([-3.0, -1.0, 0.0, 0.5, 1.0, 2.0, 5.0, float("nan"), float("inf")]),
            ),
            st.tuples(st.just("y"), st.floats(-5, 5, allow_nan=False)),
            st.tuples(st.just("b"), st.sampled_from([True, False, None])),
            st.tuples(st.just("s"), st.sampled_from(["a", "b"])),
        ),
    ),
    min_size=2,
    max_size=50,
)


def play(condition: Condition, steps, t: int) -> tuple[list, int]:
    answers = []
    for gap, (name, value) in steps:
        t += gap
        answers.append((t, condition.update(t, name, value)))
    return answers, t


@given(st.sampled_from(TEXTS), messages, st.data())
@settings(deadline=None, max_examples=150)
def test_restored_equals_uninterrupted(text, steps, data) -> None:
    cut = data.draw(st.integers(0, len(steps)))
    whole = Condition(text, SIGNALS, position=POSITION)
    expected, _ = play(whole, steps, T0)

    first = Condition(text, SIGNALS, position=POSITION)
    answers, t = play(first, steps[:cut], T0)
    state = json.loads(json.dumps(first.snapshot(), allow_nan=False))
    second = Condition(text, SIGNALS, position=POSITION)
    second.restore(state)
    assert json.dumps(second.snapshot()) == json.dumps(first.snapshot()), "restoring loses nothing"
    rest, _ = play(second, steps[cut:], t)

    assert answers + rest == expected
    assert first.instants + second.instants == whole.instants
    if cut < len(steps) or steps:
        assert json.dumps(second.snapshot(), sort_keys=True) == json.dumps(whole.snapshot(), sort_keys=True)


@given(st.sampled_from(TEXTS), messages, st.lists(st.integers(0, 2**31), max_size=60))
@settings(deadline=None, max_examples=150)
def test_calls_that_only_advance_time_change_nothing(text, steps, advances) -> None:
    plain = Condition(text, SIGNALS, position=POSITION)
    expected, _ = play(plain, steps, T0)
    busy = Condition(text, SIGNALS, position=POSITION)
    answers = []
    t = T0
    for number, (gap, (name, value)) in enumerate(steps):
        if number and number < len(advances):
            busy.advance(t + advances[number] % (gap + 1))
        t += gap
        answers.append((t, busy.update(t, name, value)))
    assert answers == expected
    assert busy.instants == plain.instants
