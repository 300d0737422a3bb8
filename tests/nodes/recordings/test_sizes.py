"""Amounts of a window equal what playing it gives, whatever was played before, in every container."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.writer import CompressionType, Writer
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
from tests.recording_makers import NO_INDEX, Sent, write_mcap, write_ros1, write_ros2

from winnow_operators.clips.judging import Amount
from winnow_runtime.mcapfile.writer import McapWriter
from winnow_runtime.recordings import open_recording
from winnow_schemas.channel import Channel

SENT = [
    Sent(f"/topic_{number % 3}", 1_000 + number * 7 % 401, bytes([number % 256]) * (number * 37 % 90))
    for number in range(120)
]

MAKERS: dict[str, Any] = {
    "mcap": lambda path: write_mcap(path / "a.mcap", SENT),
    "mcap zstd": lambda path: write_mcap(path / "a.mcap", SENT, compression=CompressionType.ZSTD),
    "mcap without index": lambda path: write_mcap(path / "a.mcap", SENT, **NO_INDEX),
    "mcap without chunks": lambda path: write_mcap(path / "a.mcap", SENT, chunked=False),
    "ros 1": lambda path: write_ros1(path / "a.bag", SENT),
    "ros 1 lz4": lambda path: write_ros1(path / "a.bag", SENT, compression="lz4"),
    "ros 2 sqlite": lambda path: write_ros2(path / "bag", SENT),
    "ros 2 mcap": lambda path: write_ros2(path / "bag", SENT, storage=StoragePlugin.MCAP),
    "ros 2 messages compressed": lambda path: write_ros2(
        path / "bag", SENT, version=8, compression=(CompressionMode.MESSAGE, CompressionFormat.ZSTD)
    ),
}


@pytest.fixture(params=MAKERS, scope="module")
def recorded(request, tmp_path_factory) -> Path:
    return MAKERS[request.param](tmp_path_factory.mktemp("sizes"))


def played(recording: Any, start_ns: int, end_ns: int) -> dict[str, Amount]:
    messages, sizes = Counter(), Counter()
    for message in recording.messages(start_ns=start_ns, end_ns=end_ns):
        messages[message.channel.topic] += 1
        sizes[message.channel.topic] += len(message.data)
    return {topic: Amount(messages[topic], sizes[topic]) for topic in sorted(messages)}


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.integers(950, 1450),
    length=st.integers(0, 400),
    topics=st.sets(st.sampled_from(["/topic_0", "/topic_1", "/nowhere"])),
    keep=st.integers(900, 1500),
    checked=st.booleans(),
)
def test_amounts_are_what_is_played(recorded, start, length, topics, keep, checked):
    with open_recording(recorded) as plain:
        expected = played(plain, start, start + length)
    with open_recording(recorded) as recording:
        assert recording.amounts(start, start + length, checked=checked) == expected
        recording.keep_sizes(keep)
        for _ in recording.messages(topics=topics):
            pass
        assert recording.amounts(start, start + length) == expected
        recording.keep_sizes(2_000)  # everything is forgotten, and found again
        assert recording.amounts(start, start + length) == expected
        assert recording.problems == ()


def test_what_was_opened_for_playing_is_not_read_again(tmp_path: Path):
    path = write_mcap(tmp_path / "a.mcap", SENT)
    with open_recording(path) as recording:
        recording.keep_sizes(0)
        messages = sum(1 for _ in recording.messages(topics=["/topic_0"]))
        assert messages == 40
        (file,) = recording._files
        file.file.close()  # nothing can be read any more
        amounts = recording.amounts(0, 10_000)
    assert sum(amount.messages for amount in amounts.values()) == len(SENT)


def write_apart(path: Path, sent: list[Sent], *, define_inside: bool) -> Path:
    """Two streams of lz4 chunks, ``/signal`` and the rest; definitions before the chunks, or first thing in them."""
    channels = {
        topic: Channel(topic, "cdr", "test/Blob", "ros2msg", b"uint8[] data")
        for topic in ("/a", "/b", "/signal")
    }
    with path.open("wb") as file:
        if define_inside:
            writer = Writer(file, compression=CompressionType.LZ4, chunk_size=400)
            writer.start("ros2", "winnow-tests")
            schema = writer.register_schema("test/Blob", "ros2msg", b"uint8[] data")
            numbers = {topic: writer.register_channel(topic, "cdr", schema) for topic in channels}
            for message in sent:
                writer.add_message(numbers[message.topic], message.t_ns, message.data, message.t_ns, 0)
            writer.finish()
            return path
        own = McapWriter(file.write)
        for stream in ("signals", "bulk"):
            own.stream(stream, "lz4")
        known = {
            topic: own.channel(channel, "signals" if topic == "/signal" else "bulk")
            for topic, channel in channels.items()
        }
        for number, message in enumerate(sent, 1):
            own.message(known[message.topic], message.t_ns, message.t_ns, number, message.data)
            if number % 40 == 0:
                own.flush()
        own.finish()
    return path


LATER = [
    Sent(("/a", "/b", "/signal")[step % 3] if step < 300 else "/b", 1_000 + step, bytes(step * 13 % 70))
    for step in range(600)
]


@pytest.mark.parametrize("define_inside", [False, True])
def test_an_index_is_as_good_as_the_content(tmp_path: Path, monkeypatch, define_inside):
    path = write_apart(tmp_path / "a.mcap", LATER, define_inside=define_inside)
    with open_recording(path) as plain:
        expected = played(plain, 1_250, 1_550)
    with open_recording(path) as recording:
        (file,) = recording._files
        opened: list[int] = []
        content = file._content
        monkeypatch.setattr(file, "_content", lambda block: opened.append(block.order) or content(block))
        file._indexed._content = file._content
        assert recording.amounts(1_250, 1_550) == expected
        assert opened == ([0] if define_inside else []), "only the chunk with the definitions was opened"
    with open_recording(path) as recording:
        assert recording.amounts(1_250, 1_550, checked=True) == expected


def test_a_definition_amid_a_chunk_does_not_count_as_payload(tmp_path: Path):
    """A channel that is registered late, and one that is never used: their records stand between messages."""
    path = tmp_path / "a.mcap"
    with path.open("wb") as file:
        writer = Writer(file, compression=CompressionType.ZSTD, chunk_size=500)
        writer.start("ros2", "winnow-tests")
        numbers: dict[str, int] = {}
        for step in range(200):
            topic = "/a" if step < 50 or step % 2 else "/b"
            if topic not in numbers:
                schema = writer.register_schema(f"test{topic}", "ros2msg", b"x" * 40)
                numbers[topic] = writer.register_channel(topic, "cdr", schema)
            if step == 120:
                writer.register_channel("/unused", "cdr", schema)
            writer.add_message(numbers[topic], 1_000 + step, bytes(20), 1_000 + step, 0)
        writer.finish()
    for start in range(1_000, 1_200, 7):
        with open_recording(path) as recording:
            expected = played(recording, start, start + 30)
        with open_recording(path) as recording:
            assert recording.amounts(start, start + 30) == expected


def test_damage_in_a_chunk_that_is_not_opened_shows_when_checked(tmp_path: Path):
    path = write_apart(tmp_path / "a.mcap", LATER, define_inside=False)
    with open_recording(path) as recording:
        (file,) = recording._files
        block = next(block for block in file._blocks if block.start_ns > 1_300)
    data = bytearray(path.read_bytes())
    data[block.offset + block.length - 8] ^= 0xFF
    path.write_bytes(data)
    with open_recording(path) as recording:
        expected = played(recording, 1_000, 1_600)
    with open_recording(path) as recording:
        believed = recording.amounts(1_000, 1_600)
        assert recording.problems == ()
    with open_recording(path) as recording:
        assert recording.amounts(1_000, 1_600, checked=True) == expected
        assert recording.problems
    assert believed != expected


def test_chunks_without_wanted_topics_are_only_opened_for_a_window(tmp_path: Path, monkeypatch):
    """Signals in chunks of their own: the bulk is passed over."""
    sent = [Sent("/bulk", 1_000 + step, bytes(200)) for step in range(100)]
    sent += [Sent("/signal", 1_000 + step, bytes(4)) for step in range(100)]
    path = write_mcap(tmp_path / "a.mcap", sent)
    with open_recording(path) as recording:
        (file,) = recording._files
        opened: list[int] = []
        content = file._content
        monkeypatch.setattr(file, "_content", lambda block: opened.append(block.order) or content(block))
        recording.keep_sizes(0)
        assert sum(1 for _ in recording.messages(topics=["/signal"])) == 100
        whole = len(file._blocks)
        assert 0 < len(opened) < whole / 2
        before = len(opened)
        assert recording.amounts(1_010, 1_020, checked=True) == {
            "/bulk": Amount(10, 2_000),
            "/signal": Amount(10, 40),
        }
        assert before < len(opened) < before + 20


def test_a_damaged_chunk_counts_as_it_plays(tmp_path: Path):
    path = write_mcap(tmp_path / "a.mcap", SENT, compression=CompressionType.LZ4, chunk_bytes=600)
    with open_recording(path) as recording:
        (file,) = recording._files
        place = file._blocks[2].offset + file._blocks[2].length - 20
    data = bytearray(path.read_bytes())
    data[place] ^= 0xFF
    path.write_bytes(data)
    with open_recording(path) as recording:
        expected = played(recording, 0, 10_000)
        assert recording.problems
    with open_recording(path) as recording:
        assert recording.amounts(0, 10_000, checked=True) == expected
    assert sum(amount.messages for amount in expected.values()) < len(SENT)
