"""What leaves of a clip, chunk by chunk: unchanged where it can, never more than was looked at."""

import lz4.frame
from mcap.reader import make_reader
from tests.nodes.redactor.test_redactor_node import (
    CAMERA,
    CLOUD,
    IMU,
    PLAIN,
    STATUS,
    content,
    outcome,
    redact,
    sent,
    some_clip,
)
from tests.nodes.vehicle_rig import S, Vehicle

from winnow_runtime.hashed_file import HashedFile
from winnow_runtime.mcapfile.writer import McapWriter
from winnow_schemas.channel import Channel

FACE = b"a face, as plain bytes"


def rewrite(vehicle: Vehicle, path: str, streams: dict[str, list[Channel]], *, hide: bool = False) -> None:
    """The clip again, with these channels in chunks together; ``hide``: the index leaves the camera out."""
    file = HashedFile(vehicle.out / path)
    writer = McapWriter(file.write)
    for name, channels in streams.items():
        writer.stream(name, "lz4" if name == "packed" else "")
        numbers = {channel: writer.channel(channel, name) for channel in channels}
        for tick in range(5):
            for channel, number in numbers.items():
                data = FACE if channel is CAMERA else b"%s-%d" % (channel.topic.encode(), tick)
                writer.message(number, S + tick, S + tick, tick + 1, data)
        if hide:
            for channel, number in numbers.items():
                if channel is CAMERA:
                    del writer._streams[name].index[number]
    writer.finish()
    file.publish()


def chunks(vehicle: Vehicle, path: str) -> list[bytes]:
    """The chunk records of a file, as they are stored."""
    with (vehicle.out / path).open("rb") as file:
        summary = make_reader(file).get_summary()
        assert summary is not None
        data = (vehicle.out / path).read_bytes()
    return [
        data[index.chunk_start_offset : index.chunk_start_offset + index.chunk_length]
        for index in summary.chunk_indexes
    ]


def test_a_chunk_in_which_nothing_has_to_stay_leaves_as_it_is_stored(vehicle: Vehicle) -> None:
    clip = some_clip(vehicle, [*PLAIN, CAMERA])
    rewrite(vehicle, clip.path, {"": [CAMERA], "packed": [IMU, STATUS], "clouds": [CLOUD]})
    before = chunks(vehicle, clip.path)
    (outgoing,) = redact(vehicle)
    after = chunks(vehicle, outgoing.path)
    assert len(after) == 2
    assert set(after) < set(before)


def test_of_a_chunk_with_a_camera_in_it_only_the_rest_leaves(vehicle: Vehicle) -> None:
    clip = some_clip(vehicle, [*PLAIN, CAMERA])
    rewrite(vehicle, clip.path, {"packed": [IMU, CAMERA, STATUS]})
    expected = [row for row in content(vehicle.out / clip.path) if row[0] != "/front"]
    assert len(expected) == 10
    (outgoing,) = redact(vehicle)
    assert content(vehicle.out / outgoing.path) == expected
    (chunk,) = chunks(vehicle, outgoing.path)
    at = chunk.index(b"\x04\x22\x4d\x18")  # an LZ4 frame
    raw = lz4.frame.decompress(chunk[at:])
    assert FACE not in raw
    assert b"CompressedImage" not in raw


def test_a_definition_of_what_stays_does_not_leave_in_the_chunk_of_something_else(vehicle: Vehicle) -> None:
    clip = some_clip(vehicle, [*PLAIN, CAMERA])
    file = HashedFile(vehicle.out / clip.path)
    writer = McapWriter(file.write)
    writer.stream("x", "")
    number, _ = writer.channel(IMU, "x"), writer.channel(CAMERA, "x")
    writer.message(number, S, S, 1, b"imu")
    writer.finish()
    file.publish()
    (outgoing,) = redact(vehicle)
    assert [row[4] for row in content(vehicle.out / outgoing.path)] == [b"imu"]
    assert b"CompressedImage" not in (vehicle.out / outgoing.path).read_bytes()


def test_a_message_that_the_index_of_its_chunk_hides_keeps_the_clip_here(vehicle: Vehicle) -> None:
    clip = some_clip(vehicle, [*PLAIN, CAMERA])
    rewrite(vehicle, clip.path, {"": [IMU, CAMERA]}, hide=True)
    assert redact(vehicle) == []
    assert outcome(vehicle) == "stays"
    assert sent(vehicle) == []


def test_a_record_of_another_kind_between_the_messages_does_not_leave(vehicle: Vehicle) -> None:
    clip = some_clip(vehicle, [*PLAIN, CAMERA])
    file = HashedFile(vehicle.out / clip.path)
    writer = McapWriter(file.write)
    writer.stream("x", "")
    front = writer.channel(CAMERA, "x")
    writer.message(front, S, S, 1, FACE)
    writer.flush()
    number = writer.channel(IMU, "x")
    stream = writer._streams["x"]
    record = b"\x80" + len(FACE).to_bytes(8, "little") + FACE  # private records begin at 0x80
    stream.buffer[stream.used : stream.used + len(record)] = record
    stream.used += len(record)
    writer.message(number, S, S, 1, b"imu")
    writer.finish()
    file.publish()
    (outgoing,) = redact(vehicle)
    assert [row[4] for row in content(vehicle.out / outgoing.path)] == [b"imu"]
    assert FACE not in (vehicle.out / outgoing.path).read_bytes()
