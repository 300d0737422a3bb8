"""Sizes from the message indexes of MCAP chunks, without decompressing them.

An index says where in its chunk each message begins. In a chunk that holds nothing but messages, a message ends
where the next one begins, so its size is exact. Chunks hold schemas and channels too: where each of them is
defined is looked up first, and the chunks that define something are opened as all others would be.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from winnow_runtime.recordings import mcap_records as records
from winnow_runtime.recordings.faults import DamageError
from winnow_runtime.recordings.limits import Limits
from winnow_runtime.recordings.mcap_walk import McapBlock, McapWalk
from winnow_runtime.recordings.sizes import Sizes
from winnow_runtime.recordings.stored_file import StoredFile

_ENTRY = np.dtype([("t_ns", "<u8"), ("offset", "<u8")])
_INDEX_HEAD_BYTES = records.HEAD.size + 6
"""Opcode, length, channel, length of the entries."""
_INDEX_GUESS_BYTES = 1024
"""Read at once: the entries of 63 messages; most chunks hold fewer of one channel."""
_CHUNK_HEAD_BYTES = 256
"""Enough for the head of a chunk with the longest name of a compression."""
_LATEST_NS = (1 << 63) - 1


class IndexedSizes:
    """Sizes of a file's chunks, where its index is enough for them."""

    def __init__(
        self,
        file: StoredFile,
        limits: Limits,
        walk: McapWalk,
        blocks: Sequence[McapBlock],
        content: Callable[[McapBlock], bytes],
    ) -> None:
        self._file = file
        self._limits = limits
        self._walk = walk
        self._blocks = blocks
        self._content = content
        self._is_searched = False
        self._defining: frozenset[int] | None = None
        """Orders of the chunks that define something; None when a definition was not found."""

    def of(self, block: McapBlock) -> Sizes | None:
        """The sizes of a chunk's messages; None when only its content can tell."""
        if not (block.is_chunk and block.is_certain and block.index_offsets) or block.is_cut:
            return None
        if not self._is_searched:
            self._is_searched = True
            self._defining = self._search()
        if self._defining is None or block.order in self._defining:
            return None
        try:
            return self._read(block)
        except DamageError:
            return None

    # --- where things are defined -------------------------------------------------------------------------

    def _search(self) -> frozenset[int] | None:
        walk = self._walk
        missing = {
            *((records.CHANNEL, number) for number in walk.channels if number not in walk.outside_channels),
            *((records.SCHEMA, number) for number in walk.schemas if number not in walk.outside_schemas),
        }
        first: dict[int, McapBlock] = {}
        for block in self._blocks:
            for channel in block.channels or ():
                first.setdefault(channel, block)
        defining = set()
        for block in sorted(
            {first[number].order: first[number] for _, number in missing if number in first}.values(),
            key=lambda block: block.order,
        ):
            try:
                found = set(_definitions(self._content(block)))
            except DamageError:
                return None
            defining.add(block.order)
            missing -= found
        return None if missing else frozenset(defining)

    # --- one chunk ----------------------------------------------------------------------------------------

    def _read(self, block: McapBlock) -> Sizes | None:
        head = records.parse_chunk_head(
            self._file.read(block.offset, min(block.length, _CHUNK_HEAD_BYTES)),
            block.length - records.HEAD.size,
        )
        parts = [self._entries(offset) for offset in block.index_offsets]
        entries = np.concatenate([part for _, part in parts])
        channels = np.repeat([channel for channel, _ in parts], [len(part) for _, part in parts])
        order = np.argsort(entries["offset"], kind="stable")
        begins = entries["offset"][order]
        if not len(begins) or begins[0] != 0 or int(begins[-1]) >= head.size:
            return None
        if (
            int(entries["t_ns"].max()) > _LATEST_NS
            or not set(channels.tolist()) <= self._walk.channels.keys()
        ):
            return None
        ends = np.append(begins[1:], np.uint64(head.size)).astype(np.int64)
        lengths = ends - begins.astype(np.int64) - records.MESSAGE_HEAD.size
        if int(lengths.min()) < 0:
            return None
        return Sizes(channels[order].astype(np.int64), entries["t_ns"][order].astype(np.int64), lengths)

    def _entries(self, offset: int) -> tuple[int, np.ndarray[tuple[int], np.dtype[np.void]]]:
        head = self._file.read(offset, _INDEX_GUESS_BYTES)
        if len(head) < _INDEX_HEAD_BYTES or head[0] != records.MESSAGE_INDEX:
            raise DamageError("there is no message index")
        channel = int.from_bytes(head[9:11], "little")
        size = int.from_bytes(head[11:15], "little")
        if size % _ENTRY.itemsize or size > self._limits.index_bytes:
            raise DamageError("the length of a message index is impossible")
        end = _INDEX_HEAD_BYTES + size
        data = head[_INDEX_HEAD_BYTES:end]
        if end > len(head):
            data = self._file.read(offset + _INDEX_HEAD_BYTES, size)
        if len(data) != size:
            raise DamageError("a message index is cut off")
        return channel, np.frombuffer(data, _ENTRY)


def _definitions(raw: bytes) -> Iterator[tuple[int, int]]:
    """Opcode and number of the schemas and channels in a chunk's content."""
    position = 0
    while position + records.HEAD.size <= len(raw):
        opcode, length = records.HEAD.unpack_from(raw, position)
        start = position + records.HEAD.size
        if opcode in (records.SCHEMA, records.CHANNEL):
            yield opcode, int.from_bytes(raw[start : start + 2], "little")
        position = start + length
