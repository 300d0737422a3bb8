"""The scheduler: examples, and a simulated day in which its promises are watched."""

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from winnow_operators.upload.budget import DAY_NS, DailyBudget, day_of, next_midnight_ns
from winnow_operators.upload.link import Link
from winnow_operators.upload.schedule import (
    EARLY_BEFORE_SAFETY,
    HOUR_NS,
    Hold,
    Obstacle,
    QueueItem,
    Scheduler,
    Stage,
)
from winnow_operators.upload.score import upload_score
from winnow_schemas.priority import UploadClass
from winnow_schemas.settings.upload import LinkMode, UploadSettings

S, P, L, N, D = UploadClass
OFF, CELL, WIFI, WIRE = LinkMode
MB = 10**6
NOW = 20_000 * DAY_NS + 12 * HOUR_NS


def scheduler(**changes):
    settings_ = UploadSettings(**changes)
    return Scheduler(settings_.link, DailyBudget.of(settings_), settings_.ageing_points_per_h, 300 * 10**9)


def item(clip_id, upload_class, **changes):
    values = {
        "clip_id": clip_id,
        "upload_class": upload_class,
        "score": upload_score(upload_class, 0.5, 0.5, 0.0),
        "queued_ns": NOW,
        "stage": Stage.DATA,
        "next_bytes": 10 * MB,
    }
    return QueueItem(**values | changes)


def plan(queue, mode=WIRE, spent=None, now=NOW, **changes):
    return scheduler(**changes).plan(queue, Link(mode), spent or {}, now)


def order(queue, mode=WIRE, **changes):
    """Ids in the order in which the clips would go, one step each."""
    queue, ids = list(queue), []
    while queue:
        send = plan(queue, mode, **changes).send
        ids.append(send.clip_id)
        queue = [one for one in queue if one.clip_id != send.clip_id]
    return ids


def test_an_empty_queue_says_so():
    found = plan([])
    assert (found.send, found.until_ns, found.reason) == (None, None, "the queue is empty")


def test_classes_then_scores_then_age_then_id():
    queue = [
        item("d", D),
        item("p-dull", P, score=upload_score(P, 0.1, 0.1, 0)),
        item("p-b", P),
        item("p-a", P),
        item("p-old", P, queued_ns=NOW - 1),
        item("s", S),
        item("p-rare", P, score=upload_score(P, 0.9, 0.9, 0.9)),
        item("l", L),
    ]
    assert order(queue) == ["s", "p-rare", "p-old", "p-a", "p-b", "p-dull", "l", "d"]


def test_safety_goes_first_whatever_the_scores():
    queue = [item("s", S, score=0.0), item("p", P, score=upload_score(P, 1, 1, 1), queued_ns=0, started=True)]
    assert order(queue) == ["s", "p"]


def test_rates_are_those_of_class_and_link():
    assert plan([item("p", P)], CELL).send.rate_bytes_per_s == 10e6 / 8
    assert plan([item("s", S)], CELL).send.rate_bytes_per_s == 20e6 / 8
    assert plan([item("d", D)], WIFI).send.rate_bytes_per_s == 50e6 / 8


def test_on_cellular_what_may_not_go_is_passed_over_and_named():
    found = plan([item("l", L), item("d", D), item("p", P)], CELL)
    assert found.send.clip_id == "p"
    assert {(one.clip_id, one.obstacle, one.until_ns) for one in found.blocked} == {
        ("l", Obstacle.LINK, None),
        ("d", Obstacle.LINK, None),
    }
    nothing = plan([item("l", L), item("m", L)], CELL)
    assert nothing.send is None
    assert nothing.reason == "2 x class 2 may not send on cellular_5g"


def test_disconnected_is_disconnected_for_everyone():
    found = plan([item("s", S, early_bytes=9), item("p", P, stage=Stage.SIDECAR)], OFF)
    assert found.send is None
    assert len(found.blocked) == 2


class TestEarlySidecars:
    def queue(self, others):
        return [
            item("s", S, early_bytes=5_000),
            *(item(f"d{i:03}", D, early_bytes=5_000) for i in range(others)),
        ]

    def test_on_cellular_all_sidecars_go_ahead_of_the_data(self):
        queue = [item("p", P, early_bytes=1), item("d", D, early_bytes=1), item("s", S, early_bytes=1)]
        stages = []
        while (send := plan(queue, CELL).send) is not None:
            stages.append((send.clip_id, send.stage))
            queue = [
                replace(one, early_bytes=0)
                if send.stage is Stage.EARLY and one.clip_id == send.clip_id
                else one
                for one in queue
                if send.stage is Stage.EARLY or one.clip_id != send.clip_id
            ]
        assert stages == [
            ("s", Stage.EARLY),
            ("p", Stage.EARLY),
            ("d", Stage.EARLY),
            ("s", Stage.DATA),
            ("p", Stage.DATA),
        ]

    @pytest.mark.parametrize(
        ("others", "first"), [(EARLY_BEFORE_SAFETY, Stage.EARLY), (EARLY_BEFORE_SAFETY + 1, Stage.DATA)]
    )
    def test_a_crowd_of_sidecars_does_not_hold_up_safety(self, others, first):
        queue = self.queue(others)
        assert plan(queue, CELL).send.clip_id == "s"
        queue[0] = replace(queue[0], early_bytes=0)
        assert plan(queue, CELL).send.stage is first

    def test_at_the_depot_data_goes_at_once(self):
        assert plan(self.queue(2), WIFI).send.stage is Stage.DATA

    def test_data_that_has_begun_needs_no_early_sidecar(self):
        assert plan([item("p", P, early_bytes=9, started=True)], CELL).send.stage is Stage.DATA


