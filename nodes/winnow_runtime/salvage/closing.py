"""What stands at the end of an MCAP file, or of a part of one: definitions and counts, checked by a CRC."""

import zlib
from dataclasses import dataclass, field

from winnow_runtime.recordings import mcap_records as records
from winnow_runtime.recordings.faults import DamageError
from winnow_runtime.recordings.mcap_records import ChannelRecord, SchemaRecord
from winnow_runtime.salvage import shapes
from winnow_runtime.salvage.medium import Bytes

_PIECE_BYTES = 1024 * 1024
_DATA_END_BYTES = 13
_FOOTER_RECORD_BYTES = 29


@dataclass(frozen=True, slots=True)
class Closing:
    """A summary whose CRC is right."""

    definitions: list[SchemaRecord | ChannelRecord] = field(default_factory=list)
    counts: dict[int, int] = field(default_factory=dict)
    """Channel -> messages in the file."""
    data_end: int = 0
    """Position of the data end record."""
    data_crc: int = 0
    """CRC of everything from the start of the file to there; 0 = not computed."""


def closing_at(source: Bytes, base: int, footer_at: int) -> Closing | None:
    """The summary that the footer at ``footer_at`` closes; None if there is none that can be trusted.

    ``base`` is where its file starts in the source: positions in it count from there.
    """
    footer = source.read(footer_at, _FOOTER_RECORD_BYTES)
    if len(footer) < _FOOTER_RECORD_BYTES or records.HEAD.unpack_from(footer) != (records.FOOTER, 20):
        return None
    start = base + int.from_bytes(footer[9:17], "little")
    crc = int.from_bytes(footer[25:29], "little")
    if start <= base + _DATA_END_BYTES or start > footer_at or crc == 0:
        return None
    if crc32(source, start, footer_at + 25) != crc:
        return None
    end = source.read(start - _DATA_END_BYTES, _DATA_END_BYTES)
    is_end = records.HEAD.unpack_from(end) == (records.DATA_END, 4)
    closing = Closing(
        data_end=start - _DATA_END_BYTES, data_crc=int.from_bytes(end[9:13], "little") if is_end else 0
    )
    try:
        _parse(source, start, footer_at, closing)
    except DamageError:
        return None
    return closing


def crc32(source: Bytes, start: int, end: int) -> int:
    """CRC-32 of a stretch, in pieces."""
    crc = 0
    while start < end:
        data = source.read(start, min(_PIECE_BYTES, end - start))
        if not data:
            break
        crc = zlib.crc32(data, crc)
        start += len(data)
    return crc


def _parse(source: Bytes, position: int, end: int, closing: Closing) -> None:
    while position + records.HEAD.size <= end:
        opcode, length = records.HEAD.unpack(source.read(position, records.HEAD.size))
        start = position + records.HEAD.size
        position = start + length
        if position > end:
            raise DamageError("the summary ends inside a record")
        if opcode not in (records.SCHEMA, records.CHANNEL, records.STATISTICS):
            continue
        if length > shapes.DEFINITION_MAX_BYTES:
            raise DamageError("a definition is over the limit")
        body = source.read(start, length)
        if opcode == records.SCHEMA:
            closing.definitions.append(records.parse_schema(body))
        elif opcode == records.CHANNEL:
            closing.definitions.append(records.parse_channel(body))
        else:
            closing.counts.update(records.parse_statistics(body).counts)
