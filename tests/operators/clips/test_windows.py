"""Windows become clips: exact, bounded, nothing lost, however the events were batched."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.clips.windows import ClipPlan, WindowPlanner, plan_from_json, plan_to_json
from winnow_schemas.messages import TriggerEvent

S = 1_000_000_000
MAX = 100 * S


def event(t_s: float, pre_s: float, post_s: float, priority: int = 1, name: str = "x") -> TriggerEvent:
    return TriggerEvent(
        event_id=f"{name}{t_s}",
        type=name,
        priority=priority,
        t_ns=int(t_s * S),
        pre_roll_ns=int(pre_s * S),
        post_roll_ns=int(post_s * S),
        value=None,
        threshold=None,
        condition="",
        values="{}",
        topics=[],
        latitude_deg=None,
        longitude_deg=None,
    )


def run(events: list[TriggerEvent], marks: list[int] = []) -> list[ClipPlan]:  # noqa: B006
    """Feed events in time order; watermarks in between, each a promise that is kept."""
    planner = WindowPlanner(MAX)
    clips: list[ClipPlan] = []
    todo = sorted(events, key=lambda item: (item.t_ns, item.type))
    for mark in sorted(marks):
        while todo and todo[0].t_ns < mark:
            planner.add(todo.pop(0))
        clips += planner.advance(mark)
        saved = planner.snapshot()
        planner = WindowPlanner(MAX)
        planner.restore(saved)
    for item in todo:
        planner.add(item)
    return clips + planner.advance(10**18)


def groups_of(clips: list[ClipPlan]) -> list[list[ClipPlan]]:
    groups: list[list[ClipPlan]] = []
    for clip in clips:
        if clip.part:
            groups[-1].append(clip)
        else:
            groups.append([clip])
    return groups


events_strategy = st.lists(
    st.builds(
        event,
        st.integers(min_value=0, max_value=900),
        st.integers(min_value=0, max_value=60),
        st.integers(min_value=0, max_value=40),
        st.integers(min_value=0, max_value=5),
        st.sampled_from("abc"),
    ),
    max_size=25,
    unique_by=lambda item: (item.t_ns, item.type),
)


@settings(max_examples=300, deadline=None)
@given(events=events_strategy, marks=st.lists(st.integers(min_value=0, max_value=1000 * S), max_size=12))
def test_clips_hold_every_window_and_do_not_depend_on_batching(
    events: list[TriggerEvent], marks: list[int]
) -> None:
    clips = run(events, marks)
    assert clips == run(events)
    for clip in clips:
        assert 0 < clip.end_ns - clip.start_ns <= MAX
        assert clip.events
        assert not clip.truncated
    for item in events:
        start, end = item.t_ns - item.pre_roll_ns, max(item.t_ns + item.post_roll_ns, item.t_ns + 1)
        group = next(group for group in groups_of(clips) if any(item in clip.events for clip in group))
        # The parts of its group meet without a gap and cover the event's window ...
        assert group[0].start_ns <= start
        assert group[-1].end_ns >= end
        # ... and those that name it are the ones that end after it and hold some of its window.
        assert [clip for clip in group if item in clip.events] == [
            clip for clip in group if clip.end_ns > item.t_ns and clip.start_ns < end and clip.end_ns > start
        ]


@settings(max_examples=200, deadline=None)
@given(events=events_strategy)
def test_within_a_joined_window_nothing_is_doubled(events: list[TriggerEvent]) -> None:
    clips = run(events)
    for group in groups_of(clips):
        assert [clip.part for clip in group] == list(range(len(group)))
        for before, after in itertools.pairwise(group):
            assert before.end_ns == after.start_ns


def test_overlapping_windows_merge_and_keep_every_trigger() -> None:
    clips = run(
        [
            event(100, 15, 5, 0, "aircraft_proximity"),
            event(102, 15, 5, 0, "cbf_intervention"),
            event(104, 30, 10, 0, "estop"),
        ]
    )
    assert len(clips) == 1
    assert (clips[0].start_ns, clips[0].end_ns) == (74 * S, 114 * S)
    assert [item.type for item in clips[0].events] == ["aircraft_proximity", "cbf_intervention", "estop"]
    assert clips[0].lead.type == "aircraft_proximity"


def test_an_event_after_the_end_begins_a_clip_of_its_own() -> None:
    clips = run([event(10, 5, 5), event(15, 10, 5)])
    assert [(clip.start_ns // S, clip.end_ns // S) for clip in clips] == [(5, 15), (5, 20)]


def test_a_trigger_every_five_seconds_splits_at_the_maximum() -> None:
    clips = run([event(t, 5, 10) for t in range(0, 600, 5)])
    assert [(clip.start_ns // S, clip.end_ns // S) for clip in clips] == [
        (-5 + 100 * k, 95 + 100 * k) for k in range(6)
    ] + [(595, 605)]


def test_long_windows_are_given_out_before_they_close() -> None:
    planner = WindowPlanner(MAX)
    for t in range(0, 290, 5):
        planner.add(event(t, 5, 10))
    assert [clip.end_ns // S for clip in planner.advance(290 * S)] == [95, 195]
    assert planner.needed_from_ns == 195 * S


def test_the_end_of_the_stream_truncates() -> None:
    planner = WindowPlanner(MAX)
    planner.add(event(10, 5, 5))
    clips = planner.finish(12 * S)
    assert [(clip.truncated, clip.end_ns) for clip in clips] == [(True, 15 * S)]
    planner.add(event(10, 5, 5))
    assert not planner.finish(15 * S)[0].truncated


def test_plans_survive_json() -> None:
    clips = run([event(10, 5, 5, 3, "a"), event(12, 1, 1, 4, "b")])
    assert [plan_from_json(plan_to_json(clip)) for clip in clips] == clips
    assert clips[0].priority == 3
    assert clips[0].upload_class == 1  # P4 uploads as P1, although P3 leads


def test_a_clock_set_back_does_not_join_what_lies_hours_apart() -> None:
    planner = WindowPlanner(MAX)
    planner.add(event(7200, 5, 5))
    planner.add(event(10, 5, 5, name="after"))
    planner.add(event(12, 5, 5, name="after"))
    clips = planner.advance(10**18)
    assert [(clip.start_ns // S, clip.end_ns // S, len(clip.events)) for clip in clips] == [
        (7195, 7205, 1),
        (5, 17, 2),
    ]
