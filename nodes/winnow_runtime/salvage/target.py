"""Where recovered records go: a new file, with every chunk that is intact passed on byte by byte."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from mcap.records import AttachmentIndex, ChunkIndex, Header, MetadataIndex
from mcap.records import Channel as McapChannel
from mcap.records import Metadata as McapMetadata
from mcap.records import Schema as McapSchema

from winnow_runtime.mcapfile.compression import compressor
from winnow_runtime.mcapfile.summary import MAGIC, Summary, serialised
from winnow_runtime.recordings import mcap_records as records
from winnow_runtime.recordings.mcap_records import ChannelRecord, SchemaRecord
from winnow_runtime.salvage.messages import Heads, Offsets
from winnow_runtime.salvage.shapes import AttachmentShape

_INDEX_HEAD_BYTES = 15
_ENTRY = np.dtype([("t_ns", "<u8"), ("offset", "<u8")])


@dataclass(frozen=True, slots=True)
class Stored:
    """The input's own bytes of a chunk that needs no change."""

    position: int
    """Of the chunk record in the input."""
    record_bytes: int
    data: Iterable[bytes]
    """The compressed content, in pieces; read once."""
    data_bytes: int
    index: bytes
    """What follows the chunk in the input, as many bytes as its message indexes should have."""


@dataclass(frozen=True, slots=True)
class OutChunk:
    """Messages that become one chunk."""

    raw: memoryview | bytearray
    """Empty where ``stored`` was not even looked into."""
    size: int
    """Of the content."""
    crc: int
    """0 = not computed: the content is not verified."""
    compression: str
    offsets: Offsets
    heads: Heads
    """With the output's channel numbers."""
    stored: Stored | None
    """None when it must be compressed anew."""

    @property
    def start_ns(self) -> int:
        return int(self.heads["t_ns"].min()) if len(self.heads) else 0

    @property
    def end_ns(self) -> int:
        return int(self.heads["t_ns"].max()) if len(self.heads) else 0


class Target(Protocol):
    """Takes records in the order of the input."""

    def schema(self, record: SchemaRecord) -> None: ...
    def channel(self, record: ChannelRecord) -> None: ...
    def chunk(self, chunk: OutChunk) -> None: ...
    def attachment(self, shape: AttachmentShape, record: Iterable[bytes]) -> None: ...
    def metadata(self, name: str, values: dict[str, str]) -> None: ...
    def good_until(self, position: int) -> None:
        """Everything of the input since the last call, up to here, was as it should be."""
        ...

    def damaged(self, position: int) -> None:
        """The input is damaged here."""
        ...


@dataclass(frozen=True, slots=True)
class Placed:
    """A chunk in the output, for an index beside the file."""

    offset: int
    chunk: OutChunk


class Sink(Protocol):
    """Takes the bytes of a file in order."""

    def write(self, data: Any, /) -> object: ...


