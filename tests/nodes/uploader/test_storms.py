"""The worker under everything at once: crashes between any two effects, failures, a changing link and clock.

The store and the disk are real enough to be wrong in: the store is a strict fake in memory, the state is SQLite.
"""

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.fixtures.clips import make_clip
from tests.fixtures.fake_clock import FakeClock
from tests.fixtures.fake_object_store import Crash, FakeObjectStore, answer, silence

from winnow_operators.upload.budget import DailyBudget
from winnow_schemas.priority import UploadClass
from winnow_schemas.settings.device import VehicleSettings
from winnow_schemas.settings.upload import LinkMode, UploadSettings
from winnow_uploader import Happened, UploadWorker, transfer

KIB = 1024
VEHICLE = VehicleSettings(id="v-1", airport="EGLL")
FAILURES = [
    silence,
    lambda: answer("SlowDown", 503),
    lambda: answer("BadDigest", 400),
    lambda: answer("AccessDenied", 403),
    lambda: answer("ExpiredToken", 400),
    lambda: answer("NoSuchUpload", 404),
    lambda: answer("RequestTimeTooSkewed", 403),
    Crash,
]


class Storm(RuleBasedStateMachine):
    """With parts of 5 KiB instead of MiB, so that a clip of 60 KiB has twelve."""

    @initialize(daily_gb=st.sampled_from([0.000_2, 50.0]))
    def begin(self, daily_gb):
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="upload-test-", dir=memory if memory.is_dir() else None))
        self.clock = FakeClock()
        self.store = FakeObjectStore(self.clock, min_part_bytes=5 * KIB)
        self.settings = UploadSettings(part_mib=5, multipart_from_mib=20, daily_budget_gb=daily_gb)
        self.unchanged, self.spoilt, self.receipts, self.outcomes = {}, set(), {}, {}
        self.count, self.saved_mib = 0, transfer.MIB
        transfer.MIB = KIB
        self.commit_trap = None
        self.open()

    def open(self):
        self.worker = UploadWorker(
            self.settings,
            VEHICLE,
            self.folder,
            self.folder / "state",
            clock=self.clock,
            jitter=lambda: 0.5,
            store=self.store.connect,
        )
        real = self.worker._state.transaction

        def trapped():
            return _Trapped(self, real())

        self.worker._state.transaction = trapped

    def crash(self):
        self.worker.close()
        self.commit_trap = self.store.trap = None
        self.open()

    @rule(
        size=st.sampled_from([1, 3 * KIB, 20 * KIB - 1, 20 * KIB, 23 * KIB, 61 * KIB]),
        priority=st.integers(0, 5),
    )
    def clip_may_leave(self, size, priority):
        name = f"c{self.count:03}"
        self.count += 1
        outgoing = make_clip(self.folder, name, size, priority)
        self.unchanged[outgoing.clip_id] = outgoing
        try:
            assert self.worker.add(outgoing).outcome == "queued"
        except Crash:
            self.crash()
            assert self.worker.add(outgoing).outcome in ("queued", "known")

    @rule(steps=st.integers(1, 12))
    def works(self, steps):
        for _ in range(steps):
            before = self.store.wire_bytes
            try:
                step = self.worker.step()
            except Crash:
                self.crash()
                continue
            self.keep(step)
            assert step.happened is not Happened.PARKED or step.clip_id in self.spoilt, step
            assert step.wire_bytes <= self.store.wire_bytes - before
            if self.worker._line.mode is LinkMode.DISCONNECTED:
                assert self.store.wire_bytes == before, "sent without a link"

    def keep(self, step):
        for one in step.receipts:
            assert self.receipts.setdefault(one.clip_id, one) == one
        for one in step.decisions:
            self.outcomes.setdefault(one.subject, []).append(one.outcome)

    @rule(
        calls=st.integers(1, 6),
        when=st.sampled_from(["before", "after"]),
        what=st.sampled_from(FAILURES),
        steps=st.integers(1, 12),
    )
    def works_until_a_request_fails(self, calls, when, what, steps):
        self.store.armed(calls, when, what())
        self.works(steps)
        self.clock.advance(300)
        self.works(steps)

    @rule(commits=st.integers(1, 8), when=st.sampled_from(["before", "after"]), steps=st.integers(1, 12))
    def works_until_a_commit_is_the_last(self, commits, when, steps):
        self.commit_trap = [commits, when]
        self.works(steps)

    @rule()
    def is_killed(self):
        self.crash()

    @rule(mode=st.sampled_from(LinkMode), mbps=st.none() | st.floats(0, 100))
    def link_changes(self, mode, mbps):
        self.worker.set_link(mode, None if mbps is None else mbps * 1e6 / 8)

    @rule(seconds=st.sampled_from([0.1, 1.0, 60.0, 3600.0, 86_400.0]))
    def time_passes(self, seconds):
        self.clock.advance(seconds)

    @rule(seconds=st.sampled_from([30.0, 7200.0, 40 * 86_400.0]))
    def clock_is_put_back(self, seconds):
        self.clock.wall -= int(seconds * 1e9)

    @precondition(lambda self: self.unchanged)
    @rule(data=st.data(), how=st.sampled_from(["touch", "change", "shorten", "remove"]))
    def a_file_is_touched_or_spoilt(self, data, how):
        outgoing = self.unchanged[data.draw(st.sampled_from(sorted(self.unchanged)))]
        path = self.folder / outgoing.path
        if how == "touch":
            path.touch()
            return
        del self.unchanged[outgoing.clip_id]
        self.spoilt.add(outgoing.clip_id)
        if how == "remove":
            path.unlink()
        elif how == "shorten":
            path.write_bytes(path.read_bytes()[:-1])
        else:
            content = bytearray(path.read_bytes())
            content[-1] ^= 1
            path.write_bytes(content)

    @precondition(lambda self: self.unchanged)
    @rule(data=st.data(), held=st.booleans())
    def held_or_released(self, data, held):
        clip_id = data.draw(st.sampled_from(sorted(self.unchanged)))
        if held:
            self.worker.hold(clip_id, "duplicate of another vehicle's")
        else:
            self.worker.release(clip_id)

    @invariant()
    def nothing_is_stored_twice(self):
        assert not hasattr(self, "store") or not any(self.store.stored_again.values())

    @invariant()
    def budgets_hold(self):
        if not hasattr(self, "worker"):
            return
        budget = DailyBudget.of(self.settings)
        rows = self.worker._state._database.execute(
            "SELECT day, upload_class, wire_bytes FROM spent"
        ).fetchall()
        for day in {row[0] for row in rows}:
            others = sum(row[2] for row in rows if row[0] == day and row[1] != UploadClass.SAFETY)
            assert others <= budget.total_bytes
        assert sum(row[2] for row in rows) >= self.store.wire_bytes, "something was sent and not charged"

    def teardown(self):
        if not hasattr(self, "worker"):
            return
        try:
            self.heal_and_drain()
        finally:
            self.worker.close()
            transfer.MIB = self.saved_mib
            shutil.rmtree(self.folder)

    def heal_and_drain(self):
        """Once nothing fails any more, every clip that is what it was arrives, whatever happened before."""
        self.crash()
        self.worker.set_link(LinkMode.ETHERNET_DEPOT)
        for clip_id in (*self.unchanged, *self.spoilt):
            self.worker.release(clip_id)
        for _ in range(3000):
            step = self.worker.step()
            self.keep(step)
            if step.happened is Happened.IDLE:
                break
            if step.happened is Happened.WAITING:
                assert step.until_wall_ns is not None, step
                assert step.until_wall_ns > self.clock.wall, step
                self.clock.advance((step.until_wall_ns - self.clock.wall) / 1e9)
        assert self.worker.status().queued_clips == 0, step
        for clip_id, outgoing in self.unchanged.items():
            self.arrived(clip_id, outgoing)
        for clip_id in self.spoilt:
            assert clip_id in self.receipts or {"parked", "given_up"} & set(self.outcomes[clip_id])
        self.nothing_is_stored_twice()
        self.budgets_hold()

    def arrived(self, clip_id, outgoing):
        receipt = self.receipts[clip_id]
        path = self.folder / outgoing.path
        data, _, metadata, _ = self.store.objects[receipt.key]
        assert data == path.read_bytes()
        assert metadata["sha256"] == hashlib.sha256(data).hexdigest()
        sidecar = self.store.objects[receipt.key.removesuffix(".mcap") + ".json"][0]
        assert json.loads(sidecar)["clip_id"] == clip_id
        assert "sent" in self.outcomes[clip_id]


class _Trapped:
    """A transaction that ends the process before or after it is on disk, when its turn has come."""

    def __init__(self, storm, inner):
        self.storm, self.inner = storm, inner
        self.die = ""
        if storm.commit_trap is not None:
            storm.commit_trap[0] -= 1
            if storm.commit_trap[0] <= 0:
                self.die = storm.commit_trap[1]
                storm.commit_trap = None

    def __enter__(self):
        if self.die == "before":
            raise Crash
        self.inner.__enter__()

    def __exit__(self, *error):
        result = self.inner.__exit__(*error)
        if self.die == "after":
            raise Crash
        return result


TestStorm = Storm.TestCase
TestStorm.settings = settings(
    deadline=None,
    max_examples=150,
    stateful_step_count=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
