"""The uploader's engine and the retention node over one folder, with a strict store in memory and a fake clock.

Everything is real but the store, the clock and dora: thousands of steps in which links come and go, requests fail
before and after their effect, both processes are killed, the clock steps, holds are put and lifted, and space is
short. After every step: nothing is lost, nothing is stored twice, nothing went without proof, budgets and rates hold,
P0 goes first, and what may not go holds up nobody.
"""

import hashlib
import json
import random
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.fixtures.fake_object_store import Crash, FakeObjectStore, answer, silence
from tests.nodes.vehicle_rig import S, Vehicle

from winnow_operators.rehearsal.promises import check_choice
from winnow_operators.rehearsal.script import Rehearsal, Script
from winnow_operators.upload.budget import DailyBudget
from winnow_operators.upload.schedule import HOUR_NS, Plan, Scheduler, Stage
from winnow_retention.node import Loop
from winnow_runtime.legal_holds import LegalHolds
from winnow_schemas.legal_hold import make_hold
from winnow_schemas.messages import Outgoing
from winnow_schemas.priority import Priority, UploadClass
from winnow_schemas.settings.device import VehicleSettings
from winnow_schemas.settings.upload import LinkMode, UploadSettings
from winnow_schemas.sidecar import Sidecar, SidecarTrigger
from winnow_uploader import Happened, UploadWorker, transfer

KIB = 1024
AT = VehicleSettings(id="v-1", airport="EGLL")
STARVED_NS = 21 * HOUR_NS
"""500 points of score and 5 for having begun, at 25 an hour: 20.2 hours."""
FAILURES = [silence, lambda: answer("SlowDown", 503), lambda: answer("BadDigest", 400), Crash]


class Watched(Scheduler):
    """The real scheduler; every decision is held against what it promises."""

    def watching(self, story: "Story") -> "Watched":
        object.__setattr__(self, "_story", story)
        return self

    __slots__ = ("_story",)

    def plan(self, queue, link, spent, now_ns) -> Plan:
        items = list(queue)
        found = super().plan(items, link, spent, now_ns)
        self._story.decisions += 1
        alone = {one.clip_id: super(Watched, self).plan([one], link, spent, now_ns).send for one in items}
        may_go = {clip_id for clip_id, send in alone.items() if send is not None}
        if found.send is None:
            assert not may_go, "something may go, and nothing does"
            return found
        assert found.send.clip_id in may_go
        book = Rehearsal(Script(), 0, 0)
        views = {one.clip_id: one for one in items}
        check_choice(book, self, found.send, views, link, now_ns)
        assert not [sentence for sentence in book.violations if "safety" not in sentence]
        chosen = views[found.send.clip_id]
        safety = {one for one in may_go if views[one].upload_class is UploadClass.SAFETY}
        if safety and found.send.stage is not Stage.EARLY:
            assert chosen.upload_class is UploadClass.SAFETY, "a P0 waits for more than the part under way"
        if found.send.stage is Stage.DATA and chosen.upload_class is not UploadClass.SAFETY:
            waiting = [views[one] for one in may_go if alone[one].stage is Stage.DATA]
            newest = min(chosen.queued_ns, now_ns)
            assert all(newest - one.queued_ns < STARVED_NS for one in waiting), "starved by a newer clip"
        return found


