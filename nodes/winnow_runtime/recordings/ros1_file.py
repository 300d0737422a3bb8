"""One ROS 1 bag of version 2.0: indexed, without index, torn, or with the odd index of 2010."""

from array import array
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import numpy as np

from winnow_runtime.recordings import ros1_records as records
from winnow_runtime.recordings.compression import BZ2, LZ4, NONE, decompress, salvage
from winnow_runtime.recordings.faults import DamageError, Faults, RecordingError, count, when
from winnow_runtime.recordings.limits import Limits
from winnow_runtime.recordings.ordering import Scan, TimeOrder
from winnow_runtime.recordings.ros1_walk import Ros1Block, Ros1Walk
from winnow_runtime.recordings.sizes import SizeBook, SizeColumns, Sizes
from winnow_runtime.recordings.source import SMALL_BYTES, SourceFile
from winnow_runtime.recordings.stored_file import StoredFile
from winnow_schemas.channel import Channel, Message

_COMPRESSIONS = {"none": NONE, "lz4": LZ4, "bz2": BZ2}
_MESSAGE_FIELDS = frozenset((b"conn", b"time"))
_CHANNEL_KEYS = ("callerid", "latching", "md5sum")
"""What a connection header says beside topic, type and definition."""


@dataclass(slots=True)
class _Found:
    """Messages of one chunk while it is searched."""

    select: Collection[int]
    sizes: SizeColumns | None
    """Of all messages, if they are kept."""
    times: "array[int]" = field(default_factory=lambda: array("q"))
    offsets: "array[int]" = field(default_factory=lambda: array("q"))
    """Negative (inverted) where the message is not of the usual layout."""
    strangers: int = 0
    """Messages of connections that nothing defines."""
    skipped: int = 0
    """Bytes of malformed records."""


