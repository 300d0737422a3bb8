"""Writes MCAP with one open chunk per stream.

The `mcap` package writes one chunk after the other with one compression for the file. Clips need a
compression per kind of topic, and signals in chunks of their own so that reading them later does not
decompress clouds; so the chunks are built here and only the small records are the package's.
"""

import struct
import zlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mcap.opcode import Opcode
from mcap.records import (
    Attachment,
    AttachmentIndex,
    ChunkIndex,
    Header,
    McapRecord,
    Metadata,
    MetadataIndex,
)
from mcap.records import Channel as ChannelRecord
from mcap.records import Schema as SchemaRecord

from winnow_runtime.mcapfile.compression import Compress, compressor
from winnow_runtime.mcapfile.summary import MAGIC, Summary, serialised
from winnow_schemas.channel import Channel

LIBRARY = "winnow"
CHUNK_BYTES = 1024 * 1024
"""MCAP's usual chunk. Larger ones cost more time than they save (measured: 563 MB/s at 1 MiB, 301 at 64)."""
_MESSAGE = struct.Struct("<BQHIQQ")
_MESSAGE_FIXED = 22
_CHUNK = struct.Struct("<BQQQQII")
_INDEX_ENTRY = struct.Struct("<QQ")

Sink = Callable[[Any], None]
"""Takes bytes-like objects in order."""


@dataclass(frozen=True, slots=True)
class ChunkPlace:
    """Where a chunk ended up, for an index beside the file."""

    stream: str
    offset: int
    length: int
    """Of the chunk record alone; its message indexes follow."""
    end: int
    """Offset behind the message indexes."""
    start_ns: int
    end_ns: int
    messages: int


@dataclass(slots=True)
class _Stream:
    name: str
    compression: str
    compress: Compress | None
    buffer: bytearray = field(default_factory=lambda: bytearray(CHUNK_BYTES + 64 * 1024))
    used: int = 0
    start_ns: int = 0
    end_ns: int = 0
    messages: int = 0
    index: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))


