"""Finds the chunks of a ROS 1 bag: from the index at its end, or by going from record to record."""

from dataclasses import dataclass

from winnow_runtime.recordings import ros1_records as records
from winnow_runtime.recordings.faults import DamageError, Faults, RecordingError, count
from winnow_runtime.recordings.limits import Limits
from winnow_runtime.recordings.ordering import Block
from winnow_runtime.recordings.stored_file import StoredFile

_INDEX_ENTRY_BYTES = 12
_STEP_BYTES = 4 * 1024 * 1024
_OVERLAP_BYTES = 4096
_CHUNK_FIELDS = frozenset((b"compression", b"size"))


@dataclass(frozen=True, slots=True)
class Ros1Block(Block):
    """A chunk."""

    offset: int


class Ros1Walk:
    """Afterwards ``chunks`` are positions or blocks, and ``connections`` the connection records found."""

    def __init__(self, file: StoredFile, limits: Limits, faults: Faults) -> None:
        self.file = file
        self.limits = limits
        self.faults = faults
        self.connections: dict[int, tuple[str, bytes]] = {}
        """Number -> topic and the connection header's bytes."""
        self.blocks: list[Ros1Block] = []
        """From the index."""
        self.offsets: list[int] = []
        """From walking: where the chunks are."""

    def run(self) -> bool:
        """Find everything; True if the bag's own index was good.

        Raises:
            RecordingError: the bag is encrypted.

        """
        start = len(records.MAGIC)
        try:
            head = self._bag_header(start)
            index_at = head.number(b"index_pos", 8)
            self._read_index(index_at, head.number(b"conn_count", 4), head.number(b"chunk_count", 4))
        except DamageError as damage:
            self.faults.add(
                f"{self.file.name} has no good index ({damage}), so it was cut off, damaged or never closed; it was "
                "read from its start instead."
            )
            self.blocks.clear()
            self._walk(start)
            return False
        return True

    def _bag_header(self, position: int) -> records.RecordHead:
        head = self.head(position)
        if head.opcode != records.BAG_HEADER:
            raise DamageError("the bag header is missing")
        if head.fields.get(b"encryptor", b""):
            raise RecordingError(
                f"{self.file.path} is encrypted ({head.text(b'encryptor')}); nothing was read; decrypt it with ROS 1: "
                "`rosbag decrypt`."
            )
        return head

    def head(self, position: int) -> records.RecordHead:
        """The head of the record at this position of the file; raises DamageError."""
        data = self.file.head(position, 4)
        data = self.file.head(position, records.header_length(data, 0) + 8)
        return records.parse_head(data, 0)

    # --- the index ----------------------------------------------------------------------------------------

    def _read_index(self, start: int, connections: int, chunks: int) -> None:
        if not len(records.MAGIC) < start <= self.file.size:
            raise DamageError("it says that its index is missing" if start == 0 else "the index is cut off")
        if self.file.size - start > self.limits.index_bytes:
            raise DamageError(f"its index is larger than the limit of {self.limits.index_bytes:,} bytes")
        data = self.file.read(start, self.file.size - start)
        position = 0
        while position < len(data):
            head = records.parse_head(data, position)
            body = data[position + head.data_at : position + head.data_at + head.data_size]
            if len(body) != head.data_size:
                raise DamageError("its index is cut off")
            if head.opcode == records.CONNECTION:
                self.connect(head, body)
            elif head.opcode == records.CHUNK_INFO:
                self._chunk_info(head, body)
            position += head.data_at + head.data_size
        if len(self.connections) < connections or len(self.blocks) != chunks:
            raise DamageError("its index is incomplete")

    def _chunk_info(self, head: records.RecordHead, body: bytes) -> None:
        offset = head.number(b"chunk_pos", 8)
        if not len(records.MAGIC) < offset < self.file.size:
            raise DamageError("its index places a chunk outside the file")
        pairs = [
            (int.from_bytes(body[at : at + 4], "little"), int.from_bytes(body[at + 4 : at + 8], "little"))
            for at in range(0, len(body) - 7, 8)
        ]
        if not pairs:
            return
        start_ns, end_ns = head.time_ns(b"start_time"), head.time_ns(b"end_time")
        self.blocks.append(
            Ros1Block(
                order=len(self.blocks),
                start_ns=min(start_ns, end_ns),
                end_ns=max(start_ns, end_ns),
                messages=sum(number for _, number in pairs),
                channels=frozenset(connection for connection, _ in pairs),
                offset=offset,
            )
        )

    def connect(self, head: records.RecordHead, body: bytes) -> None:
        """Take note of a connection; the first of a number stays. Raises DamageError."""
        number = head.number(b"conn", 4)
        if number in self.connections:
            return
        if len(self.connections) >= self.limits.channels:
            raise DamageError(f"there are more than {self.limits.channels:,} connections")
        if len(body) > self.limits.definition_bytes:
            raise DamageError(f"a connection of {len(body):,} bytes is over the limit")
        self.connections[number] = (head.text(b"topic"), body)

    # --- walking ------------------------------------------------------------------------------------------

    def _walk(self, position: int) -> None:
        size = self.file.size
        while position < size:
            try:
                position = self._step(position)
            except DamageError as damage:
                goes_on = self._next_chunk(position + 1)
                if goes_on < size:
                    self.faults.add(
                        f"{self.file.name} is damaged at byte {position:,} ({damage}); "
                        f"{count(goes_on - position, 'byte')} were skipped, reading went on after them."
                    )
                else:
                    self.faults.add(
                        f"{self.file.name} breaks off at byte {position:,} of {size:,} ({damage}); how much is "
                        "missing after it is not known, everything before was read."
                    )
                position = goes_on

    def _step(self, position: int) -> int:
        head = self.head(position)
        end = position + head.data_at + head.data_size
        if head.opcode == records.INDEX_DATA and head.number(b"ver", 4) == 1:
            # Bags of 2010-11 state a wrong length here; rosbag itself goes by the count.
            end = position + head.data_at + head.number(b"count", 4) * _INDEX_ENTRY_BYTES
        if head.opcode == records.CHUNK:
            self.offsets.append(position)
            # An end behind the file's is a torn chunk, or a damaged length with other chunks behind it.
            return end if end <= self.file.size else self._next_chunk(position + 1)
        if head.opcode not in records.RECORD_NAMES:
            raise DamageError(f"there is no record with opcode {head.opcode}")
        if end > self.file.size:
            raise DamageError(f"a {records.RECORD_NAMES[head.opcode]} record is cut off")
        if head.opcode == records.CONNECTION and head.data_size <= self.limits.definition_bytes:
            self.connect(head, self.file.read(position + head.data_at, head.data_size))
        return end

    def _next_chunk(self, start: int) -> int:
        """Position of the next chunk record at or after ``start``; the file's size if there is none."""
        position = start
        while position < self.file.size:
            window = self.file.read(position, _STEP_BYTES + _OVERLAP_BYTES)
            found = records.find_head(window, 0, records.CHUNK, _CHUNK_FIELDS)
            if found is not None:
                return position + found
            position += _STEP_BYTES
        return self.file.size
