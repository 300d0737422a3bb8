"""Reads MCAP record by record, straight from the specification (mcap.dev/spec), sharing no code with the project."""

import itertools
import struct
import zlib
from typing import NamedTuple

import lz4.frame
import zstandard


class Read(NamedTuple):
    """A message and where it came from."""

    topic: str
    sequence: int
    t_ns: int
    pub_ns: int
    data: bytes


def _text(body: bytes, at: int) -> tuple[str, int]:
    (size,) = struct.unpack_from("<I", body, at)
    return body[at + 4 : at + 4 + size].decode(), at + 4 + size


def record_ends(data: bytes) -> list[int]:
    """Where the records outside chunks end, the opening bytes included."""
    ends, at = [8], 8
    while at + 9 <= len(data) - 8:
        (length,) = struct.unpack_from("<Q", data, at + 1)
        at += 9 + length
        ends.append(at)
    return ends


def chunk_starts(data: bytes) -> list[tuple[int, int]]:
    """(start, end) of every chunk record."""
    starts = record_ends(data)
    return [(start, end) for start, end in itertools.pairwise(starts) if data[start] == 6]


def read(data: bytes, *, partial_chunks: bool = True) -> list[Read]:
    """Every message whose bytes are all there, up to the first record that is not."""
    topics: dict[int, str] = {}
    found: list[Read] = []
    _records(data, 8, topics, found, partial_chunks=partial_chunks)
    return found


def _records(
    data: bytes, at: int, topics: dict[int, str], found: list[Read], *, partial_chunks: bool
) -> None:
    while at + 9 <= len(data):
        opcode, length = struct.unpack_from("<BQ", data, at)
        body = data[at + 9 : at + 9 + length]
        whole = len(body) == length
        if opcode == 6 and (whole or partial_chunks):
            _chunk(body, topics, found, whole=whole)
        if not whole:
            return
        if opcode == 4:
            (number,) = struct.unpack_from("<H", body)
            topics[number] = _text(body, 4)[0]
        elif opcode == 5:
            number, sequence, t_ns, pub_ns = struct.unpack_from("<HIQQ", body)
            found.append(Read(topics[number], sequence, t_ns, pub_ns, body[22:]))
        elif opcode == 15:
            return
        at += 9 + length


def _chunk(body: bytes, topics: dict[int, str], found: list[Read], *, whole: bool) -> None:
    if len(body) < 40:
        return
    _, _, size, crc = struct.unpack_from("<QQQI", body)
    compression, at = _text(body, 28)
    inner = body[at + 8 :]
    if compression and not whole:
        return
    if compression == "lz4":
        inner = lz4.frame.decompress(inner)
    elif compression == "zstd":
        inner = zstandard.ZstdDecompressor().decompress(inner, max_output_size=size)
    if whole:
        assert not crc or zlib.crc32(inner) == crc
    _records(inner, 0, topics, found, partial_chunks=False)