class Story(RuleBasedStateMachine):
    """Parts are 5 KiB instead of MiB, so that a clip of 60 KiB has twelve."""

    @initialize(
        daily_gb=st.sampled_from([0.000_3, 50.0]),
        room_kb=st.sampled_from([30, 100, 10**6]),
        gives_up=st.booleans(),
    )
    def begin(self, daily_gb, room_kb, gives_up):
        memory = Path("/dev/shm")
        self.base = Path(tempfile.mkdtemp(prefix="story-test-", dir=memory if memory.is_dir() else None))
        self.gives_up = gives_up
        retention = {
            "apply": True,
            "free_floor_gb": 0,
            "clips_gb": room_kb / 1e6,
            "unverified": "last_resort" if gives_up else "keep",
        }
        self.vehicle = Vehicle(self.base, {"recorder": {"enabled": False}, "retention": retention})
        self.clock = self.vehicle.clock
        self.store = FakeObjectStore(self.clock, min_part_bytes=5 * KIB)
        self.settings = UploadSettings(part_mib=5, multipart_from_mib=20, daily_budget_gb=daily_gb)
        self.holds = LegalHolds(self.vehicle.out)
        self.contents, self.outgoing, self.given_up, self.vanished = {}, {}, set(), set()
        self.receipts, self.held = {}, {}
        """Hold -> clip, by the test's own book."""
        self.decisions, self.saved_mib = 0, transfer.MIB
        transfer.MIB = KIB
        self.journal = self.vehicle.journal("uploader", "receipts")
        self.open_uploader()
        self.loop = Loop(self.vehicle.node("retention"))

    def open_uploader(self):
        state = self.vehicle.out / "state" / "uploader" / "queue"
        self.worker = UploadWorker(
            self.settings,
            AT,
            self.vehicle.out,
            state,
            clock=self.clock,
            jitter=lambda: 0.5,
            store=self.store.connect,
        )
        real = self.worker._scheduler
        watched = Watched(real.link_settings, real.budget, real.ageing_points_per_h, real.longest_backoff_ns)
        self.worker._scheduler = self.worker._line._scheduler = watched.watching(self)

    # --- what happens -------------------------------------------------------------------------------------

    @rule(
        clips=st.lists(
            st.tuples(
                st.sampled_from([1, 3 * KIB, 20 * KIB - 1, 20 * KIB, 23 * KIB, 61 * KIB]), st.integers(0, 5)
            ),
            min_size=1,
            max_size=4,
        )
    )
    def clips_may_leave(self, clips):
        for size, priority in clips:
            number = len(self.contents)
            outgoing, data = write_clip(self.vehicle.out, number, size, Priority(priority))
            self.contents[outgoing.clip_id] = data
            self.outgoing[outgoing.clip_id] = outgoing
            assert self.worker.add(outgoing).outcome == "queued"

    @rule(steps=st.integers(1, 60), hours=st.sampled_from([0.0, 30.0, 200.0]))
    def a_night_at_the_depot(self, steps, hours):
        self.worker.set_link(LinkMode.ETHERNET_DEPOT)
        self.clock.advance_s(300)  # whatever failed before is tried again
        self.uploads(steps)
        self.retention_plans()
        self.clock.advance_s(hours * 3600)
        self.retention_plans()

    @rule(steps=st.integers(1, 12))
    def uploads(self, steps):
        for _ in range(steps):
            try:
                step = self.worker.step()
            except Crash:
                self.uploader_is_killed()
                continue
            self.keep(step)

    def keep(self, step):
        for receipt in step.receipts:
            self.receipts[receipt.clip_id] = receipt
            self.journal.append(receipt.clip_id, json.loads(receipt.to_json()))

    @rule(
        calls=st.integers(1, 6),
        when=st.sampled_from(["before", "after"]),
        what=st.sampled_from(FAILURES),
        steps=st.integers(1, 12),
    )
    def uploads_until_a_request_fails(self, calls, when, what, steps):
        self.store.armed(calls, when, what())
        self.uploads(steps)
        self.clock.advance_s(300)
        self.uploads(steps)

    @rule()
    def uploader_is_killed(self):
        self.worker.close()
        self.store.trap = None
        self.open_uploader()

    @rule(mode=st.sampled_from(LinkMode), mbps=st.none() | st.floats(0, 100))
    def link_changes(self, mode, mbps):
        self.worker.set_link(mode, None if mbps is None else mbps * 1e6 / 8)

    @rule(seconds=st.sampled_from([1.0, 60.0, 3600.0, 86_400.0, 8 * 86_400.0]))
    def time_passes(self, seconds):
        self.clock.advance_s(seconds)

    @rule(seconds=st.sampled_from([-86_400.0, -40 * 86_400.0, 40 * 86_400.0]))
    def clock_is_set(self, seconds):
        self.clock.step_wall_s(seconds)

    @precondition(lambda self: self.contents)
    @rule(data=st.data())
    def span_is_held(self, data):
        number = data.draw(st.integers(0, len(self.contents) - 1))
        hold = make_hold(number * 100 * S, (number + 1) * 100 * S, "case", self.clock.wall_ns())
        self.held[self.holds.add(hold).hold_id] = f"id-{number:04}"

    @rule(data=st.data())
    def hold_is_lifted(self, data):
        if self.held:
            hold_id = data.draw(st.sampled_from(sorted(self.held)))
            self.holds.remove(hold_id)
            del self.held[hold_id]

    @precondition(lambda self: self.contents)
    @rule(data=st.data(), held=st.booleans())
    def fleet_suppresses_or_releases(self, data, held):
        clip_id = data.draw(st.sampled_from(sorted(self.contents)))
        if held:
            self.worker.hold(clip_id, "duplicate of another vehicle's")
        else:
            self.worker.release(clip_id)

    @precondition(lambda self: self.contents)
    @rule(data=st.data())
    def somebody_removes_a_clip(self, data):
        clip_id = data.draw(st.sampled_from(sorted(self.contents)))
        self.path(clip_id).unlink(missing_ok=True)
        self.vanished.add(clip_id)

    @rule()
    def retention_is_killed(self):
        self.vehicle.gone("retention")
        self.loop = Loop(self.vehicle.node("retention"))

    @rule()
    def retention_plans(self):
        there = self.on_disk()
        held = set(self.held.values())
        self.loop.take(look=True)
        self.loop.carry_out()
        left = self.on_disk()
        for clip_id in there - left:
            assert clip_id not in held, "deleted although it is held"
            if self.is_stored(clip_id):
                continue
            assert self.gives_up, "deleted without proof"
            assert self.outgoing[clip_id].priority != Priority.P0, "a P0 was given up"
            self.given_up.add(clip_id)
        if self.given_up & there - left:
            proven = {one.clip_id for one in self.receipts.values()} - held
            assert not proven & left, "what is verified stayed while what is not went"

    # --- what must always be so ---------------------------------------------------------------------------

    @invariant()
    def nothing_is_lost(self):
        if hasattr(self, "contents"):
            there = self.on_disk()
            for clip_id in self.contents.keys() - there - self.given_up - self.vanished:
                assert self.is_stored(clip_id), f"{clip_id} is nowhere"

    @invariant()
    def nothing_is_stored_twice(self):
        assert not hasattr(self, "store") or not any(self.store.stored_again.values())

    @invariant()
    def budgets_hold_every_day(self):
        if not hasattr(self, "worker"):
            return
        budget = DailyBudget.of(self.settings)
        rows = self.worker._state._database.execute(
            "SELECT day, upload_class, wire_bytes FROM spent"
        ).fetchall()
        days: dict[int, int] = {}
        for day, upload_class, used in rows:
            if upload_class != UploadClass.SAFETY:
                days[day] = days.get(day, 0) + used
                assert used <= budget.shares_bytes[UploadClass(upload_class)]
        assert all(used <= budget.total_bytes for used in days.values())
        assert sum(row[2] for row in rows) >= self.store.wire_bytes, "something was sent and not charged"

    def teardown(self):
        if not hasattr(self, "worker"):
            return
        try:
            self.all_ends_well()
        finally:
            self.worker.close()
            self.journal.close()
            self.vehicle.close()
            transfer.MIB = self.saved_mib
            shutil.rmtree(self.base)

    def all_ends_well(self):
        """With a link, without holds, and time: everything arrives, and then everything goes."""
        self.uploader_is_killed()
        self.worker.set_link(LinkMode.ETHERNET_DEPOT)
        for clip_id in self.contents:
            self.worker.release(clip_id)
        for hold_id in list(self.held):
            self.holds.remove(hold_id)
        self.held.clear()
        for _ in range(3000):
            step = self.worker.step()
            self.keep(step)
            if step.happened is Happened.IDLE:
                break
            if step.happened is Happened.WAITING:
                assert step.until_wall_ns is not None, step
                self.clock.advance_s((step.until_wall_ns - self.clock.wall_ns()) / 1e9)
        for clip_id in self.contents.keys() - self.given_up - self.vanished:
            assert self.is_stored(clip_id)
        self.nothing_is_stored_twice()
        self.budgets_hold_every_day()
        self.retention_plans()
        self.clock.advance_s(32 * 86_400)
        self.retention_plans()
        stored = {clip_id for clip_id in self.contents if self.is_stored(clip_id)}
        assert not self.on_disk() & stored, "its time is over, and it is still there"

    # --- looking ------------------------------------------------------------------------------------------

    def path(self, clip_id) -> Path:
        return self.vehicle.out / self.outgoing[clip_id].path

    def on_disk(self) -> set[str]:
        return {clip_id for clip_id in self.contents if self.path(clip_id).exists()}

    def is_stored(self, clip_id) -> bool:
        """The object is in the store, byte for byte, and marked complete."""
        key = next((key for key in self.store.objects if key.endswith(f"/c{clip_id[3:]}.mcap")), None)
        if key is None or self.store.objects[key][0] != self.contents[clip_id]:
            return False
        return key.removesuffix(".mcap") + ".json" in self.store.objects


