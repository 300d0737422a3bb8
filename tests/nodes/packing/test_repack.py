"""Clips go from profile to profile: the very same file comes back, and what was lossy stays within its bound."""

import hashlib
import json
import struct
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.stream_reader import StreamReader
from tests.clouds import XYZIRT, cloud, cloud_channel, sweep
from tests.nodes.vehicle_rig import Rings, S, Vehicle, an_event, cut_clips

from winnow_operators.packing.cloud_layout import layout_of
from winnow_runtime.packing.contents import ClipContents
from winnow_runtime.packing.repack import repack
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.packing import Profile
from winnow_schemas.settings.topics import TopicSettings, UploadCodec
from winnow_schemas.sidecar import read_sidecar
from winnow_tools.clips.verify import totals, verify

pytest.importorskip("DracoPy")
IMU = Channel("/imu", "cdr", "sensor_msgs/msg/Imu", "ros2msg", b"float64 x\n", (("qos", "reliable"),))
JPEG = Channel("/camera", "cdr", "sensor_msgs/msg/CompressedImage", "ros2msg", b"uint8[] data\n")
TEXT = Channel("/text", "json", "note", "jsonschema", b"{}")
STATIC = Channel("/tf_static", "cdr", "tf2_msgs/msg/TFMessage", "ros2msg", b"x\n")
RINGS = cloud_channel(topic="/rings")


