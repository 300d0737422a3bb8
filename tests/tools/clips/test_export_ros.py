"""Clips in ROS's own forms: every message as it was, read with the readers that others have."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from click.testing import Result
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory as Ros2Decoder
from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.rosbag1 import Reader as Bag1Reader
from rosbags.rosbag1 import Writer as Bag1Writer
from tests.clip_makers import clip_of
from tests.clip_tampering import Record, records_of
from tests.recording_makers import ROS1, Sent, write_mcap
from tests.shared_recordings import shared_log
from tests.small_drives import LATCHED, STREAMS, write_json_drive, write_ros1_drive, write_ros2_drive
from typer.testing import CliRunner

from winnow_tools.cli import app

SHARED_ROS1 = (
    "husky_gps_imu_odom.bag",
    "ardrone_imu182hz_odom.bag",
    "phidgets_imu248hz_mag.bag",
    "derived/kitti_sfnd_lidar_cam_ros1.bag",
)


def export(clip: Path, target: Path, form: str, *more: Any) -> Result:
    arguments = ["clips", "export", clip, clip.stem, "-o", target, "--format", form, *more]
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:
        yield Path(base)


@pytest.fixture(scope="module")
def ros1_clip(folder: Path) -> Path:
    return clip_of(write_ros1_drive(folder / "drive.bag", 6), folder / "ros1")


@pytest.fixture(scope="module")
def ros2_clip(folder: Path) -> Path:
    return clip_of(write_ros2_drive(folder / "drive2", 6), folder / "ros2")


def in_time_order(clip: Path) -> list[Record]:
    return sorted(records_of(clip), key=lambda record: record.t_ns)


def plain(value: Any) -> Any:
    """A message as comparable values, without the sequence number that only ROS 1 headers have."""
    if hasattr(value, "__dataclass_fields__"):
        return {
            name.lower(): plain(getattr(value, name))
            for name in value.__dataclass_fields__
            if name not in ("__msgtype__", "seq")
        }
    if hasattr(value, "tolist"):
        return repr(value.tolist())
    return [plain(item) for item in value] if isinstance(value, list) else repr(value)  # NaN equals NaN


def test_rosbags_refuses_the_clip_itself_so_the_pages_say_so(ros1_clip: Path):
    with pytest.raises(AnyReaderError, match="Profile is not ros2"), AnyReader([ros1_clip]):
        pass


def prove_bag(clip: Path, target: Path) -> int:
    """The bag holds the clip's messages byte for byte, and rosbags decodes every one."""
    wanted = [(record.topic, record.t_ns, record.data) for record in in_time_order(clip)]
    with AnyReader([target]) as reader:
        found = []
        for connection, t_ns, data in reader.messages():
            found.append((connection.topic, t_ns, bytes(data)))
            reader.deserialize(data, connection.msgtype)
    assert sorted(found) == sorted(wanted)
    return len(found)


def prove_cdr(clip: Path, target: Path) -> int:
    """Every message of the clip is there once, at its times, and says the same."""
    records = in_time_order(clip)
    with AnyReader([target]) as reader:
        found = sorted(
            (
                (c.topic, t_ns, plain(reader.deserialize(data, c.msgtype)))
                for c, t_ns, data in reader.messages()
            ),
            key=lambda each: each[:2],
        )
    for record, (topic, t_ns, message) in zip(
        sorted(records, key=lambda record: (record.topic, record.t_ns)), found, strict=True
    ):
        assert (record.topic, record.t_ns) == (topic, t_ns)
        name = record.schema.name.replace("/", "/msg/")
        assert message == plain(ROS1.deserialize_ros1(record.data, name))
    return len(found)


def test_a_ros1_clip_becomes_a_bag_with_the_original_bytes(ros1_clip: Path, tmp_path: Path):
    target = tmp_path / "clip.bag"
    result = export(ros1_clip, target, "bag")
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{target}\n", "")
    assert prove_bag(ros1_clip, target) == len(records_of(ros1_clip))
    with Bag1Reader(target) as reader:
        connections = {connection.topic: connection for connection in reader.connections}
    assert set(connections) == {LATCHED, *(stream.topic for stream in STREAMS)}
    assert connections[LATCHED].ext.latching == 1
    assert connections["/imu/data"].ext.callerid == "/drive"
    assert connections["/imu/data"].digest == ROS1.generate_msgdef("sensor_msgs/msg/Imu")[1]
    assert list(tmp_path.iterdir()) == [target]


def test_a_ros1_clip_becomes_cdr_that_says_the_same(ros1_clip: Path, tmp_path: Path):
    target = tmp_path / "clip.mcap"
    result = export(ros1_clip, target, "ros2")
    assert (result.exit_code, result.stderr) == (0, "")
    assert prove_cdr(ros1_clip, target) == len(records_of(ros1_clip))
    with target.open("rb") as file:
        reader = make_reader(file, decoder_factories=[Ros2Decoder()], validate_crcs=True)
        assert sum(1 for _ in reader.iter_decoded_messages()) == len(records_of(ros1_clip))
        assert reader.get_header().profile == "ros2"
        attachments = {attachment.name: attachment.data for attachment in reader.iter_attachments()}
        assert {metadata.name for metadata in reader.iter_metadata()} == {
            "winnow.trigger.0",
            "winnow.vehicle",
        }
        summary = reader.get_summary()
    assert json.loads(attachments["sidecar.json"])["name"] == ros1_clip.stem
    assert summary is not None
    latched = next(channel for channel in summary.channels.values() if channel.topic == LATCHED)
    assert "durability: transient_local" in latched.metadata["offered_qos_profiles"]


