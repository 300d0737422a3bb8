"""Segments: what is written is read back, any reader opens them, a crash costs only what was in flight."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap.records import Message as McapMessage
from mcap.stream_reader import StreamReader

from winnow_runtime.warm.index import Segment, segments
from winnow_runtime.warm.reader import WarmReader
from winnow_runtime.warm.recovery import recover
from winnow_runtime.warm.writer import Item, SegmentWriter
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError

S = 1_000_000_000
CHANNELS = {0: Channel("/imu", "cdr", "imu", "ros2msg", b"float64 x"), 1: Channel("/cloud", "raw")}


def payload(channel: int, seq: int) -> bytes:
    length = 200_000 if channel else 64
    return np.random.default_rng(seq * 2 + channel).integers(0, 256, length, dtype=np.uint8).tobytes()


def write(writer: SegmentWriter, channel: int, seq: int, t_ns: int) -> None:
    data = payload(channel, seq)

    def fill(target: memoryview) -> bool:
        target[:] = data
        return True

    item = Item(CHANNELS[channel].topic, seq - 1, channel, seq, t_ns, t_ns + 1, len(data), 0)
    assert writer.add(item, fill)


def fill_folder(folder: Path, seconds: int = 5) -> SegmentWriter:
    writer = SegmentWriter(folder, 2 * S, CHANNELS.__getitem__)
    for tick in range(seconds * 10):
        write(writer, 0, tick + 1, tick * S // 10)
        if tick % 5 == 0:
            write(writer, 1, tick // 5 + 1, tick * S // 10 + 1)
        if tick % 7 == 0:
            writer.flush()
    return writer


def read_back(folder: Path, start: int = -(2**62), end: int = 2**62) -> list[tuple[int, int, bytes]]:
    reader = WarmReader(folder)
    return [
        (int(row["channel"]), int(row["seq"]), bytes(reader.payload(segment, row)))
        for segment, rows in reader.window(start, end)
        for row in rows
    ]


def test_everything_is_read_back_and_any_reader_opens_it(tmp_path: Path) -> None:
    fill_folder(tmp_path).close()
    found = segments(tmp_path)
    assert [segment.start_ns for segment in found] == [0, 2 * S, 4 * S]
    rows = read_back(tmp_path)
    assert sorted((channel, seq) for channel, seq, _ in rows) == [(0, n) for n in range(1, 51)] + [
        (1, n) for n in range(1, 11)
    ]
    assert all(data == payload(channel, seq) for channel, seq, data in rows)
    stock = []
    for segment in found:
        with segment.path.open("rb") as file:
            for schema, channel, message in make_reader(file, validate_crcs=True).iter_messages():
                stock.append((channel.topic, message.sequence, message.data))
                assert (schema.name if schema else "") == CHANNELS[channel.id - 1].schema_name
        with segment.path.open("rb") as file:  # also record by record, as a recovery tool would
            sequential = [
                r for r in StreamReader(file, validate_crcs=True).records if isinstance(r, McapMessage)
            ]
        assert len(sequential) == len(segment.rows())
    assert len(stock) == 60
    assert all(data == payload(int(topic == "/cloud"), seq) for topic, seq, data in stock)


def test_windows_are_half_open(tmp_path: Path) -> None:
    fill_folder(tmp_path).close()
    seqs = [seq for channel, seq, _ in read_back(tmp_path, S, 2 * S) if channel == 0]
    assert seqs == list(range(11, 21))


def test_an_open_segment_is_readable_up_to_its_last_flush(tmp_path: Path) -> None:
    writer = fill_folder(tmp_path)
    writer.flush()
    assert len(read_back(tmp_path)) == 60
    assert writer.safe == {"/imu": 50, "/cloud": 10}


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a killed recorder leaves it: the last segment has no end."""
    folder = tmp_path_factory.mktemp("crashed")
    writer = fill_folder(folder)
    writer.flush()
    writer.abandon()
    return folder


