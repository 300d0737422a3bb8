"""`winnow convert`: everything arrives, and what cannot is named."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.writer import Writer as PlainWriter
from rosbags.convert.converter import convert as rosbags_convert
from rosbags.highlevel import AnyReader
from rosbags.rosbag1 import Reader as Bag1Reader
from tests.clip_makers import clip_of
from tests.recording_makers import ROS1, ROS2, Sent, played, write_mcap, write_ros1
from tests.shared_recordings import shared_log
from tests.small_drives import LATCHED, samples, write_json_drive, write_ros1_drive, write_ros2_drive
from typer.testing import CliRunner

from winnow_runtime.packing.repack import repack
from winnow_runtime.recordings import open_recording
from winnow_schemas.channel import Channel
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.packing import Profile
from winnow_tools.cli import app
from winnow_tools.convert.ros1_bag import Ros1BagTarget
from winnow_tools.convert.tally import Tally
from winnow_tools.convert.transcoding import PayloadError, as_cdr, as_ros1

SECONDS = 4


def convert(*arguments: Any) -> Result:
    result = CliRunner().invoke(app, ["convert", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def content(path: Path) -> list[tuple[str, int, int, bytes]]:
    with open_recording(path) as recording:
        found = played(recording)
        assert recording.problems == ()
    return sorted(found)


def channels(path: Path) -> dict[str, Channel]:
    with open_recording(path) as recording:
        return {channel.topic: channel for channel in recording.channels}


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ros1_drive(tmp_path_factory.mktemp("bag") / "drive.bag", SECONDS)


@pytest.fixture(scope="module")
def ros2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ros2_drive(tmp_path_factory.mktemp("ros2") / "drive", SECONDS).parent


def test_bag_to_mcap_and_back_is_the_same_recording(bag: Path, tmp_path: Path):
    there, back = tmp_path / "there.mcap", tmp_path / "back.bag"
    assert convert(bag, there).exit_code == 0
    assert content(there) == content(bag)
    assert channels(there) == channels(bag)
    with there.open("rb") as file:
        assert make_reader(file).get_header().profile == "ros1"
    assert convert(there, back).exit_code == 0
    assert content(back) == content(bag)
    assert channels(back) == channels(bag)
    with Bag1Reader(bag) as one, Bag1Reader(back) as other:
        assert [c._replace(owner=None, id=0) for c in sorted(one.connections, key=lambda c: c.topic)] == [
            c._replace(owner=None, id=0) for c in sorted(other.connections, key=lambda c: c.topic)
        ]
    assert sorted(tmp_path.iterdir()) == [back, there]


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_ros2_folder_to_mcap_and_back_is_the_same_recording(ros2: Path, tmp_path: Path, storage: str):
    there, back = tmp_path / "there.mcap", tmp_path / "back"
    assert convert(ros2, there).exit_code == 0
    assert content(there) == content(ros2)
    assert convert(there, back, "--storage", storage).exit_code == 0
    assert content(back) == content(ros2)
    assert sorted(path.name for path in back.iterdir()) == sorted(
        ["metadata.yaml", "back_0.mcap" if storage == "mcap" else "back.db3"]
    )
    with AnyReader([back]) as reader, AnyReader([ros2]) as source:
        assert reader.message_count == len(samples(SECONDS))
        assert (reader.start_time, reader.end_time) == (source.start_time, source.end_time)
        assert {c.topic: (c.msgtype, c.msgcount) for c in reader.connections} == {
            c.topic: (c.msgtype, c.msgcount) for c in source.connections
        }
        latched = next(c for c in reader.connections if c.topic == LATCHED)
        assert [profile.durability.name for profile in latched.ext.offered_qos_profiles] == [
            "TRANSIENT_LOCAL"
        ]
        for connection, _, data in reader.messages():
            reader.deserialize(data, connection.msgtype)


@pytest.mark.parametrize("target", ["new.mcap", "new"])
def test_cdr_is_what_rosbags_makes_of_it(bag: Path, tmp_path: Path, target: str):
    rosbags_convert([bag], tmp_path / "theirs", "mcap", 9, None, "file", None, None, [], [], [], [])
    result = convert(bag, tmp_path / target, *(["--cdr"] if target.endswith(".mcap") else []))
    assert result.exit_code == 0
    assert "`seq` of the headers" in result.stdout
    assert content(tmp_path / target) == content(tmp_path / "theirs")
    ours, theirs = channels(tmp_path / target), channels(tmp_path / "theirs")
    assert {topic: channel.schema_name for topic, channel in ours.items()} == {
        topic: channel.schema_name for topic, channel in theirs.items()
    }
    with AnyReader([tmp_path / target]) as reader:
        assert reader.message_count == len(samples(SECONDS))


def test_cdr_to_bag_is_what_rosbags_makes_of_it(ros2: Path, tmp_path: Path):
    rosbags_convert([ros2], tmp_path / "theirs.bag", "", 9, None, "file", None, None, [], [], [], [])
    assert convert(ros2, tmp_path / "ours.bag", "--compression", "bz2").exit_code == 0
    assert content(tmp_path / "ours.bag") == content(tmp_path / "theirs.bag")
    with Bag1Reader(tmp_path / "ours.bag") as ours, Bag1Reader(tmp_path / "theirs.bag") as theirs:
        assert {c.topic: (c.msgtype, c.digest, bool(c.ext.latching)) for c in ours.connections} == {
            c.topic: (c.msgtype, c.digest, bool(c.ext.latching)) for c in theirs.connections
        }


def test_mcap_keeps_publish_times_attachments_metadata_and_silent_channels(tmp_path: Path):
    source = tmp_path / "in.mcap"
    with source.open("wb") as file:
        writer = PlainWriter(file)
        writer.start("", "tests")
        schema = writer.register_schema("thing", "jsonschema", b"{}")
        channel = writer.register_channel("/thing", "json", schema, {"key": "value"})
        writer.register_channel("/silent", "json", schema)
        writer.add_message(channel, 2, b"{}", 1)
        writer.add_attachment(5, 6, "map.png", "image/png", b"\x89PNG")
        writer.add_metadata("drive", {"city": "Ulm"})
        writer.finish()
    assert convert(source, tmp_path / "out.mcap", "--compression", "zstd").exit_code == 0
    assert content(tmp_path / "out.mcap") == [("/thing", 2, 1, b"{}")]
    assert channels(tmp_path / "out.mcap") == channels(source)
    with (tmp_path / "out.mcap").open("rb") as file:
        reader = make_reader(file)
        assert [(a.name, a.media_type, a.data) for a in reader.iter_attachments()] == [
            ("map.png", "image/png", b"\x89PNG")
        ]
        assert [(m.name, m.metadata) for m in reader.iter_metadata()] == [("drive", {"city": "Ulm"})]


def test_what_the_target_has_no_place_for_is_said(tmp_path: Path):
    sent = [Sent("/a", 5, b"\0\1\0\0\1\0\0\0a", 3), Sent("/a", 7, b"\0\1\0\0\1\0\0\0b", 7)]
    result = convert(write_mcap(tmp_path / "in.mcap", sent), tmp_path / "out.bag", "--json")
    assert result.exit_code == 0
    said = json.loads(result.stdout)
    assert said["altered"] == [
        "Not kept: the publish times of 1 messages; the target has one time per message."
    ]
    assert (said["messages"], said["verified"], said["left_out"], said["problems"]) == (2, True, [], [])
    assert content(tmp_path / "out.bag") == [
        ("/a", 5, 5, b"\1\0\0\0a"),
        ("/a", 7, 7, b"\1\0\0\0b"),
    ]


def test_topics_that_do_not_fit_are_left_out_and_named(tmp_path: Path, ros2: Path):
    mixed = tmp_path / "mixed.mcap"
    with mixed.open("wb") as file:
        writer = PlainWriter(file)
        writer.start("", "tests")
        text = writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data\n")
        good = writer.register_channel("/good", "cdr", text)
        note = writer.register_channel("/note", "json", 0)
        writer.add_message(good, 1, b"\0\1\0\0\2\0\0\0a\0", 1)
        writer.add_message(note, 2, b"{}", 2)
        writer.finish()
    result = convert(mixed, tmp_path / "out.bag")
    assert result.exit_code == 3
    assert result.stderr == (
        "/note is json with no schema: no ROS messages, so it cannot be written as ROS 1 messages. It was left out.\n"
    )
    assert content(tmp_path / "out.bag") == [("/good", 1, 1, b"\1\0\0\0a")]
    assert convert(mixed, tmp_path / "only.bag", "--topic", "/good").exit_code == 0
    refused = convert(mixed, tmp_path / "none", "--topic", "/note")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "nothing was written" in refused.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("target", "options", "part"),
    [
        ("there.mcap", [], "there.mcap exists; nothing was written."),
        ("x.bag", ["--compression", "zstd"], "no compression 'zstd'"),
        ("x.mcap", ["--compression", "bz2"], "no compression 'bz2'"),
        ("x", ["--storage", "sqlite3", "--compression", "lz4"], "no compression 'lz4'"),
        ("x.mcap", ["--storage", "sqlite3"], "only a folder has a storage"),
        ("x", ["--storage", "leveldb"], "neither mcap nor sqlite3"),
        ("x.bag", ["--cdr"], "holds no CDR"),
        ("x.db3", [], "would be part of a bag"),
        ("x.mcap", ["--topic", "/no"], "has no topic '/no'; nothing was written. It has: /battery"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    bag: Path, tmp_path: Path, target: str, options: list[str], part: str
):
    (tmp_path / "there.mcap").write_text("mine")
    result = convert(bag, tmp_path / target, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert part in result.stderr
    assert result.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["there.mcap"]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda data: data[: len(data) * 2 // 3], id="torn"),
        pytest.param(lambda data: data[:9000] + bytes(2000) + data[11000:], id="zeros"),
    ],
)
def test_damaged_bags_give_what_they_hold_and_say_so(
    bag: Path, tmp_path: Path, spoil: Callable[[bytes], bytes]
):
    (tmp_path / "in.bag").write_bytes(spoil(bag.read_bytes()))
    result = convert(tmp_path / "in.bag", tmp_path / "out.mcap")
    assert result.exit_code == 3
    assert result.stderr.startswith("The input is damaged: in.bag")
    found = content(tmp_path / "out.mcap")
    assert 0 < len(found) < len(samples(SECONDS))
    assert set(found) < set(content(bag))


@pytest.mark.parametrize("target", ["out.mcap", "out.bag", "out"])
def test_of_a_bag_cut_to_nothing_nothing_is_written(bag: Path, tmp_path: Path, target: str):
    (tmp_path / "in.bag").write_bytes(bag.read_bytes()[:4117])  # the version and the file header
    result = convert(tmp_path / "in.bag", tmp_path / target)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "nothing was written: in.bag" in result.stderr
    assert result.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in.bag"]


@pytest.mark.parametrize("sidecar", ["beside", "inside only"])
@pytest.mark.parametrize("target", ["out.mcap", "out.bag", "out"])
def test_a_packed_clip_gives_its_original_messages(ros2: Path, tmp_path: Path, target: str, sidecar: str):
    clip = clip_of(ros2, tmp_path / "run", 2)
    packed = tmp_path / "packed.mcap"
    repack(clip, packed, Profile.PACKED, DeviceSettings())
    if sidecar == "inside only":
        packed.with_suffix(".json").unlink()
    wanted, result = convert(clip, tmp_path / f"plain-{target}"), convert(packed, tmp_path / target)
    assert (result.exit_code, wanted.exit_code) == (0, 0), result.output
    assert content(tmp_path / target) == content(tmp_path / f"plain-{target}") != []
    assert channels(tmp_path / target) == channels(tmp_path / f"plain-{target}")


@pytest.mark.parametrize(
    ("content_", "part"),
    [
        (b"", "empty"),
        (b"#ROSRECORD V1.2\n", "version 1.2"),
        (b"hello, this is no bag", "text or another file without a known mark"),
    ],
)
def test_what_is_no_recording_is_named(tmp_path: Path, content_: bytes, part: str):
    (tmp_path / "in.bag").write_bytes(content_)
    result = convert(tmp_path / "in.bag", tmp_path / "out.mcap")
    assert (result.exit_code, result.stdout) == (2, "")
    assert part in result.stderr
    assert not (tmp_path / "out.mcap").exists()


@pytest.mark.parametrize("target", ["x.mcap", "x.bag", "x"])
def test_a_full_disk_leaves_nothing(bag: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str):
    def full(_file: int, /) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    result = convert(bag, tmp_path / target)
    assert (result.exit_code, result.stdout) == (4, "")
    assert "cannot be written (No space left on device)" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_reads_back_differently_never_gets_its_name(
    bag: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A disk that changes one byte of what it was given."""
    real = Ros1BagTarget.finish

    def finish(self: Ros1BagTarget) -> None:
        real(self)
        data = bytearray(self.temporary.read_bytes())
        place = data.index(b"a robot")
        data[place] ^= 1
        self.temporary.write_bytes(data)

    monkeypatch.setattr(Ros1BagTarget, "finish", finish)
    result = convert(bag, tmp_path / "x.bag", "--compression", "none")
    assert (result.exit_code, result.stdout) == (1, "")
    assert (
        f"The 1 messages of {LATCHED} differ from those that were written. It was removed." in result.stderr
    )
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_conversion_left_is_replaced(bag: Path, ros2: Path, tmp_path: Path):
    for name in ("x.mcap", "x.bag"):
        (tmp_path / f"{name}.part").write_text("half")
        assert convert(bag, tmp_path / name).exit_code == 0
    (tmp_path / "x.part").mkdir()
    (tmp_path / "x.part" / "half").write_text("half")
    assert convert(ros2, tmp_path / "x").exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x", "x.bag", "x.mcap"]


