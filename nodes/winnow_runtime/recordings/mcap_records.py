"""The records of an MCAP file as bytes (mcap.dev/spec, version 0): little endian, length first."""

import struct
from typing import NamedTuple

from winnow_runtime.recordings.faults import DamageError

MAGIC = b"\x89MCAP0\r\n"
HEAD = struct.Struct("<BQ")
"""Opcode and length of the body: the first nine bytes of every record."""
MESSAGE_HEAD = struct.Struct("<BQHIQQ")
"""Opcode, length, channel, sequence, log time, publish time; the payload follows."""
MESSAGE_BODY_BYTES = 22
"""Body of a message without payload."""
FOOTER_BYTES = HEAD.size + 20 + len(MAGIC)

HEADER, FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK, MESSAGE_INDEX, CHUNK_INDEX = 1, 2, 3, 4, 5, 6, 7, 8
ATTACHMENT, ATTACHMENT_INDEX, STATISTICS, METADATA, METADATA_INDEX, SUMMARY_OFFSET, DATA_END = range(9, 16)

RECORD_NAMES = {
    HEADER: "header",
    FOOTER: "footer",
    SCHEMA: "schema",
    CHANNEL: "channel",
    MESSAGE: "message",
    CHUNK: "chunk",
    MESSAGE_INDEX: "message index",
    CHUNK_INDEX: "chunk index",
    ATTACHMENT: "attachment",
    ATTACHMENT_INDEX: "attachment index",
    STATISTICS: "statistics",
    METADATA: "metadata",
    METADATA_INDEX: "metadata index",
    SUMMARY_OFFSET: "summary offset",
    DATA_END: "data end",
}

SUMMARY_ONLY = frozenset((FOOTER, CHUNK_INDEX, ATTACHMENT_INDEX, STATISTICS, METADATA_INDEX, SUMMARY_OFFSET))
"""Kinds that cannot stand in the data section."""

CHUNK_HEAD_BYTES = 32
"""Body of a chunk up to its compression's name: two times, size, CRC, length of the name."""
CHUNK_HEAD = struct.Struct("<QQQII")
_COMPRESSION_NAME_BYTES = 64


class SchemaRecord(NamedTuple):
    """Opcode 3."""

    id: int
    name: str
    encoding: str
    data: bytes


class ChannelRecord(NamedTuple):
    """Opcode 4."""

    id: int
    schema_id: int
    topic: str
    encoding: str
    metadata: tuple[tuple[str, str], ...]


class ChunkHead(NamedTuple):
    """Opcode 6 without its data."""

    start_ns: int
    end_ns: int
    size: int
    """After decompression."""
    crc: int
    """CRC-32 after decompression; 0 = not computed."""
    compression: str
    data_at: int
    """Where the data start, from the start of the record."""
    data_size: int
    """As stored."""


class ChunkIndexRecord(NamedTuple):
    """Opcode 8."""

    start_ns: int
    end_ns: int
    offset: int
    length: int
    """Of the chunk with its opcode and length."""
    index_offsets: dict[int, int]
    """Channel -> position of its message index."""
    index_length: int
    """Of all message indexes that follow the chunk."""


class StatisticsRecord(NamedTuple):
    """Opcode 11."""

    messages: int
    schemas: int
    channels: int
    chunks: int
    start_ns: int
    end_ns: int
    counts: dict[int, int]


class Fields:
    """Reads the fields of one record's body; the end of the body is the end."""

    __slots__ = ("_body", "_position")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._position = 0

    def take(self, length: int) -> bytes:
        """The next bytes.

        Raises:
            DamageError: the body is shorter.

        """
        end = self._position + length
        if end > len(self._body):
            raise DamageError(
                f"a field needs {length:,} bytes and {len(self._body) - self._position:,} are left"
            )
        data = self._body[self._position : end]
        self._position = end
        return data

    def u16(self) -> int:
        return int.from_bytes(self.take(2), "little")

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def u64(self) -> int:
        return int.from_bytes(self.take(8), "little")

    def blob(self) -> bytes:
        return self.take(self.u32())

    def text(self) -> str:
        data = self.blob()
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise DamageError(f"the text {data[:40]!r} is not UTF-8") from None

    def numbers_by_channel(self) -> dict[int, int]:
        """A map of 16-bit channel numbers to 64-bit values."""
        inner = Fields(self.blob())
        result = {}
        while inner.left:
            channel = inner.u16()
            result[channel] = inner.u64()
        return result

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return len(self._body) - self._position


def parse_schema(body: bytes) -> SchemaRecord:
    """Raises ``DamageError``, as all parsers here do."""
    fields = Fields(body)
    return SchemaRecord(fields.u16(), fields.text(), fields.text(), fields.blob())


def parse_channel(body: bytes) -> ChannelRecord:
    """Metadata come sorted by key."""
    fields = Fields(body)
    number, schema_id, topic, encoding = fields.u16(), fields.u16(), fields.text(), fields.text()
    inner = Fields(fields.blob())
    metadata = {}
    while inner.left:
        key = inner.text()
        metadata[key] = inner.text()
    return ChannelRecord(number, schema_id, topic, encoding, tuple(sorted(metadata.items())))


def parse_chunk_head(record: bytes, length: int) -> ChunkHead:
    """``record`` starts at the opcode and holds at least the head; ``length`` is that of the whole body."""
    if len(record) < HEAD.size + CHUNK_HEAD_BYTES:
        raise DamageError("its head is cut off")
    start_ns, end_ns, size, crc, name_length = CHUNK_HEAD.unpack_from(record, HEAD.size)
    name_at = HEAD.size + CHUNK_HEAD_BYTES
    data_at = name_at + name_length + 8
    if name_length > _COMPRESSION_NAME_BYTES or len(record) < data_at:
        raise DamageError("its head is cut off or names a compression of an impossible length")
    name = record[name_at : name_at + name_length]
    data_size = int.from_bytes(record[data_at - 8 : data_at], "little")
    if data_at - HEAD.size + data_size != length:
        raise DamageError("the sizes in its head contradict each other")
    return ChunkHead(start_ns, end_ns, size, crc, name.decode("ascii", "replace"), data_at, data_size)


def parse_chunk_index(body: bytes) -> ChunkIndexRecord:
    """Compression and sizes are left to the chunk itself."""
    fields = Fields(body)
    start_ns, end_ns, offset, length = fields.u64(), fields.u64(), fields.u64(), fields.u64()
    return ChunkIndexRecord(start_ns, end_ns, offset, length, fields.numbers_by_channel(), fields.u64())


def parse_statistics(body: bytes) -> StatisticsRecord:
    """Counts of attachments and metadata are not of interest."""
    fields = Fields(body)
    messages, schemas, channels = fields.u64(), fields.u16(), fields.u32()
    fields.take(8)  # attachments, metadata
    chunks, start_ns, end_ns = fields.u32(), fields.u64(), fields.u64()
    return StatisticsRecord(
        messages, schemas, channels, chunks, start_ns, end_ns, fields.numbers_by_channel()
    )
