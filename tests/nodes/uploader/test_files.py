"""What goes beside clips: diagnostic logs, scans for the map; and the tags by which a bucket's lifecycle decides."""

import os
import tempfile
from pathlib import Path

import pytest
from tests.fixtures.clips import make_clip
from tests.fixtures.fake_clock import FakeClock
from tests.fixtures.fake_object_store import FakeObjectStore

from winnow_schemas.settings.device import VehicleSettings
from winnow_schemas.settings.upload import LinkMode, UploadSettings
from winnow_uploader import Happened, UploadWorker, files, fingerprint

LOGS = {"name": "diagnostic_logs", "glob": "logs/*.jsonl"}
SCANS = {
    "name": "map_scans",
    "glob": "scans/**/*.pcd",
    "priority": "P3",
    "links": ["wifi_depot", "ethernet_depot"],
}


class Rig:
    def __init__(self, folder):
        self.folder, self.clock = folder, FakeClock()
        self.store, self.worker = FakeObjectStore(self.clock), None

    def start(self, **changes):
        if self.worker is not None:
            self.worker.close()
        self.worker = UploadWorker(
            UploadSettings(**changes),
            VehicleSettings(id="v-1", airport="EGLL"),
            self.folder,
            self.folder / "state" / "uploader",
            clock=self.clock,
            store=self.store.connect,
        )
        return self

    def write(self, name, data=b"line\n", age_s=3600.0):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        at_ns = self.clock.wall_ns() - int(age_s * 1e9)
        os.utime(path, ns=(at_ns, at_ns))
        return path

    def rest(self):
        """Decisions and receipts until nothing goes any more."""
        decisions, receipts = [], []
        for _ in range(200):
            step = self.worker.step()
            decisions += step.decisions
            receipts += step.receipts
            if step.happened in (Happened.IDLE, Happened.WAITING):
                return decisions, receipts
        raise AssertionError("it never came to rest")

    @property
    def keys(self):
        return sorted(key.rpartition("/EGLL")[2] for key in self.store.objects)


@pytest.fixture
def rig():
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        dir=memory if memory.is_dir() else None, prefix="upload-test-"
    ) as folder:
        one = Rig(Path(folder))
        yield one
        one.worker.close()


def test_logs_wait_for_the_night_and_scans_for_the_depot(rig):
    rig.start(files=[LOGS, SCANS], link={"mode": "cellular_5g"})
    rig.write("logs/a.jsonl")
    rig.write("scans/north/b.pcd", b"cloud")
    decisions, _ = rig.rest()
    assert rig.keys == []
    reasons = {one.reason for one in decisions if one.outcome == "waits"}
    assert reasons == {"waits for ethernet_depot", "waits for wifi_depot or ethernet_depot"}
    rig.worker.set_link(LinkMode.WIFI_DEPOT)
    rig.rest()
    assert [key.split("/")[-2] for key in rig.keys] == ["map_scans"]
    rig.worker.set_link(LinkMode.ETHERNET_DEPOT)
    decisions, receipts = rig.rest()
    assert [key.split("/")[-2] for key in rig.keys] == ["diagnostic_logs", "map_scans"]
    assert [one.outcome for one in decisions] == ["sent"]
    assert receipts == [], "receipts are for clips: retention deletes by them"


def test_they_hold_up_no_clip(rig):
    rig.start(files=[LOGS], link={"mode": "wifi_depot"})
    rig.write("logs/a.jsonl")
    rig.worker.add(make_clip(rig.folder, "p5", 1000, 5))
    _, receipts = rig.rest()
    assert [one.clip_id for one in receipts] == ["id-p5"]


def test_reading_large_ones_holds_up_no_clip(rig, monkeypatch):
    monkeypatch.setattr(files, "MOST_AT_ONCE_BYTES", 1000)
    monkeypatch.setattr(fingerprint, "READ_BYTES", 500)
    rig.start(files=[LOGS])
    rig.write("logs/a.jsonl", b"x" * 20_000)
    rig.write("logs/b.jsonl", b"y" * 20_000)
    first = [rig.worker.step() for _ in range(3)]
    assert {step.happened for step in first} == {Happened.HASHED}
    rig.worker.add(make_clip(rig.folder, "p0", 1000, 0))
    done = []
    for _ in range(60):
        step = rig.worker.step()
        done += [step.clip_id] * (step.happened is Happened.DONE)
        if "id-p0" in done:
            break
    assert done == ["id-p0"]
    assert rig.worker._files.is_reading
    rig.rest()
    assert sorted(data[:1] for data, *_ in rig.store.objects.values() if len(data) == 20_000) == [b"x", b"y"]


