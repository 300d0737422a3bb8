"""Torn and damaged MCAP files: no exception, nothing invented, everything missing is named."""

import itertools
import struct
from pathlib import Path
from typing import Any

import pytest
from mcap.writer import CompressionType
from tests.recording_makers import NO_INDEX, Sent, in_play_order, played, write_mcap

from winnow_runtime.recordings import open_recording

T0 = 1_700_000_000_000_000_000
MESSAGES = [Sent(f"/t{i % 2}", T0 + i * 1000, bytes([65 + i]) * 12) for i in range(24)]
HEAD = struct.Struct("<BQ")
CHUNK, MESSAGE = 6, 5


def records(data: bytes) -> list[tuple[int, int, int]]:
    """(opcode, start, end) of every record outside chunks."""
    found, position = [], 8
    while position < len(data) - 8:
        opcode, length = HEAD.unpack_from(data, position)
        found.append((opcode, position, position + 9 + length))
        position += 9 + length
    return found


def messages_before(data: bytes, cut: int) -> int:
    """How many messages are wholly in the first bytes of an uncompressed file."""
    total = 0
    for opcode, start, end in records(data):
        if opcode == MESSAGE and end <= cut:
            total += 1
        if opcode == CHUNK:
            position = start + 9 + 32 + 0 + 8
            while position < min(end, cut):
                inner, length = HEAD.unpack_from(data, position)
                position += 9 + length
                total += inner == MESSAGE and position <= cut
    return total


@pytest.mark.parametrize("chunked", [True, False])
def test_a_cut_at_every_byte_keeps_every_whole_message(tmp_path: Path, chunked: bool):
    sent = MESSAGES[:14]
    data = write_mcap(tmp_path / "whole.mcap", sent, chunked=chunked, chunk_bytes=200).read_bytes()
    everything = in_play_order(sent)
    torn = tmp_path / "torn.mcap"
    for cut in range(8, len(data)):
        torn.write_bytes(data[:cut])
        with open_recording(torn) as recording:
            got = played(recording)
            assert got == everything[: messages_before(data, cut)], cut
            assert recording.problems, cut
            assert recording.message_count == len(got), cut


