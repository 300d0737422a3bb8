"""Whole MCAP files: everything comes, untouched, in time order, however the file was written."""

import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import lz4.frame
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.writer import CompressionType, IndexType, Writer
from tests.recording_makers import NO_INDEX, Sent, in_play_order, played, write_mcap

from winnow_runtime.recordings import Limits, numbered, open_recording

T0 = 1_700_000_000_000_000_000

MESSAGES = [Sent(f"/t{i % 3}", T0 + i * 10, bytes([i]) * (i % 7), T0 + i * 10 - 3) for i in range(60)]

WRITERS: dict[str, dict[str, Any]] = {
    "plain chunks": {},
    "lz4": {"compression": CompressionType.LZ4},
    "zstd": {"compression": CompressionType.ZSTD},
    "one chunk": {"chunk_bytes": 1 << 20},
    "no index": NO_INDEX,
    "no message index": {"index_types": IndexType.CHUNK},
    "no chunk index": {"index_types": IndexType.MESSAGE},
    "no repeated channels": {"repeat_channels": False},
    "no repeated schemas": {"repeat_schemas": False},
    "no statistics": {"use_statistics": False},
    "without chunks": {"chunked": False},
    "without chunks and index": {"chunked": False, **NO_INDEX},
    "without CRCs": {"enable_crcs": False},
}


@pytest.mark.parametrize("options", WRITERS.values(), ids=WRITERS.keys())
def test_every_way_of_writing_plays_the_same(tmp_path: Path, options: dict[str, Any]):
    path = write_mcap(tmp_path / "a.mcap", MESSAGES, **options)
    with open_recording(path) as recording:
        assert played(recording) == in_play_order(MESSAGES)
        assert recording.problems == ()
        assert recording.message_count == len(MESSAGES)
        assert (recording.start_ns, recording.end_ns) == (T0, T0 + 591)
        assert [channel.topic for channel in recording.channels] == ["/t0", "/t1", "/t2"]
        assert recording.channels[0].schema_data == b"uint8[] data\n"
        assert recording.channels[0].schema_encoding == "ros2msg"


def test_metadata_of_the_channel_survive_and_latch(tmp_path: Path):
    qos = "- history: 1\n  durability: 1\n"
    path = write_mcap(tmp_path / "a.mcap", MESSAGES[:3], metadata={"z": "1", "offered_qos_profiles": qos})
    with open_recording(path) as recording:
        assert recording.channels[0].metadata == (("offered_qos_profiles", qos), ("z", "1"))
        assert recording.channels[0].is_latched
        assert all(topic.latched for topic in recording.topics().values())


@given(
    times=st.lists(st.integers(0, 40), max_size=80),
    topics=st.integers(1, 4),
    chunk_bytes=st.sampled_from([1, 100, 400, 100_000]),
    compression=st.sampled_from(list(CompressionType)),
    variant=st.sampled_from(list(WRITERS)),
    cache_bytes=st.sampled_from([0, 300, 1 << 20]),
    window=st.one_of(st.none(), st.tuples(st.integers(-1, 41), st.integers(-1, 41))),
    wanted=st.one_of(st.none(), st.sets(st.sampled_from(["/t0", "/t1", "/t2", "/nobody"]))),
)
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_order_selection_and_window_match_a_sorted_list(
    tmp_path: Path, times, topics, chunk_bytes, compression, variant, cache_bytes, window, wanted
):
    sent = [Sent(f"/t{i % topics}", t_ns, b"%d" % i * (i % 40)) for i, t_ns in enumerate(times)]
    options = {"compression": compression, "chunk_bytes": chunk_bytes, **WRITERS[variant]}
    path = write_mcap(tmp_path / "a.mcap", sent, **options)
    start_ns, end_ns = window or (None, None)
    expected = [
        message
        for message in in_play_order(sent)
        if (wanted is None or message[0] in wanted)
        and (start_ns is None or message[1] >= start_ns)
        and (end_ns is None or message[1] < end_ns)
    ]
    with open_recording(path, Limits(cache_bytes=cache_bytes)) as recording:
        assert played(recording, topics=wanted, start_ns=start_ns, end_ns=end_ns) == expected
        assert played(recording, topics=wanted, start_ns=start_ns, end_ns=end_ns) == expected  # again
        assert recording.problems == ()
        if sent:
            assert played(recording, start_ns=recording.start_ns, end_ns=recording.end_ns) == in_play_order(
                sent
            )


