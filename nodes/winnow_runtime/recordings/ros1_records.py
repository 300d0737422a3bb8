"""The records of a ROS 1 bag, version 2.0, as bytes (wiki.ros.org/Bags/Format/2.0).

A record is a header of ``name=value`` fields in any order, and data, each with its length in front.
"""

import itertools
import operator
import re
import struct
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from winnow_runtime.recordings.faults import DamageError

MAGIC = b"#ROSBAG V2.0\n"
U32 = struct.Struct("<I")
MESSAGE, BAG_HEADER, INDEX_DATA, CHUNK, CHUNK_INFO, CONNECTION = 2, 3, 4, 5, 6, 7
MAX_HEADER_BYTES = 64 * 1024
"""The longest honest one holds a topic name."""

RECORD_NAMES = {
    MESSAGE: "message",
    BAG_HEADER: "bag header",
    INDEX_DATA: "index data",
    CHUNK: "chunk",
    CHUNK_INFO: "chunk info",
    CONNECTION: "connection",
}


class MessageLayout(NamedTuple):
    """A message's header of the three usual fields in one of their six orders, read in one go."""

    head: struct.Struct
    """Header, and the length of the payload, which follows."""
    marks_of: Callable[[tuple[Any, ...]], tuple[Any, ...]]
    """Picks what must be equal to ``marks``."""
    marks: tuple[Any, ...]
    values_of: Callable[[tuple[Any, ...]], tuple[Any, ...]]
    """Picks connection, seconds, nanoseconds, length of the payload."""


class RecordHead(NamedTuple):
    """Header fields of a record, and where its data are, relative to the record."""

    fields: dict[bytes, bytes]
    data_at: int
    data_size: int

    @property
    def opcode(self) -> int:
        value = self.fields.get(b"op", b"")
        return value[0] if len(value) == 1 else 0

    def number(self, name: bytes, size: int) -> int:
        """An unsigned field of ``size`` bytes; raises DamageError if it is missing or of another size."""
        value = self.fields.get(name)
        if value is None or len(value) != size:
            raise DamageError(f"its field {name.decode()!r} is missing or malformed")
        return int.from_bytes(value, "little")

    def text(self, name: bytes) -> str:
        """A text field; empty when it is missing."""
        return self.fields.get(name, b"").decode("utf-8", "replace")

    def time_ns(self, name: bytes) -> int:
        """A time field, seconds and nanoseconds."""
        value = self.number(name, 8)
        return (value & 0xFFFFFFFF) * 1_000_000_000 + (value >> 32)


def header_length(data: bytes, at: int) -> int:
    """Length of the header that starts at ``at``; raises DamageError if none can."""
    if at + 4 > len(data):
        raise DamageError("the head of a record is cut off")
    length: int = U32.unpack_from(data, at)[0]
    if not 0 < length <= MAX_HEADER_BYTES:
        raise DamageError(f"a record header of {length:,} bytes is impossible")
    return length


def parse_head(data: bytes, at: int) -> RecordHead:
    """Read the header of the record at ``at`` and the length of its data; raises DamageError."""
    length = header_length(data, at)
    position, end = at + 4, at + 4 + length
    if end + 4 > len(data):
        raise DamageError("the head of a record is cut off")
    fields = parse_fields(data[position:end])
    if b"op" not in fields:
        raise DamageError("a record header has no 'op'")
    return RecordHead(fields, 4 + length + 4, U32.unpack_from(data, end)[0])


def parse_fields(header: bytes) -> dict[bytes, bytes]:
    """The ``name=value`` fields of a header; raises DamageError if they do not fill it exactly."""
    fields: dict[bytes, bytes] = {}
    position = 0
    while position < len(header):
        if position + 4 > len(header):
            raise DamageError("a header field is cut off")
        size = U32.unpack_from(header, position)[0]
        field = header[position + 4 : position + 4 + size]
        name, equals, value = field.partition(b"=")
        if len(field) != size or not equals or not name:
            raise DamageError("a header field is malformed")
        fields[name] = value
        position += 4 + size
    return fields


def message_layout(head: RecordHead) -> MessageLayout | None:
    """The layout of which this message is one; None if its header is not of the usual fields."""
    sizes = {name: len(value) for name, value in head.fields.items()}
    return _LAYOUTS.get(tuple(head.fields)) if sizes == _USUAL_SIZES else None


def find_head(data: bytes, start: int, opcode: int, needed: frozenset[bytes]) -> int | None:
    """Position of the next record of a kind at or after ``start`` in damaged bytes."""
    mark = re.compile(rb"\x04\x00\x00\x00op=" + re.escape(bytes([opcode])))
    for match in mark.finditer(data, start):
        for position in _starts_before(data, match.start(), start):
            try:
                head = parse_head(data, position)
            except DamageError:
                continue
            if head.opcode == opcode and needed <= head.fields.keys():
                return position
    return None


def _starts_before(data: bytes, mark: int, floor: int) -> Iterator[int]:
    """Where a header that contains the field at ``mark`` might start: its length must reach past it."""
    for position in range(mark - 4, max(floor, mark - 128) - 1, -1):
        length = U32.unpack_from(data, position)[0]
        if mark + 8 <= position + 4 + length <= mark + 256:
            yield position


_USUAL_SIZES = {b"conn": 4, b"op": 1, b"time": 8}
_FORMATS = {b"conn": "I5sI", b"op": "I3sB", b"time": "I5sII"}
_MARKS: dict[bytes, tuple[Any, ...]] = {
    b"conn": (9, b"conn=", None),
    b"op": (4, b"op=", MESSAGE),
    b"time": (13, b"time=", None, None),
}


def _layout(order: tuple[bytes, ...]) -> MessageLayout:
    parts: list[Any] = [38]  # the three fields with their lengths
    places: dict[bytes, int] = {}
    for name in order:
        places[name] = len(parts) + 2
        parts += _MARKS[name]
    parts.append(None)
    fixed = [place for place, part in enumerate(parts) if part is not None]
    seconds = places[b"time"]
    return MessageLayout(
        head=struct.Struct("<I" + "".join(_FORMATS[name] for name in order) + "I"),
        marks_of=operator.itemgetter(*fixed),
        marks=tuple(parts[place] for place in fixed),
        values_of=operator.itemgetter(places[b"conn"], seconds, seconds + 1, len(parts) - 1),
    )


_LAYOUTS = {order: _layout(order) for order in itertools.permutations((b"conn", b"op", b"time"))}
