"""What others want of clips: approvals, suppressions, pauses, and clips that go now."""

import sqlite3
import tempfile
from dataclasses import fields
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.fixtures.clips import make_clip
from tests.fixtures.fake_clock import FakeClock
from tests.fixtures.fake_object_store import FakeObjectStore

from winnow_schemas.errors import BadInputError
from winnow_schemas.messages import UploadOrder
from winnow_schemas.settings.device import VehicleSettings
from winnow_schemas.settings.upload import LinkMode, UploadSettings
from winnow_uploader import Happened, UploadWorker
from winnow_uploader.control import Control, ControlWatch, change_control, read_control
from winnow_uploader.item import Item
from winnow_uploader.live import RateMeter
from winnow_uploader.orders import Pause
from winnow_uploader.state import _NEW_IN_2

HOUR_NS = 3600 * 10**9


class Rig:
    """A worker over a fake store; killed and started again with ``again``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.store = FakeObjectStore(self.clock)
        self.worker: UploadWorker | None = None
        self.told: list[tuple[str, str]] = []

    def again(self, **changes):
        if self.worker is not None:
            self.worker.close()
        self.worker = UploadWorker(
            UploadSettings(**changes),
            VehicleSettings(id="v-1", airport="EGLL"),
            self.folder,
            self.folder / "state",
            clock=self.clock,
            jitter=lambda: 0.0,
            store=self.store.connect,
        )
        return self.worker

    def queue(self, name, priority=1, size=1000):
        return self.worker.add(make_clip(self.folder, name, size, priority)).subject

    def sent(self, limit=200):
        """Clips in the order in which they were completed, until nothing goes any more."""
        found = []
        for _ in range(limit):
            step = self.worker.step()
            self.told += [(one.subject, one.outcome) for one in step.decisions]
            found += [one.clip_id for one in step.receipts]
            if step.happened in (Happened.IDLE, Happened.WAITING):
                self.last = step
                return found
        raise AssertionError("it never came to rest")


@pytest.fixture
def rig():
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        dir=memory if memory.is_dir() else None, prefix="upload-test-"
    ) as folder:
        one = Rig(Path(folder))
        one.again()
        yield one
        one.worker.close()


def order(clip_id, what, until=None, reason="seen by v-2"):
    return UploadOrder(clip_id=clip_id, order=what, reason=reason, until_wall_ns=until)


class TestTheFleet:
    def test_a_suppressed_clip_stays_until_it_is_released(self, rig):
        rig.queue("a")
        rig.worker.orders.take(order("id-a", "suppress"))
        assert rig.sent() == []
        assert "suppressed by the fleet: seen by v-2" in rig.last.detail
        rig.again()
        assert rig.sent() == []
        rig.worker.orders.take(order("id-a", "release"))
        assert rig.sent() == ["id-a"]

    def test_a_p0_goes_whatever_is_ordered(self, rig):
        rig.worker.orders.take(order("id-a", "suppress"))
        rig.sent()
        rig.queue("a", priority=0)
        assert rig.sent() == ["id-a"]

    def test_an_order_may_come_before_its_clip_and_outlives_a_restart(self, rig):
        rig.worker.orders.take(order("id-a", "suppress"))
        rig.sent()
        rig.again()
        rig.queue("a")
        rig.queue("b")
        assert rig.sent() == ["id-b"]

    def test_of_orders_for_unknown_clips_the_oldest_are_forgotten(self, rig, monkeypatch):
        monkeypatch.setattr("winnow_uploader.orders.MAX_KEPT", 2)
        for name in "abc":
            rig.worker.orders.take(order(f"id-{name}", "suppress"))
        rig.sent()
        for name in "abc":
            rig.queue(name)
        assert rig.sent() == ["id-a"]

    def test_with_an_end_it_ends_and_a_clock_put_back_ends_it_too(self, rig):
        until = rig.clock.wall_ns() + HOUR_NS
        for name in "ab":
            rig.queue(name)
            rig.worker.orders.take(order(f"id-{name}", "suppress", until))
        assert rig.sent() == []
        assert rig.last.until_wall_ns == until
        rig.clock.wall -= 24 * HOUR_NS
        assert rig.sent() == ["id-a", "id-b"]

    def test_approval_is_waited_for_and_a_silent_fleet_holds_nothing_for_ever(self, rig):
        rig.again(approval_wait_s=3600)
        for name, priority in (("a", 2), ("b", 3), ("p0", 0)):
            rig.queue(name, priority)
        assert rig.sent() == ["id-p0"]
        assert "waits for the fleet's approval" in rig.last.detail
        rig.worker.orders.take(order("id-b", "approve"))
        assert rig.sent() == ["id-b"]
        assert ("id-b", "approved") in rig.told
        rig.clock.advance(3601)
        assert rig.sent() == ["id-a"]

    @pytest.mark.parametrize(
        ("message", "words"),
        [
            (order("id-a", "delete"), "is no order"),
            (order("", "approve"), "names a clip with 0 characters"),
            (order("x" * 201, "approve"), "201 characters"),
            (order("id-a", "suppress", -1), "outside of all time"),
        ],
    )
    def test_what_is_no_order(self, rig, message, words):
        with pytest.raises(BadInputError, match=words):
            rig.worker.orders.take(message)


class TestPause:
    def test_everything_but_p0_waits(self, rig):
        rig.queue("a")
        rig.queue("p0", priority=0)
        rig.worker.orders.set_pause(Pause.ALL_BUT_SAFETY)
        assert rig.sent() == ["id-p0"]
        assert "winnow upload pause" in rig.last.detail
        rig.worker.orders.set_pause(Pause.NOTHING)
        assert rig.sent() == ["id-a"]
        assert [outcome for _, outcome in rig.told if outcome in ("paused", "resumed")] == [
            "paused",
            "resumed",
        ]

    def test_or_everything(self, rig):
        rig.queue("p0", priority=0)
        rig.worker.orders.set_pause(Pause.ALL)
        assert rig.sent() == []
        assert rig.worker.status().paused is Pause.ALL


class TestNow:
    def test_it_goes_before_all_but_p0_held_or_not(self, rig):
        for name, priority in (("p0", 0), ("p1", 1), ("p5", 5)):
            rig.queue(name, priority)
        rig.worker.hold("id-p5", "a duplicate")
        rig.worker.orders.urge("id-p5")
        assert rig.sent() == ["id-p0", "id-p5", "id-p1"]

    def test_it_goes_where_p1_may_and_outlives_a_restart(self, rig):
        rig.again(early_sidecars=False)
        rig.worker.set_link(LinkMode.CELLULAR_5G)
        rig.queue("p5", 5)
        assert rig.sent() == []
        rig.worker.orders.urge("id-p5")
        rig.worker.step()
        rig.again(early_sidecars=False, link={"mode": "cellular_5g"})
        assert rig.sent() == ["id-p5"]

    def test_its_classes_share_does_not_hold_it_the_days_budget_does(self, rig):
        rig.again(daily_budget_gb=0.000_1, priority_budget_gb={"P5": 0})
        rig.queue("small", 5, 1000)
        rig.queue("large", 5, 100_000)
        for name in ("small", "large"):
            rig.worker.orders.urge(f"id-{name}")
        assert rig.sent() == ["id-small"]

    def test_without_a_link_it_waits(self, rig):
        rig.worker.set_link(LinkMode.DISCONNECTED)
        rig.queue("a")
        rig.worker.orders.urge("id-a")
        assert rig.sent() == []


class TestControlFile:
    def test_what_is_written_is_noticed_once(self, tmp_path):
        watch = ControlWatch(tmp_path)
        assert watch.news() is None
        change_control(tmp_path, lambda one: replace(one, paused=Pause.ALL))
        assert watch.news() == Control(Pause.ALL, ())
        assert watch.news() is None
        change_control(tmp_path, lambda one: replace(one, urgent=("id-a",)))
        assert watch.news() == Control(Pause.ALL, ("id-a",))

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"{", "cannot be used"),
            (b'{"paused": "yes"}', "cannot be used"),
            (b'{"delete": true}', "cannot be used"),
            (b" " * (1024 * 1024 + 1), "which is the limit"),
        ],
    )
    def test_what_cannot_be_used_is_said_once_and_changes_nothing(self, tmp_path, content, words):
        (tmp_path / "control.json").write_bytes(content)
        watch = ControlWatch(tmp_path)
        with pytest.raises(BadInputError, match=words):
            watch.news()
        assert watch.news() is None
        with pytest.raises(BadInputError, match=words):
            change_control(tmp_path, lambda one: one)
        assert (tmp_path / "control.json").read_bytes() == content

    def test_too_many_urgent_clips_are_refused(self, tmp_path):
        with pytest.raises(BadInputError, match="1000 may be"):
            change_control(tmp_path, lambda one: replace(one, urgent=tuple(map(str, range(1001)))))
        assert read_control(tmp_path) == Control()


def test_a_database_of_the_version_before_goes_on(rig):
    rig.queue("a")
    rig.worker.close()
    database = sqlite3.connect(rig.folder / "state" / "uploads.db")
    for name in _NEW_IN_2:
        database.execute(f"ALTER TABLE items DROP COLUMN {name}")
    database.executescript("DROP TABLE orders; PRAGMA user_version = 1;")
    database.close()
    assert not rig.again().rebuilt
    found = rig.worker._state.item("id-a")
    assert {name: getattr(found, name) for name in _NEW_IN_2} == {
        field.name: field.default for field in fields(Item) if field.name in _NEW_IN_2
    }
    assert rig.sent() == ["id-a"]


def test_the_rate_is_the_mean_of_the_last_seconds():
    meter = RateMeter()
    assert meter.rate_bytes_per_s(0, 0) == 0
    rates = [meter.rate_bytes_per_s(1000 * min(n, 20), n * 10**9) for n in range(1, 41)]
    assert rates[19] == 1000
    assert 0 < rates[24] < 1000
    assert rates[-1] == 0