def test_chunks_of_different_topics_that_span_everything_are_merged(tmp_path: Path):
    """A recorder that keeps one chunk open per topic: all chunks overlap, none fits the cache."""
    signals = [Sent("/signal", T0 + i, b"s" * 50) for i in range(500)]
    clouds = [Sent("/cloud", T0 + i * 100, bytes(5000)) for i in range(5)]
    path = write_mcap(tmp_path / "a.mcap", [*signals, *clouds], chunk_bytes=20_000)
    with open_recording(path, Limits(cache_bytes=1000)) as recording:
        assert played(recording) == in_play_order([*signals, *clouds])


def test_more_equal_times_than_a_batch(tmp_path: Path):
    sent = [Sent(f"/t{i % 2}", T0 if i % 5 else T0 + 1, b"%d" % i) for i in range(140_000)]
    path = write_mcap(tmp_path / "a.mcap", sent, chunk_bytes=3_000_000)
    with open_recording(path) as recording:
        assert played(recording) == in_play_order(sent)


def test_small_payloads_are_bytes_and_large_ones_views(tmp_path: Path):
    sent = [Sent("/small", T0, bytes(4000)), Sent("/large", T0 + 1, bytes(100_000))]
    with open_recording(write_mcap(tmp_path / "a.mcap", sent)) as recording:
        small, large = (message.data for message in recording.messages())
        assert isinstance(small, bytes)
        assert isinstance(large, memoryview)
        assert large.readonly


def test_agrees_with_the_mcap_library(tmp_path: Path):
    path = write_mcap(tmp_path / "a.mcap", MESSAGES, compression=CompressionType.LZ4)
    with path.open("rb") as file:
        theirs = [
            (channel.topic, message.log_time, message.publish_time, message.data)
            for _, channel, message in make_reader(file).iter_messages()
        ]
    with open_recording(path) as recording:
        assert played(recording) == theirs


def test_channels_without_schema_and_of_any_encoding(tmp_path: Path):
    path = tmp_path / "a.mcap"
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start()
        json_schema = writer.register_schema("Pose", "jsonschema", b"{}")
        channels = [
            writer.register_channel("/json", "json", json_schema),
            writer.register_channel("/plain", "json", 0),
            writer.register_channel("/plain", "cbor", 0),
        ]
        for number, channel in enumerate(channels):
            writer.add_message(channel, T0 + number, b"{}", T0)
        writer.finish()
    with open_recording(path) as recording:
        described = [(c.topic, c.encoding, c.schema_encoding, c.schema_name) for c in recording.channels]
        assert described == [
            ("/json", "json", "jsonschema", "Pose"),
            ("/plain", "cbor", "", ""),
            ("/plain", "json", "", ""),
        ]
        assert [message.channel.encoding for message in recording.messages()] == ["json", "json", "cbor"]
        assert recording.topics()["/plain"].count == 2


def test_attachments_and_metadata_between_the_chunks_are_passed(tmp_path: Path):
    path = tmp_path / "a.mcap"
    with path.open("wb") as file:
        writer = Writer(file, chunk_size=10)
        writer.start()
        channel = writer.register_channel("/a", "json", 0)
        for number in range(5):
            writer.add_message(channel, T0 + number, b"%d" % number, T0)
            writer.add_attachment(T0, T0, "calibration", "text/plain", bytes(70_000))
            writer.add_metadata("note", {"a": "b"})
        writer.finish()
    with open_recording(path) as recording:
        assert [bytes(message.data) for message in recording.messages()] == [b"%d" % n for n in range(5)]
        assert recording.problems == ()