def write_clip(out: Path, number: int, size: int, priority: Priority) -> tuple[Outgoing, bytes]:
    """A clip as the extractor leaves it: random bytes, and a whole sidecar."""
    name, start_ns = f"c{number:04}", number * 100 * S
    data = random.Random(number).randbytes(size)
    path = out / "clips" / priority.name / f"{name}.mcap"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    cause = SidecarTrigger(type="estop", priority=int(priority), t_ns=start_ns + S, value=1.0, threshold=0.5)
    upload_class = priority.upload_class
    sidecar = Sidecar(
        clip_id=f"id-{number:04}",
        name=name,
        start_ns=start_ns,
        end_ns=start_ns + 30 * S,
        priority=int(priority),
        upload_class=int(upload_class),
        triggers=[cause],
        topics=[],
        topic_contents={},
        messages=0,
        payload_bytes=0,
        charged_bytes=0,
        position=None,
        latched=[],
        missing=[],
        wanted_topics=[],
        left_out=[],
        truncated=False,
        part=0,
        profile="plain",
        vehicle_id="v-1",
        software="",
        trigger_type="estop",
        timestamp_utc="",
        timestamp_sec=0.0,
        pre_roll_sec=1.0,
        post_roll_sec=29.0,
        clip_duration_sec=30.0,
        total_messages=0,
        trigger_metadata={},
        airport_code="EGLL",
    ).completed(size, hashlib.sha256(data).hexdigest())
    path.with_suffix(".json").write_text(json.dumps(sidecar.to_json()))
    outgoing = Outgoing(
        clip_id=sidecar.clip_id,
        name=name,
        path=str(path.relative_to(out)),
        derived_from="",
        priority=int(priority),
        upload_class=int(upload_class),
        annotation_priority=0.5,
        diversity_score=0.5,
        withheld_topics=[],
    )
    return outgoing, data


class LongStory(Story):
    """The same, for the long rounds."""


_ROUND = settings(
    deadline=None,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestStory = Story.TestCase
TestStory.settings = settings(_ROUND, max_examples=60)
TestLongStory = pytest.mark.storm(LongStory.TestCase)
TestLongStory.settings = settings(_ROUND, max_examples=500, stateful_step_count=80)
