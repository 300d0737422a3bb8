"""ROS 1 bags: whole, without index, torn at every byte, damaged, with the odd headers of other writers."""

import itertools
import random
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.recording_makers import Sent, in_play_order, played, write_ros1

from winnow_runtime.recordings import Limits, RecordingError, open_recording

T0 = 1_500_000_000_000_000_000
MESSAGES = [Sent(f"/t{i % 2}", T0 + i * 1000, bytes([65 + i]) * 20) for i in range(24)]


def record(fields: dict[str, bytes], data: bytes) -> bytes:
    header = b"".join(
        struct.pack("<I", len(name) + 1 + len(value)) + name.encode() + b"=" + value
        for name, value in fields.items()
    )
    return struct.pack("<I", len(header)) + header + struct.pack("<I", len(data)) + data


def stamp(t_ns: int) -> bytes:
    return struct.pack("<II", *divmod(t_ns, 1_000_000_000))


CONNECTION = record(
    {"op": b"\x07", "conn": bytes(4), "topic": b"/a"},
    record(
        {"topic": b"/a", "type": b"std_msgs/String", "md5sum": b"x", "message_definition": b"string data\n"},
        b"",
    )[4:-4],
)


def bag(*chunks: bytes, header: dict[str, bytes] | None = None) -> bytes:
    """A bag without index."""
    fields = {"op": b"\x03", "index_pos": bytes(8), "conn_count": bytes(4), "chunk_count": bytes(4)}
    records = [
        record({"op": b"\x05", "compression": b"none", "size": struct.pack("<I", len(chunk))}, chunk)
        for chunk in chunks
    ]
    return b"#ROSBAG V2.0\n" + record(fields | (header or {}), b" " * 100) + b"".join(records)


@pytest.mark.parametrize("compression", ["none", "bz2", "lz4"])
def test_plays_what_was_written(tmp_path: Path, compression: str):
    path = write_ros1(tmp_path / "a.bag", MESSAGES, compression=compression, latching=1)
    with open_recording(path) as recording:
        assert played(recording) == in_play_order(MESSAGES)
        assert recording.problems == ()
        assert recording.message_count == 24
        assert (recording.start_ns, recording.end_ns) == (T0, T0 + 23_001)
        channel = recording.channels[0]
        assert (channel.topic, channel.encoding, channel.schema_encoding) == ("/t0", "ros1", "ros1msg")
        assert channel.schema_name == "test_msgs/Blob"
        assert channel.schema_data == b"uint8[] data\n"
        assert dict(channel.metadata) == {
            "callerid": "/winnow_tests",
            "latching": "1",
            "md5sum": "f43a8e1b362b75baa741461b46adc7e0",
        }
        assert channel.is_latched


@given(
    times=st.lists(st.integers(0, 30), min_size=1, max_size=60),
    chunk_bytes=st.sampled_from([1, 300, 100_000]),
    cache_bytes=st.sampled_from([0, 1 << 20]),
    window=st.tuples(st.integers(-1, 31), st.integers(-1, 31)),
)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_order_and_window_match_a_sorted_list(tmp_path: Path, times, chunk_bytes, cache_bytes, window):
    sent = [Sent(f"/t{i % 3}", t, b"%d" % i * (i % 9)) for i, t in enumerate(times)]
    path = tmp_path / "a.bag"
    path.unlink(missing_ok=True)
    write_ros1(path, sent, chunk_bytes=chunk_bytes)
    with open_recording(path, Limits(cache_bytes=cache_bytes)) as recording:
        assert played(recording) == in_play_order(sent)
        inside = [message for message in in_play_order(sent) if window[0] <= message[1] < window[1]]
        assert played(recording, start_ns=window[0], end_ns=window[1]) == inside
        assert played(recording, topics=["/t1"]) == [m for m in in_play_order(sent) if m[0] == "/t1"]


def test_a_cut_at_every_byte_plays_a_prefix_and_says_so(tmp_path: Path):
    data = write_ros1(tmp_path / "whole.bag", MESSAGES, chunk_bytes=300).read_bytes()
    everything = in_play_order(MESSAGES)
    torn = tmp_path / "torn.bag"
    counts = []
    for cut in itertools.chain(range(14, 200), range(4096, len(data))):
        torn.write_bytes(data[:cut])
        with open_recording(torn) as recording:
            got = played(recording)
            assert got == everything[: len(got)], cut
            assert recording.problems, cut
            assert recording.message_count == len(got)
            counts.append(len(got))
    assert counts == sorted(counts)
    assert set(counts) == set(range(25))  # every message appears as soon as its last byte is there


