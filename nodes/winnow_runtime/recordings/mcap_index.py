"""The summary section of an MCAP file: what its writer noted about the whole when it finished."""

import zlib
from typing import NamedTuple

from winnow_runtime.recordings import mcap_records as records
from winnow_runtime.recordings.faults import DamageError
from winnow_runtime.recordings.limits import Limits
from winnow_runtime.recordings.stored_file import StoredFile


class UnfinishedError(DamageError):
    """The file does not end as MCAP files end: its writer never finished, or the end is missing."""


class Index(NamedTuple):
    """A summary that is complete and agrees with itself and with the size of the file."""

    schemas: dict[int, records.SchemaRecord]
    channels: dict[int, records.ChannelRecord]
    chunks: dict[int, records.ChunkIndexRecord]
    """By position in the file."""
    statistics: records.StatisticsRecord | None
    start: int
    """Position of the summary: the data end before it."""


def read_index(file: StoredFile, limits: Limits) -> Index | None:
    """Read the summary; None where the file has none although it is finished.

    Raises:
        UnfinishedError: the file is not finished.
        DamageError: its summary is damaged, incomplete or too large.

    """
    tail = file.read(max(0, file.size - records.FOOTER_BYTES), records.FOOTER_BYTES)
    if len(tail) < records.FOOTER_BYTES or not tail.endswith(records.MAGIC):
        raise UnfinishedError("the file does not end with MCAP's closing bytes")
    opcode, length = records.HEAD.unpack_from(tail)
    if (opcode, length) != (records.FOOTER, 20):
        raise DamageError("the footer is damaged")
    footer = records.Fields(tail[records.HEAD.size :])
    start, _, crc = footer.u64(), footer.u64(), footer.u32()
    if start == 0:
        return None
    end = file.size - records.FOOTER_BYTES
    if not len(records.MAGIC) <= start <= end:
        raise DamageError(f"the footer points to byte {start:,}, which cannot be the index")
    if end - start > limits.index_bytes:
        raise DamageError(f"the index has {end - start:,} bytes, the limit is {limits.index_bytes:,}")
    body = file.read(start, end - start)
    if crc and crc != zlib.crc32(tail[: records.HEAD.size + 16], zlib.crc32(body)):
        raise DamageError("the index fails its CRC")
    return _checked(_parse(body, start, limits))


def _parse(body: bytes, start: int, limits: Limits) -> Index:
    index = Index({}, {}, {}, None, start)
    position = 0
    while position + records.HEAD.size <= len(body):
        opcode, length = records.HEAD.unpack_from(body, position)
        end = position + records.HEAD.size + length
        if end > len(body):
            raise DamageError("the index ends inside a record")
        record = body[position + records.HEAD.size : end]
        position = end
        if opcode == records.SCHEMA:
            schema = records.parse_schema(record)
            index.schemas[schema.id] = schema
        elif opcode == records.CHANNEL:
            channel = records.parse_channel(record)
            index.channels[channel.id] = channel
        elif opcode == records.CHUNK_INDEX:
            chunk = records.parse_chunk_index(record)
            index.chunks[chunk.offset] = chunk
        elif opcode == records.STATISTICS:
            index = index._replace(statistics=records.parse_statistics(record))
    if len(index.channels) > limits.channels:
        raise DamageError(
            f"the index names {len(index.channels):,} channels, the limit is {limits.channels:,}"
        )
    return index


def _checked(index: Index) -> Index | None:
    """Make sure that the index can stand for the file; writers may leave parts of it out."""
    known = index.channels.keys()
    statistics = index.statistics
    if statistics is None or statistics.channels > len(known) or statistics.chunks > len(index.chunks):
        return None
    if any(
        channel.schema_id and channel.schema_id not in index.schemas for channel in index.channels.values()
    ):
        return None
    free_from = len(records.MAGIC)
    for chunk in sorted(index.chunks.values(), key=lambda chunk: chunk.offset):
        end = chunk.offset + chunk.length + chunk.index_length
        if chunk.offset < free_from or end > index.start or chunk.length < records.HEAD.size:
            raise DamageError(f"the index places a chunk at byte {chunk.offset:,}, where none can be")
        if chunk.start_ns > chunk.end_ns:
            raise DamageError(f"the index gives the chunk at byte {chunk.offset:,} an impossible time")
        free_from = end
        if not chunk.index_offsets.keys() <= known:
            return None
    return index