def test_times_that_a_bag_cannot_hold_are_refused(tmp_path: Path):
    sent = [Sent("/a", (1 << 32) * 10**9, b"\0\1\0\0\1\0\0\0a")]
    result = convert(write_mcap(tmp_path / "in.mcap", sent), tmp_path / "out.bag")
    assert result.exit_code == 2
    assert "1970 to 2106" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.mcap"]


def test_json_recordings_stay_json(tmp_path: Path):
    source = write_json_drive(tmp_path / "in.mcap", 2)
    assert convert(source, tmp_path / "out.mcap", "--compression", "none").exit_code == 0
    assert content(tmp_path / "out.mcap") == content(source)


def test_a_long_bag_is_written_in_chunks_whose_places_are_forgotten(tmp_path: Path):
    """The memory of rosbags' writer does not grow with the messages that are in the file."""
    sent = [Sent("/a", number, bytes(1000)) for number in range(5000)]
    source = write_ros1(tmp_path / "in.bag", sent)
    target = Ros1BagTarget(tmp_path / "out.bag", "")
    with open_recording(source) as recording:
        number = target.channel(as_ros1(recording.channels[0]).channel)
        for message in recording.messages():
            target.message(number, message.t_ns, message.t_ns, 0, message.data)
    held = [entries for chunk in target._writer.chunks[:-1] for entries in chunk.connections.values()]
    assert len(held) >= 4
    assert all(isinstance(entries, range) for entries in held)
    target.finish()
    assert target.read_back().topics["/a"].messages == 5000
    target.publish()
    assert content(tmp_path / "out.bag") == content(source)


