"""What clips may cost: charges add up, the urgent are always cut, caps leave out topics and never time."""

import json
from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.clips.budget import ExtractionBudget, Ruling, TopicCost
from winnow_schemas.priority import Priority

DAY_NS = 86_400 * 1_000_000_000
BUDGET = {Priority.P1: 500, Priority.P2: 300, Priority.P3: 200, Priority.P5: 100}
CAP = {Priority.P1: 150, Priority.P2: 120, Priority.P3: 80, Priority.P4: 150, Priority.P5: 40}
ALWAYS = (Priority.P0, Priority.P4)

costs = st.lists(
    st.builds(
        lambda topic, size, order: TopicCost(topic, size * 2, size, order),
        st.sampled_from("abcdefgh"),
        st.integers(0, 90),
        st.integers(0, 3),
    ),
    max_size=6,
    unique_by=lambda cost: cost.topic,
)
requests = st.lists(
    st.tuples(st.sampled_from(list(Priority)), st.integers(0, 3 * DAY_NS), costs), max_size=25
)


def budget() -> ExtractionBudget:
    return ExtractionBudget(BUDGET, CAP)


@settings(max_examples=200, deadline=None)
@given(asked=requests)
def test_charges_add_up_and_stay_within_the_day(asked: list[tuple[Priority, int, list[TopicCost]]]) -> None:
    ours = budget()
    charged: dict[tuple[int, Priority], int] = defaultdict(int)
    for priority, t_ns, wanted in asked:
        ruling = ours.rule(priority, t_ns, wanted)
        kept = [cost for cost in wanted if cost.topic not in ruling.left_out]
        assert ruling.charged_bytes == (sum(cost.charged_bytes for cost in kept) if ruling.cut else 0)
        charged[t_ns // DAY_NS, priority] += ruling.charged_bytes
        assert ruling.cut or priority not in ALWAYS
        assert bool(ruling.reason) == (
            not ruling.cut or bool(ruling.left_out) or "may be left out" in ruling.reason
        )
    spent = {(day, priority): size for day, sizes in ours.spent().items() for priority, size in sizes.items()}
    assert {key: size for key, size in charged.items() if size} == {k: v for k, v in spent.items() if v}
    for (_, priority), size in spent.items():
        assert priority in ALWAYS or size <= BUDGET[priority]


@settings(max_examples=200, deadline=None)
@given(priority=st.sampled_from(list(Priority)), wanted=costs)
def test_a_cap_leaves_out_topics_in_their_order_and_no_more_than_it_must(
    priority: Priority, wanted: list[TopicCost]
) -> None:
    free = ExtractionBudget({}, CAP)
    ruling = free.rule(priority, 0, wanted)
    assert ruling.cut
    if priority is Priority.P0:
        assert ruling == Ruling(True, sum(cost.charged_bytes for cost in wanted), (), "")
        return
    may_go = sorted(
        (cost for cost in wanted if cost.drop_order), key=lambda cost: (-cost.drop_order, cost.topic)
    )
    assert [cost.topic for cost in may_go][: len(ruling.left_out)] == list(ruling.left_out)
    total, gone = sum(cost.charged_bytes for cost in wanted), may_go[: len(ruling.left_out)]
    assert ruling.charged_bytes == total - sum(cost.charged_bytes for cost in gone)
    assert ruling.charged_bytes <= CAP[priority] or len(gone) == len(may_go)
    if gone:
        assert ruling.charged_bytes + gone[-1].charged_bytes > CAP[priority]
        assert all(cost.topic in ruling.reason for cost in gone)


@settings(max_examples=100, deadline=None)
@given(asked=requests, restarts=st.sets(st.integers(0, 25)))
def test_a_restart_changes_nothing(
    asked: list[tuple[Priority, int, list[TopicCost]]], restarts: set[int]
) -> None:
    steady, restarted = budget(), budget()
    for number, (priority, t_ns, wanted) in enumerate(asked):
        if number in restarts:
            saved = json.loads(json.dumps(restarted.snapshot()))
            restarted = budget()
            restarted.restore(saved)
        assert restarted.rule(priority, t_ns, wanted) == steady.rule(priority, t_ns, wanted)
    assert restarted.spent() == steady.spent()


@settings(max_examples=60, deadline=None)
@given(wanted=costs, data=st.data())
def test_the_order_of_the_topics_does_not_matter(wanted: list[TopicCost], data: st.DataObject) -> None:
    other = data.draw(st.permutations(wanted))
    one, two = budget().rule(Priority.P1, 0, wanted), budget().rule(Priority.P1, 0, other)
    assert (one.cut, one.charged_bytes, one.left_out) == (two.cut, two.charged_bytes, two.left_out)


def test_a_new_day_of_message_time_has_a_new_budget() -> None:
    ours = budget()
    full = [TopicCost("a", 100, 100, 0)]
    assert ours.rule(Priority.P5, DAY_NS - 1, full).cut
    refused = ours.rule(Priority.P5, DAY_NS - 1, full)
    assert (refused.cut, refused.charged_bytes, refused.left_out) == (False, 0, ())
    assert refused.reason.startswith("the extraction budget of P5 for this day is")
    assert ours.rule(Priority.P5, DAY_NS, full).cut
    assert not ours.rule(Priority.P5, DAY_NS - 1, full).cut  # a clock set back finds its own day
