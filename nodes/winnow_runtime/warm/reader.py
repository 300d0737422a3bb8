"""Reads messages back from segments, checking every chunk that it touches."""

import os
import struct
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from winnow_runtime.mcapfile.compression import decompress
from winnow_runtime.ring.layout import NO_TIME
from winnow_runtime.warm.index import Rows, Segment, segments
from winnow_schemas.errors import BadInputError

_CHUNK = struct.Struct("<BQQQQII")
_MESSAGE = struct.Struct("<BQHIQQ")
_CHUNKS_KEPT = 12
"""Chunks in memory at a time: one per lidar of a full suite plus the signals, 1 MiB each as a rule."""
_KEPT_BYTES = 10 * 1024 * 1024
_CHECKED_KEPT = 4096
"""Chunks whose CRC was right and that are stored as they are: a message is then read without the rest.
A recorder that was behind wrote one topic after the other; read in time order, each message is in another chunk."""
CHUNK_MAX_BYTES = 1024 * 1024 * 1024
"""A chunk holds at least one message; nothing larger than a ring's message is ever written."""


class WarmReader:
    """The segments of one run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._chunks: OrderedDict[tuple[Path, int], bytes] = OrderedDict()
        self._bytes = 0
        self._checked: OrderedDict[tuple[Path, int], tuple[int, int]] = OrderedDict()
        """Chunk -> where its content begins in the file, and its bytes."""

    def window(self, start_ns: int, end_ns: int) -> list[tuple[Segment, Rows]]:
        """Rows with ``start_ns <= t_ns < end_ns``, per segment that has any."""
        found = []
        for segment in segments(self._folder):
            rows = segment.rows()
            inside = rows[(rows["t_ns"] >= start_ns) & (rows["t_ns"] < end_ns)]
            if len(inside):
                found.append((segment, inside))
        return found

    def rows_of(self, channels: list[int]) -> Iterator[Rows]:
        """All rows of these channels, per segment."""
        for rows in self._all_rows():
            yield rows[np.isin(rows["channel"], channels)]

    def newest_ns(self) -> int:
        """Time of the newest message on disk; NO_TIME when there is none."""
        return max((int(rows["t_ns"].max()) for rows in self._all_rows() if len(rows)), default=NO_TIME)

    def _all_rows(self) -> Iterator[Rows]:
        for segment in segments(self._folder):
            yield segment.rows()

    def payload(self, segment: Segment, row: Any) -> memoryview:
        """The payload of a row, valid until the next call.

        Raises:
            BadInputError: the chunk is damaged or gone.

        """
        offset, length = int(row["offset"]), int(row["length"])
        record = self._record(segment.path, int(row["chunk"]), offset, _MESSAGE.size + length)
        if len(record) < _MESSAGE.size + length:
            raise BadInputError(
                f"{segment.path.name}: the index points outside chunk {int(row['chunk'])}; a message was not read."
            )
        _, size, _, sequence, t_ns, _ = _MESSAGE.unpack_from(record)
        if (
            size != _MESSAGE.size - 9 + length
            or t_ns != int(row["t_ns"])
            or sequence != int(row["seq"]) & 0xFFFFFFFF
        ):
            raise BadInputError(
                f"{segment.path.name}: index and chunk {int(row['chunk'])} disagree; a message was not read."
            )
        return record[_MESSAGE.size :]

    def _record(self, path: Path, chunk: int, offset: int, length: int) -> memoryview:
        """The bytes of a message record in a chunk whose CRC is right; fewer where the chunk ends before."""
        checked = self._checked.get((path, chunk))
        if checked is not None and (path, chunk) not in self._chunks:
            begin, size = checked
            length = max(0, min(length, size - offset))
            try:
                with path.open("rb", buffering=0) as file:
                    return memoryview(os.pread(file.fileno(), length, begin + offset))
            except OSError as error:
                raise _unreadable(path, chunk, error) from None
        return memoryview(self._chunk(path, chunk))[offset : offset + length]

    def _chunk(self, path: Path, offset: int) -> bytes:
        key = (path, offset)
        chunk = self._chunks.get(key)
        if chunk is not None:
            self._chunks.move_to_end(key)
            return chunk
        chunk, begin = _read_chunk(path, offset)
        self._chunks[key] = chunk
        if begin is not None:
            self._checked[key] = begin, len(chunk)
            if len(self._checked) > _CHECKED_KEPT:
                self._checked.popitem(last=False)
        self._bytes += len(chunk)
        while len(self._chunks) > 1 and (len(self._chunks) > _CHUNKS_KEPT or self._bytes > _KEPT_BYTES):
            _, dropped = self._chunks.popitem(last=False)
            self._bytes -= len(dropped)
        return chunk


def _unreadable(path: Path, offset: int, error: Exception) -> BadInputError:
    return BadInputError(f"{path.name} cannot be read at {offset} ({error}); its messages were not read.")


def _read_chunk(path: Path, offset: int) -> tuple[bytes, int | None]:
    """A chunk's content, and where it lies in the file when it is stored as it is."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            head = file.read(_CHUNK.size)
            opcode, length, _, _, size, crc, name_length = _CHUNK.unpack(head)
            if opcode != 0x06 or length > CHUNK_MAX_BYTES or size > CHUNK_MAX_BYTES or name_length > 16:
                raise BadInputError(f"{path.name}: no chunk at {offset}; its messages were not read.")
            name = file.read(name_length).decode("ascii", "replace")
            file.read(8)
            begin = file.tell()
            body = file.read(length - (_CHUNK.size - 9) - name_length - 8)
    except (OSError, struct.error) as error:
        raise _unreadable(path, offset, error) from None
    content = decompress(name, memoryview(body), size)
    chunk = bytes(content) if name else body
    if crc and zlib.crc32(chunk) != crc:
        raise BadInputError(
            f"{path.name}: chunk {offset} is damaged (its CRC differs); its messages were not read."
        )
    return chunk, None if name else begin