def test_a_cdr_clip_becomes_a_bag_and_says_the_same(ros2_clip: Path, tmp_path: Path):
    target = tmp_path / "clip.bag"
    assert export(ros2_clip, target, "bag").exit_code == 0
    with AnyReader([ros2_clip]) as before, AnyReader([target]) as after:
        wanted, found = (
            sorted(
                (
                    (c.topic, t_ns, plain(reader.deserialize(data, c.msgtype)))
                    for c, t_ns, data in reader.messages()
                ),
                key=lambda each: each[:2],
            )
            for reader in (before, after)
        )
    assert found == wanted
    assert len(found) == len(records_of(ros2_clip))


def test_cdr_stays_as_it_is(ros2_clip: Path, tmp_path: Path):
    target = tmp_path / "clip.mcap"
    assert export(ros2_clip, target, "ros2", "--topic", "/imu/data").exit_code == 0
    assert [(r.topic, r.t_ns, r.pub_ns, r.data, r.schema.data) for r in in_time_order(target)] == [
        (r.topic, r.t_ns, r.pub_ns, r.data, r.schema.data)
        for r in in_time_order(ros2_clip)
        if r.topic == "/imu/data"
    ]


@pytest.mark.parametrize(("form", "name"), [("bag", "x.bag"), ("ros2", "x.mcap")])
def test_what_is_no_ros_message_is_named_and_nothing_written(
    folder: Path, tmp_path: Path, form: str, name: str
):
    clip = clip_of(write_json_drive(folder / "drive.mcap", 3), folder / f"json-{form}", 3)
    result = export(clip, tmp_path / name, form)
    assert result.exit_code == 2
    assert "/imu/data is json with jsonschema: no ROS messages" in result.stderr
    assert "nothing was written" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_match_its_definition_is_left_out_and_named(tmp_path: Path, folder: Path):
    good = b"\0\1\0\0\3\0\0\0abc"
    sent = [
        Sent("/good", 10**9, good),
        Sent("/odd", 2 * 10**9, b"\0\1\0\0\xff\0\0\0abc"),
        Sent("/odd", 3 * 10**9, good),
    ]
    clip = clip_of(write_mcap(tmp_path / "in.mcap", sent), folder / "odd")
    result = export(clip, tmp_path / "clip.bag", "bag")
    assert result.exit_code == 3
    assert result.stderr.startswith("1 message of /odd does not match the definition (")
    with Bag1Reader(tmp_path / "clip.bag") as reader:
        assert [(c.topic, bytes(data)) for c, _, data in reader.messages()] == [
            ("/good", b"\3\0\0\0abc"),
            ("/odd", b"\3\0\0\0abc"),
        ]


def test_types_of_ones_own_and_bags_without_a_digest_of_the_standard(tmp_path: Path, folder: Path):
    """A package that no distribution has, with nested types, times, constants and an old header."""
    definition = (
        "uint8 KIND=3\nHeader header\ntime when\nduration took\nPart[] parts\nchar letter\nbyte level\nstring[2] names\n"
        + "=" * 80
        + "\nMSG: std_msgs/Header\nuint32 seq\ntime stamp\nstring frame_id\n"
        + "=" * 80
        + "\nMSG: own_msgs/Part\nfloat64 D\nbool ok\n"
    )
    text = lambda value: len(value).to_bytes(4, "little") + value  # noqa: E731
    number = lambda value: value.to_bytes(4, "little")  # noqa: E731
    part = bytes(7) + b"\x40" + b"\x01"
    payload = (
        number(9)
        + number(1)
        + number(2)
        + text(b"base")
        + number(5)
        + number(6)
        + b"\xff\xff\xff\xff"
        + number(8)
    ) + (number(2) + part + part + b"A" + b"\xfe" + text(b"x") + text(b"long name"))
    with Bag1Writer(tmp_path / "own.bag") as writer:
        connection = writer.add_connection(
            "/own", "own_msgs/msg/Thing", msgdef=definition, md5sum="f" * 32, callerid="/me"
        )
        writer.write(connection, 10**18, payload)
    clip = clip_of(tmp_path / "own.bag", folder / "own")
    assert export(clip, tmp_path / "clip.bag", "bag").exit_code == 0
    with Bag1Reader(tmp_path / "clip.bag") as reader:
        (kept,) = reader.connections
        assert (kept.digest, kept.msgdef.data) == ("f" * 32, definition)
        assert [bytes(data) for _, _, data in reader.messages()] == [payload]
    assert export(clip, tmp_path / "clip.mcap", "ros2").exit_code == 0
    with AnyReader([tmp_path / "clip.mcap"]) as any_reader:
        ((connection2, t_ns, data),) = any_reader.messages()
        message: Any = any_reader.deserialize(data, connection2.msgtype)
    assert (t_ns, message.KIND, message.when.sec, message.took.sec) == (10**18, 3, 5, -1)
    assert (message.letter, message.names, [each.D for each in message.parts]) == (
        65,
        ["x", "long name"],
        [2.0, 2.0],
    )
    assert message.header.frame_id == "base"


@pytest.mark.shared
@pytest.mark.parametrize("name", SHARED_ROS1)
def test_clips_of_real_ros1_recordings_open_in_rosbags(name: str, folder: Path, tmp_path: Path):
    clip = clip_of(shared_log(name), folder / Path(name).stem, 8)
    assert export(clip, tmp_path / "clip.bag", "bag").exit_code == 0
    assert prove_bag(clip, tmp_path / "clip.bag") > 15
    assert export(clip, tmp_path / "clip.mcap", "ros2").exit_code == 0
    assert prove_cdr(clip, tmp_path / "clip.mcap") > 15
    with (tmp_path / "clip.mcap").open("rb") as file:
        reader = make_reader(file, decoder_factories=[Ros2Decoder()])
        assert sum(1 for _ in reader.iter_decoded_messages()) == len(records_of(clip))
