"""One MCAP file: indexed, without index, torn or damaged; plays what is readable and names the rest."""

import struct
import zlib
from array import array
from collections.abc import Collection, Iterator
from typing import NamedTuple

import numpy as np

from winnow_runtime.recordings import mcap_records as records
from winnow_runtime.recordings.compression import decompress, salvage
from winnow_runtime.recordings.faults import DamageError, Faults, RecordingError, count, when
from winnow_runtime.recordings.limits import Limits
from winnow_runtime.recordings.mcap_index import Index, UnfinishedError, read_index
from winnow_runtime.recordings.mcap_sizes import IndexedSizes
from winnow_runtime.recordings.mcap_walk import McapBlock, McapWalk
from winnow_runtime.recordings.ordering import Scan, TimeOrder
from winnow_runtime.recordings.sizes import SizeBook, SizeColumns, Sizes
from winnow_runtime.recordings.source import SMALL_BYTES, SourceFile
from winnow_runtime.recordings.stored_file import StoredFile
from winnow_schemas.channel import Channel, Message

_SCAN = struct.Struct("<BQH4xQ")
"""Opcode, length, channel, log time of a message."""
_LATEST_NS = (1 << 63) - 1


class _Found(NamedTuple):
    scan: Scan
    end: int
    """Where the records stopped being readable; the length of the bytes if all were."""
    strangers: int
    """Messages of channels that nothing defines."""
    timeless: int
    """Messages with a time beyond the year 2262."""
    sizes: SizeColumns