class TestBudget:
    def test_at_the_limit_it_waits_for_midnight_utc(self):
        found = plan([item("d", D)], spent={D: 7_000 * MB - 9 * MB})
        assert found.send is None
        assert found.until_ns == next_midnight_ns(NOW)
        assert plan([item("d", D)], spent={D: 6_990 * MB}).send is not None

    def test_another_class_goes_on(self):
        assert plan([item("d", D), item("n", N)], spent={N: 5_000 * MB}).send.clip_id == "d"

    def test_safety_knows_no_budget(self):
        assert plan([item("s", S)], spent={S: 90_000 * MB}).send.clip_id == "s"


class TestBackoffAndHolds:
    def test_a_failed_clip_holds_nobody_up(self):
        later = NOW + 10**9
        queue = [item("s", S, not_before_ns=later), item("d", D)]
        assert plan(queue).send.clip_id == "d"
        assert plan(queue[:1]).until_ns == later
        assert plan(queue, now=later).send.clip_id == "s"

    def test_a_clock_put_back_does_not_make_it_wait_for_years(self):
        assert plan([item("p", P, not_before_ns=NOW + 3_000 * DAY_NS)]).send.clip_id == "p"

    def test_held_until_released_or_over_but_never_safety(self):
        hold = Hold("a better one is known", NOW + 5)
        queue = [item("p", P, hold=hold), item("s", S, hold=Hold("no"))]
        assert plan(queue).send.clip_id == "s"
        found = plan(queue[:1])
        assert (found.send, found.until_ns) == (None, NOW + 5)
        assert found.reason == "1 x held: a better one is known"
        assert plan(queue[:1], now=NOW + 5).send.clip_id == "p"
        assert plan([item("p", P, hold=Hold("no"))], now=NOW + 9 * DAY_NS).send is None


class TestAgeing:
    def test_a_waiting_clip_passes_newer_ones_in_the_end(self):
        old = item("d", D, queued_ns=NOW - 21 * HOUR_NS, score=500.0)
        assert plan([old, item("p", P, score=0.0)]).send.clip_id == "d"
        assert plan([replace(old, queued_ns=NOW - 19 * HOUR_NS), item("p", P, score=0.0)]).send.clip_id == "p"

    def test_begun_uploads_are_finished_before_equals_but_not_before_better(self):
        begun = item("z", L, started=True)
        assert plan([begun, item("a", L)]).send.clip_id == "z"
        assert plan([begun, item("a", L, score=begun.score - 6)]).send.clip_id == "a"

    def test_a_clock_put_back_does_not_count_as_waiting(self):
        assert order([item("a", P, queued_ns=NOW + 99 * DAY_NS), item("b", D)]) == ["a", "b"]


PART = 10 * MB
BOUND_NS = 21 * HOUR_NS
"""500 points of score and 5 for having begun, at 25 an hour: 20.2 hours."""


