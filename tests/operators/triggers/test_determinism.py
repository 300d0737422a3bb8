"""What comes out depends on the messages only: not on batching, advances, or a restart in between."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.operators.triggers.rig import SECOND, T0, engine, trigger

from winnow_operators.condition import make_zone
from winnow_operators.triggers import TriggerEngine
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.triggers import TriggersSettings

RULES = TriggersSettings(max_per_hour=25, storm={"max_per_minute": 5, "mute_s": 20})

TRIGGERS = {
    "spike": trigger("x > 1.2 * median(x, 3 s, min_samples=3)", cooldown_s=2),
    "edge": trigger("x > 1", clear_when="x < 0", priority="P2"),
    "gap": trigger("x > 1", min_gap_s=1.5, priority="P0"),
    "level": trigger("flag", mode="level", cooldown_s=1.5, priority="P4"),
    "count": trigger("count(x > 0, 2 s) >= 3 and rate(y, 2 s) < 2", max_events=3),
    "hold": trigger("for_at_least(flag or y > 1, 1200 ms)", cooldown_s=3, max_per_day=4),
    "still": trigger("stale(y, 2 s)", mode="level", cooldown_s=4),
    "sample": trigger("every(1700 ms, from_start=True)", priority="P5"),
    "moved": trigger("distance_m(since=fired) >= 3 m or new_cell(4 m)", priority="P5", max_per_hour=3),
    "zone": trigger("rising(in_zone(kind=apron))"),
    "stats": trigger("x > mean(x, 2 s) + std(x, 2 s) and slope(x, 2 s) > 0", cooldown_s=0.7),
    "change": trigger("edge(status) or falling(flag)"),
}
ZONES = (make_zone("a", "apron", [(2, -50), (6, -50), (6, 50), (2, 50)]),)


def fresh() -> TriggerEngine:
    bench = engine(RULES, **TRIGGERS)
    bench.start(T0)
    bench.set_zones(T0, ZONES)
    return bench


one_message = st.one_of(
    st.tuples(
        st.just("x"), st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.5, 2.0, 4.0, float("nan"), float("inf")])
    ),
    st.tuples(st.just("y"), st.sampled_from([0.0, 2.0, float("nan")])),
    st.tuples(st.just("flag"), st.sampled_from([True, False, None])),
    st.tuples(st.just("status"), st.sampled_from(["a", "b"])),
    st.tuples(st.just("pose"), st.tuples(st.integers(-8, 8).map(float), st.integers(-3, 3).map(float))),
)
streams = st.lists(st.tuples(st.integers(0, 1_400_000_000), one_message), min_size=1, max_size=60)


def send(bench: TriggerEngine, t: int, message) -> list:
    name, value = message
    if name == "pose":
        return list(bench.update_all(t, {"px": value[0], "py": value[1]}))
    return list(bench.update(t, name, value))


def play(bench: TriggerEngine, stream, t: int = T0) -> tuple[list, int]:
    outcomes = []
    for gap, message in stream:
        t += gap
        outcomes += send(bench, t, message)
    return outcomes, t


@given(streams)
@settings(deadline=None, max_examples=100)
def test_the_same_messages_give_the_same_outcomes(stream) -> None:
    one, two = fresh(), fresh()
    first, t = play(one, stream)
    second, _ = play(two, stream)
    assert first + list(one.finish(t + SECOND)) == second + list(two.finish(t + SECOND))


@given(streams, st.lists(st.integers(0, 2**40), max_size=80))
@settings(deadline=None, max_examples=150)
def test_advancing_in_between_changes_nothing(stream, advances) -> None:
    plain, busy = fresh(), fresh()
    expected, end = play(plain, stream)
    expected += plain.finish(end + 10 * SECOND)
    outcomes, t = [], T0
    for number, (gap, message) in enumerate(stream):
        for extra in advances[number::7]:
            # Watermarks: everything before this time has been seen; it may also lie in the past.
            outcomes += busy.advance(t - SECOND + extra % (gap + SECOND + 1))
        t += gap
        outcomes += send(busy, t, message)
    for extra in sorted(extra % (10 * SECOND) for extra in advances):
        outcomes += busy.advance(end + extra)
    outcomes += busy.finish(end + 10 * SECOND)
    assert outcomes == expected


@given(streams, st.data())
@settings(deadline=None, max_examples=150)
def test_a_restart_at_any_point_changes_nothing(stream, data) -> None:
    cut = data.draw(st.integers(0, len(stream)))
    whole = fresh()
    expected, end = play(whole, stream)
    expected += whole.finish(end + 10 * SECOND)

    before = fresh()
    outcomes, t = play(before, stream[:cut])
    state = json.loads(json.dumps(before.snapshot(), allow_nan=False))
    after = engine(RULES, **TRIGGERS)
    after.restore(state)
    assert after.snapshot() == before.snapshot()
    rest, t = play(after, stream[cut:], t)
    outcomes += rest + list(after.finish(end + 10 * SECOND))
    assert outcomes == expected


@given(streams, st.data())
@settings(deadline=None, max_examples=60)
def test_replacing_by_the_same_triggers_changes_nothing(stream, data) -> None:
    cut = data.draw(st.integers(0, len(stream)))
    whole = fresh()
    expected, _ = play(whole, stream)
    busy = fresh()
    outcomes, t = play(busy, stream[:cut])
    busy.replace(TRIGGERS)
    rest, _ = play(busy, stream[cut:], t)
    assert outcomes + rest == expected


@pytest.mark.parametrize(
    "state",
    [{}, {"version": 1}, {"version": 7}, {"version": 1, "machine": {}, "triggers": {}}, [], None, "x"],
)
def test_a_state_that_is_none_leaves_a_fresh_engine(state) -> None:
    bench = fresh()
    with pytest.raises(BadInputError, match="begin anew"):
        bench.restore(state)
    outcomes, _ = play(bench, [(0, ("x", 4.0))])
    assert [each.type for each in outcomes if hasattr(each, "type")] == ["gap", "edge"]


@given(streams, st.data())
@settings(deadline=None, max_examples=60)
def test_a_damaged_state_never_crashes(stream, data) -> None:
    bench = fresh()
    play(bench, stream)
    state = json.loads(json.dumps(bench.snapshot()))
    place = state
    for _ in range(data.draw(st.integers(1, 4))):
        if isinstance(place, dict) and place:
            key = data.draw(st.sampled_from(sorted(place)))
        elif isinstance(place, list) and place:
            key = data.draw(st.integers(0, len(place) - 1))
        else:
            break
        parent, place = place, place[key]
    else:
        parent[key] = data.draw(st.sampled_from([None, "x", -1, [], {}, 1e308, [[]]]))
    other = fresh()
    try:
        other.restore(state)
    except BadInputError:
        pass
    else:
        play(other, stream, other._machine.clock.now_ns)


def _paths(value, path=()):
    if path:
        yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from _paths(value[key], (*path, key))


def test_no_single_damage_of_a_state_crashes_or_hangs() -> None:
    stream = [(gap * 1_000_000_000, ("x", value)) for gap, value in ((0, 4.0), (1, 6.0), (5, 1.0), (8, 7.0))]
    bench = fresh()
    play(bench, stream)
    saved = json.dumps(bench.snapshot())
    refused = taken = 0
    for path in _paths(json.loads(saved)):
        for damage in ("x", -1, 10**18):
            state = json.loads(saved)
            place = state
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = damage
            other = fresh()
            try:
                other.restore(state)
            except BadInputError:
                refused += 1
            else:
                taken += 1
                play(other, stream, other._machine.clock.now_ns)
    assert refused > taken > 0
