"""What is no recording is refused in one sentence; hostile sizes never become memory."""

import os
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import lz4.frame
import pytest
import zstandard
from mcap.writer import CompressionType
from tests.recording_makers import Sent, played, write_mcap, write_ros1

from winnow_runtime.recordings import Limits, RecordingError, open_recording
from winnow_schemas.errors import BadInputError

MIB = 1024 * 1024
MCAP = b"\x89MCAP0\r\n"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"#ROSRECORD V1.2\nabc", "is a ROS bag of version 1.2, from before 2010"),
        (b"#ROSBAG V3.0\n", "is a ROS bag of another version"),
        (b"\x1f\x8b\x08\x00", "gzip-compressed; decompress it first"),
        (b"\x28\xb5\x2f\xfd\x00", "zstd-compressed"),
        (b"PK\x03\x04\x00", "a zip archive"),
        (b"\x00\x00\x00\x18ftypmp42", "an MP4 or MOV video"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"t,lat,lon\n1,2,3\n", "text or another file without a known mark (it starts with 't,lat,lon"),
        (b"\x00\x01\x02", "of an unknown kind (it starts with the bytes 00 01 02)"),
        (b"\x89MCA", "of an unknown kind"),
        (b"version https://git-lfs.github.com/spec/v1\noid x", "a Git LFS pointer"),
        (b"SQLite format 3\x00" + bytes(100), "a SQLite file that cannot be opened"),
    ],
)
def test_other_files_are_named(tmp_path: Path, content: bytes, sentence: str):
    path = tmp_path / "a.mcap"
    path.write_bytes(content)
    with pytest.raises(RecordingError) as refusal:
        open_recording(path)
    text = str(refusal.value)
    assert sentence in text
    assert text.startswith(str(path))
    assert "nothing was read" in text
    assert "\n" not in text
    assert isinstance(refusal.value, BadInputError)
    assert refusal.value.exit_code == 2


def test_missing_files_and_empty_folders(tmp_path: Path):
    with pytest.raises(RecordingError, match=r"cannot be read \(No such file or directory\)"):
        open_recording(tmp_path / "nowhere.mcap")
    with pytest.raises(RecordingError, match="holds no recording"):
        open_recording(tmp_path)
    os.mkfifo(tmp_path / "pipe.mcap")
    with pytest.raises(RecordingError, match="neither a file nor a folder"):
        open_recording(tmp_path / "pipe.mcap")
    with pytest.raises(RecordingError, match="neither a file nor a folder"):
        open_recording(Path("/dev/null"))


def test_too_many_files(tmp_path: Path):
    for number in range(3):
        write_mcap(tmp_path / f"{number}.mcap", [])
    with pytest.raises(RecordingError, match="holds 3 files, the limit is 2"):
        open_recording(tmp_path, Limits(files=2))


@pytest.mark.parametrize("chunked", [True, False])
def test_a_record_over_the_limit_is_refused_by_name(tmp_path: Path, chunked: bool):
    sent = [Sent("/a", 1, bytes(10)), Sent("/a", 2, bytes(5000))]
    path = write_mcap(tmp_path / "a.mcap", sent, chunked=chunked, chunk_bytes=1)
    with pytest.raises(RecordingError, match=r"has 5,\d\d\d bytes, the limit is 4,000; nothing was read"):
        open_recording(path, Limits(record_bytes=4000))


def test_a_chunk_that_unpacks_over_the_limit_is_left_out_by_name(tmp_path: Path):
    sent = [Sent("/a", 1, bytes(10)), Sent("/a", 2, bytes(50_000))]
    path = write_mcap(tmp_path / "a.mcap", sent, compression=CompressionType.ZSTD, chunk_bytes=1)
    with open_recording(path, Limits(chunk_bytes=9000)) as recording:
        assert [message[1] for message in played(recording)] == [1]
        assert any("the limit is 9,000" in problem for problem in recording.problems)


