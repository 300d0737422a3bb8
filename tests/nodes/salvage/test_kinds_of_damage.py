"""The ways in which recordings really break, one by one."""

import io
import struct
import time
import zlib
from pathlib import Path

import pytest
from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer
from tests.mcap_spec import chunk_starts, read, record_ends
from tests.recording_makers import NO_INDEX, Sent, write_mcap
from tests.recovering import recovered

from winnow_runtime.salvage.report import Outcome

T0 = 1_700_000_000_000_000_000
MESSAGES = [Sent(f"/t{i % 2}", T0 + i * 1000, bytes([65 + i]) * 90) for i in range(24)]
HEAD = struct.Struct("<BQ")


def whole(folder: Path, **options: object) -> bytes:
    return write_mcap(folder / "whole.mcap", MESSAGES, **options).read_bytes()


def test_zeros_after_a_power_cut(tmp_path: Path):
    data = whole(tmp_path, **NO_INDEX)
    end = chunk_starts(data)[-1][1]
    result = recovered(tmp_path, data[:end] + bytes(3_000_000))
    assert result.messages == read(data)
    (skipped,) = result.report.skipped
    assert (skipped.offset, skipped.length) == (end, 3_000_000)
    assert "zeros" in skipped.sentence()
    assert skipped.after_ns == MESSAGES[-1].t_ns


def test_garbage_between_chunks_costs_nothing_and_is_placed(tmp_path: Path):
    data = whole(tmp_path)
    first, second = chunk_starts(data)[:2]
    at = data.index(data[second[0] : second[1]])
    garbage = bytes(range(1, 256)) * 40
    result = recovered(tmp_path, data[:at] + garbage + data[at:])
    assert result.messages == read(data)
    (skipped,) = [item for item in result.report.skipped if item.offset == at]
    assert skipped.length == len(garbage)
    assert skipped.after_ns is not None
    assert skipped.before_ns is not None
    assert skipped.after_ns < skipped.before_ns
    assert result.report.outcome is Outcome.LOSSY
    assert first[1] < at


@pytest.mark.parametrize("compression", [CompressionType.NONE, CompressionType.LZ4, CompressionType.ZSTD])
def test_a_damaged_chunk_has_intact_neighbours_and_names_its_losses(
    tmp_path: Path, compression: CompressionType
):
    data = bytearray(whole(tmp_path, compression=compression, chunk_bytes=800))
    genuine = read(bytes(data))
    start, end = chunk_starts(bytes(data))[1]
    data[start + 70 : end - 20] = bytes(end - start - 90)
    result = recovered(tmp_path, bytes(data), strict=True)
    missing = [message for message in genuine if message not in result.messages]
    assert missing
    assert len(missing) < len(genuine) / 2
    assert result.report.missing == len(missing)
    free = recovered(tmp_path, bytes(data))
    lost = sum(item.messages or 0 for item in free.report.lost)
    assert lost == len([m for m in genuine if m.t_ns not in {other.t_ns for other in free.messages}])
    for item in free.report.lost:
        assert item.topic in ("/t0", "/t1")
        assert item.offset == start
        assert item.start_ns < item.end_ns


def test_a_wrong_crc_makes_messages_unverified_and_nothing_else(tmp_path: Path):
    data = bytearray(whole(tmp_path))
    start, _ = chunk_starts(bytes(data))[0]
    data[start + 9 + 24] ^= 0x55
    result = recovered(tmp_path, bytes(data))
    assert result.messages == read(whole(tmp_path))
    assert sum(result.report.unverified.values()) > 0
    # The doubt is in the output, too: the chunk has no CRC there.
    again = recovered(tmp_path, result.data)
    assert sum(again.report.unverified.values()) == sum(result.report.unverified.values())