def test_recovery_finishes_an_open_segment(crashed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(crashed, folder)
    mended = recover(folder)
    assert [item.segment.start_ns for item in mended] == [4 * S]
    assert mended[0].cut_bytes == 0
    assert len(read_back(folder)) == 60
    assert recover(folder) == []
    for segment in segments(folder):
        with segment.path.open("rb") as file:
            summary = make_reader(file).get_summary()
            assert summary is not None
            assert summary.statistics is not None
            assert summary.statistics.message_count == len(segment.rows())
            assert sum(1 for _ in make_reader(file, validate_crcs=True).iter_messages()) == len(
                segment.rows()
            )


def test_a_cut_anywhere_keeps_every_whole_chunk(crashed: Path, tmp_path: Path) -> None:
    """The file or its index may end at any byte: what recovery keeps is right, and nothing whole is thrown away."""
    last = segments(crashed)[-1]
    size, index_size = last.path.stat().st_size, last.index_path.stat().st_size
    rows = last.rows()
    chunks = sorted({int(chunk) for chunk in rows["chunk"]})
    rng = np.random.default_rng(5)
    cuts = {
        *chunks,
        *(chunk + 1 for chunk in chunks),
        *(chunk - 1 for chunk in chunks),
        *rng.integers(0, size, 40).tolist(),
    }
    for number, cut in enumerate(sorted(cuts)):
        folder = tmp_path / str(number)
        folder.mkdir()
        segment = Segment(folder / last.path.name, last.start_ns)
        shutil.copy(last.path, segment.path)
        shutil.copy(last.index_path, segment.index_path)
        os.truncate(segment.path, max(0, cut))
        recover(folder)
        found = read_back(folder)
        assert all(data == payload(channel, seq) for channel, seq, data in found)
        whole = [chunk for place, chunk in enumerate(chunks[:-1]) if chunks[place + 1] <= cut]
        assert len(found) >= int(np.isin(rows["chunk"], whole).sum())
    for cut in rng.integers(0, index_size, 20).tolist():
        folder = tmp_path / f"index{cut}"
        folder.mkdir(exist_ok=True)
        segment = Segment(folder / last.path.name, last.start_ns)
        shutil.copy(last.path, segment.path)
        shutil.copy(last.index_path, segment.index_path)
        os.truncate(segment.index_path, cut)
        recover(folder)
        assert all(data == payload(channel, seq) for channel, seq, data in read_back(folder))


def test_a_flipped_byte_in_a_chunk_is_named(tmp_path: Path) -> None:
    fill_folder(tmp_path).close()
    segment = segments(tmp_path)[0]
    row = segment.rows()[0]
    data = bytearray(segment.path.read_bytes())
    data[int(row["chunk"]) + 60] ^= 1
    segment.path.write_bytes(data)
    reader = WarmReader(tmp_path)
    with pytest.raises(BadInputError, match="damaged"):
        reader.payload(segment, row)


def test_a_message_that_was_overwritten_leaves_no_trace(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, 2 * S, CHANNELS.__getitem__)
    write(writer, 0, 1, 0)
    assert not writer.add(Item("/imu", 1, 0, 2, 10, 10, 64, 0), lambda _: False)
    write(writer, 0, 3, 20)
    writer.close()
    assert [seq for _, seq, _ in read_back(tmp_path)] == [1, 3]


def test_the_cursor_of_a_port_whose_messages_grow_does_not_pass_what_is_in_an_open_chunk(
    tmp_path: Path,
) -> None:
    """A topic changes its schema and its messages' size; large and small ones may not go different ways."""
    channels = {0: Channel("/a", "cdr", "small"), 1: Channel("/a", "cdr", "large")}
    writer = SegmentWriter(tmp_path, 60 * S, channels.__getitem__)
    lengths = [100] * 5 + [200_000] * 12
    for number, length in enumerate(lengths):
        item = Item("a", number, int(length > 100), number + 1, number, number, length, 0)
        assert writer.add(item, lambda target: bool(target.nbytes))
    safe = writer.safe.get("a", 0)
    assert 5 < safe < len(lengths), "a chunk was closed by its size, and one is open"
    writer.abandon()
    recover(tmp_path)
    assert sorted(int(seq) for segment in segments(tmp_path) for seq in segment.rows()["seq"]) == list(
        range(1, safe + 1)
    )


def test_a_topic_with_a_clock_of_its_own_neither_keeps_a_segment_open_nor_begins_one_per_message(
    tmp_path: Path,
) -> None:
    writer = SegmentWriter(tmp_path, 2 * S, CHANNELS.__getitem__)
    for tick in range(100):  # ten seconds; the cloud's stamps are an hour ahead, one of them a century
        write(writer, 0, tick + 1, tick * S // 10)
        ahead = 3600 * S if tick != 33 else 100 * 365 * 86400 * S
        write(writer, 1, tick + 1, ahead + tick * S // 10)
    writer.close()
    assert 5 <= len(segments(tmp_path)) <= 8
    assert len(read_back(tmp_path)) == 200


@pytest.mark.parametrize("succeed", [0, 1, 2])
def test_files_are_closed_once_when_syncing_fails(
    succeed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = fill_folder(tmp_path, 1)
    closed: list[int] = []
    close, left = os.close, [succeed]
    monkeypatch.setattr(os, "close", lambda file: (closed.append(file), close(file)))

    def refuse(_: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", refuse)
    with pytest.raises(OSError, match="Input/output"):
        writer.close()
    writer.abandon()
    assert len(closed) == len(set(closed)) == 2


def test_a_checked_chunk_that_left_memory_is_read_by_the_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what was changed in it meanwhile is noticed where the message's own head tells."""
    fill_folder(tmp_path).close()
    monkeypatch.setattr("winnow_runtime.warm.reader._CHUNKS_KEPT", 1)
    reader = WarmReader(tmp_path)
    rows = [(segment, row) for segment, found in reader.window(0, 2**62) for row in found]
    rows.sort(key=lambda pair: (int(pair[1]["seq"]), int(pair[1]["channel"])))  # from chunk to chunk
    read: list[int] = []
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda file, length, at: read.append(length) or real(file, length, at))
    for _ in range(2):
        for segment, row in rows:
            data = bytes(reader.payload(segment, row))
            assert data == payload(int(row["channel"]), int(row["seq"]))
    assert {31 + 64, 31 + 200_000} >= set(read)  # heads of 31 bytes
    assert len(read) >= len(rows)
    segment, row = next(pair for pair in rows if int(pair[1]["channel"]) == 1)
    data = bytearray(segment.path.read_bytes())
    data[data.index(payload(1, int(row["seq"]))[:64]) - 30] ^= 0xFF  # its length
    segment.path.write_bytes(data)
    reader.payload(*next(pair for pair in rows if int(pair[1]["channel"]) == 0))
    with pytest.raises(BadInputError, match="disagree"):
        reader.payload(segment, row)