def chunk(compression: str, size: int, data: bytes, length: int | None = None) -> bytes:
    body = struct.pack("<QQQII", 1, 2, size, 0, len(compression)) + compression.encode()
    body += struct.pack("<Q", len(data)) + data
    return struct.pack("<BQ", 6, len(body) if length is None else length) + body


HOSTILE_MCAP: dict[str, Callable[[], bytes]] = {
    "message of 2^62 bytes": lambda: struct.pack("<BQ", 5, 1 << 62) + bytes(30),
    "schema of 2^62 bytes": lambda: struct.pack("<BQ", 3, 1 << 62) + bytes(30),
    "chunk of 2^62 bytes": lambda: chunk("lz4", 10, b"", length=1 << 62),
    "chunk that unpacks to 2^60": lambda: chunk("zstd", 1 << 60, zstandard.compress(b"x" * 100)),
    "chunk that unpacks to 400 MiB from nothing": lambda: chunk("lz4", 400 * MIB, lz4.frame.compress(b"x")),
    "zstd bomb with a small promise": lambda: chunk("zstd", 100, zstandard.compress(bytes(300 * MIB))),
    "lz4 bomb with a small promise": lambda: chunk("lz4", 100, lz4.frame.compress(bytes(100 * MIB))),
    "torn zstd bomb": lambda: chunk("zstd", 1000, zstandard.compress(bytes(300 * MIB)), length=10_000_000),
    "compression with a long name": lambda: struct.pack("<BQQQQII", 6, 100, 1, 2, 3, 0, 1 << 31) + bytes(60),
    "unknown compression": lambda: chunk("brotli", 10, b"0123456789"),
    "channel with metadata of 4 GB": lambda: struct.pack("<BQHHIII", 4, 16, 1, 0, 0, 0, 0xFFFFFFFF),
    "message index of 4 GB": lambda: struct.pack("<BQHI", 7, 6, 1, 0xFFFFFFF0),
    "a thousand empty records": lambda: struct.pack("<BQ", 200, 0) * 1000,
}


@pytest.mark.parametrize("make", HOSTILE_MCAP.values(), ids=HOSTILE_MCAP.keys())
def test_hostile_mcap_costs_no_memory_and_is_named(tmp_path: Path, make: Callable[[], bytes]):
    path = tmp_path / "a.mcap"
    path.write_bytes(MCAP + make())
    tracemalloc.start()
    try:
        with open_recording(path) as recording:
            assert played(recording) == []
            assert recording.problems
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 20 * MIB


def test_a_footer_that_points_anywhere(tmp_path: Path):
    for start in (1, 8, 1 << 62, (1 << 64) - 1):
        path = tmp_path / "a.mcap"
        footer = struct.pack("<BQQQ", 2, 20, start, 0)
        path.write_bytes(MCAP + footer + struct.pack("<I", zlib.crc32(footer)) + MCAP)
        with open_recording(path) as recording:
            assert played(recording) == []


@pytest.mark.parametrize("position", [4117, 4121, 4150])
def test_hostile_bag_lengths_cost_no_memory(tmp_path: Path, position: int):
    path = write_ros1(tmp_path / "a.bag", [Sent("/a", 1, bytes(100))])
    data = bytearray(path.read_bytes())
    data[position : position + 4] = b"\xf0\xff\xff\xff"
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with open_recording(path) as recording:
            played(recording)
            assert recording.problems
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 20 * MIB


def test_reading_after_close_says_so(tmp_path: Path):
    recording = open_recording(write_mcap(tmp_path / "a.mcap", [Sent("/a", 1, b"x")]))
    recording.close()
    with pytest.raises(RecordingError, match="was closed"):
        list(recording.messages())


def test_a_file_that_shrinks_while_it_plays_is_damage_not_a_crash(tmp_path: Path):
    sent = [Sent("/a", i, bytes(3000)) for i in range(100)]
    path = write_mcap(tmp_path / "a.mcap", sent, chunk_bytes=4000)
    with open_recording(path) as recording:
        messages = recording.messages()
        next(messages)
        with path.open("r+b") as file:
            file.truncate(50_000)
        assert 1 < len(list(messages)) < 99
        assert recording.problems