# --- payloads ---------------------------------------------------------------------------------------------


@st.composite
def messages(draw: st.DrawFn) -> tuple[str, bytes]:
    """A ROS 1 payload of a type with texts, lists and lists of structures."""
    types = ROS1.types
    time = types["builtin_interfaces/msg/Time"](
        draw(st.integers(0, 2**31 - 1)), draw(st.integers(0, 10**9 - 1))
    )
    words = st.text(max_size=9)
    header = types["std_msgs/msg/Header"](draw(st.integers(0, 2**32 - 1)), time, draw(words))
    numbers = st.lists(st.floats(width=64), max_size=5).map(lambda values: np.array(values, np.float64))
    if draw(st.booleans()):
        name = "sensor_msgs/msg/JointState"
        names = draw(st.lists(words, max_size=4))
        message = types[name](header, names, draw(numbers), draw(numbers), draw(numbers))
    else:
        name = "diagnostic_msgs/msg/DiagnosticArray"
        pair = st.builds(types["diagnostic_msgs/msg/KeyValue"], words, words)
        status = st.builds(
            types["diagnostic_msgs/msg/DiagnosticStatus"],
            st.integers(0, 127),
            words,
            words,
            words,
            st.lists(pair, max_size=3),
        )
        message = types[name](header, draw(st.lists(status, max_size=3)))
    return name, bytes(ROS1.serialize_ros1(message, name))