def test_a_file_without_messages_is_a_recording(tmp_path: Path):
    with open_recording(write_mcap(tmp_path / "a.mcap", [])) as recording:
        assert list(recording.messages()) == []
        assert (recording.start_ns, recording.end_ns, recording.message_count) == (0, 0, 0)
        assert recording.topics() == {}
        assert recording.problems == ()


def test_statistics_are_measured(tmp_path: Path):
    sent = [Sent("/a", T0 + i * 100_000_000, bytes(10 + i)) for i in range(11)]
    seen: list[float] = []
    with open_recording(write_mcap(tmp_path / "a.mcap", sent)) as recording:
        topic = recording.topics(seen.append)["/a"]
    assert (topic.count, topic.bytes, topic.max_bytes) == (11, 165, 20)
    assert topic.rate_hz == pytest.approx(10.0)
    assert topic.bytes_per_s == pytest.approx(150.0)
    assert (topic.first_ns, topic.last_ns) == (T0, T0 + 1_000_000_000)
    assert seen[-1] == 1.0


def test_numbers_count_per_topic_in_play_order(tmp_path: Path):
    sent = [
        Sent("/a", T0 + 5, b"2"),
        Sent("/b", T0 + 1, b"1"),
        Sent("/a", T0, b"1"),
        Sent("/a", T0 + 5, b"3"),
    ]
    with open_recording(write_mcap(tmp_path / "a.mcap", sent)) as recording:
        assert all(
            bytes(message.data) == b"%d" % number for number, message in numbered(recording.messages())
        )


def test_times_after_2262_are_left_out_and_named(tmp_path: Path):
    sent = [Sent("/a", 1 << 63, b"never"), Sent("/a", T0, b"now")]
    for chunked in (True, False):
        with open_recording(write_mcap(tmp_path / f"{chunked}.mcap", sent, chunked=chunked)) as recording:
            assert [bytes(message.data) for message in recording.messages()] == [b"now"]
            assert any("2262" in problem or "impossible" in problem for problem in recording.problems)


def test_memory_is_bounded_by_chunks_and_not_by_the_file(tmp_path: Path):
    sent = [Sent("/a", T0 + i, bytes(100_000)) for i in range(300)]
    path = write_mcap(tmp_path / "a.mcap", sent, chunk_bytes=1_000_000)
    with open_recording(path) as recording:
        tracemalloc.start()
        try:
            assert sum(len(message.data) for message in recording.messages()) == 30_000_000
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak_bytes < 4_000_000


@pytest.mark.parametrize("with_size", [True, False])
def test_frames_of_other_compressors(tmp_path: Path, with_size: bool):
    """Streaming writers leave the content size out of their frames."""
    packers = {
        "zstd": lambda data: zstandard.ZstdCompressor(write_content_size=with_size).compress(data),
        "lz4": lambda data: lz4.frame.compress(data, store_size=with_size, block_linked=not with_size),
    }
    message = struct.pack("<BQHIQQ", 5, 22 + 9, 1, 0, T0, T0) + b"payload 1"
    channel = b"\x01\x00\x00\x00" + struct.pack("<I", 2) + b"/a" + struct.pack("<I", 4) + b"json" + bytes(4)
    content = struct.pack("<BQ", 4, len(channel)) + channel + message * 50
    for name, pack in packers.items():
        packed = pack(content)
        body = struct.pack("<QQQII", T0, T0, len(content), zlib.crc32(content), len(name)) + name.encode()
        body += struct.pack("<Q", len(packed)) + packed
        end = struct.pack("<BQI", 15, 4, 0) + struct.pack("<BQQQI", 2, 20, 0, 0, 0)
        path = tmp_path / f"{name}.mcap"
        magic = b"\x89MCAP0\r\n"
        path.write_bytes(
            magic + struct.pack("<BQII", 1, 8, 0, 0) + struct.pack("<BQ", 6, len(body)) + body + end + magic
        )
        with open_recording(path) as recording:
            assert [bytes(found.data) for found in recording.messages()] == [b"payload 1"] * 50
            assert recording.problems == ()