class Ros1File(SourceFile):
    """Chunks of one bag, and its connections as channels."""

    def __init__(self, file: StoredFile, limits: Limits, faults: Faults) -> None:
        self.file = file
        self._limits = limits
        self._faults = faults
        self._walk = Ros1Walk(file, limits, faults)
        self.channels: dict[int, Channel] = {}
        self._layout: records.MessageLayout | None = None
        self._is_open = False
        self._book = SizeBook()
        if self._walk.run():
            self._blocks = self._walk.blocks
            self._learn()
        else:
            self._learn()
            self._blocks = list(self._look_into_all())
        self._is_open = True
        counts = [block.messages or 0 for block in self._blocks]
        self.message_count: int | None = sum(counts)
        self.start_ns = min((block.start_ns for block in self._blocks), default=0)
        self.end_ns = max((block.end_ns + 1 for block in self._blocks), default=0)

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

    def sizes(self, start_ns: int, end_ns: int, *, checked: bool = False) -> Iterator[Sizes]:  # noqa: ARG002 - always is
        self._book.is_kept = True
        for block in self._blocks:
            if block.end_ns >= start_ns and block.start_ns < end_ns:
                if self._book.get(block.order) is None:
                    self.scan(block, frozenset())
                found = self._book.get(block.order)
                if found is not None:
                    yield found

    # --- opening ------------------------------------------------------------------------------------------

    def _learn(self) -> None:
        for number, (topic, header) in self._walk.connections.items():
            if number in self.channels:
                continue
            try:
                fields = {
                    name.decode("utf-8", "replace"): value
                    for name, value in records.parse_fields(header).items()
                }
            except DamageError as damage:
                self._faults.add(
                    f"{self.name}: the connection header of {topic} is damaged ({damage}); its messages are played "
                    "but cannot be decoded."
                )
                fields = {}
            metadata = {key: fields[key].decode("utf-8", "replace") for key in _CHANNEL_KEYS if key in fields}
            self.channels[number] = Channel(
                topic=topic or fields.get("topic", b"").decode("utf-8", "replace"),
                encoding="ros1",
                schema_name=fields.get("type", b"").decode("utf-8", "replace"),
                schema_encoding="ros1msg" if fields else "",
                schema_data=fields.get("message_definition", b""),
                metadata=tuple(sorted(metadata.items())),
            )

    def _look_into_all(self) -> Iterator[Ros1Block]:
        """Without index: read every chunk once for its connections, its times and its count."""
        for order, offset in enumerate(self._walk.offsets):
            scan = self.scan(Ros1Block(order, 0, 0, None, None, offset), None)
            if scan is not None and len(scan.times_ns):
                first_ns, last_ns = int(scan.times_ns.min()), int(scan.times_ns.max())
                yield Ros1Block(order, first_ns, last_ns, len(scan.times_ns), None, offset)

    # --- a store of blocks --------------------------------------------------------------------------------

    def scan(self, block: Ros1Block, wanted: frozenset[int] | None) -> Scan | None:
        try:
            raw, missing = self._content(block)
        except DamageError as damage:
            lost = (
                "its messages (how many is not known)"
                if block.messages is None
                else count(block.messages, "message")
            )
            self._faults.add(
                f"{self.name}: the chunk at byte {block.offset:,} is damaged: {damage}; {lost} were left out."
            )
            return None
        found = self._find(raw, wanted)
        self._note(block, found, missing)
        if found.sizes is not None:
            self._book.note(block.order, found.sizes.sizes())
        return Scan(raw, np.frombuffer(found.times, np.int64), np.frombuffer(found.offsets, np.int64))

    def read(self, block: Ros1Block) -> bytes:
        try:
            return self._content(block)[0]
        except DamageError:
            raise RecordingError(
                f"{self.file.path} changed while it was read; the rest was not played."
            ) from None

    def emit(self, raw: bytes, offsets: list[int]) -> Iterator[Message]:
        channels, view, layout = self.channels, memoryview(raw), self._layout
        for offset in offsets:
            if offset >= 0 and layout is not None:
                connection, seconds, nanos, size = layout.values_of(layout.head.unpack_from(raw, offset))
                t_ns = seconds * 1_000_000_000 + nanos
                start = offset + layout.head.size
            else:
                head = records.parse_head(raw, ~offset)
                connection, t_ns = head.number(b"conn", 4), head.time_ns(b"time")
                start, size = ~offset + head.data_at, head.data_size
            data = raw[start : start + size] if size < SMALL_BYTES else view[start : start + size]
            yield Message(channels[connection], t_ns, t_ns, data)

    def misplaced(self, block: Ros1Block, first_ns: int) -> None:
        self._faults.add(
            f"{self.name}: the chunk at byte {block.offset:,} says that it starts at {when(block.start_ns)} but "
            f"holds a message of {when(first_ns)}; it may have been played late."
        )

    # --- bytes --------------------------------------------------------------------------------------------

    def _content(self, block: Ros1Block) -> tuple[bytes, int]:
        """The chunk's content, and how many bytes of it are missing."""
        head = self._walk.head(block.offset)
        if head.opcode != records.CHUNK:
            raise DamageError("there is no chunk record")
        compression = _COMPRESSIONS.get(head.text(b"compression"), head.text(b"compression"))
        size, data_at = head.number(b"size", 4), block.offset + head.data_at
        data = self.file.read(data_at, min(head.data_size, self._limits.record_bytes))
        if len(data) == head.data_size:
            return decompress(compression, data, size, self._limits.chunk_bytes), 0
        raw = salvage(compression, data, min(size, self._limits.chunk_bytes))
        return raw, size - len(raw)

    def _find(self, raw: bytes, wanted: frozenset[int] | None) -> _Found:
        sizes = SizeColumns() if self._book.is_kept else None
        found = _Found(self.channels if wanted is None else wanted, sizes)
        position = 0
        while position < len(raw):
            position = self._usual_messages(raw, position, found)
            if position < len(raw):
                position = self._other_record(raw, position, found)
        return found

    def _usual_messages(self, raw: bytes, position: int, found: _Found) -> int:
        """Pass all messages of the file's usual layout; where something else comes."""
        if self._layout is None:
            return position
        head, marks_of, marks, values_of = self._layout
        unpack, front, size, select, sizes = head.unpack_from, head.size, len(raw), found.select, found.sizes
        while position + front <= size:
            values = unpack(raw, position)
            if marks_of(values) != marks:
                break
            connection, seconds, nanos, length = values_of(values)
            end = position + front + length
            if end > size:
                break
            if sizes is not None and connection in self.channels:
                sizes.add(connection, seconds * 1_000_000_000 + nanos, length)
            if connection in select:
                found.times.append(seconds * 1_000_000_000 + nanos)
                found.offsets.append(position)
            elif connection not in self.channels:
                found.strangers += 1
            position = end
        return position

    def _other_record(self, raw: bytes, position: int, found: _Found) -> int:
        """Pass one record of any layout, or damage."""
        try:
            head, end = _record(raw, position)
            if head.opcode == records.CONNECTION:
                self._connect(head, raw[position + head.data_at : end])
                return end
            connection, t_ns = head.number(b"conn", 4), head.time_ns(b"time")
        except DamageError:
            goes_on = records.find_head(raw, position + 1, records.MESSAGE, _MESSAGE_FIELDS)
            end = len(raw) if goes_on is None else goes_on
            found.skipped += end - position
            return end
        if self._layout is None:
            self._layout = records.message_layout(head)
        if found.sizes is not None and connection in self.channels:
            found.sizes.add(connection, t_ns, head.data_size)
        if connection in found.select:
            found.times.append(t_ns)
            found.offsets.append(~position)
        elif connection not in self.channels:
            found.strangers += 1
        return end

    def _connect(self, head: records.RecordHead, body: bytes) -> None:
        """Learn a connection; what comes after opening was not announced, so it stays unknown."""
        if not self._is_open:
            self._walk.connect(head, body)
            self._learn()

    # --- naming damage ------------------------------------------------------------------------------------

    def _note(self, block: Ros1Block, found: _Found, missing: int) -> None:
        place = f"{self.name}: the chunk at byte {block.offset:,}"
        if missing:
            self._faults.add(
                f"{place} is not all there: {count(missing, 'byte')} of its content are missing; the messages before "
                "them were salvaged."
            )
        elif found.skipped:
            self._faults.add(
                f"{place} holds malformed records: {count(found.skipped, 'byte')} of its content were left out."
            )
        if found.strangers:
            self._faults.add(
                f"{place} holds {count(found.strangers, 'message')} of a connection that nothing defines; they were "
                "left out."
            )


def _record(raw: bytes, position: int) -> tuple[records.RecordHead, int]:
    """The record at a place of a chunk's content, and its end; raises DamageError."""
    head = records.parse_head(raw, position)
    end = position + head.data_at + head.data_size
    if end > len(raw) or head.opcode not in (records.MESSAGE, records.CONNECTION):
        raise DamageError("the record is cut off or of a kind that chunks do not hold")
    return head, end