def ros1_channel(name: str) -> Channel:
    text, digest = ROS1.generate_msgdef(name)
    return Channel("/x", "ros1", name.replace("/msg/", "/"), "ros1msg", text.encode(), (("md5sum", digest),))


@settings(max_examples=40, deadline=None)
@given(message=messages())
def test_payloads_go_there_and_back(message: tuple[str, bytes]) -> None:
    """All but `seq`, the first four bytes, survives both ways; ROS 2's own decoder reads what is between."""
    name, payload = message
    there = as_cdr(ros1_channel(name))
    back = as_ros1(there.channel)
    assert there.convert is not None
    assert back.convert is not None
    cdr = bytes(there.convert(payload))
    ROS2.deserialize_cdr(cdr, name)
    assert bytes(back.convert(cdr)) == bytes(4) + payload[4:]
    assert dict(back.channel.metadata)["md5sum"] == ROS1.generate_msgdef(name)[1]


@settings(max_examples=80, deadline=None)
@given(message=messages(), data=st.data())
def test_damaged_payloads_are_one_kind_of_error(message: tuple[str, bytes], data: st.DataObject) -> None:
    name, payload = message
    convert_payload = as_cdr(ros1_channel(name)).convert
    assert convert_payload is not None
    spoilt = bytearray(payload[: data.draw(st.integers(0, len(payload)))])
    for _ in range(data.draw(st.integers(0, 3))):
        if spoilt:
            spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    try:
        result = convert_payload(bytes(spoilt))
    except PayloadError:
        return
    assert len(result) <= 8 * len(spoilt) + 16


