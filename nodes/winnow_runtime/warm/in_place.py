"""Finishing a segment where it is: nothing is copied, what is torn at its end is cut off."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from winnow_runtime.mcapfile.summary import Summary
from winnow_runtime.recordings.mcap_records import ChannelRecord, SchemaRecord
from winnow_runtime.salvage.shapes import AttachmentShape
from winnow_runtime.salvage.target import (
    OutChunk,
    Placed,
    chunk_index,
    mcap_channel,
    mcap_schema,
    message_indexes,
)


class InPlace:
    """Looks how far the file is good, as a :class:`~winnow_runtime.salvage.target.Target`; finishes it there."""

    def __init__(self, on_chunk: Callable[[Placed], None]) -> None:
        self._on_chunk = on_chunk
        self._summary = Summary()
        self._index = b""
        self._stopped = False
        self.end = 0
        """Everything before it stays."""
        self.behind = 0
        """Messages behind the damage: with any, the file must be written anew."""
        self.messages = 0

    def schema(self, record: SchemaRecord) -> None:
        self._summary.schemas[record.id] = mcap_schema(record)

    def channel(self, record: ChannelRecord) -> None:
        self._summary.channels[record.id] = mcap_channel(record)

    def chunk(self, chunk: OutChunk) -> None:
        if self._stopped or chunk.stored is None:
            self.damaged(0)
            self.behind += len(chunk.heads)
            return
        start, size = chunk.stored.position, chunk.stored.record_bytes
        index, counts, places = message_indexes(chunk, start + size)
        placed = chunk_index(chunk, start, start + size, len(index), places, chunk.stored.data_bytes)
        self._summary.chunk(placed, counts)
        self.messages += len(chunk.heads)
        self.end = start + size
        self._on_chunk(Placed(start, chunk))
        if chunk.stored.index == index:
            self.end += len(index)
        else:  # cut off inside its message indexes: they are written again
            self._index = index
            self._stopped = True

    def attachment(self, shape: AttachmentShape, record: Iterable[bytes]) -> None:  # noqa: ARG002 - the protocol's
        """Segments have none; a file with one is written anew."""
        self.damaged(0)
        self.behind += 1

    def metadata(self, name: str, values: dict[str, str]) -> None:  # noqa: ARG002 - the protocol's
        """The same."""
        self.damaged(0)
        self.behind += 1

    def good_until(self, position: int) -> None:
        if not self._stopped:
            self.end = max(self.end, position)

    def damaged(self, position: int) -> None:  # noqa: ARG002 - where does not matter
        self._stopped = True

    def finish(self, descriptor: int) -> None:
        """Cut the file and write what follows; durable when this returns.

        Raises:
            OSError: the disk refuses; the file is as usable as before.

        """
        os.ftruncate(descriptor, self.end)
        os.lseek(descriptor, self.end, os.SEEK_SET)

        def put(data: Any) -> None:
            with memoryview(data) as view:
                done = 0
                while done < len(view):
                    done += os.write(descriptor, view[done:])

        put(self._index)
        os.fsync(descriptor)  # a file with an end mark has everything before it
        self._summary.write(put, self.end + len(self._index))
        os.fsync(descriptor)
