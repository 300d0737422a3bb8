"""What a record must look like to be one: structure that chance does not produce.

Every length in a damaged file is a claim. A chunk, an attachment and a message index state their size
twice, texts are UTF-8 and end where the record ends: a record is taken for real when its claims agree.
"""

from collections.abc import Iterator
from typing import NamedTuple

from winnow_runtime.recordings import mcap_records as records
from winnow_runtime.recordings.faults import DamageError
from winnow_runtime.salvage.medium import Bytes

HEAD_BYTES = 128
"""Enough for the fixed part of every record."""
DEFINITION_MAX_BYTES = 4 * 1024 * 1024
"""A schema, channel, metadata or header record; the longest ROS 2 definition known to us is 120 kB."""
INDEX_MAX_BYTES = 256 * 1024 * 1024
"""The message index of one channel in one chunk; 16 bytes per message."""
NAME_MAX_BYTES = 64 * 1024
"""Name or media type of an attachment."""
CHUNK_FIXED_BYTES = 40
"""Body of a chunk without the name of its compression and without its data."""
_NAME_AT = records.HEAD.size + records.CHUNK_HEAD_BYTES
_NAMES = {0: "", 3: "lz4", 4: "zstd"}
_FIXED_LENGTHS = {records.DATA_END: 4, records.FOOTER: 20, records.SUMMARY_OFFSET: 17}
_SMALL_INDEX_BYTES = 1024 * 1024
"""A chunk index or statistics record: ten bytes per channel, at most 65,536 of them."""


class ChunkShape(NamedTuple):
    """One reading of a chunk's head. The head may be damaged, then there are several."""

    compression: str
    data_at: int
    """From the start of the record."""
    data_size: int
    start_ns: int
    end_ns: int
    size: int
    crc: int

    @property
    def record_bytes(self) -> int:
        return self.data_at + self.data_size


def chunk_shapes(head: bytes, length: int) -> Iterator[ChunkShape]:
    """Readings of a chunk's head, the most credible first: those in which both sizes agree."""
    if len(head) < _NAME_AT + 8:
        return
    start_ns, end_ns, size, crc, stated = records.CHUNK_HEAD.unpack_from(head, records.HEAD.size)
    agreeing, others = [], []
    for name_bytes in dict.fromkeys((stated, *_NAMES)):
        data_at = _NAME_AT + name_bytes + 8
        if name_bytes > max(_NAMES) or data_at > len(head):
            continue
        name = head[_NAME_AT : _NAME_AT + name_bytes].decode("ascii", "replace")
        if name not in _NAMES.values():
            name = _NAMES.get(name_bytes, name)
        data_size = int.from_bytes(head[data_at - 8 : data_at], "little")
        by_length = length - CHUNK_FIXED_BYTES - name_bytes
        for stored in dict.fromkeys((data_size, by_length)):
            shape = ChunkShape(name, data_at, stored, start_ns, end_ns, size, crc)
            if data_size == by_length:
                agreeing.append(shape)
            elif name_bytes == stated and 0 <= stored < 1 << 40:
                others.append(shape)
    yield from agreeing
    yield from others


def is_chunk(head: bytes, length: int) -> bool:
    """Whether both sizes of a chunk agree: this does not happen by chance, whatever the opcode says."""
    if length < CHUNK_FIXED_BYTES or len(head) < _NAME_AT + 8:
        return False
    for name_bytes in _NAMES:
        data_at = _NAME_AT + name_bytes
        if int.from_bytes(head[data_at : data_at + 8], "little") == length - CHUNK_FIXED_BYTES - name_bytes:
            return True
    return False


class AttachmentShape(NamedTuple):
    """Where the parts of an attachment are."""

    name: str
    media_type: str
    log_ns: int
    create_ns: int
    data_size: int
    record_bytes: int


