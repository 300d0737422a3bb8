"""The redactor on clips as they are cut: what may show people stays, in doubt everything, and nothing half-made leaves."""

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from tests.nodes.vehicle_rig import Rings, S, Vehicle, an_event, cut_clips, live, verdict_on

from winnow_redactor.node import run
from winnow_runtime.hashed_file import HashedFile
from winnow_runtime.mcapfile.writer import McapWriter
from winnow_runtime.packing.repack import repack
from winnow_runtime.salvage.target import NewFile
from winnow_schemas.channel import Channel
from winnow_schemas.messages import ClipReady, Outgoing
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.packing import Profile
from winnow_schemas.sidecar import read_sidecar

IMU = Channel("/imu", "cdr", "sensor_msgs/msg/Imu", "ros2msg", b"float64 x")
STATUS = Channel("/status", "json")
CLOUD = Channel("/cloud", "cdr", "sensor_msgs/msg/PointCloud2", "ros2msg", b"uint8[] data")
CAMERA = Channel(
    "/front", "cdr", "sensor_msgs/msg/CompressedImage", "ros2msg", b"string format\nuint8[] data"
)
VIDEO = Channel("/video", "protobuf", "foxglove.CompressedVideo", "protobuf", b"")
OPAQUE = Channel("/mystery", "raw")
PLAIN = [IMU, STATUS, CLOUD]
JPEG = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
H264 = b"\0\0\0\1\x67\x64\0\x1f" + bytes(40)
SETTINGS: dict[str, Any] = {
    "recorder": {"enabled": False},
    "topics": {"/status": {"kind": "status"}, "/cloud": {"kind": "lidar"}},
}