def test_big_endian_cdr_is_turned() -> None:
    channel = Channel(
        "/x", "cdr", "std_msgs/msg/UInt16", "ros2msg", b"uint16 data\n", (("offered_qos_profiles", ""),)
    )
    turn = as_ros1(channel).convert
    assert turn is not None
    assert bytes(turn(b"\0\0\0\0\x01\x02")) == b"\x02\x01"
    assert bytes(turn(b"\0\1\0\0\x01\x02")) == b"\x01\x02"


def test_messages_without_fields_take_a_byte_in_ros2_only() -> None:
    channel = Channel("/x", "ros1", "std_msgs/Empty", "ros1msg", b"", (("md5sum", "d" * 32),))
    there = as_cdr(channel)
    assert there.convert is not None
    cdr = bytes(there.convert(b""))
    ROS2.deserialize_cdr(cdr, "std_msgs/msg/Empty")
    back = as_ros1(there.channel)
    assert back.convert is not None
    assert bytes(back.convert(cdr)) == b""


def test_camera_info_gets_the_names_of_the_generation() -> None:
    there = as_cdr(ros1_channel("sensor_msgs/msg/CameraInfo"))
    assert b"float64[9] k\n" in there.channel.schema_data
    back = as_ros1(there.channel)
    assert b"float64[9] K\n" in back.channel.schema_data
    assert dict(back.channel.metadata)["md5sum"] == ROS1.generate_msgdef("sensor_msgs/msg/CameraInfo")[1]


