"""The worker's rules one by one, with the fake store and a clock that stands still."""

import json
import os
import sqlite3
import tempfile
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.fixtures.clips import make_clip
from tests.fixtures.fake_clock import FakeClock
from tests.fixtures.fake_object_store import Crash, FakeObjectStore, answer, silence

from winnow_operators.upload.budget import DAY_NS, next_midnight_ns
from winnow_schemas.errors import UnavailableError
from winnow_schemas.settings.device import VehicleSettings
from winnow_schemas.settings.upload import LinkMode, LinkSettings, UploadSettings
from winnow_uploader import Happened, UploadWorker, fingerprint, transfer

KIB = 1024
VEHICLE = VehicleSettings(id="v-1", airport="EGLL")


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    """Parts of 5 KiB instead of 5 MiB."""
    monkeypatch.setattr(transfer, "MIB", KIB)


@pytest.fixture
def tmp_path():
    """In memory where possible: hundreds of commits with fsync take their time on a disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        dir=memory if memory.is_dir() else None, prefix="upload-test-"
    ) as folder:
        (Path(folder) / "run").mkdir()
        yield Path(folder) / "run"


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def store(clock):
    return FakeObjectStore(clock, min_part_bytes=5 * KIB)


@pytest.fixture
def start(tmp_path, clock, store):
    workers = []

    def make(**changes):
        for worker in workers:
            worker.close()
        settings = UploadSettings(**({"part_mib": 5} | changes))
        workers[:] = [
            UploadWorker(
                settings,
                VEHICLE,
                tmp_path,
                tmp_path / "state",
                clock=clock,
                jitter=lambda: 0.0,
                store=store.connect,
                run_id="r1",
            )
        ]
        return workers[0]

    yield make
    for worker in workers:
        worker.close()


def steps_of(worker, limit=100):
    """Steps until nothing more happens."""
    steps = []
    for _ in range(limit):
        steps.append(worker.step())
        if steps[-1].happened in (Happened.IDLE, Happened.WAITING):
            break
    return steps


def seen(steps, happened):
    return [step.clip_id for step in steps if step.happened is happened]


class TestHandingOut:
    def test_receipts_and_decisions_come_once(self, start, tmp_path):
        worker = start()
        queued = worker.add(make_clip(tmp_path, "a", 1000))
        steps = steps_of(worker)
        assert [one.clip_id for step in steps for one in step.receipts] == ["id-a"]
        told = [queued, *(one for step in steps for one in step.decisions)]
        assert [(one.outcome, one.subject, one.node, one.kind, one.run_id) for one in told] == [
            ("queued", "id-a", "uploader", "upload", "r1"),
            ("sent", "id-a", "uploader", "upload", "r1"),
        ]
        assert told[1].t_ns > 0
        assert json.loads(told[1].values)["size_bytes"] == 1000
        assert [one for step in steps_of(start()) for one in step.receipts] == []

    def test_what_was_not_taken_before_a_crash_comes_again_with_the_same_id(self, start, tmp_path):
        worker = start()
        worker.add(make_clip(tmp_path, "a", 1000))
        first = next(step for step in iter(worker.step, None) if step.happened is Happened.DONE)
        again = start().step()
        assert again.receipts == first.receipts
        assert [one.decision_id for one in again.decisions] == [one.decision_id for one in first.decisions]

    def test_a_crash_between_done_and_telling_loses_nothing(self, start, tmp_path, store):
        worker = start()
        worker.add(make_clip(tmp_path, "a", 1000))
        saving = worker._queue.save

        def save(item):
            saved = saving(item)
            if not item.state.is_open:
                raise Crash
            return saved

        worker._queue.save = save
        with pytest.raises(Crash):
            steps_of(worker)
        assert [one.clip_id for one in start().step().receipts] == ["id-a"]


class TestIntake:
    def test_adding_again_is_harmless(self, start, tmp_path):
        worker = start()
        outgoing = make_clip(tmp_path, "a", 1000)
        assert worker.add(outgoing).outcome == "queued"
        assert worker.add(outgoing).outcome == "known"
        steps_of(worker)
        assert worker.add(outgoing).outcome == "known"
        assert start().add(outgoing).outcome == "known"

    def test_the_same_id_with_other_content_is_refused(self, start, tmp_path):
        worker = start()
        worker.add(make_clip(tmp_path, "a", 1000))
        other = make_clip(tmp_path, "b", 1000, clip_id="id-a")
        refused = worker.add(replace(other, clip_id="id-a"))
        assert refused.outcome == "refused"
        assert "other content" in refused.reason

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"path": "../a.mcap"}, "is not an MCAP file below"),
            ({"path": "/etc/passwd"}, "is not an MCAP file below"),
            ({"path": "outgoing/a.json"}, "is not an MCAP file below"),
            ({"path": "outgoing/link.mcap"}, "is not an MCAP file below"),
            ({"path": "outgoing/a\0.mcap"}, "zero byte"),
            ({"path": "outgoing/none.mcap"}, "cannot be read"),
            ({"name": "../../a"}, "cannot be part of an object key"),
            ({"clip_id": "other"}, "speaks of clip 'id-a'"),
            ({"priority": 9}, "Priority 9 with upload class 1 does not exist"),
            ({"upload_class": 4}, "does not exist"),
        ],
    )
    def test_what_is_refused(self, start, tmp_path, changes, words):
        outgoing = make_clip(tmp_path, "a", 1000)
        (tmp_path.parent / "secret.mcap").write_bytes(b"x")
        (tmp_path / "outgoing" / "link.mcap").symlink_to(tmp_path.parent / "secret.mcap")
        refused = start().add(replace(outgoing, **changes))
        assert refused.outcome == "refused"
        assert words in refused.reason

    def test_the_score_of_a_known_clip_is_what_was_announced_last(self, start, tmp_path, store):
        worker = start()
        dull, rare = (make_clip(tmp_path, name, 1000, priority=2) for name in ("dull", "rare"))
        worker.add(dull)
        worker.add(rare)
        worker.add(replace(rare, annotation_priority=0.9))
        assert seen(steps_of(worker), Happened.DONE) == ["id-rare", "id-dull"]

    def test_a_full_queue_refuses(self, start, tmp_path, monkeypatch):
        monkeypatch.setattr("winnow_uploader.worker.MAX_QUEUE", 1)
        worker = start()
        worker.add(make_clip(tmp_path, "a", 1000))
        assert "1 clips are queued" in worker.add(make_clip(tmp_path, "b", 1000)).reason


class TestOrder:
    def test_a_p0_goes_at_the_next_part_boundary(self, start, tmp_path):
        worker = start()
        worker.add(make_clip(tmp_path, "p2", 40 * KIB, priority=2))
        while worker.step().happened is not Happened.PART_SENT:
            pass
        worker.add(make_clip(tmp_path, "p0", 40 * KIB, priority=0))
        parts = seen(steps_of(worker), Happened.PART_SENT)
        assert parts == ["id-p0"] * 8 + ["id-p2"] * 7

    @pytest.mark.parametrize(("pieces", "cut"), [(1, True), (4, True), (40, False)])
    def test_a_part_that_has_only_just_begun_gives_way_to_a_p0(self, start, tmp_path, clock, pieces, cut):
        worker = start(part_mib=50, multipart_from_mib=50, link={"ethernet_max_mbps": 0.1})
        worker.add(make_clip(tmp_path, "p5", 120 * KIB, 5))
        while worker.step().happened is not Happened.OPENED:
            pass
        sleep, begun = clock.sleep_s, clock.monotonic_ns()

        def p0_comes(seconds):
            sleep(seconds)
            if clock.monotonic_ns() - begun > pieces * 0.1e9:
                clock.sleep_s = sleep
                worker.make_way()

        clock.sleep_s = p0_comes
        step = worker.step()
        assert (step.happened is Happened.FAILED) is cut
        assert ("A P0 has come" in step.detail) is cut
        clock.sleep_s = sleep
        worker.add(make_clip(tmp_path, "p0", 1000, 0))
        assert [one.clip_id for one in (worker.step(), worker.step())] == ["id-p0"] * 2
        assert seen(steps_of(worker), Happened.DONE) == ["id-p0", "id-p5"]

    def test_a_p0_does_not_wait_until_a_large_clip_is_read(self, start, tmp_path, monkeypatch):
        monkeypatch.setattr(transfer, "MOST_AT_ONCE_BYTES", KIB)
        monkeypatch.setattr(fingerprint, "READ_BYTES", KIB)
        worker = start()
        worker.add(make_clip(tmp_path, "large", 23 * KIB, priority=5))
        first = [worker.step() for _ in range(3)]
        assert seen(first, Happened.HASHED) == ["id-large"] * 3
        worker.add(make_clip(tmp_path, "p0", 1000, priority=0))
        steps = steps_of(worker)
        done = [step.clip_id for step in steps].index("id-large")
        assert {step.clip_id for step in steps[:done]} == {"id-p0"}
        assert seen(steps[:done], Happened.DONE) == ["id-p0"]
        assert seen(steps, Happened.DONE) == ["id-p0", "id-large"]
        assert len(seen(first + steps, Happened.HASHED)) == 23 + 1  # where it had got to was remembered

    def test_only_a_few_half_read_clips_are_remembered(self, start, tmp_path, monkeypatch):
        monkeypatch.setattr(transfer, "MOST_AT_ONCE_BYTES", KIB)
        monkeypatch.setattr(fingerprint, "READ_BYTES", KIB)
        worker = start()
        names = [f"c{number:02}" for number in range(12)]
        for priority, name in zip((5, 5, 5, 5, 3, 3, 3, 2, 2, 1, 1, 0), names, strict=True):
            worker.add(make_clip(tmp_path, name, 4 * KIB, priority=priority))
            worker.step()
            assert len(worker._transfer._hashing) <= transfer.MOST_HALF_HASHED
        assert sorted(seen(steps_of(worker, 500), Happened.DONE)) == [f"id-{name}" for name in names]
        assert not worker._transfer._hashing

    def test_a_p0_does_not_wait_until_an_object_was_read_back(self, start, tmp_path, monkeypatch):
        worker = start(verify_download=True)
        worker.add(make_clip(tmp_path, "a", 23 * KIB, priority=5))
        download, read = worker._store.download_sha256, []

        def with_a_p0_in_between(key):
            if not read:
                read.append(key)
                worker.make_way()
                worker.add(make_clip(tmp_path, "p0", 1000, priority=0))
                worker._pacer.may_read()
                pytest.fail("it was read to its end")
            worker._pacer.may_read()
            return download(key)

        monkeypatch.setattr(worker._store, "download_sha256", with_a_p0_in_between)
        steps = steps_of(worker)
        (cut,) = [number for number, step in enumerate(steps) if step.happened is Happened.FAILED]
        assert "read back again afterwards" in steps[cut].detail
        assert steps[cut + 1].clip_id == "id-p0"
        assert seen(steps, Happened.DONE) == ["id-p0", "id-a"]

    def test_a_p4_counts_as_p1(self, start, tmp_path):
        worker = start()
        for n in (5, 3, 2, 4):
            worker.add(make_clip(tmp_path, f"p{n}", 1000, priority=n))
        assert seen(steps_of(worker), Happened.DONE) == ["id-p4", "id-p2", "id-p3", "id-p5"]

    def test_a_hold_outlives_a_restart_and_never_holds_a_p0(self, start, tmp_path):
        worker = start()
        for n in (0, 1):
            worker.add(make_clip(tmp_path, f"p{n}", 1000, priority=n))
            worker.hold(f"id-p{n}", "seen better by v-2")
        steps = steps_of(worker)
        assert seen(steps, Happened.DONE) == ["id-p0"]
        assert "held: seen better by v-2" in steps[-1].detail
        worker = start()
        assert seen(steps_of(worker), Happened.DONE) == []
        worker.release("id-p1")
        assert seen(steps_of(worker), Happened.DONE) == ["id-p1"]

    def test_why_a_clip_waits_is_told_once_per_reason(self, start, tmp_path):
        worker = start(link=LinkSettings(mode=LinkMode.CELLULAR_5G), early_sidecars=False)
        worker.add(make_clip(tmp_path, "a", 1000, priority=3))
        told = [one for _ in range(3) for one in worker.step().decisions]
        assert [(one.outcome, one.reason) for one in told] == [
            ("waits", "class 3 may not send on cellular_5g")
        ]
        worker.set_link(LinkMode.DISCONNECTED)
        assert [one.reason for one in worker.step().decisions] == ["class 3 may not send on disconnected"]


class TestBudget:
    def test_it_stops_at_the_budget_and_goes_on_after_midnight_utc(self, start, tmp_path, clock, store):
        worker = start(daily_budget_gb=100_000 / 1e9, multipart_from_mib=20)
        worker.add(make_clip(tmp_path, "a", 60 * KIB))
        worker.add(make_clip(tmp_path, "b", 60 * KIB))
        clock.wall += 7 * 3600 * 10**9
        steps = steps_of(worker)
        assert steps[-1].happened is Happened.WAITING
        assert "has used its budget for today" in steps[-1].detail
        assert steps[-1].until_wall_ns == next_midnight_ns(clock.wall)
        assert 60_000 < worker.status().spent_today_bytes <= 100_000
        assert store.wire_bytes <= 100_000
        worker = start(daily_budget_gb=100_000 / 1e9)
        assert not seen(steps_of(worker), Happened.PART_SENT), "a restart is no new day"
        assert store.wire_bytes <= 100_000
        clock.wall = next_midnight_ns(clock.wall)
        assert seen(steps_of(worker), Happened.DONE) == ["id-b"]

    def test_a_clock_put_back_finds_the_account_of_that_day_again(self, start, tmp_path, clock):
        worker = start()
        worker.add(make_clip(tmp_path, "a", 60 * KIB))
        steps_of(worker)
        spent = worker.status().spent_today_bytes
        clock.wall += DAY_NS
        assert worker.status().spent_today_bytes == 0
        clock.wall -= DAY_NS
        assert worker.status().spent_today_bytes == spent > 60 * KIB

    def test_a_crash_in_mid_part_leaves_it_paid(self, start, tmp_path, store):
        worker = start()
        worker.add(make_clip(tmp_path, "a", 19 * KIB))
        store.armed(3, "before", Crash())
        with pytest.raises(Crash):
            steps_of(worker)
        assert start().status().spent_today_bytes >= 19 * KIB


class TestTrouble:
    def test_silence_makes_all_wait_longer_and_longer(self, start, tmp_path, clock, store):
        worker = start(first_backoff_s=1.0, max_backoff_s=4.0)
        worker.add(make_clip(tmp_path, "a", 1000))
        worker.add(make_clip(tmp_path, "b", 1000))
        waits, told = [], []
        while len(waits) < 5:
            store.armed(1, "before", silence())
            steps = steps_of(worker)
            told += [one.outcome for step in steps for one in step.decisions]
            waits.append((steps[-1].until_wall_ns - clock.wall) / 1e9)
            clock.wall = steps[-1].until_wall_ns
        assert waits == [1, 2, 4, 4, 4]
        assert told == ["waits"], "the same trouble is told once"
        store.trap = None
        assert len(seen(steps_of(worker), Happened.DONE)) == 2
        assert worker.status().trouble == ""

    def test_another_link_is_tried_at_once(self, start, tmp_path, store):
        worker = start(first_backoff_s=100.0)
        worker.add(make_clip(tmp_path, "a", 1000))
        store.armed(1, "before", silence())
        assert steps_of(worker)[-1].happened is Happened.WAITING
        worker.set_link(LinkMode.WIFI_DEPOT)
        assert seen(steps_of(worker), Happened.DONE) == ["id-a"]

    def test_a_wrong_configuration_is_not_healed_by_another_link_but_by_new_keys(
        self, start, tmp_path, clock, store
    ):
        worker = start()
        worker.add(make_clip(tmp_path, "a", 1000))
        store.armed(2, "before", answer("AccessDenied", 403))
        steps_of(worker)
        assert store.calls["refresh"] == 1
        worker.set_link(LinkMode.WIFI_DEPOT)
        assert worker.step().happened is Happened.WAITING
        clock.advance(1)
        assert seen(steps_of(worker), Happened.DONE) == ["id-a"]

    def test_one_clips_failures_hold_up_nobody_else(self, start, tmp_path, store):
        worker = start()
        worker.add(make_clip(tmp_path, "p0", 1000, priority=0))
        worker.add(make_clip(tmp_path, "p5", 1000, priority=5))
        store.armed(2, "before", answer("SlowDown", 503))
        steps = steps_of(worker)
        assert seen(steps, Happened.FAILED) == ["id-p0"]
        assert seen(steps, Happened.DONE) == ["id-p5"]

    @staticmethod
    def given_up(worker, tmp_path, clock, store):
        """A clip that failed three times, and what was said of it."""
        worker.add(make_clip(tmp_path, "a", 1000))
        steps_of_one = []
        for _ in range(3):
            store.armed(1 if steps_of_one else 2, "before", answer("InternalError", 500))
            steps_of_one += steps_of(worker)
            clock.advance(300)
        return [one for step in steps_of_one for one in step.decisions]

    def test_after_too_many_failures_it_is_set_aside_until_the_next_start(
        self, start, tmp_path, clock, store
    ):
        worker = start(max_attempts=3)
        decisions = self.given_up(worker, tmp_path, clock, store)
        assert [one.outcome for one in decisions] == ["failed", "failed", "given_up"]
        assert "3 tries failed, the last so: Request was answered 500" in decisions[-1].reason
        assert worker.status().queued_clips == 0
        again = steps_of(start())
        assert seen(again, Happened.DONE) == ["id-a"]
        assert [receipt.clip_id for step in again for receipt in step.receipts] == ["id-a"]

    @pytest.mark.parametrize(("wait_s", "goes"), [(3000, False), (3301, True), (-86_400, True)])
    def test_or_for_a_while(self, start, tmp_path, clock, store, wait_s, goes):
        worker = start(max_attempts=3, set_aside_s=3600.0)
        self.given_up(worker, tmp_path, clock, store)  # 300 s ago
        clock.wall += wait_s * 10**9
        steps = steps_of(worker)
        assert seen(steps, Happened.DONE) == (["id-a"] if goes else [])
        assert [receipt.clip_id for step in steps for receipt in step.receipts] == (["id-a"] if goes else [])
        assert [one.outcome for step in steps for one in step.decisions] == (
            ["queued", "sent"] if goes else []
        )

    def test_a_p0_is_never_given_up(self, start, tmp_path, clock, store):
        worker = start(max_attempts=2)
        worker.add(make_clip(tmp_path, "a", 1000, priority=0))
        for n in range(6):
            store.armed(1 if n else 2, "before", answer("InternalError", 500))
            steps_of(worker)
            clock.advance(300)
        assert worker.status().queued_clips == 1
        assert seen(steps_of(worker), Happened.DONE) == ["id-a"]

    def test_a_clock_put_back_by_years_does_not_stop_uploading(self, start, tmp_path, clock, store):
        worker = start()
        worker.add(make_clip(tmp_path, "a", 1000))
        store.armed(2, "before", answer("SlowDown", 503))
        steps_of(worker)
        clock.wall -= 4000 * DAY_NS
        assert seen(steps_of(worker), Happened.DONE) == ["id-a"]


class TestResuming:
    def begun(self, start, tmp_path, parts=3, size=40 * KIB):
        worker = start()
        outgoing = make_clip(tmp_path, "a", size)
        worker.add(outgoing)
        sent = 0
        while sent < parts:
            sent += worker.step().happened is Happened.PART_SENT
        return outgoing

    def test_only_missing_parts_are_sent_after_a_restart(self, start, tmp_path, store):
        self.begun(start, tmp_path)
        steps = steps_of(start())
        assert len(seen(steps, Happened.PART_SENT)) == 5
        assert not any(store.stored_again.values())

    def test_a_part_whose_answer_was_lost_is_not_sent_again(self, start, tmp_path, store, clock):
        self.begun(start, tmp_path)
        worker = start()
        assert worker.step().happened is Happened.LOOKED
        store.armed(1, "after", silence())
        assert worker.step().happened is Happened.FAILED
        clock.advance(300)
        assert len(seen(steps_of(worker), Happened.PART_SENT)) == 4
        assert store.calls["send_part"] == 8
        assert not any(store.stored_again.values())

    def test_parts_that_are_not_ours_are_sent_again(self, start, tmp_path, store):
        self.begun(start, tmp_path)
        parts = next(iter(store.uploads.values()))[3]
        parts[1] = b"x" * 5 * KIB
        parts[2] = parts[2][:-1]
        steps = steps_of(start())
        assert len(seen(steps, Happened.PART_SENT)) == 7
        assert seen(steps, Happened.DONE) == ["id-a"]

    def test_an_upload_opened_just_before_a_crash_is_found_again(self, start, tmp_path, store):
        worker = start()
        worker.add(make_clip(tmp_path, "a", 40 * KIB))
        worker.step()
        store.armed(2, "after", Crash())
        with pytest.raises(Crash):
            worker.step()
        assert len(store.uploads) == 1
        assert seen(steps_of(start()), Happened.DONE) == ["id-a"]
        assert store.calls["open_upload"] == 1

    def test_completed_just_before_a_crash(self, start, tmp_path, store):
        self.begun(start, tmp_path, parts=8)
        worker = start()
        worker.step()
        store.armed(1, "after", Crash())
        with pytest.raises(Crash):
            steps_of(worker)
        assert store.calls["complete"] == 1
        steps = steps_of(start(), 5)
        assert Happened.PART_SENT not in {step.happened for step in steps}
        assert not any(store.stored_again.values())

    def test_uploads_older_than_a_week_begin_again(self, start, tmp_path, store, clock):
        self.begun(start, tmp_path)
        clock.wall += 6 * DAY_NS
        worker = start()
        assert worker.step().happened is Happened.LOOKED
        clock.wall += 2 * DAY_NS
        steps = steps_of(start())
        assert Happened.CLEANED in {step.happened for step in steps}
        assert len(seen(steps, Happened.PART_SENT)) == 8
        assert not store.uploads

    def test_an_upload_opened_under_a_wrong_clock_is_not_thrown_away(self, start, tmp_path, store, clock):
        right, clock.wall = clock.wall, 1_000_000_000
        outgoing = self.begun(start, tmp_path)
        upload_id, (key, meta, _, parts) = next(iter(store.uploads.items()))
        store.uploads[upload_id] = (key, meta, right, parts)
        clock.wall = right + 10**9
        steps = steps_of(start())
        assert len(seen(steps, Happened.PART_SENT)) == 5
        assert seen(steps, Happened.DONE) == [outgoing.clip_id]

    def test_strays_of_this_vehicle_are_aborted_when_old(self, start, tmp_path, store, clock):
        old, young = clock.wall - 8 * DAY_NS, clock.wall - DAY_NS
        store.uploads = {
            "old": ("EGLL/v-1/2026/01/01/x.mcap", {}, old, {}),
            "young": ("EGLL/v-1/2026/01/02/x.mcap", {}, young, {}),
            "foreign": ("EGLL/v-12/2026/01/01/x.mcap", {}, old, {}),
        }
        worker = start()
        worker.add(make_clip(tmp_path, "a", 1000))
        told = [one.outcome for step in steps_of(worker) for one in step.decisions]
        assert "cleaned" in told
        assert set(store.uploads) == {"young", "foreign"}

    def test_a_process_that_runs_for_days_looks_for_strays_every_day(self, start, tmp_path, store, clock):
        worker = start()
        worker.add(make_clip(tmp_path, "a", 1000))
        steps_of(worker)
        store.uploads["old"] = ("EGLL/v-1/2026/01/01/z.mcap", {}, clock.wall_ns(), {})
        for number, there in ((1, True), (6, True), (8, False)):
            clock.wall = store.uploads.get("old", (0, 0, clock.wall))[2] + number * DAY_NS
            worker.add(make_clip(tmp_path, f"b{number}", 1000))
            steps_of(worker)
            assert ("old" in store.uploads) == there
        assert store.calls["open_uploads"] == 4

    def test_credentials_that_may_not_list_uploads_do(self, start, tmp_path, store):
        worker = start()
        worker.add(make_clip(tmp_path, "a", 1000))
        store.armed(1, "before", answer("AccessDenied", 403))
        assert seen(steps_of(worker), Happened.DONE) == ["id-a"]

    def test_an_object_that_disappears_before_it_is_verified_is_sent_again(
        self, start, tmp_path, store, clock
    ):
        worker = start()
        worker.add(make_clip(tmp_path, "a", 1000))
        while worker.step().happened is not Happened.PART_SENT:
            pass
        store.objects.clear()
        assert worker.step().happened is Happened.FAILED
        clock.advance(300)
        assert seen(steps_of(worker), Happened.DONE) == ["id-a"]

    @pytest.mark.parametrize(
        ("spoil", "words"),
        [
            (lambda data, etag, meta, t: (data + b"x", etag, meta, t), "1001 bytes instead of 1000"),
            (lambda data, etag, meta, t: (data, "0" * 32, meta, t), "ETag 000"),
            (lambda data, etag, meta, t: (data, etag, meta | {"sha256": "0" * 64}, t), "SHA-256 000"),
            (lambda data, etag, meta, t: (data, etag, meta | {"priority": "0"}, t), "metadata"),
        ],
    )
    def test_an_object_that_is_wrong_does_not_count(self, start, tmp_path, store, spoil, words):
        worker = start()
        worker.add(make_clip(tmp_path, "a", 1000))
        while worker.step().happened is not Happened.PART_SENT:
            pass
        key = "EGLL/v-1/2026/04/11/a.mcap"
        store.objects[key] = spoil(*store.objects[key])
        steps = steps_of(worker)
        assert seen(steps, Happened.PARKED) == ["id-a"]
        assert words in steps[0].detail
        assert not [one for step in steps for one in step.receipts]

    def test_a_sidecar_that_speaks_of_another_clip_is_not_sent(self, start, tmp_path, store):
        worker = start()
        outgoing = make_clip(tmp_path, "a", 1000)
        worker.add(outgoing)
        path = (tmp_path / outgoing.path).with_suffix(".json")
        path.write_text(path.read_text().replace("id-a", "id-b"))
        steps = steps_of(worker)
        assert seen(steps, Happened.PARKED) == ["id-a"]
        assert not [key for key in store.objects if key.endswith(".json")]

    def test_a_touched_file_is_hashed_again_and_goes_on(self, start, tmp_path, store):
        outgoing = self.begun(start, tmp_path)
        os.utime(tmp_path / outgoing.path, (1, 1))
        assert len(seen(steps_of(start()), Happened.PART_SENT)) == 5


class TestState:
    def test_a_second_uploader_is_refused(self, start, tmp_path, store):
        start()
        with pytest.raises(UnavailableError, match=r"Another uploader works with .*this one was not started"):
            UploadWorker(UploadSettings(), VEHICLE, tmp_path, tmp_path / "state", store=store.connect)

    @pytest.mark.parametrize("damage", ["garbage", "cut", "no table", "bad state", "empty"])
    def test_damage_is_kept_aside_and_clips_are_found_again(self, start, tmp_path, store, damage):
        worker = start()
        worker.add(make_clip(tmp_path, "a", 40 * KIB))
        make_clip(tmp_path, "not-cleared", 1000, where="clips/P1")
        path = tmp_path / "state" / "uploads.db"
        worker.close()
        if damage == "garbage":
            path.write_bytes(os.urandom(20_000))
        elif damage == "cut":
            path.write_bytes(path.read_bytes()[:5000])
        elif damage == "empty":
            path.write_bytes(b"")
        else:
            with sqlite3.connect(path) as database:
                database.execute(
                    "DROP TABLE parts" if damage == "no table" else "UPDATE items SET state = 'what'"
                )
            database.close()
        worker = start()
        assert worker.rebuilt
        if damage == "empty":  # SQLite cannot tell this from a new one: the journal of the caller can
            assert worker.status().queued_clips == 0
            return
        assert (tmp_path / "state" / "uploads.db.damaged-1").exists()
        steps = steps_of(worker)
        assert seen(steps, Happened.DONE) == ["id-a"]
        assert {"rebuilt", "queued", "sent"} == {one.outcome for step in steps for one in step.decisions}
        assert all("not-cleared" not in key for key in store.objects)

    def test_a_newer_database_is_left_alone(self, start, tmp_path):
        start().close()
        path = tmp_path / "state" / "uploads.db"
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA user_version = 99")
        database.close()
        with pytest.raises(UnavailableError, match="has version 99, this program knows 2; it was left alone"):
            start()
        assert not (tmp_path / "state" / "uploads.db.damaged-1").exists()

    def test_a_full_disk_is_one_sentence_and_loses_nothing(self, start, tmp_path, store):
        worker = start()
        pages = worker._state._database.execute("PRAGMA page_count").fetchone()[0]
        worker._state._database.execute(f"PRAGMA max_page_count = {pages}")
        clips = [make_clip(tmp_path, f"c{n:03}", 1000) for n in range(60)]
        with pytest.raises(
            UnavailableError, match=r"database or disk is full.*nothing was lost\. Free space"
        ):
            list(map(worker.add, clips))
        worker = start()
        for one in clips:
            worker.add(one)
        assert len(seen(steps_of(worker, 1000), Happened.DONE)) == 60

    def test_a_folder_that_cannot_be_written(self, tmp_path, store):
        (tmp_path / "file").write_text("")
        with pytest.raises(UnavailableError, match="cannot be written"):
            UploadWorker(UploadSettings(), VEHICLE, tmp_path, tmp_path / "file" / "x", store=store.connect)


class TestControl:
    def test_stopped_it_waits_and_resumed_it_goes_on(self, start, tmp_path, store):
        worker = start()
        worker.add(make_clip(tmp_path, "a", 1000))
        worker.stop()
        assert worker.step().happened is Happened.WAITING
        assert store.wire_bytes == 0
        worker.resume()
        assert seen(steps_of(worker), Happened.DONE) == ["id-a"]

    def test_status_in_numbers(self, start, tmp_path):
        worker = start()
        worker.add(make_clip(tmp_path, "a", 1000))
        worker.add(make_clip(tmp_path, "b", 2000))
        found = worker.status()
        assert (found.queued_clips, found.queued_bytes, found.link_mode) == (2, 3000, LinkMode.ETHERNET_DEPOT)
        assert (found.spent_today_bytes, found.budget_bytes, found.trouble) == (0, 50 * 10**9, "")

    def test_draining_sleeps_until_something_can_be_done_or_time_is_up(self, start, tmp_path, clock, store):
        worker = start(first_backoff_s=2.0)
        worker.add(make_clip(tmp_path, "a", 1000))
        store.armed(2, "before", answer("SlowDown", 503))
        steps = list(worker.drain(60))
        assert steps[-1].happened is Happened.IDLE
        assert 2.0 <= clock.slept_s < 3.0
        worker.add(make_clip(tmp_path, "b", 1000))
        worker.set_link(LinkMode.DISCONNECTED)
        steps = list(worker.drain(5.0))
        assert steps[-1].happened is Happened.WAITING
        assert clock.slept_s < 8.5

    def test_a_rate_that_drops_to_nothing_cuts_off(self, start, tmp_path, clock, store):
        worker = start(link=LinkSettings(ethernet_max_mbps=0.08))
        worker.add(make_clip(tmp_path, "a", 19 * KIB))
        worker.step()
        real = clock.sleep_s

        def sleep_s(seconds):
            if clock.slept_s > 1.0:
                worker.set_link(LinkMode.DISCONNECTED)
            real(seconds)

        clock.sleep_s = sleep_s
        step = worker.step()
        assert step.happened is Happened.FAILED
        assert "allows no sending" in step.detail
        assert 9_000 < step.wire_bytes < 11_000
        assert worker.step().happened is Happened.WAITING
