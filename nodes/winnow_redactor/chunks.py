"""The chunks of a clip: looked through once, passed on as they are where nothing in them has to stay.

A chunk is checked record by record before anything of it leaves, whatever its index says. One that holds only
what may leave goes into the copy as it is stored, so that clouds are not compressed again; of any other the
messages that may leave become a new chunk.
"""

import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mcap.records import Channel as McapChannel
from mcap.records import ChunkIndex
from numpy.typing import NDArray

from winnow_runtime.recordings import mcap_records as records
from winnow_runtime.recordings.mcap_records import parse_channel, parse_schema
from winnow_runtime.recordings.stored_file import StoredFile
from winnow_runtime.salvage import content, messages
from winnow_runtime.salvage.messages import HEAD, Definition, Found
from winnow_runtime.salvage.shapes import HEAD_BYTES, ChunkShape, chunk_shapes
from winnow_runtime.salvage.target import OutChunk, Stored
from winnow_schemas.errors import BadInputError

COMPRESSION = "lz4"
"""Of chunks that are made anew."""


class Loaded(NamedTuple):
    """A chunk that is right: its CRC, and every byte of it is part of a record."""

    stated: ChunkIndex
    shape: ChunkShape
    raw: memoryview
    found: Found


class Chunks:
    """Reads the chunks of one clip."""

    def __init__(self, clip: Path, indexes: Collection[ChunkIndex], channels: dict[int, McapChannel]) -> None:
        self._name = clip.name
        self._scratch = clip.parent
        self._file = StoredFile(clip)
        self._indexes = sorted(indexes, key=lambda index: index.chunk_start_offset)
        self._channels = channels

    def close(self) -> None:
        self._file.close()

    def holding(self, numbers: Collection[int]) -> Iterator[Loaded]:
        """The chunks that say that they hold messages of these channels, in the order of the file.

        Raises:
            BadInputError: a chunk is damaged, or holds what its index does not say.

        """
        for index in self._indexes:
            if not index.message_index_offsets.keys().isdisjoint(numbers):
                yield self._load(index)

    def _load(self, index: ChunkIndex) -> Loaded:
        at = index.chunk_start_offset
        head = self._file.read(at, HEAD_BYTES)
        if len(head) < records.HEAD.size:
            raise self._damaged(at, "it lies behind the end of the file")
        opcode, length = records.HEAD.unpack_from(head)
        shape = next(chunk_shapes(head, length), None)
        if opcode != records.CHUNK or shape is None or shape.record_bytes != index.chunk_length:
            raise self._damaged(at, "it is not where its index says")
        loaded = content.load(self._file, at, shape, at + shape.record_bytes, self._scratch)
        if not loaded.is_whole or (shape.crc and not loaded.is_verified):
            raise self._damaged(at, loaded.problem)
        found = messages.walk(loaded.raw, 0, inside=True, limit=len(loaded.raw))
        if found.end != len(loaded.raw):
            raise self._damaged(at, "its records do not fill it")
        if not set(np.unique(found.heads["channel"]).tolist()) <= index.message_index_offsets.keys():
            raise self._damaged(at, "it holds messages of channels that its index does not name")
        return Loaded(index, shape, loaded.raw, found)

    def _damaged(self, position: int, what: str) -> BadInputError:
        return BadInputError(
            f"The chunk at byte {position} of {self._name} cannot be trusted ({what}); nothing of it leaves."
        )

    def payloads(self, loaded: Loaded, numbers: Collection[int]) -> Iterator[tuple[int, memoryview]]:
        """Channel and payload of the messages of these channels."""
        found = loaded.found
        wanted = np.isin(found.heads["channel"], list(numbers))
        begins = found.offsets[wanted] + HEAD.itemsize
        for channel, begin, end in zip(
            found.heads["channel"][wanted].tolist(), begins.tolist(), found.ends[wanted].tolist(), strict=True
        ):
            yield channel, loaded.raw[begin:end]

    def passing(self, loaded: Loaded, numbers: Collection[int]) -> OutChunk | None:
        """What of a chunk goes into the copy, with the channels' own numbers; None when nothing does."""
        found, shape = loaded.found, loaded.shape
        keep = np.isin(found.heads["channel"], list(numbers))
        if keep.all() and self._is_plain(loaded, numbers):
            at = loaded.stated.chunk_start_offset + shape.data_at
            stored = Stored(
                loaded.stated.chunk_start_offset,
                shape.record_bytes,
                (self._file.read(at, shape.data_size),),
                shape.data_size,
                b"",
            )
            return OutChunk(
                loaded.raw, shape.size, shape.crc, shape.compression, found.offsets, found.heads, stored
            )
        return _compacted(loaded, keep)

    def _is_plain(self, loaded: Loaded, numbers: Collection[int]) -> bool:
        """Whether beside its messages a chunk holds nothing but the definitions of these channels."""
        found = loaded.found
        schemas = {self._channels[number].schema_id for number in numbers}
        covered = int((found.ends - found.offsets).sum())
        for definition in found.definitions:
            covered += definition.end - definition.start + records.HEAD.size
            if not self._may_leave(loaded.raw, definition, numbers, schemas):
                return False
        return covered == len(loaded.raw)

    @staticmethod
    def _may_leave(
        raw: memoryview, definition: Definition, numbers: Collection[int], schemas: Collection[int]
    ) -> bool:
        body = bytes(raw[definition.start : definition.end])
        if definition.opcode == records.SCHEMA:
            return parse_schema(body).id in schemas
        return parse_channel(body).id in numbers


def _compacted(loaded: Loaded, keep: NDArray[np.bool_]) -> OutChunk | None:
    if not keep.any():
        return None
    found = loaded.found
    raw, offsets = messages.compact(loaded.raw, found.offsets[keep], found.ends[keep])
    return OutChunk(raw, len(raw), zlib.crc32(raw), COMPRESSION, offsets, found.heads[keep], None)