def test_files_glued_together_keep_their_own_channels(tmp_path: Path):
    one = whole(tmp_path)
    others = [Sent(f"/other{i % 3}", T0 + 10**9 + i, bytes([i]) * 33) for i in range(20)]
    two = write_mcap(tmp_path / "b.mcap", others, compression=CompressionType.ZSTD).read_bytes()
    torn = one[: len(one) // 2]
    for first in (one, torn):
        result = recovered(tmp_path, first + two + one)
        assert result.messages == read(first) + read(two) + read(one)
        assert result.report.sections == 3
        assert any("Another MCAP file begins" in note for note in result.report.notes)
    assert recovered(tmp_path, one + two).report.outcome is Outcome.CLEAN


def test_a_lost_channel_record_does_not_cost_its_messages(tmp_path: Path):
    data = bytearray(whole(tmp_path, chunked=False, **NO_INDEX))
    ends = record_ends(bytes(data))
    (place,) = [at for at in ends if data[at] == 4 and b"/t1" in data[at : at + 40]]
    data[place + 3] = 0x7F  # an absurd length
    result = recovered(tmp_path, bytes(data))
    topics = {message.topic for message in result.messages}
    assert topics == {"/t0", "unknown_channel_2"}
    genuine = [message[1:] for message in read(whole(tmp_path))]
    assert [message[1:] for message in result.messages] == genuine
    assert result.report.outcome is Outcome.LOSSY


def test_channel_records_of_the_summary_stand_in_for_lost_ones(tmp_path: Path):
    data = bytearray(whole(tmp_path))
    genuine = read(bytes(data))
    start, end = chunk_starts(bytes(data))[0]
    data[start : end + 40] = bytes(end + 40 - start)
    result = recovered(tmp_path, bytes(data))
    assert result.messages == [message for message in genuine if message in result.messages]
    assert {message.topic for message in result.messages} == {"/t0", "/t1"}
    assert result.report.missing == len(genuine) - len(result.messages) > 0


@pytest.mark.parametrize("opcode", range(1, 16))
def test_records_of_absurd_length_are_passed_over(tmp_path: Path, opcode: int):
    data = whole(tmp_path)
    at = chunk_starts(data)[1][0]
    for length in (1 << 63, (1 << 64) - 1, 1 << 40, 1 << 33):
        result = recovered(tmp_path, data[:at] + HEAD.pack(opcode, length) + data[at:])
        assert result.messages == read(data)


def full_file() -> bytes:
    """A file with attachments and metadata."""
    file = io.BytesIO()
    writer = Writer(file, chunk_size=300)
    writer.start("ros2", "some writer")
    schema = writer.register_schema("a/B", "ros2msg", b"uint8 x")
    channel = writer.register_channel("/a", "cdr", schema, {"offered_qos_profiles": "durability: 1"})
    for number in range(10):
        writer.add_message(channel, T0 + number, bytes([number]) * 70, T0 + number + 5, number * 7)
        if number == 4:
            writer.add_attachment(T0, T0 + 1, "calibration.yaml", "text/yaml", b"x: 1\n" * 50)
            writer.add_metadata("vehicle", {"id": "v1", "driver": "å"})
    writer.finish()
    return file.getvalue()


def test_everything_beside_the_messages_is_kept(tmp_path: Path):
    data = full_file()
    cut = data[: data.rindex(b"\x0f\x04" + bytes(7))]  # up to the data end record
    for source in (data, cut):
        result = recovered(tmp_path, source)
        reader = make_reader(io.BytesIO(result.data), validate_crcs=True)
        header, summary = reader.get_header(), reader.get_summary()
        assert summary is not None
        assert header.profile == "ros2"
        assert "some writer" in header.library or "mcap" in header.library
        (attachment,) = reader.iter_attachments()
        assert (attachment.name, attachment.data) == ("calibration.yaml", b"x: 1\n" * 50)
        (metadata,) = reader.iter_metadata()
        assert metadata.metadata == {"id": "v1", "driver": "å"}
        (channel,) = summary.channels.values()
        assert channel.metadata == {"offered_qos_profiles": "durability: 1"}
        (schema,) = summary.schemas.values()
        assert (schema.name, schema.encoding, schema.data) == ("a/B", "ros2msg", b"uint8 x")
        assert result.report.attachments == result.report.metadata == 1
        assert [message.sequence for message in result.messages] == [number * 7 for number in range(10)]


def test_a_damaged_attachment_is_left_out_and_said(tmp_path: Path):
    data = bytearray(full_file())
    data[data.index(b"x: 1\nx: 1")] ^= 1
    result = recovered(tmp_path, bytes(data))
    assert len(result.messages) == 10
    assert result.report.attachments == 0
    assert any("calibration.yaml" in item.reason for item in result.report.skipped)


def chunk(content: bytes, start: int, end: int) -> bytes:
    body = struct.pack("<QQQII", start, end, len(content), zlib.crc32(content), 0) + struct.pack(
        "<Q", len(content)
    )
    return HEAD.pack(6, len(body) + len(content)) + body + content


def test_ten_thousand_chunks_that_overlap_end_in_time(tmp_path: Path):
    """Every chunk claims the rest of the file: looked into one by one this would be quadratic."""
    heads, total = 10_000, 49 * 10_000
    parts = []
    for number in range(heads):
        size = total - 49 * (number + 1)
        parts.append(
            HEAD.pack(6, 40 + size)
            + struct.pack("<QQQII", T0, T0 + 1, size, 12345, 0)
            + struct.pack("<Q", size)
        )
    started = time.monotonic()
    recovered(tmp_path, b"\x89MCAP0\r\n" + b"".join(parts) + b"\x7f" * 50)
    assert time.monotonic() - started < 60


def test_a_decompression_bomb_is_bounded(tmp_path: Path):
    import zstandard

    bomb = zstandard.ZstdCompressor().compress(bytes(1 << 28))
    body = struct.pack("<QQQII", T0, T0, 1000, 1, 4) + b"zstd" + struct.pack("<Q", len(bomb))
    data = b"\x89MCAP0\r\n" + HEAD.pack(6, len(body) + len(bomb)) + body + bomb
    assert recovered(tmp_path, data).messages == []


def test_chunks_larger_than_memory_allows_go_through_a_file(tmp_path: Path):
    sent = [Sent("/a", T0 + i, bytes([i]) * 400_000) for i in range(40)]
    for compression in CompressionType:
        path = write_mcap(tmp_path / "a.mcap", sent, compression=compression, chunk_bytes=1 << 30)
        data = path.read_bytes()
        assert recovered(tmp_path, data).messages == read(data)
        assert recovered(tmp_path, data + data).messages == read(data) * 2


def test_sectors_that_the_device_cannot_read_are_zeros_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    data = whole(tmp_path, chunk_bytes=3000, **NO_INDEX) + bytes(9000)
    import os

    pread = os.pread

    def failing(descriptor: int, length: int, position: int) -> bytes:
        if position < 4096 + 10 and position + length > 4096:
            raise OSError(5, "Input/output error")
        return pread(descriptor, length, position)

    monkeypatch.setattr(os, "pread", failing)
    result = recovered(tmp_path, data)
    monkeypatch.undo()
    expected = recovered(tmp_path, data[:4096] + bytes(4096) + data[8192:])
    assert result.messages == expected.messages
    assert any("cannot read" in note and "4,096" in note for note in result.report.notes)
    assert result.report.outcome is Outcome.LOSSY


def test_nothing_is_called_unreadable_in_tiny_files(tmp_path: Path):
    for size in range(12):
        report = recovered(tmp_path, b"\x89MCAP0\r\n\x01\x00\x00\x00"[:size]).report
        assert not any("cannot read" in note for note in report.notes)