class McapFile(SourceFile):
    """Blocks of one MCAP file, and its channels by number."""

    def __init__(self, file: StoredFile, limits: Limits, faults: Faults) -> None:
        self.file = file
        self._limits = limits
        self._faults = faults
        self._is_torn = False
        self._book = SizeBook()
        index = self._index()
        walk = McapWalk(file, limits, faults, index)
        walk.run()
        if self._is_torn and walk.passed_end:
            self._faults.add(
                f"{file.name} ends inside its index ({file.size:,} bytes are there); no message is missing for that."
            )
        self._walk = walk
        self.channels: dict[int, Channel] = {}
        self._is_open = False
        self._learn()
        self._blocks = [block for block in map(self._certain, walk.blocks) if block is not None]
        self._is_open = True
        self._indexed = IndexedSizes(file, limits, walk, self._blocks, self._content)
        self.start_ns, self.end_ns, self.message_count = self._extent(index)

    # --- what the recording asks --------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self.file.name

    def close(self) -> None:
        self.file.close()

    def messages(
        self, topics: Collection[str] | None, start_ns: int | None, end_ns: int | None
    ) -> Iterator[Message]:
        wanted = None
        if topics is not None:
            wanted = frozenset(number for number, channel in self.channels.items() if channel.topic in topics)
            if not wanted:
                return iter(())
        order = TimeOrder(
            self,
            self._blocks,
            cache_bytes=self._limits.cache_bytes,
            wanted=wanted,
            start_ns=start_ns,
            end_ns=end_ns,
        )
        return iter(order)

    def keep_sizes(self, from_ns: int) -> None:
        self._book.is_kept = True
        self._book.forget(from_ns)

    def sizes(self, start_ns: int, end_ns: int, *, checked: bool = False) -> Iterator[Sizes]:
        self._book.is_kept = True
        for block in self._blocks:
            if block.end_ns >= start_ns and block.start_ns < end_ns:
                found = self._book.get(block.order) or self._look_up(block, checked=checked)
                if found is not None:
                    yield found

    def _look_up(self, block: McapBlock, *, checked: bool) -> Sizes | None:
        """The sizes of a block that was passed over: from its index, or else from its content."""
        found = None if checked else self._indexed.of(block)
        if found is None:
            self.scan(block, frozenset())
            return self._book.get(block.order)
        self._book.note(block.order, found)
        return found

    # --- opening ------------------------------------------------------------------------------------------

    def _index(self) -> Index | None:
        try:
            return read_index(self.file, self._limits)
        except UnfinishedError:
            self._is_torn = True  # described by where the walk ends
        except DamageError as damage:
            self._faults.add(f"{self.name}: {damage}; the file was read from its start instead.")
        return None

    def _learn(self) -> None:
        """Turn the channel records that are new into channels."""
        for number, record in self._walk.channels.items():
            if number in self.channels:
                continue
            schema = self._walk.schemas.get(record.schema_id)
            if schema is None and record.schema_id:
                self._faults.add(
                    f"{self.name}: the schema {record.schema_id} of {record.topic} is missing; "
                    "its messages are played but cannot be decoded."
                )
            self.channels[number] = Channel(
                topic=record.topic,
                encoding=record.encoding,
                schema_name=schema.name if schema else "",
                schema_encoding=schema.encoding if schema else "",
                schema_data=schema.data if schema else b"",
                metadata=record.metadata,
            )

    def _certain(self, block: McapBlock) -> McapBlock | None:
        """Look into a block if nothing says what it holds, or if it may define channels that are unknown."""
        known = block.channels is None or block.channels <= self.channels.keys()
        if block.is_certain and (known or not block.is_chunk):
            return block
        scan = self.scan(block, None)
        if scan is None or not len(scan.times_ns):
            return None
        return McapBlock(
            order=block.order,
            start_ns=int(scan.times_ns.min()),
            end_ns=int(scan.times_ns.max()),
            messages=len(scan.times_ns),
            channels=None,
            offset=block.offset,
            length=block.length,
            is_chunk=block.is_chunk,
            is_cut=block.is_cut,
            index_offsets=block.index_offsets,
        )

    def _extent(self, index: Index | None) -> tuple[int, int, int | None]:
        said = None if index is None else index.statistics
        if said is not None and said.end_ns < _LATEST_NS:
            return (said.start_ns, said.end_ns + 1, said.messages) if said.messages else (0, 0, 0)
        if not self._blocks:
            return 0, 0, 0
        counts = [block.messages for block in self._blocks]
        total = None if None in counts else sum(number for number in counts if number is not None)
        start_ns = min(block.start_ns for block in self._blocks)
        return start_ns, max(block.end_ns for block in self._blocks) + 1, total

    # --- a store of blocks --------------------------------------------------------------------------------

    def scan(self, block: McapBlock, wanted: frozenset[int] | None) -> Scan | None:
        try:
            raw = self._content(block)
        except DamageError as damage:
            self._faults.add(
                f"{self.name}: the chunk at byte {block.offset:,} ({when(block.start_ns)} to "
                f"{when(block.end_ns)}) is damaged: {damage}; {self._lost(block)} left out."
            )
            return None
        found = self._find(raw, wanted)
        self._note(block, raw, found)
        if self._book.is_kept:
            self._book.note(block.order, found.sizes.sizes())
        return found.scan

    def read(self, block: McapBlock) -> bytes:
        try:
            return self._content(block)
        except DamageError:  # the file was changed meanwhile
            raise RecordingError(
                f"{self.file.path} changed while it was read; the rest was not played."
            ) from None

    def emit(self, raw: bytes, offsets: list[int]) -> Iterator[Message]:
        unpack, channels, view = records.MESSAGE_HEAD.unpack_from, self.channels, memoryview(raw)
        head, front = records.HEAD.size, records.MESSAGE_HEAD.size
        for offset in offsets:
            _, length, channel, _, t_ns, pub_ns = unpack(raw, offset)
            start, end = offset + front, offset + head + length
            data = raw[start:end] if length < SMALL_BYTES else view[start:end]
            yield Message(channels[channel], t_ns, pub_ns if pub_ns <= _LATEST_NS else t_ns, data)

    def misplaced(self, block: McapBlock, first_ns: int) -> None:
        self._faults.add(
            f"{self.name}: the chunk at byte {block.offset:,} says that it starts at {when(block.start_ns)} but "
            f"holds a message of {when(first_ns)}; it may have been played late."
        )

    # --- bytes --------------------------------------------------------------------------------------------

    def _content(self, block: McapBlock) -> bytes:
        record = self.file.read(block.offset, block.length)
        if not block.is_chunk:
            return record
        if len(record) < records.HEAD.size:
            raise DamageError("it is not there any more")
        opcode, length = records.HEAD.unpack_from(record)
        if opcode != records.CHUNK or (not block.is_cut and length + records.HEAD.size != block.length):
            raise DamageError("its first bytes are not those of a chunk")
        head = records.parse_chunk_head(record, length)
        data = record[head.data_at :]
        if block.is_cut:
            return salvage(head.compression, data, min(head.size, self._limits.chunk_bytes))
        raw = decompress(head.compression, data, head.size, self._limits.chunk_bytes)
        if head.crc and (computed := zlib.crc32(raw)) != head.crc:
            raise DamageError(f"its CRC is {computed:08x} and should be {head.crc:08x}")
        return raw

    def _find(self, raw: bytes, wanted: frozenset[int] | None) -> _Found:
        times, offsets = array("q"), array("q")
        strangers = timeless = position = 0
        select: Collection[int] = self.channels if wanted is None else wanted
        head_bytes, message_bytes = records.HEAD.size, records.MESSAGE_BODY_BYTES
        unpack, unpack_head, size = _SCAN.unpack_from, records.HEAD.unpack_from, len(raw)
        last = size - _SCAN.size
        sizes, keeps, known = SizeColumns(), self._book.is_kept, self.channels
        while position + head_bytes <= size:
            if position <= last:
                opcode, length, channel, t_ns = unpack(raw, position)
            else:
                opcode, length = unpack_head(raw, position)
            end = position + head_bytes + length
            if end > size or opcode == 0:
                break
            if opcode == records.MESSAGE:
                if length < message_bytes:
                    break
                if t_ns > _LATEST_NS:
                    timeless += 1
                    position = end
                    continue
                if keeps and channel in known:
                    sizes.add(channel, t_ns, length - message_bytes)
                if channel in select:
                    times.append(t_ns)
                    offsets.append(position)
                elif channel not in known:
                    strangers += 1
            elif opcode in (records.SCHEMA, records.CHANNEL) and not self._define(opcode, raw, position, end):
                break
            position = end
        scan = Scan(raw, np.frombuffer(times, np.int64), np.frombuffer(offsets, np.int64))
        return _Found(scan, position, strangers, timeless, sizes)

    def _define(self, opcode: int, raw: bytes, position: int, end: int) -> bool:
        """Take note of a definition inside a chunk, while opening; False if it is malformed."""
        if self._is_open:
            return True
        start = position + records.HEAD.size
        number = int.from_bytes(raw[start : start + 2], "little")
        if number in (self._walk.schemas if opcode == records.SCHEMA else self._walk.channels):
            return True
        if end - start > self._limits.definition_bytes:
            return False
        try:
            self._walk.define(opcode, raw[start:end])
        except DamageError:
            return False
        if opcode == records.CHANNEL:
            self._learn()
        return True

    # --- naming damage ------------------------------------------------------------------------------------

    def _note(self, block: McapBlock, raw: bytes, found: _Found) -> None:
        place = f"the {'chunk' if block.is_chunk else 'stretch'} at byte {block.offset:,}"
        if block.is_cut:
            self._faults.add(
                f"{self.name} breaks off inside the chunk at byte {block.offset:,}, of which "
                f"{count(block.length, 'byte')} are there: messages up to byte {found.end:,} of its content were "
                f"salvaged, the rest up to {when(block.end_ns)} and what came after is missing."
            )
        elif found.end < len(raw):
            self._faults.add(
                f"{self.name}: {place} holds a malformed record at byte {found.end:,} of its content; "
                f"{count(len(raw) - found.end, 'byte')} from there on were left out."
            )
        if found.strangers:
            self._faults.add(
                f"{self.name}: {count(found.strangers, 'message')} in {place} belong to a channel that nothing "
                "defines; they were left out."
            )
        if found.timeless:
            self._faults.add(
                f"{self.name}: {count(found.timeless, 'message')} in {place} have a time after the year 2262; "
                "they were left out."
            )

    def _lost(self, block: McapBlock) -> str:
        """How many messages a chunk that cannot be read should have held, from its message indexes."""
        total = 0
        for offset in block.index_offsets:
            head = self.file.read(offset, 15)
            if len(head) == 15 and head[0] == records.MESSAGE_INDEX:
                total += int.from_bytes(head[11:15], "little") // 16
        if not block.index_offsets:
            return "its messages (how many is not known) were"
        return f"its {count(total, 'message')} {'was' if total == 1 else 'were'}"