class NewFile:
    """Writes a valid, indexed MCAP file."""

    def __init__(self, file: Sink, on_chunk: Callable[[Placed], None] | None = None) -> None:
        self._file = file
        self._on_chunk = on_chunk
        self._summary = Summary()
        self.offset = 0

    def begin(self, profile: str, library: str) -> None:
        """Write the head of the file; before anything else."""
        self._put(MAGIC + serialised(Header(profile=profile, library=library)))

    def schema(self, record: SchemaRecord) -> None:
        schema = mcap_schema(record)
        self._summary.schemas[record.id] = schema
        self._put(serialised(schema))

    def channel(self, record: ChannelRecord) -> None:
        channel = mcap_channel(record)
        self._summary.channels[record.id] = channel
        self._put(serialised(channel))

    def chunk(self, chunk: OutChunk) -> None:
        offset = self.offset
        pieces: Iterable[Any]
        if chunk.stored is not None:
            size, pieces = chunk.stored.data_bytes, chunk.stored.data
        else:
            compress = compressor(chunk.compression)
            with memoryview(chunk.raw) as raw:
                body = compress(raw) if compress else chunk.raw
            size, pieces = len(body), (body,)
        self._put(chunk_head(chunk, size))
        before = self.offset
        for piece in pieces:
            self._put(piece)
        if self.offset - before != size:
            raise OSError(5, "the input gave other bytes than before")
        end = self.offset
        index, counts, places = message_indexes(chunk, end)
        self._put(index)
        self._summary.chunk(chunk_index(chunk, offset, end, len(index), places, size), counts)
        if self._on_chunk is not None:
            self._on_chunk(Placed(offset, chunk))

    def attachment(self, shape: AttachmentShape, record: Iterable[bytes]) -> None:
        offset = self.offset
        for piece in record:
            self._put(piece)
        self._summary.attachment(
            AttachmentIndex(
                offset=offset,
                length=self.offset - offset,
                log_time=shape.log_ns,
                create_time=shape.create_ns,
                data_size=shape.data_size,
                name=shape.name,
                media_type=shape.media_type,
            )
        )

    def metadata(self, name: str, values: dict[str, str]) -> None:
        offset = self.offset
        self._put(serialised(McapMetadata(name=name, metadata=values)))
        self._summary.metadata(MetadataIndex(offset=offset, length=self.offset - offset, name=name))

    def good_until(self, position: int) -> None:
        """A new file does not care where its records were."""

    def damaged(self, position: int) -> None:
        """Nor what was between them."""

    def finish(self) -> None:
        """Write the summary."""
        self._summary.write(self._put, self.offset)

    def _put(self, data: Any) -> None:
        self._file.write(data)
        self.offset += len(data)


def mcap_schema(record: SchemaRecord) -> McapSchema:
    """For the `mcap` package's serialiser."""
    return McapSchema(id=record.id, name=record.name, encoding=record.encoding, data=record.data)


def mcap_channel(record: ChannelRecord) -> McapChannel:
    """For the `mcap` package's serialiser."""
    return McapChannel(
        id=record.id,
        topic=record.topic,
        message_encoding=record.encoding,
        metadata=dict(record.metadata),
        schema_id=record.schema_id,
    )


def chunk_head(chunk: OutChunk, stored_bytes: int) -> bytes:
    """A chunk record up to its content, with the times that its messages really have."""
    name = chunk.compression.encode()
    length = records.CHUNK_HEAD_BYTES + len(name) + 8 + stored_bytes
    head = records.CHUNK_HEAD.pack(chunk.start_ns, chunk.end_ns, chunk.size, chunk.crc, len(name))
    return records.HEAD.pack(records.CHUNK, length) + head + name + stored_bytes.to_bytes(8, "little")


def message_indexes(chunk: OutChunk, position: int) -> tuple[bytes, dict[int, int], dict[int, int]]:
    """The message indexes of a chunk, to be written at ``position``; messages and position per channel."""
    channels = chunk.heads["channel"]
    order = np.argsort(channels, kind="stable")
    numbers, firsts = np.unique(channels[order], return_index=True)
    entries = np.empty(len(order), _ENTRY)
    entries["t_ns"], entries["offset"] = chunk.heads["t_ns"][order], chunk.offsets[order]
    parts: list[bytes] = []
    counts: dict[int, int] = {}
    places: dict[int, int] = {}
    borders = [*firsts.tolist(), len(order)]
    for place, number in enumerate(numbers.tolist()):
        mine = entries[borders[place] : borders[place + 1]]
        places[number], counts[number] = position, len(mine)
        head = records.HEAD.pack(records.MESSAGE_INDEX, 6 + mine.nbytes)
        parts.append(head + number.to_bytes(2, "little") + mine.nbytes.to_bytes(4, "little") + mine.tobytes())
        position += _INDEX_HEAD_BYTES + mine.nbytes
    return b"".join(parts), counts, places


def chunk_index(
    chunk: OutChunk, offset: int, end: int, index_bytes: int, places: dict[int, int], stored_bytes: int
) -> ChunkIndex:
    """The summary's record of a chunk at ``offset`` whose record ends at ``end``."""
    return ChunkIndex(
        message_start_time=chunk.start_ns,
        message_end_time=chunk.end_ns,
        chunk_start_offset=offset,
        chunk_length=end - offset,
        message_index_offsets=places,
        message_index_length=index_bytes,
        compression=chunk.compression,
        compressed_size=stored_bytes,
        uncompressed_size=chunk.size,
    )
