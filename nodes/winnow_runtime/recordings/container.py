"""What a file is, judged by its first bytes and never by its name."""

import stat
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from winnow_runtime.recordings import mcap_records, ros1_records, sqlite_file
from winnow_runtime.recordings.faults import Faults, RecordingError
from winnow_runtime.recordings.limits import Limits
from winnow_runtime.recordings.mcap_file import McapFile
from winnow_runtime.recordings.ros1_file import Ros1File
from winnow_runtime.recordings.source import SourceFile
from winnow_runtime.recordings.stored_file import StoredFile


class Container(StrEnum):
    """The containers that are read."""

    MCAP = "MCAP file"
    ROS1 = "ROS 1 bag"
    SQLITE = "SQLite file of a ROS 2 bag"
    ROS2 = "ROS 2 bag"
    """A folder of MCAP or SQLite files, with or without metadata.yaml."""


SUPPORTED = "MCAP files, ROS 1 bags of version 2.0, and ROS 2 bag folders with MCAP or SQLite storage"

_HEAD_BYTES = 512
_ROS1_OLD = b"#ROSRECORD V1."
_OTHERS = (
    (b"#ROSBAG V", 0, "a ROS bag of another version"),
    (b"\x1f\x8b", 0, "gzip-compressed; decompress it first"),
    (b"\x28\xb5\x2f\xfd", 0, "zstd-compressed; decompress it first"),
    (b"\x04\x22\x4d\x18", 0, "LZ4-compressed; decompress it first"),
    (b"BZh", 0, "bzip2-compressed; decompress it first"),
    (b"\xfd7zXZ\x00", 0, "xz-compressed; decompress it first"),
    (b"PK\x03\x04", 0, "a zip archive; unpack it first"),
    (b"ustar", 257, "a tar archive; unpack it first"),
    (b"ftyp", 4, "an MP4 or MOV video"),
    (b"\x1a\x45\xdf\xa3", 0, "a Matroska video"),
    (b"RIFF", 0, "a RIFF file (AVI or WAV)"),
    (b"\x89HDF\r\n", 0, "an HDF5 file"),
    (b"PAR1", 0, "a Parquet file"),
    (b"ARROW1", 0, "an Arrow file"),
    (b"\xd4\xc3\xb2\xa1", 0, "a packet capture"),
    (b"\x0a\x0d\x0d\x0a", 0, "a packet capture"),
    (b"version https://git-lfs", 0, "a Git LFS pointer; fetch the file itself with `git lfs pull`"),
)


def open_file(path: Path, limits: Limits, faults: Faults) -> tuple[Container, SourceFile]:
    """Open one file.

    Raises:
        RecordingError: it is missing, empty, of an unknown kind, encrypted, or beyond a limit.

    """
    container = sniff(path)
    if container is Container.SQLITE:
        return container, sqlite_file.SqliteFile(path, limits, faults)
    file = StoredFile(path)
    try:
        source = (McapFile if container is Container.MCAP else Ros1File)(file, limits, faults)
    except BaseException:
        file.close()
        raise
    return container, source


def sniff(path: Path) -> Container:
    """Find out what a file is.

    Raises:
        RecordingError: nothing that is read.

    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for somebody to write into it
            raise RecordingError(f"{path} is neither a file nor a folder; nothing was read.")
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise RecordingError(f"{path} cannot be read ({error.strerror}); nothing was read.") from None
    if not head:
        raise RecordingError(f"{path} is empty (0 bytes); nothing was read.")
    if head.startswith(mcap_records.MAGIC):
        return Container.MCAP
    if head.startswith(ros1_records.MAGIC):
        return Container.ROS1
    if head.startswith(sqlite_file.MAGIC):
        return Container.SQLITE
    if head.startswith(_ROS1_OLD):
        version = head[len(_ROS1_OLD) - 2 :].split(b"\n")[0].decode("ascii", "replace")[:10]
        raise RecordingError(
            f"{path} is a ROS bag of version {version}, from before 2010; version 2.0 is read, so nothing was "
            "read; rewrite it with ROS 1: `rosbag filter OLD.bag NEW.bag True`."
        )
    raise RecordingError(f"{path} is {_description(head)}; supported are {SUPPORTED}; nothing was read.")


def other_kind(head: bytes) -> str | None:
    """What a file is that is known and not read; None where the first bytes do not say."""
    for magic, offset, description in _OTHERS:
        if head[offset : offset + len(magic)] == magic:
            return description
    return "a SQLite file" if head.startswith(sqlite_file.MAGIC) else None


def _description(head: bytes) -> str:
    if description := other_kind(head):
        return description
    if all(byte in b"\t\r\n" or 0x20 <= byte < 0x7F for byte in head):
        return f"text or another file without a known mark (it starts with {head[:20].decode()!r})"
    return f"of an unknown kind (it starts with the bytes {head[:8].hex(' ')})"


def recording_files(folder: Path) -> Iterator[Path]:
    """Files of a folder that may be parts of a recording, in natural order of their names."""
    suffixes = (".mcap", ".db3", ".mcap.zstd", ".db3.zstd")
    yield from sorted((path for path in folder.iterdir() if path.name.endswith(suffixes)), key=_natural)


def _natural(path: Path) -> list[tuple[bool, int, str]]:
    """``part_2`` before ``part_10``."""
    parts: list[tuple[bool, int, str]] = []
    digits = ""
    for letter in path.name + "\0":
        if letter.isdecimal() and letter.isascii():
            digits += letter
            continue
        if digits:
            parts.append((False, int(digits[:18]), digits))
            digits = ""
        parts.append((True, 0, letter))
    return parts
