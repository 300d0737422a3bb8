"""Requests that act while a condition holds, thinning, and going back."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.operators.triggers.rig import INPUTS, Log, at, trigger

from winnow_operators.triggers import TriggerEngine
from winnow_operators.triggers.tuning import Cover, Tuning
from winnow_schemas.settings.triggers import TriggerSettings, TriggersSettings


def tuned(tuning: Tuning, rules: TriggersSettings | None = None, **triggers: TriggerSettings) -> Log:
    return Log(TriggerEngine(triggers, INPUTS, rules, tuning))


def covered(*covers: Cover, **changes: Any) -> Log:
    settings = {"when": "x > threshold", "params": {"threshold": 5.0}, **changes}
    return tuned(Tuning({"t": covers}), t=trigger(settings.pop("when"), **settings))


def priorities(log: Log) -> list[tuple[float, int]]:
    return [(seconds, event.priority) for (_, seconds), event in zip(log.fired, log.events, strict=True)]


def test_a_boost_holds_while_its_condition_is_true() -> None:
    log = covered(Cover("flag", boost=2), priority="P5")
    log.feed("x", (0, 9.0), (1, 0.0)).feed("flag", (2, True)).feed("x", (3, 9.0), (4, 0.0))
    log.feed("flag", (5, False)).feed("x", (6, 9.0), (7, 0.0)).feed("flag", (12, None)).feed("x", (13, 9.0))
    assert priorities(log) == [(0, 5), (3, 3), (6, 5), (13, 5)], "unknown is not true"
    assert "the campaign's request holds (flag), so that its priority is P3" in log.reasons("fired")[1]
    assert "campaign" not in log.reasons("fired")[0]


def test_boosts_never_go_beyond_p1_nor_touch_p0() -> None:
    assert priorities(
        covered(Cover("y > 0", boost=5), priority="P2").feed("y", (0, 1.0)).feed("x", (1, 9.0))
    ) == [(1, 1)]
    assert priorities(
        covered(Cover("y > 0", boost=5), priority="P0").feed("y", (0, 1.0)).feed("x", (1, 9.0))
    ) == [(1, 0)]


def test_a_shorter_cooldown_lets_what_waits_go() -> None:
    log = covered(Cover("flag", cooldown_factor=0.5), cooldown_s=6)
    log.feed("x", (0, 9.0), (0.5, 0.0), (1, 9.0)).feed("flag", (2, True)).advance(30)
    assert log.times == [0, 3], "it waited until 6, and then only until 3"
    late = covered(Cover("flag", cooldown_factor=0.5), cooldown_s=6)
    late.feed("x", (0, 9.0), (0.5, 0.0), (1, 9.0)).feed("flag", (4, True)).advance(30)
    assert late.times == [0, 4], "what should have gone already goes at once"


def test_a_cooldown_gets_longer_again() -> None:
    log = covered(Cover("flag", cooldown_factor=0.5), cooldown_s=6)
    log.feed("flag", (0, True)).feed("x", (1, 9.0), (2, 0.0), (2.5, 9.0)).feed("flag", (3, False)).advance(30)
    assert log.times == [1, 7]


def test_other_parameters_hold_meanwhile() -> None:
    log = covered(Cover("flag", params={"threshold": 2.0}))
    log.feed("x", (0, 3.0)).feed("flag", (1, True)).feed("flag", (2, False)).feed("x", (3, 6.0))
    assert log.times == [1, 3]
    assert [event.threshold for event in log.events] == [2.0, 5.0]


def test_the_first_request_with_parameters_decides_and_all_boosts_count() -> None:
    log = covered(
        Cover("flag", params={"threshold": 2.0}),
        Cover("y > 0", boost=1, params={"threshold": 1.0}),
        Cover("status == go", boost=2, cooldown_factor=0.1),
        priority="P5",
    )
    log.feed("flag", (0, True)).feed("y", (0, 1.0)).feed("status", (0, "go")).feed("x", (1, 1.5), (2, 2.5))
    assert priorities(log) == [(2, 3)]


def test_an_interval_is_another_while_the_request_holds() -> None:
    log = tuned(
        Tuning({"s": (Cover("flag", params={"interval": 3.0}),)}),
        s=trigger("every(interval)", params={"interval": 10.0}, priority="P5"),
    )
    log.feed("flag", (0, False)).feed("flag", (11, True), (14, True), (17, True), (19.5, False)).advance(31)
    assert log.times == [10, 12, 15, 18, 20, 30]


def test_a_request_may_have_timers_of_its_own() -> None:
    log = covered(Cover("for_at_least(flag, 2 s)", params={"threshold": 1.0}))
    log.feed("x", (0, 3.0)).feed("flag", (0, True)).advance(4)
    assert log.times == [2], "at the very time, without a message"


def test_thinning_lets_the_part_through_evenly() -> None:
    for keep, wanted in ((50, [0, 2, 4, 6]), (25, [0, 4]), (75, [0, 2, 3, 4, 6, 7])):
        log = tuned(Tuning(keep_percent={"t": keep}), t=trigger("flag"))
        for second in range(8):
            log.feed("flag", (second, True), (second + 0.5, False))
        assert log.times == wanted
        assert log.verdicts()[0][0] == "thinned"


def test_what_is_thinned_counts_for_the_cooldown() -> None:
    log = tuned(Tuning(keep_percent={"t": 50}), t=trigger("flag", mode="level", cooldown_s=10))
    log.feed("flag", *((second / 2, True) for second in range(80)))
    assert log.times == [0, 20]


def test_requests_and_p0_are_not_thinned() -> None:
    both = Tuning({"t": (Cover("y > 0", boost=1),)}, {"t": 1, "p": 1})
    log = tuned(both, t=trigger("flag"), p=trigger("flag", priority="P0")).feed("y", (0, 1.0))
    for second in range(1, 4):
        log.feed("flag", (second, True), (second + 0.5, False))
    assert log.times == [1, 1, 2, 2, 3, 3]


# --- swapping and going back --------------------------------------------------------------------------------

BASE = {
    "w": trigger("x > 2 * median(x, 5 s, min_samples=3)", cooldown_s=2),
    "h": trigger("for_at_least(flag, hold)", params={"hold": 2.0}, priority="P3"),
    "t": trigger("x > threshold", params={"threshold": 5.0}, priority="P2"),
    "p": trigger("y > 8", priority="P0"),
}
WINDOWS_S = 10
OTHER = {
    **BASE,
    "w": trigger("x > 2 * median(x, 3 s, min_samples=3)", cooldown_s=4),
    "h": BASE["h"].model_copy(update={"params": {"hold": 1.0}}),
}
OTHER_TUNING = Tuning({"t": (Cover("flag", boost=1, params={"threshold": 3.0}),)}, {"h": 50})
STREAM = st.lists(
    st.tuples(st.sampled_from(["x", "y", "flag"]), st.integers(0, 10)), min_size=30, max_size=80
)


def play(stream: list[tuple[str, int]], swaps: dict[int, tuple[dict[str, TriggerSettings], Tuning]]) -> Log:
    """Two messages a second; other triggers before some of them."""
    log = Log(TriggerEngine(BASE, INPUTS))
    for place, (name, value) in enumerate(stream):
        if place in swaps:
            log.engine.replace(*swaps[place])
        log.feed(name, (place / 2, value > 5 if name == "flag" else float(value)))
    return log


@settings(deadline=None, max_examples=60)
@given(STREAM, st.integers(0, 15), st.integers(1, 10))
def test_going_back_gives_the_decisions_of_before(
    stream: list[tuple[str, int]], first: int, span: int
) -> None:
    settled = first + span + 2 * WINDOWS_S
    never = play(stream, {})
    there_and_back = play(stream, {first: (OTHER, OTHER_TUNING), first + span: (BASE, Tuning())})

    def late(log: Log) -> list[Any]:
        return [event for event in log.events if event.t_ns >= at(settled / 2)]

    assert late(there_and_back) == late(never)
    assert [e for e in there_and_back.events if e.type == "p"] == [e for e in never.events if e.type == "p"]


@settings(deadline=None, max_examples=40)
@given(STREAM, st.integers(0, 30))
def test_other_cooldowns_and_boosts_leave_all_windows_alone(
    stream: list[tuple[str, int]], place: int
) -> None:
    longer = {
        name: each.model_copy(update={"cooldown_s": each.cooldown_s + 3}) for name, each in BASE.items()
    }
    plain = play(stream, {})
    swapped = play(stream, {place: (longer, Tuning()), place + 1: (BASE, Tuning())})
    assert swapped.engine._machine.snapshot() == plain.engine._machine.snapshot()


@settings(deadline=None, max_examples=40)
@given(STREAM, st.integers(1, 29))
def test_a_restart_under_a_campaign_changes_nothing(stream: list[tuple[str, int]], place: int) -> None:
    def feed(log: Log, part: list[tuple[int, tuple[str, int]]]) -> Log:
        for number, (name, value) in part:
            log.feed(name, (number / 2, value > 5 if name == "flag" else float(value)))
        return log

    numbered = list(enumerate(stream))
    whole = feed(tuned(OTHER_TUNING, **OTHER), numbered)
    before = feed(tuned(OTHER_TUNING, **OTHER), numbered[:place])
    after = tuned(OTHER_TUNING, **OTHER)
    after.engine.restore(before.engine.snapshot())
    feed(after, numbered[place:])
    assert before.outcomes + after.outcomes == whole.outcomes
