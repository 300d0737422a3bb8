"""Which clips belong together, and what became of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.clips.judging import CUT, OVER_BUDGET, Judged, clip_name
from winnow_operators.clips.windows import WindowPlanner
from winnow_operators.decisions import DecisionRow, decision
from winnow_schemas.messages import Decision, TriggerEvent
from winnow_schemas.priority import Priority
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.triggers import TriggerSettings
from winnow_schemas.yaml_source import YamlDocument
from winnow_tools.whatif.comparing import Change, compare
from winnow_tools.whatif.variant import ClipOutcome, Decided, TriggerCount, Variant

S = 1_000_000_000
MAX_S = 60


def event(
    t_s: float, name: str = "brake", priority: int = 3, before_s: float = 5, after_s: float = 5
) -> TriggerEvent:
    return TriggerEvent(
        event_id=f"{name}@{t_s}", type=name, priority=priority, t_ns=round(t_s * S), pre_roll_ns=round(before_s * S),
        post_roll_ns=round(after_s * S), value=None, threshold=None, condition="x > 1", values="{}", topics=[],
        latitude_deg=None, longitude_deg=None,
    )  # fmt: skip


def decided(
    events: list[TriggerEvent],
    refused: frozenset[str] = frozenset(),
    names: tuple[str, ...] = ("brake", "turn"),
    **more: Any,
) -> Decided:
    planner = WindowPlanner(MAX_S * S)
    for one in sorted(events, key=lambda one: one.t_ns):
        planner.add(one)
    clips = []
    for plan in planner.finish(10_000 * S):
        is_cut = plan.lead.type not in refused
        judged = Judged(CUT if is_cut else OVER_BUDGET, "" if is_cut else "too much", (), 100 * is_cut)
        length_s = (plan.end_ns - plan.start_ns) // S
        clips.append(
            ClipOutcome(plan, plan.clip_id("v"), clip_name(plan, "v"), judged, length_s, length_s * 1000)
        )
    variant = Variant("a.yml", Path("a.yml"), DeviceSettings(), YamlDocument("a.yml", None))
    counts = tuple(TriggerCount(name, Priority.P3, 0, {}) for name in names)
    values = {"inactive": {}, "charged": {}, "decisions": (), **more}
    return Decided(variant, tuple(events), counts, clips=tuple(clips), **values)


def said(one: Decided, two: Decided) -> list[tuple[str, int, int]]:
    return [(each.change.value, len(each.before), len(each.after)) for each in compare(one, two)]


def test_the_same_is_unchanged():
    both = decided([event(20), event(60), event(100, "turn")])
    assert said(both, both) == [("unchanged", 1, 1)] * 3


def test_gained_and_lost_with_the_reason():
    one, two = decided([event(20)]), decided([event(60, "turn")])
    lost, gained = compare(one, two)
    assert (lost.change, lost.reason) == (Change.LOST, "brake does not fire")
    assert (gained.change, gained.trigger, gained.before) == (Change.GAINED, "turn", ())
    (lost,) = compare(one, decided([], names=("turn",)))
    assert lost.reason == "there is no trigger brake"
    (lost,) = compare(one, decided([], inactive={"brake": "it is switched off"}))
    assert lost.reason == "brake does not run: it is switched off"
    (lost,) = compare(one, decided([event(20)], refused=frozenset({"brake"})))
    assert lost.reason == "over budget: too much"


def settings_of(**changes: Any) -> dict[str, TriggerSettings]:
    values = {"when": "x > threshold", "priority": "P3", "pre_roll_s": 5, "post_roll_s": 5}
    return {"brake": TriggerSettings.model_validate({**values, "params": {"threshold": 5}, **changes})}


def row(t_s: float, outcome: str, reason: str) -> Decision:
    made = DecisionRow("trigger", round(t_s * S), "brake", outcome, f"brake did not fire: {reason}.", {})
    return decision(made, node="triggers", run_id="what-if", wall_ns=0)


def test_a_lost_clip_names_the_cooldown_that_held_it():
    one = decided([event(10), event(30)], active=settings_of())
    two = decided([event(10)], active=settings_of(cooldown_s=60))
    _, lost = compare(one, two)
    assert lost.reason == (
        "brake did not fire: it fired 20 s before, its cooldown is 60 s (cooldown_s 60 instead of 5)"
    )


def test_a_lost_clip_names_the_limit_also_when_it_was_only_counted():
    limit = row(12, "over_limit", "it has reached its limit of 1 events per hour")
    far = row(500, "over_limit", "it is long over")
    one = decided([event(10), event(40)], active=settings_of())
    two = decided([event(10)], active=settings_of(max_per_hour=1), decisions=(limit, far))
    _, lost = compare(one, two)
    assert lost.reason == (
        "brake did not fire: it has reached its limit of 1 events per hour (max_per_hour 1 instead of 0)"
    )


def test_a_lost_clip_is_explained_by_the_decision_nearest_to_it():
    rows = (row(26, "unknown", "x was missing"), row(30, "muted", "it is muted for another 3 s"))
    _, lost = compare(decided([event(10), event(30)]), decided([event(10)], decisions=rows))
    assert lost.reason == "brake did not fire: it is muted for another 3 s"


def test_a_lost_clip_names_what_is_set_otherwise_where_nothing_held_it():
    one = decided([event(20)], active=settings_of())
    two = decided([], active=settings_of(params={"threshold": 7.5}, clear_when="x < 1"))
    (lost,) = compare(one, two)
    assert lost.reason == "brake does not fire (clear_when x < 1 instead of none, threshold 7.5 instead of 5)"


def test_windows_that_grow_together_are_merged_and_the_other_way_round_split():
    short = decided([event(20), event(32)])
    long = decided([event(20, after_s=15), event(32)])
    assert said(short, long) == [("merged", 2, 1)]
    assert said(long, short) == [("split", 1, 2)]


def test_a_threshold_that_is_crossed_later_changes_a_clip():
    one, two = decided([event(20)]), decided([event(20.5)])
    (difference,) = compare(one, two)
    assert difference.change is Change.CHANGED
    assert "begins 0.500 s later" in difference.reason
    assert said(one, decided([event(20.5, "turn")])) == [("lost", 1, 0), ("gained", 0, 1)], "another trigger"
    assert said(one, decided([event(26)])) == [("lost", 1, 0), ("gained", 0, 1)], "less than half in common"


def test_content_and_priority_count_as_changes():
    one = decided([event(20)])
    other = replace(one, clips=tuple(replace(clip, payload_bytes=1) for clip in one.clips))
    (difference,) = compare(one, other)
    assert (difference.change, difference.reason) == (Change.CHANGED, "holds other topics")
    (difference,) = compare(one, decided([event(20, priority=1)]))
    assert difference.reason == "P3 became P1"
    (difference,) = compare(one, decided([event(20), event(22, "turn")]))
    assert "also turn" in difference.reason


EVENTS = st.lists(
    st.builds(
        event,
        st.integers(0, 400),
        st.sampled_from(["brake", "turn"]),
        st.integers(0, 5),
        st.integers(0, 20),
        st.integers(1, 20),
    ),
    max_size=12,
    unique_by=lambda one: (one.type, one.t_ns),
)


@settings(deadline=None, max_examples=150)
@given(EVENTS, EVENTS, st.sampled_from([frozenset(), frozenset({"brake"})]))
def test_every_clip_is_in_exactly_one_difference_and_turning_round_mirrors(before, after, refused):
    one, two = decided(before), decided(after, refused)
    there, back = compare(one, two), compare(two, one)
    for side, whole in (("before", one), ("after", two)):
        found = [clip.clip_id for each in there for clip in getattr(each, side)]
        assert sorted(found) == sorted(clip.clip_id for clip in whole.clips if clip.judged.cut)
    mirrored = {
        Change.GAINED: Change.LOST,
        Change.LOST: Change.GAINED,
        Change.MERGED: Change.SPLIT,
        Change.SPLIT: Change.MERGED,
    }
    forth = sorted(
        (mirrored.get(each.change, each.change), len(each.after), len(each.before)) for each in there
    )
    assert forth == sorted((each.change, len(each.before), len(each.after)) for each in back)
    for each in there:
        assert (each.change is Change.GAINED) is (not each.before)
        assert (each.change is Change.LOST) is (not each.after)
        if each.change is Change.SAME:
            assert [clip.clip_id for clip in each.before] == [clip.clip_id for clip in each.after]
