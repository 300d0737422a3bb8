"""Finds where records go on behind damage, at the speed of numpy."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from winnow_runtime.recordings import mcap_records as records
from winnow_runtime.salvage import shapes
from winnow_runtime.salvage.medium import Bytes

OUTSIDE = frozenset(records.RECORD_NAMES)
"""Kinds that stand in a file."""
INSIDE = frozenset((records.SCHEMA, records.CHANNEL, records.MESSAGE))
"""Kinds that stand in a chunk."""
CERTAIN = frozenset((records.HEADER, records.CHUNK, records.ATTACHMENT))
"""Kinds that are found for certain, by sizes stated twice or by the file's mark before them."""
_FIRST_WINDOW_BYTES = 4096
"""The next record is near as a rule; a file may be damaged in a hundred thousand places."""
_WINDOW_BYTES = 1024 * 1024
_DAY_NS = 86_400_000_000_000


class Surroundings:
    """What is known from before the damage, so that chance is not taken for a message."""

    def __init__(self, channels: Collection[int], times_ns: tuple[int, int] | None) -> None:
        self.is_channel: NDArray[np.bool_] = np.zeros(65536, np.bool_)
        if channels:
            self.is_channel[np.fromiter(channels, np.int64)] = True
        else:  # nothing says which channels there are
            self.is_channel[:] = True
        first_ns, last_ns = (0, (1 << 63) - 1) if times_ns is None else times_ns
        self.first_ns = np.uint64(max(0, first_ns - _DAY_NS))
        self.last_ns = np.uint64(min((1 << 64) - 1, last_ns + _DAY_NS))

    def is_near(self, t_ns: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Times within a day of the rest: chance hits this once in 10^5."""
        near: NDArray[np.bool_] = (t_ns >= self.first_ns) & (t_ns <= self.last_ns)
        return near


class Finder:
    """Searches one file, or the content of one chunk."""

    def __init__(self, source: Bytes, opcodes: frozenset[int], around: Surroundings) -> None:
        self._source = source
        self._opcodes = opcodes
        self._around = around
        self._likely: NDArray[np.bool_] = np.zeros(256, np.bool_)
        self._likely[list(opcodes)] = True

    def find(self, start: int, end: int) -> int:
        """Position of the first record at or after ``start``; ``end`` if there is none before it."""
        position, size = start, _FIRST_WINDOW_BYTES
        while position < end:
            reach = min(size, end - position)
            size = min(size * 4, _WINDOW_BYTES)
            window = self._source.read(position, reach + shapes.HEAD_BYTES)
            if window.count(0) < len(window):  # zeros after a power cut are passed at memory speed
                for at in self._candidates(window, reach).tolist():
                    if self._is_record(position + at, window[at : at + shapes.HEAD_BYTES]):
                        return self._with_mark(position + at, start)
            position += reach
        return end

    def is_likely_at(self, position: int) -> bool:
        """Whether a record could start exactly here, by its own head alone."""
        window = self._source.read(position, shapes.HEAD_BYTES)
        return len(self._candidates(window, 1)) > 0

    def _candidates(self, window: bytes, reach: int) -> NDArray[np.int64]:
        """Places with a likely opcode and a length below a terabyte; messages also with a likely head."""
        data = np.frombuffer(window, np.uint8)
        usable = min(reach, len(data) - records.HEAD.size + 1)
        if usable <= 0:
            return np.empty(0, np.int64)
        mask = self._likely[data[:usable]]
        for high in (6, 7, 8):
            mask &= data[high : usable + high] == 0
        places = np.flatnonzero(mask)
        messages = data[places] == records.MESSAGE
        if not messages.any():
            return places
        fits = np.ones(len(places), np.bool_)
        fits[messages] = self._likely_messages(data, places[messages])
        return places[fits]

    def _likely_messages(self, data: NDArray[np.uint8], places: NDArray[np.int64]) -> NDArray[np.bool_]:
        whole = places + records.MESSAGE_HEAD.size <= len(data)
        inside = np.where(whole, places, 0)
        if len(data) < records.MESSAGE_HEAD.size:
            return whole
        heads = np.lib.stride_tricks.sliding_window_view(data, records.MESSAGE_HEAD.size)[inside]
        t_ns = np.ascontiguousarray(heads[:, 15:23]).view("<u8")[:, 0]
        likely: NDArray[np.bool_] = whole & self._around.is_near(t_ns)
        return likely

    def _is_record(self, position: int, head: bytes) -> bool:
        opcode, length = records.HEAD.unpack_from(head)
        if opcode == records.CHUNK:
            return shapes.is_chunk(head, length)
        if opcode == records.HEADER and self._source.read(position - 8, 8) != records.MAGIC:
            return False
        if opcode == records.MESSAGE:
            if length < records.MESSAGE_BODY_BYTES or not self._is_chained(position, head, length):
                return False
        elif not shapes.has_shape(self._source, position, opcode, length):
            return False
        return self._opcodes == CERTAIN or shapes.can_start(
            self._source, position + records.HEAD.size + length, self._opcodes
        )

    def _is_chained(self, position: int, head: bytes, length: int) -> bool:
        """A channel that nothing defines may have lost its record: then another likely message must follow."""
        channel = int.from_bytes(head[9:11], "little")
        return bool(self._around.is_channel[channel]) or self.is_likely_at(
            position + records.HEAD.size + length
        )

    def _with_mark(self, position: int, start: int) -> int:
        """The mark before a header belongs to it."""
        before = position - len(records.MAGIC)
        if before >= start and self._source.read(before, len(records.MAGIC)) == records.MAGIC:
            return before
        return position
