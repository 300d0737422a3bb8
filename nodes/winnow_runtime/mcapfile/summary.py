"""The summary section of an MCAP file that is being written: what it holds and where, in bounded memory."""

import struct
import tempfile
import weakref
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import IO, Any

from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.records import (
    AttachmentIndex,
    ChunkIndex,
    DataEnd,
    Footer,
    McapRecord,
    MetadataIndex,
    Statistics,
    SummaryOffset,
)
from mcap.records import Channel as ChannelRecord
from mcap.records import Schema as SchemaRecord

MAGIC = b"\x89MCAP0\r\n"
_IN_MEMORY_BYTES = 4 * 1024 * 1024
"""Index records beyond this go to an unnamed temporary file: a small file's worth of chunks stays in memory."""
_COPY_BYTES = 1024 * 1024


class _Group:
    """Serialised records of one kind."""

    def __init__(self) -> None:
        self.count = 0
        self._memory = bytearray()
        self._file: IO[bytes] | None = None

    def add(self, record: McapRecord) -> None:
        self._memory += serialised(record)
        self.count += 1
        if len(self._memory) >= _IN_MEMORY_BYTES:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this object
                weakref.finalize(self, self._file.close)
            self._file.write(self._memory)
            self._memory = bytearray()

    def pieces(self) -> Iterator[bytes]:
        if self._file is not None:
            self._file.seek(0)
            while data := self._file.read(_COPY_BYTES):
                yield data
        yield bytes(self._memory)


class Summary:
    """Told about every record as it is written; writes the end of the file."""

    def __init__(self) -> None:
        self.schemas: dict[int, SchemaRecord] = {}
        self.channels: dict[int, ChannelRecord] = {}
        self._chunks, self._attachments, self._metadata = _Group(), _Group(), _Group()
        self._counts: dict[int, int] = defaultdict(int)
        self._start_ns: int | None = None
        self._end_ns = 0

    def chunk(self, chunk: ChunkIndex, counts: dict[int, int]) -> None:
        """A chunk, and how many messages of each channel it holds."""
        self._chunks.add(chunk)
        start, end = chunk.message_start_time, chunk.message_end_time
        self._start_ns = start if self._start_ns is None else min(self._start_ns, start)
        self._end_ns = max(self._end_ns, end)
        for channel, count in counts.items():
            self._counts[channel] += count

    def attachment(self, index: AttachmentIndex) -> None:
        self._attachments.add(index)

    def metadata(self, index: MetadataIndex) -> None:
        self._metadata.add(index)

    def write(self, put: Callable[[Any], None], offset: int) -> None:
        """Write everything behind the data, which end at ``offset``: the file is complete afterwards."""
        ending = serialised(DataEnd(data_section_crc=0))
        put(ending)
        start = offset + len(ending)
        small: dict[Opcode, list[McapRecord]] = {
            Opcode.SCHEMA: [self.schemas[number] for number in sorted(self.schemas)],
            Opcode.CHANNEL: [self.channels[number] for number in sorted(self.channels)],
            Opcode.STATISTICS: [self._statistics()],
        }
        spooled = {
            Opcode.CHUNK_INDEX: self._chunks,
            Opcode.ATTACHMENT_INDEX: self._attachments,
            Opcode.METADATA_INDEX: self._metadata,
        }
        written = crc = 0
        offsets: list[SummaryOffset] = []

        def piece(data: bytes) -> None:
            nonlocal written, crc
            put(data)
            crc = zlib.crc32(data, crc)
            written += len(data)

        def group(opcode: Opcode, begin: int) -> None:
            if written > begin:
                offsets.append(SummaryOffset(opcode, start + begin, written - begin))

        for opcode, entries in small.items():
            begin = written
            for record in entries:
                piece(serialised(record))
            group(opcode, begin)
        for opcode, spool in spooled.items():
            begin = written
            for data in spool.pieces():
                piece(data)
            group(opcode, begin)
        offsets_start = start + written
        for entry in offsets:
            piece(serialised(entry))
        crc = zlib.crc32(struct.pack("<BQQQ", Opcode.FOOTER, 20, start, offsets_start), crc)
        put(serialised(Footer(summary_start=start, summary_offset_start=offsets_start, summary_crc=crc)))
        put(MAGIC)

    def _statistics(self) -> Statistics:
        return Statistics(
            message_count=sum(self._counts.values()),
            schema_count=len(self.schemas),
            channel_count=len(self.channels),
            attachment_count=self._attachments.count,
            metadata_count=self._metadata.count,
            chunk_count=self._chunks.count,
            message_start_time=self._start_ns or 0,
            message_end_time=self._end_ns,
            channel_message_counts={number: self._counts[number] for number in sorted(self._counts)},
        )


def serialised(record: McapRecord) -> bytes:
    """A record as it stands in a file, opcode and length included."""
    builder = RecordBuilder()
    record.write(builder)
    data: bytes = builder.end()  # type: ignore[no-untyped-call]
    return data