def make_clip(vehicle: Vehicle, clouds: int = 8) -> Path:
    """A clip of seconds 2 to 6 of a small drive."""
    rings = Rings(vehicle, capacity=1 << 22)
    rings.push(STATIC, S // 2, b"static")
    for tick in range(800):
        t_ns = tick * S // 100 + 7
        rings.push(IMU, t_ns, struct.pack("<4xQ3d", t_ns, 9.81 + tick * 1e-3, 0.1, -0.2))
        if tick % 100 == 0:
            rings.push(TEXT, t_ns, json.dumps({"n": "x" * (tick % 7)}).encode())
        if tick % (800 // clouds) == 0:
            rings.push(cloud_channel(), t_ns, cloud(sweep(2000, tick)))
            rings.push(RINGS, t_ns, cloud(sweep(300, tick, XYZIRT)))
            rings.push(JPEG, t_ns, b"\xff\xd8\xff" + np.random.default_rng(tick).bytes(500))
    (ready,) = cut_clips(vehicle, rings, [an_event(4, pre_roll_ns=2 * S, post_roll_ns=2 * S)])
    return vehicle.out / ready.path


@pytest.fixture
def clip(vehicle: Vehicle) -> Path:
    return make_clip(vehicle)


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def messages(path: Path) -> list[tuple[Any, ...]]:
    with path.open("rb") as file:
        return [
            (
                c.topic,
                c.message_encoding,
                s and (s.name, s.encoding, s.data),
                m.sequence,
                m.log_time,
                m.publish_time,
                m.data,
            )
            for s, c, m in make_reader(file, validate_crcs=True).iter_messages(log_time_order=False)
        ]


def test_what_was_packed_is_the_very_same_file_again(clip: Path, tmp_path: Path) -> None:
    packed = tmp_path / clip.name
    sidecar = repack(clip, packed, Profile.PACKED, DeviceSettings())
    assert (sidecar.profile, sidecar.sha256, sidecar.derived_from) == ("packed", sha(packed), sha(clip))
    assert sidecar == read_sidecar(packed.with_suffix(".json"))
    assert sidecar.latched
    back = tmp_path / "back" / clip.name
    restored = repack(packed, back, Profile.PLAIN, DeviceSettings())
    assert back.read_bytes() == clip.read_bytes()
    assert restored == read_sidecar(clip.with_suffix(".json"))


def test_every_reader_opens_every_profile(clip: Path, tmp_path: Path) -> None:
    for profile in (Profile.PACKED, Profile.UPLOAD):
        target = tmp_path / profile.value / clip.name
        sidecar = repack(clip, target, profile, DeviceSettings())
        with target.open("rb") as file:
            assert sum(1 for _ in StreamReader(file, validate_crcs=True).records) > 10
        topics = {each[0] for each in messages(target)}
        assert topics == {*sidecar.topics, "/tf_static"}


def test_compressed_pictures_pass_through_and_stay_drawable(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / clip.name
    repack(clip, target, Profile.UPLOAD, DeviceSettings())

    def pictures(path: Path) -> list[tuple[Any, ...]]:
        return [each for each in messages(path) if each[0] == "/camera"]

    assert pictures(target) == pictures(clip) != []


def test_draco_clouds_are_foxgloves_and_decode_by_their_own_schema(clip: Path, tmp_path: Path) -> None:
    import DracoPy

    target = tmp_path / clip.name
    sidecar = repack(clip, target, Profile.UPLOAD, DeviceSettings())
    assert sidecar.packing is not None
    made = sidecar.packing.topics["/points"]
    assert (made.codec, made.bound_m) == ("draco", 0.01)
    assert 0 < (made.error_m or 0) <= 0.01
    found = [each for each in messages(target) if each[0] == "/points"]
    _, encoding, schema, *_ = found[0]
    assert (encoding, schema[:2]) == ("protobuf", ("foxglove.CompressedPointCloud", "protobuf"))
    pool = descriptor_pool.DescriptorPool()
    for file in FileDescriptorSet.FromString(schema[2]).file:
        pool.Add(file)
    kind: Any = message_factory.GetMessageClass(pool.FindMessageTypeByName(schema[0]))
    message = kind.FromString(found[0][-1])
    assert (message.format, message.frame_id) == ("draco", "lidar")
    assert (message.timestamp.seconds, message.timestamp.nanos) == (1_700_000_000, 123_456_789)
    assert message.pose.orientation.w == 1
    assert [field.name for field in message.DESCRIPTOR.fields] == [
        "timestamp", "frame_id", "pose", "data", "format"
    ]  # fmt: skip
    decoded = DracoPy.decode(message.data)
    assert len(decoded.points) == 2000
    assert [each["name"] for each in decoded.attributes] == [None, "intensity"]


def test_upload_comes_back_within_the_bound_with_schemas_and_times(clip: Path, tmp_path: Path) -> None:
    upload, back = tmp_path / clip.name, tmp_path / "back" / clip.name
    repack(clip, upload, Profile.UPLOAD, DeviceSettings())
    restored = repack(upload, back, Profile.PLAIN, DeviceSettings())
    assert restored.packing is not None
    assert set(restored.packing.topics) == {"/points", "/rings"}
    assert (restored.profile, restored.derived_from) == ("plain", sha(clip))
    before, after = messages(clip), messages(back)
    assert [each[:-1] for each in before] == [each[:-1] for each in after]
    for one, other in zip(before, after, strict=True):
        if one[0] not in restored.packing.topics:
            assert one == other
        assert len(one[-1]) == len(other[-1])
    again = tmp_path / "again" / clip.name
    assert repack(back, again, Profile.UPLOAD, DeviceSettings()).packing is not None
    third = tmp_path / "third" / clip.name
    repack(again, third, Profile.PLAIN, DeviceSettings())
    assert messages(third) == after  # on the grid already: nothing more is lost


def test_settings_choose_codec_and_error_per_topic(clip: Path, tmp_path: Path) -> None:
    chosen = DeviceSettings(
        topics={
            "/points": TopicSettings(upload_codec=UploadCodec.ORDERED, error_m=0.002),
            "/rings": TopicSettings(upload_codec=UploadCodec.LOSSLESS),
        }
    )
    sidecar = repack(clip, tmp_path / clip.name, Profile.UPLOAD, chosen)
    assert sidecar.packing is not None
    topics = sidecar.packing.topics
    assert (topics["/points"].codec, topics["/points"].bound_m) == ("ordered", 0.002)
    assert (topics["/rings"].codec, topics["/rings"].is_lossy) == ("cloud", False)


def test_the_same_clip_gives_the_same_bytes(clip: Path, tmp_path: Path) -> None:
    for profile in (Profile.PACKED, Profile.UPLOAD):
        one, other = tmp_path / "1" / clip.name, tmp_path / "2" / clip.name
        repack(clip, one, profile, DeviceSettings())
        repack(clip, other, profile, DeviceSettings())
        assert one.read_bytes() == other.read_bytes()


def test_verify_understands_every_profile_and_finds_a_moved_point(clip: Path, tmp_path: Path) -> None:
    from winnow_schemas.channel import Message

    with clip.open("rb") as file:
        contents = ClipContents(clip, file, read_sidecar(clip.with_suffix(".json")))
        source = [
            Message(contents.origins[one.number].channel, one.t_ns, one.pub_ns, one.data)
            for one in contents.messages()
        ]
    source.sort(key=lambda message: message.t_ns)
    folder = tmp_path / "all"
    for profile in (Profile.PACKED, Profile.UPLOAD):
        repack(clip, folder / profile.value / clip.name, profile, DeviceSettings())
        repack(
            folder / profile.value / clip.name,
            folder / f"{profile.value}-plain" / clip.name,
            Profile.PLAIN,
            DeviceSettings(),
        )
    checks = verify(folder, source)
    assert [(check.good, check.problems) for check in checks] == [(True, [])] * 4
    assert totals(checks)["latched"] == 4
    index = next(n for n, one in enumerate(source) if one.channel.topic == "/points" and one.t_ns >= 2 * S)
    place = layout_of(cloud_channel(), source[index].data)
    assert place is not None
    for offset, change in (
        (0, 0.05),
        (4, 0.02),
        (12, 0.5),
    ):  # two coordinates beyond the bound, an exact intensity
        moved = bytearray(source[index].data)
        at = place.begin + 16 * 100 + offset
        struct.pack_into("<f", moved, at, struct.unpack_from("<f", moved, at)[0] + change)
        other = [*source[:index], source[index]._replace(data=bytes(moved)), *source[index + 1 :]]
        assert [check.changed for check in verify(folder, other)] == [1] * 4


@pytest.mark.parametrize("profile", [Profile.PACKED, Profile.UPLOAD])
def test_damage_is_named_and_nothing_is_left(clip: Path, tmp_path: Path, profile: Profile) -> None:
    good = tmp_path / "good" / clip.name
    repack(clip, good, profile, DeviceSettings())
    data = good.read_bytes()
    bad = tmp_path / "bad" / clip.name
    bad.parent.mkdir()
    bad.with_suffix(".json").write_bytes(good.with_suffix(".json").read_bytes())
    generator = np.random.default_rng(5)
    outcomes = Counter[str]()
    for _ in range(60):
        changed = bytearray(data)
        changed[int(generator.integers(0, len(data)))] ^= 0x41
        bad.write_bytes(
            changed if generator.random() < 0.7 else data[: int(generator.integers(0, len(data)))]
        )
        target = tmp_path / "out" / clip.name
        try:
            repack(bad, target, Profile.PLAIN, DeviceSettings())
            outcomes["unharmed"] += 1  # a byte that only an index, or a record twice written, holds
        except BadInputError as error:
            outcomes["named" if "\n" not in str(error) else "two lines"] += 1
            assert not list(target.parent.glob("*.part"))
        assert not verify(bad, None)[0].good
    assert outcomes["named"] > 30
    assert not outcomes["two lines"]


def test_a_plain_clip_that_looks_packed_is_refused(vehicle: Vehicle, tmp_path: Path) -> None:
    rings = Rings(vehicle)
    rings.push(Channel("/x", "json", metadata=(("winnow.stream", "lz4"),)), 3 * S, b"{}")
    (ready,) = cut_clips(vehicle, rings, [an_event(3)])
    with pytest.raises(BadInputError, match="which packed clips use"):
        repack(vehicle.out / ready.path, tmp_path / "x.mcap", Profile.PACKED, DeviceSettings())


@pytest.mark.parametrize(
    ("profile", "words"), [(Profile.PLAIN, "is plain already"), (Profile.PACKED, "the clip itself")]
)
def test_repacking_that_makes_no_sense(clip: Path, tmp_path: Path, profile: Profile, words: str) -> None:
    target = clip if profile is Profile.PACKED else tmp_path / clip.name
    with pytest.raises(BadInputError, match=words):
        repack(clip, target, profile, DeviceSettings())


def test_without_draco_one_sentence_says_what_to_do(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    from winnow_schemas.errors import UnavailableError

    monkeypatch.setitem(sys.modules, "DracoPy", None)
    with pytest.raises(UnavailableError, match=r"winnow-dora\[lidar\]"):
        repack(clip, tmp_path / clip.name, Profile.UPLOAD, DeviceSettings())
    assert not list(tmp_path.iterdir())
    repack(clip, tmp_path / clip.name, Profile.PACKED, DeviceSettings())


@settings(deadline=None, max_examples=15)
@given(
    stamps=st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(2 * S, 6 * S - 1), st.binary(max_size=40)), max_size=80
    )
)
def test_any_drive_comes_back(stamps: list[tuple[str, int, bytes]]) -> None:
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:
        vehicle = Vehicle(Path(base), {"recorder": {"enabled": False}, "triggers": {"library": "none"}})
        rings = Rings(vehicle)
        for topic, t_ns, data in stamps:
            rings.push(Channel(f"/{topic}", "raw"), t_ns, data)
        rings.push(IMU, 4 * S, b"imu")
        (ready,) = cut_clips(vehicle, rings, [an_event(4, pre_roll_ns=2 * S, post_roll_ns=2 * S)])
        vehicle.close()
        clip = vehicle.out / ready.path
        packed, back = Path(base) / "p" / clip.name, Path(base) / "b" / clip.name
        repack(clip, packed, Profile.PACKED, DeviceSettings())
        repack(packed, back, Profile.PLAIN, DeviceSettings())
        assert back.read_bytes() == clip.read_bytes()