@pytest.mark.parametrize("compression", ["bz2", "lz4"])
def test_a_compressed_chunk_that_is_cut_is_salvaged(tmp_path: Path, compression: str):
    noise = random.Random(1)
    sent = [Sent("/a", T0 + i, noise.randbytes(2000)) for i in range(900)]
    path = write_ros1(tmp_path / "a.bag", sent, compression=compression, chunk_bytes=1 << 22)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    with open_recording(path) as recording:
        got = played(recording)
        assert 50 < len(got) < 900
        assert got == in_play_order(sent)[: len(got)]
        assert any("is not all there" in problem for problem in recording.problems)


def test_any_flipped_byte_of_the_structure_is_survived(tmp_path: Path):
    sent = MESSAGES[:10]
    data = bytearray(write_ros1(tmp_path / "whole.bag", sent, chunk_bytes=300).read_bytes())
    flipped = tmp_path / "flipped.bag"
    refusals: set[str] = set()
    for position, mask in itertools.product(
        itertools.chain(range(13, 110), range(4109, len(data))), (0xFF, 1)
    ):
        data[position] ^= mask
        flipped.write_bytes(data)
        data[position] ^= mask
        try:
            with open_recording(flipped) as recording:
                got = played(recording)
                problems = recording.problems
        except RecordingError as error:
            refusals.add(str(error).split("; ")[1])
            continue
        assert len(got) == len(sent) or problems, (position, mask)
        assert [message[1] for message in got] == sorted(message[1] for message in got) or problems
    assert not refusals


@pytest.mark.parametrize("order", list(itertools.permutations(["conn", "op", "time"])))
def test_header_fields_in_any_order(tmp_path: Path, order: tuple[str, ...]):
    fields = {"op": b"\x02", "conn": bytes(4)}
    chunk = CONNECTION + b"".join(
        record({name: (fields | {"time": stamp(T0 + i)})[name] for name in order}, b"%d" % i)
        for i in range(5)
    )
    path = tmp_path / "a.bag"
    path.write_bytes(bag(chunk))
    with open_recording(path) as recording:
        assert played(recording) == [("/a", T0 + i, T0 + i, b"%d" % i) for i in range(5)]


def test_unknown_header_fields_and_mixed_orders(tmp_path: Path):
    chunk = CONNECTION
    for number in range(6):
        fields = {"op": b"\x02", "conn": bytes(4), "time": stamp(T0 + number)}
        if number % 2:
            fields = {"note": b"x=y", **fields}
        chunk += record(fields, b"%d" % number)
    path = tmp_path / "a.bag"
    path.write_bytes(bag(chunk))
    with open_recording(path) as recording:
        assert [message[3] for message in played(recording)] == [b"%d" % n for n in range(6)]


def test_messages_of_an_undefined_connection_are_counted(tmp_path: Path):
    strange = record({"op": b"\x02", "conn": b"\x07\0\0\0", "time": stamp(T0)}, b"x")
    path = tmp_path / "a.bag"
    path.write_bytes(bag(CONNECTION + strange + strange))
    with open_recording(path) as recording:
        assert played(recording) == []
        assert any(
            "2 messages of a connection that nothing defines" in problem for problem in recording.problems
        )


def test_index_data_with_a_wrong_length_are_passed_by_their_count(tmp_path: Path):
    """Bags of 2010-11: 20 bytes per entry are stated, 12 are there."""
    message = record({"op": b"\x02", "conn": bytes(4), "time": stamp(T0)}, b"1")
    index = record(
        {"op": b"\x04", "ver": b"\1\0\0\0", "conn": bytes(4), "count": b"\1\0\0\0"}, stamp(T0) + bytes(4)
    )
    index = index[:-16] + struct.pack("<I", 20) + index[-12:]
    first = bag(CONNECTION + message)
    second = bag(record({"op": b"\x02", "conn": bytes(4), "time": stamp(T0 + 1)}, b"2"))
    path = tmp_path / "a.bag"
    path.write_bytes(first + index + second[second.index(b"\x04\0\0\0op=\x05") - 4 :])
    with open_recording(path) as recording:
        assert [message[3] for message in played(recording)] == [b"1", b"2"]
        assert len(recording.problems) == 1  # only that there is no index


def test_an_encrypted_bag_is_refused_by_name(tmp_path: Path):
    path = tmp_path / "a.bag"
    path.write_bytes(bag(CONNECTION, header={"encryptor": b"rosbag/AesCbcEncryptor"}))
    with pytest.raises(RecordingError, match=r"is encrypted \(rosbag/AesCbcEncryptor\); nothing was read"):
        open_recording(path)