def attachment_shape(source: Bytes, position: int, length: int) -> AttachmentShape | None:
    """The attachment at ``position``, if its four lengths agree and it is all there."""
    end = position + records.HEAD.size + length
    if end > source.size:
        return None
    fields = records.Fields(source.read(position + records.HEAD.size, min(length, 2 * NAME_MAX_BYTES + 64)))
    try:
        log_ns, create_ns = fields.u64(), fields.u64()
        name, media_type = fields.text(), fields.text()
        data_size = fields.u64()
    except DamageError:
        return None
    fixed = 8 + 8 + 4 + len(name.encode()) + 4 + len(media_type.encode()) + 8 + 4
    if fixed + data_size != length:
        return None
    return AttachmentShape(name, media_type, log_ns, create_ns, data_size, records.HEAD.size + length)


def metadata_of(body: bytes) -> tuple[str, dict[str, str]] | None:
    """Name and values of a metadata record that fills its body."""
    fields = records.Fields(body)
    try:
        name = fields.text()
        inner = records.Fields(fields.blob())
        values = {}
        while inner.left:
            key = inner.text()
            values[key] = inner.text()
    except DamageError:
        return None
    return None if fields.left else (name, values)


def header_of(body: bytes) -> tuple[str, str] | None:
    """Profile and library of a header record."""
    fields = records.Fields(body)
    try:
        return fields.text(), fields.text()
    except DamageError:
        return None


def has_shape(source: Bytes, position: int, opcode: int, length: int) -> bool:
    """Whether the record of this kind (no chunk, no message) that starts here keeps its own promises."""
    end = position + records.HEAD.size + length
    if end > source.size:
        return False
    if opcode in _FIXED_LENGTHS:
        return length == _FIXED_LENGTHS[opcode]
    if opcode == records.ATTACHMENT:
        return attachment_shape(source, position, length) is not None
    start = position + records.HEAD.size
    if opcode == records.MESSAGE_INDEX:
        entries = int.from_bytes(source.read(start + 2, 4), "little")
        return length <= INDEX_MAX_BYTES and length == 6 + entries and entries % 16 == 0
    limit = DEFINITION_MAX_BYTES if opcode in _TEXTS else _SMALL_INDEX_BYTES
    return length <= limit and _parses(opcode, source.read(start, length))


_TEXTS = (records.SCHEMA, records.CHANNEL, records.METADATA, records.HEADER)


def _parses(opcode: int, body: bytes) -> bool:
    try:
        if opcode == records.SCHEMA:
            schema = records.parse_schema(body)
            return schema.id != 0 and len(body) == 14 + sum(
                len(part) for part in (schema.name.encode(), schema.encoding.encode(), schema.data)
            )
        if opcode == records.CHANNEL:
            return records.parse_channel(body).topic != ""
        if opcode == records.METADATA:
            return metadata_of(body) is not None
        if opcode == records.HEADER:
            return header_of(body) is not None
        if opcode == records.CHUNK_INDEX:
            records.parse_chunk_index(body)
        elif opcode == records.STATISTICS:
            records.parse_statistics(body)
        elif opcode == records.ATTACHMENT_INDEX:
            fields = records.Fields(body)
            fields.take(40)
            fields.text()
            fields.text()
        elif opcode == records.METADATA_INDEX:
            fields = records.Fields(body)
            fields.take(16)
            fields.text()
        else:
            return False
    except DamageError:
        return False
    return True


def can_start(source: Bytes, position: int, opcodes: frozenset[int]) -> bool:
    """Whether a record of these kinds can start here, or the bytes end here, or nothing but zeros follow."""
    if position >= source.size:
        return position == source.size
    head = source.read(position, HEAD_BYTES)
    if len(head) < records.HEAD.size or head.startswith(records.MAGIC):
        return True
    opcode, length = records.HEAD.unpack_from(head)
    if opcode == 0:
        return not any(head[: records.HEAD.size])
    if opcode not in opcodes:
        return False
    if opcode == records.CHUNK:
        return is_chunk(head, length)
    if opcode == records.MESSAGE:
        end = position + records.HEAD.size + length
        return bool(length >= records.MESSAGE_BODY_BYTES and end <= source.size)
    return has_shape(source, position, opcode, length)