class Day(RuleBasedStateMachine):
    """A fake store that takes parts, a fake clock, a link that comes and goes."""

    @initialize(daily=st.sampled_from([0.05, 0.2, 50.0]))
    def begin(self, daily):
        self.settings = UploadSettings(daily_budget_gb=daily)
        self.scheduler = scheduler(daily_budget_gb=daily)
        self.budget = DailyBudget.of(self.settings)
        self.queue, self.left, self.early_left, self.sealed = {}, {}, set(), set()
        self.spent, self.now, self.link = {}, NOW, Link(WIRE)
        self.count = 0

    def spent_today(self):
        return self.spent.setdefault(day_of(self.now), {})

    @rule(
        upload_class=st.sampled_from(UploadClass),
        parts=st.integers(1, 4),
        worth=st.floats(0, 1),
        early=st.booleans(),
    )
    def clip(self, upload_class, parts, worth, early):
        clip_id = f"c{self.count:03}"
        self.count += 1
        score = upload_score(upload_class, worth, worth, worth)
        self.queue[clip_id] = item(
            clip_id, upload_class, score=score, queued_ns=self.now, next_bytes=PART, early_bytes=early * 4000
        )
        self.left[clip_id] = parts

    @rule(mode=st.sampled_from(LinkMode), mbps=st.none() | st.floats(0, 600))
    def other_link(self, mode, mbps):
        self.link = Link(mode, None if mbps is None else mbps * 1e6 / 8)

    @rule(hours=st.floats(0, 30))
    def time_passes(self, hours):
        self.now += int(hours * HOUR_NS)

    @rule(back_s=st.integers(0, 3 * 86_400))
    def clock_is_put_back(self, back_s):
        self.now -= back_s * 10**9

    @precondition(lambda self: self.queue)
    @rule(data=st.data(), wait_s=st.integers(0, 300))
    def a_clip_fails(self, data, wait_s):
        clip_id = data.draw(st.sampled_from(sorted(self.queue)))
        self.queue[clip_id] = replace(self.queue[clip_id], not_before_ns=self.now + wait_s * 10**9)

    @precondition(lambda self: self.queue)
    @rule(data=st.data(), hold=st.none() | st.builds(Hold, st.just("duplicate"), st.none()))
    def held_or_released(self, data, hold):
        clip_id = data.draw(st.sampled_from(sorted(self.queue)))
        self.queue[clip_id] = replace(self.queue[clip_id], hold=hold)

    @rule(steps=st.integers(1, 5))
    def sends(self, steps):
        for _ in range(steps):
            queue = list(self.queue.values())
            found = self.scheduler.plan(queue, self.link, self.spent_today(), self.now)
            again = self.scheduler.plan(queue[::-1], self.link, self.spent_today(), self.now)
            assert (again.send, again.until_ns) == (found.send, found.until_ns), (
                "the order of the queue counts"
            )
            alone = {
                one.clip_id: self.scheduler.plan([one], self.link, self.spent_today(), self.now).send
                for one in queue
            }
            may_go = {clip_id for clip_id, send in alone.items() if send is not None}
            assert {one.clip_id for one in found.blocked} == set(self.queue) - may_go
            if found.send is None:
                assert not may_go, "something may go, and nothing does"
                return
            self.one_step(found.send, may_go, alone)

    def one_step(self, send, may_go, alone):
        chosen = self.queue[send.clip_id]
        assert send.clip_id in may_go
        assert self.link.mode is not OFF
        assert send.rate_bytes_per_s > 0
        if self.link.uplink_bytes_per_s is not None:
            assert send.rate_bytes_per_s <= 0.8 * self.link.uplink_bytes_per_s * 1.000001
        if send.stage is Stage.DATA and chosen.upload_class is not S:
            assert not any(self.queue[clip_id].upload_class is S for clip_id in may_go)
            for clip_id in may_go:
                other = self.queue[clip_id]
                if alone[clip_id].stage is Stage.DATA:
                    newer_by_ns = min(chosen.queued_ns, self.now) - other.queued_ns
                    assert newer_by_ns < BOUND_NS, "starved by a newer clip"
        spent = self.spent_today()
        cost = chosen.early_bytes if send.stage is Stage.EARLY else chosen.next_bytes
        spent[chosen.upload_class] = spent.get(chosen.upload_class, 0) + cost
        if send.stage is Stage.EARLY:
            self.queue[send.clip_id] = replace(chosen, early_bytes=0)
        elif send.stage is Stage.DATA and self.left[send.clip_id] > 1:
            self.left[send.clip_id] -= 1
            self.queue[send.clip_id] = replace(chosen, started=True)
        elif send.stage is Stage.DATA:
            self.queue[send.clip_id] = replace(chosen, stage=Stage.SIDECAR, next_bytes=4000, started=True)
        else:
            del self.queue[send.clip_id]

    @invariant()
    def budgets_hold_on_every_day(self):
        for spent in getattr(self, "spent", {}).values():
            for upload_class, used in spent.items():
                if upload_class is not S:
                    assert used <= self.budget.shares_bytes[upload_class]
            others = sum(used for upload_class, used in spent.items() if upload_class is not S)
            assert others <= self.budget.total_bytes

    def teardown(self):
        """With a link, no holds and a budget of its own per day, everything goes in the end."""
        if not hasattr(self, "queue"):
            return
        self.link = Link(WIRE)
        self.queue = {k: replace(one, hold=None) for k, one in self.queue.items()}
        for _ in range(500):
            if not self.queue:
                return
            found = self.scheduler.plan(self.queue.values(), self.link, self.spent_today(), self.now)
            if found.send is None:
                assert found.until_ns is not None
                assert found.until_ns > self.now
                self.now = found.until_ns
            else:
                self.sends(1)
        raise AssertionError("the queue did not drain")


TestDay = Day.TestCase
TestDay.settings = settings(deadline=None, max_examples=60, stateful_step_count=30)
