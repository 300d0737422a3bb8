"""Mends segments that a crash left open."""

import io
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import Channel as ChannelRecord
from mcap.records import ChunkIndex, MessageIndex
from mcap.records import Schema as SchemaRecord

from winnow_runtime.mcapfile.writer import MAGIC, McapWriter
from winnow_runtime.warm.index import ROW, Rows, Segment, segments

_PREFIX = struct.Struct("<BQ")
_CHUNK_FIXED = struct.Struct("<QQQII")
RECORD_MAX_BYTES = 4 * 2**30
_INDEX_FIXED_BYTES = 6
_INDEX_ENTRY_BYTES = 16
"""A MessageIndex record: channel and size, then time and offset of each message."""


class _Raw(NamedTuple):
    opcode: int
    offset: int
    length: int
    """Of the content; the record begins 9 bytes before."""


class Mended(NamedTuple):
    """What recovery did to a segment."""

    segment: Segment
    messages: int
    cut_bytes: int


def recover(folder: Path) -> list[Mended]:
    """Finish every segment whose footer is missing: cut it behind its last indexed chunk, write the summary."""
    return [_mend(segment) for segment in segments(folder) if not _is_finished(segment.path)]


def _is_finished(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        if file.tell() < 2 * len(MAGIC):
            return False
        file.seek(-len(MAGIC), os.SEEK_END)
        return file.read() == MAGIC


def _mend(segment: Segment) -> Mended:
    rows = segment.rows()
    size = segment.path.stat().st_size
    with segment.path.open("r+b") as file:
        end = _whole_until(file.fileno(), size, rows)
        rows = rows[rows["chunk"] < end]
        if not len(rows):
            segment.remove()
            return Mended(segment, 0, size)
        os.ftruncate(file.fileno(), end)
        file.seek(end)
        descriptor = file.fileno()
        writer = _resume(descriptor, end)
        writer.finish()
        os.fsync(descriptor)
    os.truncate(segment.index_path, len(rows) * ROW.itemsize)
    return Mended(segment, len(rows), size - end)


def _append(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _whole_until(descriptor: int, size: int, rows: Rows) -> int:
    """Offset behind the last chunk that has all its rows and its message indexes in the file."""
    if not len(rows):
        return 0
    last = int(rows["chunk"].max())
    end = messages = 0
    for record in _records(descriptor, last, size):
        if record.opcode == Opcode.CHUNK and record.offset > last:
            break
        if record.opcode not in (Opcode.CHUNK, Opcode.MESSAGE_INDEX):
            break
        end = record.offset + 9 + record.length
        if record.opcode == Opcode.MESSAGE_INDEX:
            messages += (record.length - _INDEX_FIXED_BYTES) // _INDEX_ENTRY_BYTES
    # A disk that was full may have taken the chunk, but not all of its rows.
    if end and messages == int((rows["chunk"] == last).sum()):
        return end
    earlier = rows[rows["chunk"] < last]
    return _whole_until(descriptor, size, earlier)


def _records(descriptor: int, offset: int, size: int) -> Iterator[_Raw]:
    """Records that lie whole between ``offset`` and ``size``."""
    while offset + 9 <= size:
        opcode, length = _PREFIX.unpack(os.pread(descriptor, 9, offset))
        if length > RECORD_MAX_BYTES or offset + 9 + length > size:
            return
        yield _Raw(opcode, offset, length)
        offset += 9 + length


def _resume(descriptor: int, end: int) -> McapWriter:
    """A writer that knows what the file holds already, ready to write the summary."""
    writer = McapWriter(lambda data: _append(descriptor, data), resume_at=end)
    chunk: ChunkIndex | None = None
    for record in _records(descriptor, len(MAGIC), end):
        if record.opcode in (Opcode.SCHEMA, Opcode.CHANNEL):
            stream = ReadDataStream(io.BytesIO(os.pread(descriptor, record.length, record.offset + 9)))
            if record.opcode == Opcode.SCHEMA:
                writer.known_schema(SchemaRecord.read(stream))
            else:
                writer.known_channel(ChannelRecord.read(stream))
        elif record.opcode == Opcode.CHUNK:
            chunk = _chunk_index(descriptor, record)
            writer.known_chunk(chunk)
        elif record.opcode == Opcode.MESSAGE_INDEX and chunk is not None:
            stream = ReadDataStream(io.BytesIO(os.pread(descriptor, record.length, record.offset + 9)))
            index = MessageIndex.read(stream)
            chunk.message_index_offsets[index.channel_id] = record.offset
            chunk.message_index_length = (
                record.offset + 9 + record.length - chunk.chunk_start_offset - chunk.chunk_length
            )
            writer.known_messages(index.channel_id, len(index.records))
    return writer


def _chunk_index(descriptor: int, record: _Raw) -> ChunkIndex:
    head = os.pread(descriptor, _CHUNK_FIXED.size + 64, record.offset + 9)
    start, end, uncompressed, _, name_length = _CHUNK_FIXED.unpack_from(head)
    name = head[_CHUNK_FIXED.size : _CHUNK_FIXED.size + name_length].decode()
    return ChunkIndex(
        message_start_time=start,
        message_end_time=end,
        chunk_start_offset=record.offset,
        chunk_length=9 + record.length,
        message_index_offsets={},
        message_index_length=0,
        compression=name,
        compressed_size=record.length - _CHUNK_FIXED.size - name_length - 8,
        uncompressed_size=uncompressed,
    )
