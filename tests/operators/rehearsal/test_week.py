"""A simulated week: budgets kept each UTC day, all P0 uploaded, the disk never over its limit; and that a broken
promise would be seen."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.rehearsal.arrivals import TABLE, make_arrivals
from winnow_operators.rehearsal.links import make_links
from winnow_operators.rehearsal.playing import rehearse
from winnow_operators.rehearsal.script import DAY_NS, Rehearsal, Rules, Script
from winnow_operators.retention.clips import RetentionRules
from winnow_operators.upload.budget import DailyBudget
from winnow_operators.upload.link import Link
from winnow_operators.upload.schedule import Plan, QueueItem, Scheduler
from winnow_schemas.priority import Priority
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.upload import LinkMode

DEVICE = DeviceSettings()
GB = 10**9


def rules(room_gb: float = 1100.0, **retention: object) -> Rules:
    budget = DailyBudget.of(DEVICE.upload)
    kept = RetentionRules(30, 7, 0, int(room_gb * GB), 0.9, 0.8)
    return Rules(
        Scheduler(DEVICE.upload.link, budget, DEVICE.upload.ageing_points_per_h, 300 * 10**9),
        budget,
        replace(kept, **retention),
        10 * 2**20,
        20 * 2**20,
        {one: int(gb * GB) for one, gb in DEVICE.clips.budget_gb_per_day.items()},
        {one: int(gb * GB) for one, gb in DEVICE.clips.max_size_gb.items()},
    )


def others_sent(week: Rehearsal) -> list[dict[int, int]]:
    return [{one: size for one, size in day.items() if one} for day in week.spent.values()]


@pytest.mark.parametrize(("seed", "room_gb"), [(0, 1100), (1, 150), (2, 250)])
def test_a_week_keeps_what_is_promised(seed: int, room_gb: float) -> None:
    week = rehearse(Script(seed=seed), rules(room_gb))
    assert week.violations == []
    # Again, from the result alone.
    shares = {1: 15 * GB, 2: 8 * GB, 3: 5 * GB, 5: 7 * GB}
    assert len(week.spent) == 7
    for day in others_sent(week):
        assert all(size <= shares[one] for one, size in day.items())
        assert sum(day.values()) <= 50 * GB
    safety = [clip for clip in week.clips if clip.priority is Priority.P0]
    assert len(safety) >= 10
    assert all(clip.verified_ns is not None for clip in safety)
    assert week.peak_disk_bytes <= room_gb * GB
    assert max(one.verified_bytes + one.unverified_bytes for one in week.samples) <= room_gb * GB
    gone = [clip for clip in week.clips if clip.deleted_ns is not None]
    assert gone
    assert all(clip.verified_ns is not None and clip.verified_ns <= clip.deleted_ns for clip in gone)
    if room_gb < 300:
        assert week.deleted["pressure"] > 20, "the disk is small: there was pressure"
        assert not any(clip.priority is Priority.P0 for clip in gone), "others were left"
    assert all(
        clip.wire_bytes <= clip.size_bytes * 1.2 for clip in week.clips if clip.verified_ns is not None
    )


def test_the_same_seed_is_the_same_week_and_another_is_not() -> None:
    script = Script(days=2, outage_from_h=20, outage_h=6, safety_day=None)
    first, again = (rehearse(script, rules()) for _ in range(2))
    assert first == again
    assert rehearse(replace(script, seed=9), rules()).spent != first.spent


class TestTheDocumentsPattern:
    def test_links_are_without_gaps_and_as_5_1_has_them(self) -> None:
        script = Script(seed=3, outage_h=0)
        stretches = make_links(script).stretches
        assert stretches[0].start_ns == script.start_ns
        assert stretches[-1].end_ns == script.end_ns
        assert all(a.end_ns == b.start_ns for a, b in pairwise(stretches))
        hours = dict.fromkeys(LinkMode, 0.0)
        for one in stretches:
            hours[one.mode] += (one.end_ns - one.start_ns) / 3600e9 / script.days
        assert hours[LinkMode.ETHERNET_DEPOT] == pytest.approx(8)
        assert hours[LinkMode.WIFI_DEPOT] == pytest.approx(1.5)
        assert 0.01 <= hours[LinkMode.DISCONNECTED] / 14.5 <= 0.05
        assert all(
            20e6 / 8 <= one.capacity_bytes_per_s <= 80e6 / 8
            for one in stretches
            if one.mode is LinkMode.CELLULAR_5G
        )

    def test_an_outage_takes_every_link(self) -> None:
        links = make_links(Script(seed=3, outage_from_h=30, outage_h=48))
        start = Script().start_ns
        modes = {links.at(start + int(h * 3600e9)).mode for h in range(30, 78)}
        assert modes == {LinkMode.DISCONNECTED}
        assert links.at(start + int(78.01 * 3600e9)).mode is not LinkMode.DISCONNECTED

    def test_clips_are_as_3_5_has_them(self) -> None:
        clips, refused = make_arrivals(Script(seed=5, days=30, safety_day=7), rules())
        for priority, mix in TABLE.items():
            mine = [clip for clip in clips if clip.priority is priority]
            per_day = (len(mine) + refused.get(priority, 0)) / 30
            assert mix.fewest <= per_day <= mix.most
        heavy = [clip for clip in clips if clip.priority is Priority.P0 and clip.clip_id.startswith("d07")]
        assert len(heavy) == 10
        assert sum(clip.size_bytes for clip in heavy) == pytest.approx(50 * GB, rel=0.4)
        charged: dict[tuple[int, Priority], int] = {}
        for clip in clips:
            key = (clip.t_ns // DAY_NS, clip.priority)
            charged[key] = charged.get(key, 0) + clip.size_bytes
        limits = rules().extraction_bytes
        assert all(size <= limits[p] for (_, p), size in charged.items() if p in limits)


class Hasty(Scheduler):
    """Sends the least urgent of those that may go."""

    def plan(self, queue, link, spent, now_ns):
        alone = [super(Hasty, self).plan([one], link, spent, now_ns) for one in reversed(list(queue))]
        return max(
            (one for one in alone if one.send), key=lambda one: one.send.clip_id, default=Plan(None, None, ())
        )


class Speedy(Scheduler):
    """Sends at twice the rate."""

    def plan(self, queue, link, spent, now_ns):
        found = super().plan(queue, link, spent, now_ns)
        if found.send is None:
            return found
        return replace(found, send=replace(found.send, rate_bytes_per_s=2 * found.send.rate_bytes_per_s))


class Lazy(Scheduler):
    """One item that may not go holds up all."""

    def plan(self, queue, link, spent, now_ns):
        items: list[QueueItem] = list(queue)
        found = super().plan(items, link, spent, now_ns)
        if found.blocked and len(items) > 1:
            return Plan(None, None, found.blocked)
        return found


class Generous(DailyBudget):
    """Forgets the shares."""

    def remaining_bytes(self, upload_class, spent):
        return None


def broken(script: Script, **changes: object) -> str:
    good = rules(150)
    return " ".join(rehearse(script, replace(good, **changes)).violations)


SHORT = Script(days=1, outage_h=0, safety_day=0)


class TestABrokenPromiseIsSeen:
    def scheduler(self, kind: type[Scheduler], budget: DailyBudget | None = None) -> Scheduler:
        good = rules().scheduler
        return kind(
            good.link_settings, budget or good.budget, good.ageing_points_per_h, good.longest_backoff_ns
        )

    def test_of_order(self) -> None:
        assert "went before the safety clip" in broken(SHORT, scheduler=self.scheduler(Hasty))

    def test_of_rate(self) -> None:
        assert "B/s, the limit is" in broken(SHORT, scheduler=self.scheduler(Speedy))

    def test_of_holding_nobody_up(self) -> None:
        assert "might have gone" in broken(SHORT, scheduler=self.scheduler(Lazy))

    def test_of_budgets(self) -> None:
        good = rules()
        generous = Generous(good.budget.total_bytes, good.budget.shares_bytes)
        said = broken(Script(days=2, outage_h=0, safety_day=0), scheduler=self.scheduler(Scheduler, generous))
        assert "its share is" in said

    def test_of_the_disk(self) -> None:
        assert "over its limit" in broken(SHORT, retention=replace(rules().retention, room_bytes=20 * GB))


@settings(max_examples=5, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    outage=st.tuples(st.floats(0, 40), st.floats(0, 30)),
    room_gb=st.sampled_from([160.0, 400.0]),
)
def test_no_seed_breaks_a_promise(seed: int, outage: tuple[float, float], room_gb: float) -> None:
    script = Script(seed=seed, days=2, outage_from_h=outage[0], outage_h=outage[1], safety_day=1)
    assert rehearse(script, rules(room_gb)).violations == []


def test_a_link_that_goes_takes_the_part_with_it() -> None:
    week = rehearse(Script(days=2, seed=4, outage_h=0), rules())
    assert week.cut_off > 0
    assert Link(LinkMode.DISCONNECTED).uplink_bytes_per_s is None