def some_clip(
    vehicle: Vehicle, channels: list[Channel], payloads: dict[str, bytes] | None = None, **more: Any
) -> ClipReady:
    """One clip with ten messages of each channel."""
    vehicle.settings = {**SETTINGS, **more, "topics": {**SETTINGS["topics"], **more.get("topics", {})}}
    rings = Rings(vehicle)
    for tick in range(10):
        for channel in channels:
            data = (payloads or {}).get(channel.topic, b"%s-%d" % (channel.topic.encode(), tick))
            rings.push(channel, S + tick * S // 10, data)
    (clip,) = cut_clips(vehicle, rings, [an_event(1.5)])
    vehicle.feed("classifier", "verdicts", {clip.clip_id: verdict_on(clip)})
    return clip


def redact(vehicle: Vehicle) -> list[Outgoing]:
    run(vehicle.node("redactor"))
    vehicle.gone("redactor")
    assert vehicle.ended("redactor", "outgoing")
    return [Outgoing.from_builtins(record) for record in vehicle.records("redactor", "outgoing")]


def content(path: Path) -> list[tuple[str, int, int, int, bytes, str]]:
    with path.open("rb") as file:
        return [
            (c.topic, m.log_time, m.publish_time, m.sequence, m.data, s.name if s else "")
            for s, c, m in make_reader(file, validate_crcs=True).iter_messages()
        ]


def sent(vehicle: Vehicle) -> list[str]:
    folder = vehicle.out / "outgoing"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def outcome(vehicle: Vehicle) -> str:
    (row,) = vehicle.decisions("redactor")
    return str(row[3])


def test_a_clip_without_pictures_leaves_as_it_is(vehicle: Vehicle) -> None:
    clip = some_clip(vehicle, PLAIN)
    (outgoing,) = redact(vehicle)
    assert (outgoing.path, outgoing.derived_from, outgoing.withheld_topics) == (clip.path, "", [])
    assert sent(vehicle) == []
    assert outcome(vehicle) == "passed"


def test_camera_topics_stay_and_everything_else_leaves_byte_for_byte(vehicle: Vehicle) -> None:
    clip = some_clip(vehicle, [*PLAIN, CAMERA, VIDEO])
    (outgoing,) = redact(vehicle)
    assert outgoing.withheld_topics == ["/front", "/video"]
    assert outcome(vehicle) == "withheld"
    copy = vehicle.out / outgoing.path
    original = content(vehicle.out / clip.path)
    assert content(copy) == [row for row in original if row[0] not in ("/front", "/video")]
    assert {row[0] for row in content(copy)} == {"/imu", "/status", "/cloud"}
    sidecar = read_sidecar(copy.with_suffix(".json"))
    assert sidecar.derived_from == outgoing.derived_from == clip.sha256
    assert sidecar.withheld_topics == ["/front", "/video"]
    assert sidecar.topics == ["/cloud", "/imu", "/status"]
    assert sidecar.messages == 30
    assert sidecar.sha256 == hashlib.sha256(copy.read_bytes()).hexdigest()
    assert sidecar.size_bytes == copy.stat().st_size
    assert sidecar.privacy["purpose"]
    assert b"CompressedImage" not in copy.read_bytes()
    with copy.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        assert {item.name for item in reader.iter_attachments()} == {"sidecar.json", "settings.yml"}
        summary = reader.get_summary()
        assert summary is not None
        assert {channel.topic for channel in summary.channels.values()} == {"/imu", "/status", "/cloud"}
    assert vehicle.leftovers() == []
    assert read_sidecar((vehicle.out / clip.path).with_suffix(".json")).withheld_topics == []


DOORS: list[tuple[str, Channel, bytes, dict[str, Any]]] = [
    ("a camera called status", CAMERA, b"x", {"/front": {"kind": "status"}}),
    ("a camera called lidar", CAMERA, b"x", {"/front": {"kind": "lidar"}}),
    ("a picture type as JSON", Channel("/p", "json", "foxglove.RawImage"), b"{}", {"/p": {"kind": "status"}}),
    ("video in CompressedVideo", VIDEO, H264, {"/video": {"kind": "other"}}),
    ("an encoding that is a codec", Channel("/v", "h265"), H264, {"/v": {"kind": "status"}}),
    ("nobody can tell", OPAQUE, b"x", {}),
    ("a name that settings call a camera", IMU, b"x", {"/imu": {"kind": "camera"}}),
    ("JPEG under a harmless name", Channel("/s", "raw"), JPEG, {"/s": {"kind": "status"}}),
    ("JPEG in raw bytes called lidar", Channel("/s", "raw"), JPEG, {"/s": {"kind": "lidar"}}),
    ("H.264 under a harmless name", Channel("/s", "raw"), H264, {"/s": {"kind": "can"}}),
    (
        "JPEG wrapped in a message of its own",
        Channel("/s", "cdr", "acme/Blob", "ros2msg", b"uint8[] data"),
        b"\0\1\0\0" + bytes(40) + JPEG,
        {"/s": {"kind": "status"}},
    ),
    (
        "a picture inside a detection",
        Channel("/d", "cdr", "acme/Detection", "ros2msg", b"sensor_msgs/Image crop"),
        b"x",
        {"/d": {"kind": "perception"}},
    ),
]


@pytest.mark.parametrize(
    ("channel", "payload", "topics"), [door[1:] for door in DOORS], ids=[door[0] for door in DOORS]
)
def test_no_door_is_open(vehicle: Vehicle, channel: Channel, payload: bytes, topics: dict[str, Any]) -> None:
    plain = [each for each in PLAIN if each.topic != channel.topic]
    some_clip(vehicle, [*plain, channel], {channel.topic: payload}, topics=topics)
    (outgoing,) = redact(vehicle)
    assert outgoing.withheld_topics == [channel.topic]
    assert {row[0] for row in content(vehicle.out / outgoing.path)} == {each.topic for each in plain}


def test_a_pinned_picture_from_before_the_window_stays_too(vehicle: Vehicle) -> None:
    """It is in the clip, but not among the sidecar's topics of the window."""
    vehicle.settings = {**SETTINGS, "topics": {**SETTINGS["topics"], "/map": {"latched": True}}}
    rings = Rings(vehicle)
    rings.push(Channel("/map", "cdr", "sensor_msgs/msg/Image", "ros2msg", b"uint8[] data"), 1, b"face")
    for tick in range(100):
        rings.push(IMU, tick * S // 10, b"imu")
    (clip,) = cut_clips(vehicle, rings, [an_event(8)])
    assert "/map" in {row[0] for row in content(vehicle.out / clip.path)}
    assert "/map" not in read_sidecar((vehicle.out / clip.path).with_suffix(".json")).topic_contents
    vehicle.feed("classifier", "verdicts", {clip.clip_id: verdict_on(clip)})
    (outgoing,) = redact(vehicle)
    assert outgoing.withheld_topics == ["/map"]
    assert b"face" not in (vehicle.out / outgoing.path).read_bytes()
    assert read_sidecar((vehicle.out / outgoing.path).with_suffix(".json")).latched == []


def test_a_kind_of_another_version_counts_as_a_camera(vehicle: Vehicle) -> None:
    clip = some_clip(vehicle, PLAIN)
    path = (vehicle.out / clip.path).with_suffix(".json")
    path.write_text(path.read_text().replace('"kind": "lidar"', '"kind": "hologram"'))
    (outgoing,) = redact(vehicle)
    assert outgoing.withheld_topics == ["/cloud"]


def test_an_attachment_that_nobody_knows_stays(vehicle: Vehicle) -> None:
    clip = some_clip(vehicle, PLAIN)
    path = vehicle.out / clip.path
    file = HashedFile(path)
    writer = McapWriter(file.write)
    writer.stream("x", "")
    number = writer.channel(IMU, "x")
    writer.message(number, S, S, 1, b"imu")
    writer.flush()
    writer.attachment("thumbnail.jpg", "image/jpeg", JPEG, S)
    writer.finish()
    file.publish()
    (outgoing,) = redact(vehicle)
    assert outgoing.path.startswith("outgoing/")
    assert JPEG not in (vehicle.out / outgoing.path).read_bytes()
    assert [row[4] for row in content(vehicle.out / outgoing.path)] == [b"imu"]


def _cut_tail(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _flip(path: Path) -> None:
    """One bit of the messages that would leave; what is withheld is not looked at."""
    with path.open("rb") as file:
        summary = make_reader(file).get_summary()
    assert summary is not None
    chunk = next(
        index
        for index in summary.chunk_indexes
        if {summary.channels[number].topic for number in index.message_index_offsets} - {"/front", "/cloud"}
    )
    data = bytearray(path.read_bytes())
    data[chunk.chunk_start_offset + chunk.chunk_length - 5] ^= 1
    path.write_bytes(data)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _gone(path: Path) -> None:
    path.unlink()


def _no_sidecar(path: Path) -> None:
    path.with_suffix(".json").unlink()


def _bad_sidecar(path: Path) -> None:
    path.with_suffix(".json").write_text("{}")


@pytest.mark.parametrize("damage", [_cut_tail, _flip, _empty, _gone, _no_sidecar, _bad_sidecar])
@pytest.mark.parametrize("channels", [PLAIN, [*PLAIN, CAMERA]], ids=["plain", "camera"])
def test_of_a_damaged_clip_nothing_leaves(
    vehicle: Vehicle, damage: Callable[[Path], None], channels: list[Channel]
) -> None:
    clip = some_clip(vehicle, channels, {"/cloud": bytes(5000), "/front": bytes(3000)})
    damage(vehicle.out / clip.path)
    assert redact(vehicle) == []
    assert outcome(vehicle) == "stays"
    assert sent(vehicle) == []


def test_a_path_that_leads_elsewhere_is_refused(vehicle: Vehicle) -> None:
    clip = some_clip(vehicle, PLAIN)
    verdict = msgspec.structs.replace(verdict_on(clip), clip_id="other", path="../../etc/passwd")
    vehicle.feed("classifier", "verdicts", {"other": verdict})
    assert [outgoing.clip_id for outgoing in redact(vehicle)] == [clip.clip_id]


def test_an_error_in_the_middle_of_copying_leaves_nothing(
    vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    some_clip(vehicle, [*PLAIN, CAMERA])

    def fail(self: NewFile, *args: Any) -> None:
        assert self.offset > 1000  # chunks and attachments are there already
        raise RuntimeError("no")

    monkeypatch.setattr(NewFile, "metadata", fail)
    with pytest.raises(RuntimeError):
        run(vehicle.node("redactor"))
    assert sent(vehicle) == []
    assert vehicle.records("redactor", "outgoing") == []
    monkeypatch.undo()
    assert len(redact(vehicle)) == 1


def test_a_full_disk_is_waited_for(vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch) -> None:
    some_clip(vehicle, [*PLAIN, CAMERA])
    failures = [5]
    real = HashedFile.write

    def write(self: HashedFile, data: Any) -> None:
        if failures[0]:
            failures[0] -= 1
            assert sent(vehicle) in ([], [f"P1/{self.path.name}.part"])
            raise OSError(errno.ENOSPC, "No space left on device")
        real(self, data)

    monkeypatch.setattr(HashedFile, "write", write)
    assert len(redact(vehicle)) == 1
    assert failures == [0]
    assert len(sent(vehicle)) == 2


def test_the_same_clip_gives_the_same_bytes(vehicle: Vehicle, tmp_path: Path) -> None:
    some_clip(vehicle, [*PLAIN, CAMERA])
    (first,) = redact(vehicle)
    bytes_before = (vehicle.out / first.path).read_bytes()
    other = Vehicle(tmp_path / "other")
    some_clip(other, [*PLAIN, CAMERA])
    (second,) = redact(other)
    assert first == second
    assert (other.out / second.path).read_bytes() == bytes_before
    other.close()


def test_a_copy_that_left_out_less_is_made_again(vehicle: Vehicle) -> None:
    """The settings now call a topic a camera; a copy from before may not leave in place of a new one."""
    clip = some_clip(vehicle, [*PLAIN, CAMERA])
    redact(vehicle)
    vehicle.settings["topics"]["/imu"] = {"kind": "camera"}
    import shutil

    shutil.rmtree(vehicle.out / "state" / "redactor")
    (outgoing,) = redact(vehicle)
    assert outgoing.withheld_topics == ["/front", "/imu"]
    assert {row[0] for row in content(vehicle.out / outgoing.path)} == {"/status", "/cloud"}
    assert clip.clip_id == outgoing.clip_id


@settings(max_examples=50, deadline=None)
@given(kills=st.lists(st.integers(min_value=0, max_value=35), min_size=1, max_size=4))
def test_killed_anywhere_each_clip_leaves_once_and_whole(kills: list[int]) -> None:
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:
        vehicle = Vehicle(Path(base))
        clip = some_clip(vehicle, [*PLAIN, CAMERA])
        for countdown in [*kills, None]:
            assert live(vehicle, "redactor", run, countdown) or countdown is not None
            for name in sent(vehicle):
                if name.endswith(".json"):  # what has its sidecar is whole
                    path = vehicle.out / "outgoing" / name
                    found = read_sidecar(path).sha256
                    assert hashlib.sha256(path.with_suffix(".mcap").read_bytes()).hexdigest() == found
        assert vehicle.ids("redactor", "outgoing") == [clip.clip_id]
        assert [row[3] for row in vehicle.decisions("redactor")] == ["withheld"]
        assert len(sent(vehicle)) == 2
        assert vehicle.leftovers() == []
        vehicle.close()


@pytest.mark.parametrize("profile", ["packed", "upload"])
@pytest.mark.parametrize("channels", [PLAIN, [*PLAIN, CAMERA]], ids=["nothing withheld", "camera withheld"])
def test_what_leaves_has_the_profile_that_the_settings_name(
    vehicle: Vehicle, profile: str, channels: list[Channel]
) -> None:
    clip = some_clip(vehicle, channels, upload={"profile": profile})
    (outgoing,) = redact(vehicle)
    target = vehicle.out / outgoing.path
    assert target == vehicle.out / "outgoing" / "P1" / f"{clip.name}.mcap"
    sidecar = read_sidecar(target.with_suffix(".json"))
    assert (sidecar.profile, sidecar.derived_from) == (profile, clip.sha256)
    assert sidecar.withheld_topics == (["/front"] if CAMERA in channels else [])
    assert {each[0] for each in content(target)} == {"/imu", "/status", "/cloud"}
    assert sorted(path.name for path in (vehicle.out / "outgoing").rglob("*.*")) == sorted(
        [target.name, target.with_suffix(".json").name]
    )
    restored = vehicle.base / "restored.mcap"
    repack(target, restored, Profile.PLAIN, DeviceSettings())
    before = [each for each in content(vehicle.out / clip.path) if each[0] != "/front"]
    assert content(restored) == before


def test_a_kill_while_repacking_leaves_nothing_behind(vehicle: Vehicle) -> None:
    some_clip(vehicle, [*PLAIN, CAMERA], upload={"profile": "packed"})
    for countdown in range(200):
        if live(vehicle, "redactor", run, countdown):
            break
    else:
        raise AssertionError("it never got to its end")
    names = sorted(path.suffix for path in (vehicle.out / "outgoing").rglob("*.*"))
    assert names == [".json", ".mcap"]