def test_a_log_that_goes_on_is_another_object_and_one_that_is_written_to_waits(rig):
    rig.start(files=[LOGS])
    rig.write("logs/a.jsonl")
    rig.write("logs/b.jsonl", age_s=5)
    rig.rest()
    assert len(rig.keys) == 1
    rig.clock.advance(120)
    rig.write("logs/a.jsonl", b"line\nanother\n", age_s=90)
    rig.rest()
    assert len(rig.keys) == 3
    assert sorted(data for data, *_ in rig.store.objects.values()) == [
        b"line\n",
        b"line\n",
        b"line\nanother\n",
    ]


@pytest.mark.parametrize("lost", [False, True])
def test_after_a_restart_nothing_is_sent_twice(rig, lost):
    rig.start(files=[LOGS])
    rig.write("logs/a.jsonl")
    rig.rest()
    rig.worker.close()
    rig.worker = None
    if lost:
        for path in (rig.folder / "state" / "uploader").glob("uploads.db*"):
            path.unlink()
    rig.start(files=[LOGS])
    decisions, _ = rig.rest()
    assert len(rig.keys) == 1
    assert not any(rig.store.stored_again.values())
    assert [one.outcome for one in decisions] == (["queued", "sent"] if lost else [])


@pytest.mark.parametrize("name", ["clips/P1/a.jsonl", "warm/a.jsonl", "outgoing/a.jsonl", "state/a.jsonl"])
def test_nothing_of_the_folders_that_may_show_people_goes_this_way(rig, name):
    rig.start(files=[{"name": "leak", "glob": f"{name.split('/')[0]}/**/*.jsonl"}])
    rig.write(name)
    decisions, _ = rig.rest()
    assert rig.keys == []
    assert "it was not queued. Correct upload.files.leak.glob" in decisions[0].reason


def test_a_link_out_of_the_run_is_not_followed(rig, tmp_path):
    rig.start(files=[LOGS])
    (tmp_path / "secret").write_bytes(b"key")
    os.utime(tmp_path / "secret", ns=(1, 1))
    (rig.folder / "logs").mkdir()
    (rig.folder / "logs" / "a.jsonl").symlink_to(tmp_path / "secret")
    decisions, _ = rig.rest()
    assert rig.keys == []
    assert "lies outside of" in decisions[0].reason


def test_a_name_that_fits_no_key_is_refused_once(rig):
    rig.start(files=[LOGS])
    rig.write("logs/what is this?.jsonl")
    decisions, _ = rig.rest()
    assert [one.outcome for one in decisions] == ["refused"]
    rig.clock.advance(3600)
    assert rig.rest() == ([], [])


@pytest.mark.parametrize("glob", ["/etc/*", "../*.txt", "logs/../../x", "**/*", "*/x", "", "~/x"])
def test_a_pattern_that_could_leave_the_run_is_refused(glob):
    with pytest.raises(ValueError, match="begin with a folder of the run"):
        UploadSettings(files=[{"name": "x", "glob": glob}])


PICTURES = {
    "/camera": {"kind": "camera", "schema_name": "sensor_msgs/msg/CompressedImage", "encoding": "cdr"}
}
POSES = {"/pose": {"kind": "pose", "schema_name": "geometry_msgs/msg/PoseStamped", "encoding": "cdr"}}


@pytest.mark.parametrize(
    ("priority", "topics", "tags"),
    [
        (0, PICTURES, "tier=hot&retention=permanent&persons=yes"),
        (2, PICTURES, "tier=hot&retention=90-days&persons=yes"),
        (2, POSES, "tier=hot&retention=standard&persons=no"),
        (2, None, "tier=hot&retention=90-days&persons=yes"),
    ],
)
def test_clips_carry_the_tags_of_the_lifecycle(rig, priority, topics, tags):
    rig.start(lifecycle_tags=True)
    told = {} if topics is None else {"topic_contents": topics, "redaction": {"topics": {"/camera": {}}}}
    rig.worker.add(make_clip(rig.folder, "a", 1000, priority, **told))
    rig.rest()
    assert set(rig.store.tags.values()) == {tags}
    assert len(rig.store.tags) == 2


def test_without_the_setting_there_are_none(rig):
    rig.start()
    rig.worker.add(make_clip(rig.folder, "a", 1000, 2))
    rig.rest()
    assert set(rig.store.tags.values()) == {""}