class McapWriter:
    """Writes one file through ``sink``.

    Same calls, same bytes: nothing in the file depends on the time, the machine or the process.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        profile: str = "",
        on_chunk: Callable[[ChunkPlace], None] | None = None,
    ) -> None:
        self._sink = sink
        self._on_chunk = on_chunk
        self.offset = 0
        self._streams: dict[str, _Stream] = {}
        self._summary = Summary()
        self._schemas: dict[tuple[str, str, bytes], SchemaRecord] = {}
        self._channels = self._summary.channels
        self._stream_of: dict[int, _Stream] = {}
        self._put(MAGIC)
        self._record(Header(profile=profile, library=LIBRARY))

    # --- declaring ----------------------------------------------------------------------------------------

    def stream(self, name: str, compression: str) -> None:
        """Declare a chunk stream; ``compression``: ``""``, ``lz4`` or ``zstd``."""
        self._streams.setdefault(name, _Stream(name, compression, compressor(compression)))

    def channel(self, channel: Channel, stream: str, number: int | None = None) -> int:
        """Declare a channel and the stream that its messages go to; its number in the file (from 1)."""
        number = number if number is not None else len(self._channels) + 1
        if number in self._channels:
            return number
        schema_id = 0
        if channel.schema_name or channel.schema_data:
            key = (channel.schema_name, channel.schema_encoding, channel.schema_data)
            schema = self._schemas.get(key)
            if schema is None:
                schema = SchemaRecord(
                    id=len(self._schemas) + 1,
                    name=channel.schema_name,
                    encoding=channel.schema_encoding,
                    data=channel.schema_data,
                )
                self._schemas[key] = self._summary.schemas[schema.id] = schema
                self._define(schema, stream)
            schema_id = schema.id
        record = ChannelRecord(
            id=number,
            topic=channel.topic,
            message_encoding=channel.encoding,
            metadata=dict(channel.metadata),
            schema_id=schema_id,
        )
        self._channels[number] = record
        self._stream_of[number] = self._streams[stream]
        self._define(record, stream)
        return number

    def _define(self, record: McapRecord, stream: str) -> None:
        """Write a definition twice: before the chunks, and in the next one, where a CRC covers it.

        Of a file that a crash left without its summary, only the second copy can be trusted.
        """
        data = serialised(record)
        self._put(data)
        target = self._streams[stream]
        end = target.used + len(data)
        if end > len(target.buffer):
            target.buffer.extend(bytes(end - len(target.buffer)))
        target.buffer[target.used : end] = data
        target.used = end

    # --- messages -----------------------------------------------------------------------------------------

    def message(self, channel: int, t_ns: int, pub_ns: int, sequence: int, data: Any) -> None:
        """Add a message whose bytes are at hand."""

        def fill(target: memoryview) -> bool:
            target[:] = data
            return True

        self.fill_message(channel, t_ns, pub_ns, sequence, len(data), fill)

    def fill_message(
        self,
        channel: int,
        t_ns: int,
        pub_ns: int,
        sequence: int,
        length: int,
        fill: Callable[[memoryview], bool],
    ) -> int:
        """Add a message that ``fill`` copies straight into the chunk; nothing is added when it says False.

        Returns the message's offset in its (uncompressed) chunk, -1 when nothing was added.
        """
        stream = self._stream_of[channel]
        need = _MESSAGE.size + length
        if stream.used and stream.used + need > CHUNK_BYTES:
            self._close_chunk(stream)
        if stream.used + need > len(stream.buffer):
            stream.buffer.extend(bytes(stream.used + need - len(stream.buffer)))
        at = stream.used
        if length:
            with memoryview(stream.buffer) as whole, whole[at + _MESSAGE.size : at + need] as target:
                if not fill(target):
                    return -1
        _MESSAGE.pack_into(
            stream.buffer,
            at,
            Opcode.MESSAGE,
            _MESSAGE_FIXED + length,
            channel,
            sequence & 0xFFFFFFFF,
            t_ns,
            pub_ns,
        )
        if stream.messages == 0:
            stream.start_ns = stream.end_ns = t_ns
        elif t_ns < stream.start_ns:
            stream.start_ns = t_ns
        elif t_ns > stream.end_ns:
            stream.end_ns = t_ns
        stream.index[channel].append((t_ns, at))
        stream.used += need
        stream.messages += 1
        return at

    def pending_bytes(self, stream: str) -> int:
        """Bytes of a stream that are not in the file yet."""
        return self._streams[stream].used

    def flush(self) -> None:
        """Close every open chunk: everything added so far is in the sink."""
        for stream in self._streams.values():
            self._close_chunk(stream)

    def _close_chunk(self, stream: _Stream) -> None:
        if stream.messages == 0:
            return
        with memoryview(stream.buffer) as whole, whole[: stream.used] as raw:
            crc = zlib.crc32(raw)
            body = stream.compress(raw) if stream.compress else raw
            name = stream.compression.encode()
            offset = self.offset
            self._put(
                _CHUNK.pack(
                    Opcode.CHUNK,
                    _CHUNK.size - 9 + len(name) + 8 + len(body),
                    stream.start_ns,
                    stream.end_ns,
                    stream.used,
                    crc,
                    len(name),
                )
                + name
                + len(body).to_bytes(8, "little")
            )
            self._put(body)
            compressed_bytes = len(body)
        length = self.offset - offset
        offsets = {}
        for channel, entries in sorted(stream.index.items()):
            offsets[channel] = self.offset
            self._put(_message_index(channel, entries))
        self._summary.chunk(
            ChunkIndex(
                message_start_time=stream.start_ns,
                message_end_time=stream.end_ns,
                chunk_start_offset=offset,
                chunk_length=length,
                message_index_offsets=offsets,
                message_index_length=self.offset - offset - length,
                compression=stream.compression,
                compressed_size=compressed_bytes,
                uncompressed_size=stream.used,
            ),
            {channel: len(entries) for channel, entries in stream.index.items()},
        )
        if self._on_chunk:
            self._on_chunk(
                ChunkPlace(
                    stream.name, offset, length, self.offset, stream.start_ns, stream.end_ns, stream.messages
                )
            )
        stream.used = stream.messages = 0
        stream.index.clear()
        if len(stream.buffer) > 16 * CHUNK_BYTES:
            stream.buffer = bytearray(CHUNK_BYTES + 64 * 1024)

    # --- beside the messages ------------------------------------------------------------------------------

    def attachment(self, name: str, media_type: str, data: bytes, t_ns: int) -> None:
        """Add a file."""
        offset = self.offset
        self._record(Attachment(create_time=t_ns, log_time=t_ns, name=name, media_type=media_type, data=data))
        self._summary.attachment(
            AttachmentIndex(
                offset=offset,
                length=self.offset - offset,
                log_time=t_ns,
                create_time=t_ns,
                data_size=len(data),
                name=name,
                media_type=media_type,
            )
        )

    def metadata(self, name: str, values: dict[str, str]) -> None:
        """Add key-value pairs."""
        offset = self.offset
        self._record(Metadata(name=name, metadata=values))
        self._summary.metadata(MetadataIndex(offset=offset, length=self.offset - offset, name=name))

    def finish(self) -> None:
        """Close the chunks and write the summary. The file is complete afterwards."""
        self.flush()
        self._summary.write(self._put, self.offset)

    def _record(self, record: McapRecord) -> None:
        self._put(serialised(record))

    def _put(self, data: Any) -> None:
        self._sink(data)
        self.offset += len(data)


def _message_index(channel: int, entries: list[tuple[int, int]]) -> bytes:
    size = len(entries) * _INDEX_ENTRY.size
    data = bytearray(15 + size)
    struct.pack_into("<BQHI", data, 0, Opcode.MESSAGE_INDEX, 6 + size, channel, size)
    pack = _INDEX_ENTRY.pack_into
    at = 15
    for t_ns, offset in entries:
        pack(data, at, t_ns, offset)
        at += _INDEX_ENTRY.size
    return bytes(data)
