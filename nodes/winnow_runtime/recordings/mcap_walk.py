"""Finds the blocks of an MCAP file by going from record to record, over damage and up to a torn end.

Chunks that a good index names are not even touched; without one, only heads are read.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from winnow_runtime.recordings import mcap_records as records
from winnow_runtime.recordings.faults import DamageError, Faults, RecordingError, count
from winnow_runtime.recordings.limits import Limits
from winnow_runtime.recordings.mcap_index import Index
from winnow_runtime.recordings.mcap_resync import Resync
from winnow_runtime.recordings.ordering import Block
from winnow_runtime.recordings.stored_file import StoredFile

_HEAD_BYTES = 128
"""Enough for the head of every record that is looked into."""
_REGION_BYTES = 1024 * 1024
"""Records outside chunks are read in stretches of about this size, as if they were a chunk."""
_LATEST_NS = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class McapBlock(Block):
    """A chunk, or a stretch of records outside chunks."""

    offset: int
    length: int
    """Of the whole record, or of the stretch."""
    is_chunk: bool
    is_cut: bool = False
    """The file ends inside it."""
    index_offsets: tuple[int, ...] = ()
    """Where its message indexes are, if the summary said so."""
    is_certain: bool = True
    """What it holds is known from its index; otherwise it must be looked into once."""


@dataclass(slots=True)
class _Region:
    """Messages outside chunks, being collected."""

    offset: int
    end: int
    start_ns: int = _LATEST_NS
    end_ns: int = 0
    messages: int = 0
    channels: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _OpenChunk:
    """A chunk whose message indexes are being passed."""

    offset: int
    length: int
    head: records.ChunkHead
    messages: int = 0
    channels: set[int] = field(default_factory=set)
    index_offsets: list[int] = field(default_factory=list)


class McapWalk:
    """One walk; afterwards ``blocks``, ``schemas`` and ``channels`` are what was found outside chunks."""

    def __init__(self, file: StoredFile, limits: Limits, faults: Faults, index: Index | None) -> None:
        self.file = file
        self.limits = limits
        self.faults = faults
        self.blocks: list[McapBlock] = []
        self.schemas: dict[int, records.SchemaRecord] = dict(index.schemas) if index else {}
        self.channels: dict[int, records.ChannelRecord] = dict(index.channels) if index else {}
        self.outside_schemas: set[int] = set()
        self.outside_channels: set[int] = set()
        """Numbers that are defined outside chunks."""
        self._known = index.chunks if index else {}
        self._end = index.start if index else file.size
        self._chunk: _OpenChunk | None = None
        self._region: _Region | None = None
        self._finished = False
        self.passed_end = False
        """Whether the end of the data was marked: then nothing is missing behind the last record."""

    def run(self) -> None:
        """Walk the whole data section.

        Raises:
            RecordingError: a record that is wholly there is larger than ``limits.record_bytes``.

        """
        position = len(records.MAGIC)
        while not self._finished and position < self._end:
            known = self._known.get(position)
            if known is not None:
                position = self._take_known(known)
                continue
            try:
                position = self._step(position)
            except DamageError as damage:
                position = self._over_damage(position, str(damage))
        self._close_chunk(certain=self._finished)
        self._close_region()
        if not self._finished and not self._known and position >= self._end:
            self.faults.add(
                f"{self.file.name} ends after {self.file.size:,} bytes without an end mark; it was cut off or "
                "never finished, and how much is missing is not known; everything before was read."
            )

    # --- one record ---------------------------------------------------------------------------------------

    def _step(self, position: int) -> int:
        head = self.file.head(position, _HEAD_BYTES)
        if len(head) < records.HEAD.size:
            raise DamageError("the head of a record is cut off")
        opcode, length = records.HEAD.unpack_from(head)
        end: int = position + records.HEAD.size + length
        if opcode == 0:
            raise DamageError("there is no record with opcode 0")
        if opcode == records.CHUNK:
            return self._chunk_record(position, head, length)
        if end > self.file.size:
            name = records.RECORD_NAMES.get(opcode, "unknown")
            raise DamageError(f"a {name} record should have {length:,} bytes")
        if opcode in records.SUMMARY_ONLY:
            raise DamageError(
                f"a {records.RECORD_NAMES[opcode]} record cannot stand before the end of the data"
            )
        if length > self.limits.record_bytes and opcode != records.ATTACHMENT:
            self._refuse(position, length)
        self._other_record(opcode, position, head, length)
        return end

    def _refuse(self, position: int, length: int) -> None:
        raise RecordingError(
            f"{self.file.path}: the record at byte {position:,} has {length:,} bytes, the limit is "
            f"{self.limits.record_bytes:,}; nothing was read."
        )

    def _chunk_record(self, position: int, head: bytes, length: int) -> int:
        parsed = records.parse_chunk_head(head, length)
        if parsed.start_ns > parsed.end_ns:
            raise DamageError("a chunk has an impossible time")
        end = position + records.HEAD.size + length
        self._close_chunk(certain=True)
        self._close_region()
        if end > self.file.size:
            self._add_chunk(_OpenChunk(position, self.file.size - position, parsed), cut=True, certain=False)
            self._finished = True
            return end
        if length > self.limits.record_bytes:
            self._refuse(position, length)
        self._chunk = _OpenChunk(position, records.HEAD.size + length, parsed)
        return end

    def _other_record(self, opcode: int, position: int, head: bytes, length: int) -> None:
        end = position + records.HEAD.size + length
        if opcode == records.MESSAGE_INDEX:
            self._message_index(position, head, length)
            return
        if opcode == records.MESSAGE:
            self._loose_message(position, head, length)
            return
        self._close_chunk(certain=True)
        if opcode not in records.RECORD_NAMES:
            self.faults.add(
                f"{self.file.name}: the record at byte {position:,} is of the unknown kind {opcode:#04x}; its "
                f"{count(length, 'byte')} were passed over."
            )
        if opcode in (records.SCHEMA, records.CHANNEL):
            self._close_region()
            body = self._definition(position, length)
            self.define(opcode, body)
            outside = self.outside_schemas if opcode == records.SCHEMA else self.outside_channels
            outside.add(int.from_bytes(body[:2], "little"))
        elif opcode == records.DATA_END:
            self._finished = self.passed_end = True
        elif self._region is not None and end - self._region.offset < _REGION_BYTES:
            self._region.end = end
        else:
            self._close_region()

    def _definition(self, position: int, length: int) -> bytes:
        if length > self.limits.definition_bytes:
            raise DamageError(
                f"a definition of {length:,} bytes is over the limit of {self.limits.definition_bytes:,}"
            )
        return self.file.read(position + records.HEAD.size, length)

    def define(self, opcode: int, body: bytes) -> None:
        """Take note of a schema or a channel; the first definition of a number stays.

        Raises:
            DamageError: it is malformed, or there are too many.

        """
        if opcode == records.SCHEMA:
            schema = records.parse_schema(body)
            self.schemas.setdefault(schema.id, schema)
            return
        channel = records.parse_channel(body)
        if channel.id not in self.channels and len(self.channels) >= self.limits.channels:
            raise DamageError(f"there are more than {self.limits.channels:,} channels")
        self.channels.setdefault(channel.id, channel)

    def _message_index(self, position: int, head: bytes, length: int) -> None:
        channel = int.from_bytes(head[9:11], "little")
        array_bytes = int.from_bytes(head[11:15], "little")
        if length != 6 + array_bytes:
            raise DamageError("the lengths in a message index contradict each other")
        entries = array_bytes // 16
        if self._chunk is None:
            return
        self._chunk.messages += entries
        if entries:
            self._chunk.channels.add(channel)
            self._chunk.index_offsets.append(position)

    def _loose_message(self, position: int, head: bytes, length: int) -> None:
        if length < records.MESSAGE_BODY_BYTES:
            raise DamageError("a message is shorter than its own head")
        self._close_chunk(certain=True)
        _, _, channel, _, t_ns, _ = records.MESSAGE_HEAD.unpack_from(head)
        end = position + records.HEAD.size + length
        region = self._region
        if region is None or region.end != position or end - region.offset > _REGION_BYTES:
            self._close_region()
            region = self._region = _Region(position, end)
        region.end = end
        region.messages += 1
        region.channels.add(channel)
        region.start_ns = min(region.start_ns, t_ns)
        region.end_ns = max(region.end_ns, t_ns)

    # --- blocks -------------------------------------------------------------------------------------------

    def _take_known(self, known: records.ChunkIndexRecord) -> int:
        self._close_chunk(certain=True)
        self._close_region()
        if known.length - records.HEAD.size > self.limits.record_bytes:
            self._refuse(known.offset, known.length)
        self.blocks.append(
            McapBlock(
                order=len(self.blocks),
                start_ns=min(known.start_ns, _LATEST_NS),
                end_ns=min(known.end_ns, _LATEST_NS),
                messages=None,
                channels=frozenset(known.index_offsets) or None,
                offset=known.offset,
                length=known.length,
                is_chunk=True,
                index_offsets=tuple(known.index_offsets.values()),
                is_certain=known.end_ns < _LATEST_NS,
            )
        )
        return known.offset + known.length + known.index_length

    def _close_chunk(self, *, certain: bool) -> None:
        if self._chunk is not None:
            chunk, self._chunk = self._chunk, None
            self._add_chunk(
                chunk, cut=False, certain=certain and chunk.messages > 0 and chunk.head.end_ns < _LATEST_NS
            )

    def _add_chunk(self, chunk: _OpenChunk, *, cut: bool, certain: bool) -> None:
        self.blocks.append(
            McapBlock(
                order=len(self.blocks),
                start_ns=min(chunk.head.start_ns, _LATEST_NS),
                end_ns=min(chunk.head.end_ns, _LATEST_NS),
                messages=chunk.messages if certain else None,
                channels=frozenset(chunk.channels) if certain else None,
                offset=chunk.offset,
                length=chunk.length,
                is_chunk=True,
                is_cut=cut,
                index_offsets=tuple(chunk.index_offsets),
                is_certain=certain,
            )
        )

    def _close_region(self) -> None:
        region, self._region = self._region, None
        if region is None:
            return
        self.blocks.append(
            McapBlock(
                order=len(self.blocks),
                start_ns=min(region.start_ns, _LATEST_NS),
                end_ns=min(region.end_ns, _LATEST_NS),
                messages=region.messages,
                channels=frozenset(region.channels),
                offset=region.offset,
                length=region.end - region.offset,
                is_chunk=False,
                is_certain=region.end_ns < _LATEST_NS,
            )
        )

    # --- damage -------------------------------------------------------------------------------------------

    def _over_damage(self, position: int, what: str) -> int:
        """Note the damage and find the place where records go on; the end of the file if nowhere."""
        self._close_chunk(certain=False)
        self._close_region()
        later = [offset for offset in self._known if offset > position]
        times = _range(self.blocks)
        goes_on = Resync(self.file, self.channels.keys(), times).find(
            position + 1, min(later, default=self._end)
        )
        name = self.file.name
        if goes_on < self._end:
            self.faults.add(
                f"{name} is damaged at byte {position:,} ({what}); {count(goes_on - position, 'byte')} were "
                "skipped, reading went on after them."
            )
            return goes_on
        self._finished = True
        self.faults.add(
            f"{name} breaks off at byte {position:,} of {self.file.size:,} ({what}, "
            f"{count(self.file.size - position, 'byte')} are there); how much is missing after it is not known, "
            "everything before was read."
        )
        return self._end


def _range(blocks: Iterable[McapBlock]) -> tuple[int, int] | None:
    starts = [(block.start_ns, block.end_ns) for block in blocks]
    return (min(start for start, _ in starts), max(end for _, end in starts)) if starts else None