@pytest.mark.parametrize("compression", [CompressionType.LZ4, CompressionType.ZSTD])
def test_a_cut_around_every_record_of_a_compressed_file(tmp_path: Path, compression: CompressionType):
    data = write_mcap(tmp_path / "whole.mcap", MESSAGES, compression=compression).read_bytes()
    everything = in_play_order(MESSAGES)
    whole_chunks = [end for opcode, _, end in records(data) if opcode == CHUNK]
    per_chunk = -(-len(everything) // len(whole_chunks))
    torn = tmp_path / "torn.mcap"
    for _, _, end in records(data):
        for cut in (end - 1, end, end + 1):
            if cut >= len(data):
                continue
            torn.write_bytes(data[:cut])
            with open_recording(torn) as recording:
                got = played(recording)
                complete = sum(chunk_end <= cut for chunk_end in whole_chunks)
                assert got == everything[: len(got)]
                assert len(got) >= min(len(everything), complete * (per_chunk - 1))
                assert recording.problems


@pytest.mark.parametrize("compression", [CompressionType.LZ4, CompressionType.ZSTD])
def test_the_cut_chunk_is_salvaged_as_far_as_it_decompresses(tmp_path: Path, compression: CompressionType):
    sent = [Sent("/a", T0 + i, i.to_bytes(4, "little") * 500 + bytes(range(256)) * 4) for i in range(700)]
    path = write_mcap(tmp_path / "a.mcap", sent, compression=compression, chunk_bytes=1 << 22)
    data = path.read_bytes()
    (chunk,) = [(start, end) for opcode, start, end in records(data) if opcode == CHUNK]
    path.write_bytes(data[: (chunk[0] + chunk[1]) // 2])
    with open_recording(path) as recording:
        got = played(recording)
        assert 100 < len(got) < 700
        assert got == in_play_order(sent)[: len(got)]
        (problem,) = recording.problems
        assert "breaks off inside the chunk" in problem
        assert "salvaged" in problem


FLIPS: dict[str, dict[str, Any]] = {
    "indexed": {},
    "lz4": {"compression": CompressionType.LZ4},
    "zstd": {"compression": CompressionType.ZSTD},
    "no index": NO_INDEX,
}


@pytest.mark.parametrize("options", FLIPS.values(), ids=FLIPS.keys())
def test_any_flipped_byte_is_survived_and_no_message_is_altered(tmp_path: Path, options: dict[str, Any]):
    sent = MESSAGES[:12]  # two chunks
    data = bytearray(write_mcap(tmp_path / "whole.mcap", sent, **options).read_bytes())
    genuine = {message[1:] for message in in_play_order(sent)}
    flipped = tmp_path / "flipped.mcap"
    for position, mask in itertools.product(range(8, len(data)), (0xFF, 0x01, 0x02)):
        data[position] ^= mask
        flipped.write_bytes(data)
        data[position] ^= mask
        with open_recording(flipped) as recording:
            got = played(recording)
            problems = recording.problems
        assert {message[1:] for message in got} <= genuine, (position, mask)
        assert len(got) == len(genuine) or problems, (position, mask)


def test_a_damaged_chunk_is_named_with_crc_and_count_and_the_rest_goes_on(tmp_path: Path):
    path = write_mcap(tmp_path / "a.mcap", MESSAGES)
    data = bytearray(path.read_bytes())
    chunks = [(start, end) for opcode, start, end in records(bytes(data)) if opcode == CHUNK]
    data[chunks[1][1] - 3] ^= 1
    path.write_bytes(data)
    with open_recording(path) as recording:
        assert recording.problems == ()  # nothing has been read yet
        got = played(recording)
        (problem,) = recording.problems
        played(recording)
        assert recording.problems == (problem,)
    lost = len(MESSAGES) - len(got)
    assert lost > 0
    assert f"its {lost} messages were left out" in problem
    assert "CRC" in problem
    assert f"{chunks[1][0]:,}" in problem
    assert "2023-11-14T22:13:20.000Z" in problem


def test_a_hole_in_the_middle_is_skipped_and_measured(tmp_path: Path):
    path = write_mcap(tmp_path / "a.mcap", MESSAGES, **NO_INDEX)
    data = path.read_bytes()
    chunks = [(start, end) for opcode, start, end in records(data) if opcode == CHUNK]
    (start, _), (_, end) = chunks[1], chunks[1]
    path.write_bytes(data[:start] + bytes(end - start) + data[end:])
    with open_recording(path) as recording:
        got = played(recording)
        assert got
        assert got[-1] == in_play_order(MESSAGES)[-1]
        assert any(f"{end - start} bytes were skipped" in problem for problem in recording.problems)


def test_zeros_after_a_power_cut(tmp_path: Path):
    path = write_mcap(tmp_path / "a.mcap", MESSAGES)
    data = path.read_bytes()
    last = [end for opcode, _, end in records(data) if opcode == CHUNK][-1]
    path.write_bytes(data[:last] + bytes(100_000))
    with open_recording(path) as recording:
        assert played(recording) == in_play_order(MESSAGES)
        (problem,) = recording.problems
        assert "breaks off" in problem
        assert "100,000 bytes" in problem


def test_loose_messages_go_on_behind_damage(tmp_path: Path):
    path = write_mcap(tmp_path / "a.mcap", MESSAGES, chunked=False, **NO_INDEX)
    data = bytearray(path.read_bytes())
    loose = [(start, end) for opcode, start, end in records(bytes(data)) if opcode == MESSAGE]
    data[loose[5][0] + 3] = 0xEE  # the length of the sixth
    path.write_bytes(data)
    with open_recording(path) as recording:
        expected = in_play_order(MESSAGES)
        assert played(recording) == expected[:5] + expected[6:]
        assert len(recording.problems) == 1


def test_a_damaged_index_only_costs_the_index(tmp_path: Path):
    path = write_mcap(tmp_path / "a.mcap", MESSAGES)
    data = bytearray(path.read_bytes())
    data[-60] ^= 0x10
    path.write_bytes(data)
    with open_recording(path) as recording:
        assert played(recording) == in_play_order(MESSAGES)
        assert any("index fails its CRC" in problem for problem in recording.problems)


def test_a_chunk_that_lies_about_its_start_is_named(tmp_path: Path):
    path = write_mcap(tmp_path / "a.mcap", MESSAGES)
    data = bytearray(path.read_bytes()[:-20])  # without the index, which would know better
    chunks = [start for opcode, start, _ in records(bytes(data)) if opcode == CHUNK]
    start_at = chunks[1] + 9
    data[start_at : start_at + 8] = data[start_at + 8 : start_at + 16]  # its start becomes its end
    path.write_bytes(data)
    with open_recording(path) as recording:
        assert sorted(played(recording)) == sorted(in_play_order(MESSAGES))
        assert any("played late" in problem for problem in recording.problems)


def test_problems_are_bounded(tmp_path: Path):
    sent = [Sent("/a", T0 + i, bytes(8)) for i in range(400)]
    path = write_mcap(tmp_path / "a.mcap", sent, chunk_bytes=1)
    data = bytearray(path.read_bytes())
    for opcode, _, end in records(bytes(data)):
        if opcode == CHUNK:
            data[end - 1] ^= 1
    path.write_bytes(data)
    with open_recording(path) as recording:
        assert played(recording) == []
        assert len(recording.problems) == 101
        assert recording.problems[-1] == "There is more damage than the 100 places listed."