def test_old_transforms_are_renamed_and_new_ones_keep_their_definition() -> None:
    inner = ROS1.generate_msgdef("geometry_msgs/msg/TransformStamped")[0]
    text = f"geometry_msgs/TransformStamped[] transforms\n{'=' * 80}\nMSG: geometry_msgs/TransformStamped\n{inner}"
    there = as_cdr(Channel("/tf", "ros1", "tf/tfMessage", "ros1msg", text.encode())).channel
    assert (there.schema_name, b"uint32 seq" in there.schema_data) == ("tf2_msgs/msg/TFMessage", False)
    back = as_ros1(there).channel
    assert (back.schema_name, b"uint32 seq" in back.schema_data) == ("tf2_msgs/TFMessage", True)
    assert dict(back.metadata)["md5sum"] == "94810edda583a504dfda3829e70d7eec"  # as tf2_msgs of Noetic says


@settings(max_examples=40, deadline=None)
@given(
    messages=st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.integers(0, 9), st.binary(max_size=3)),
        max_size=8,
    ),
    change=st.integers(0, 2**32),
)
def test_tallies_agree_exactly_when_the_same_messages_are_there(
    messages: list[tuple[str, int, int, bytes]], change: int
) -> None:
    one, other, spoilt = Tally(), Tally(), Tally()
    for message in messages:
        one.add(*message)
    for message in sorted(messages):
        other.add(*message)
    assert one.differences(other) == []
    for place, (topic, t_ns, pub_ns, data) in enumerate(messages):
        odd = place == change % max(1, len(messages))
        spoilt.add(topic, t_ns + odd, pub_ns, data)
    assert bool(messages) == bool(one.differences(spoilt))


@pytest.mark.shared
@pytest.mark.parametrize(
    "name",
    [
        "husky_gps_imu_odom.bag",
        "ardrone_imu182hz_odom.bag",
        "phidgets_imu248hz_mag.bag",
        "derived/kitti_sfnd_lidar_cam_ros1.bag",
        "negative/v2_laser_scan_matcher_2011.bag",
        "derived/comma2k19_ros2_mcap",
        "derived/kitti0001_ros2_mcap",
    ],
)
def test_real_recordings_convert_in_a_circle(name: str, tmp_path: Path):
    """Into every form and back into the first: the same, but for `seq` on the way through CDR."""
    source = shared_log(name)
    is_ros1 = source.suffix == ".bag"
    home = "home.bag" if is_ros1 else "home"
    assert convert(source, tmp_path / "one.mcap").exit_code == 0
    assert content(tmp_path / "one.mcap") == content(source)
    assert convert(tmp_path / "one.mcap", tmp_path / home).exit_code == 0
    assert content(tmp_path / home) == content(source)
    other = "other" if is_ros1 else "other.bag"
    result = convert(source, tmp_path / other)
    assert result.exit_code == 0, result.stderr
    with open_recording(source) as recording:
        count = recording.message_count
    with AnyReader([tmp_path / other]) as reader:
        assert reader.message_count == count
        for connection, _, data in reader.messages():
            reader.deserialize(data, connection.msgtype)


@pytest.mark.shared
def test_a_bag_of_version_1_2_is_named(tmp_path: Path):
    result = convert(shared_log("negative/v1_2_laser_scan_splitter.bag"), tmp_path / "out.mcap")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is a ROS bag of version 1.2" in result.stderr
    assert list(tmp_path.iterdir()) == []
