"""Writes segments: messages in, chunks and index rows out, cursors that say what is safe."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from winnow_runtime.mcapfile.writer import ChunkPlace, McapWriter
from winnow_runtime.warm.index import ROW, Segment, segment_at
from winnow_schemas.channel import Channel

BULK_BYTES = 64 * 1024
"""Messages from this size on go into chunks of their own stream, so that reading signals never touches them."""
SIGNALS, BULK = "signals", "bulk"


class Item(NamedTuple):
    """One message to record."""

    port: str
    number: int
    """The ring's entry number, from which the cursor follows."""
    channel: int
    seq: int
    t_ns: int
    pub_ns: int
    length: int
    epoch: int


class SegmentWriter:
    """One open segment at a time."""

    def __init__(self, folder: Path, segment_ns: int, channel_of: Callable[[int], Channel]) -> None:
        self._folder = folder
        self._segment_ns = segment_ns
        self._channel_of = channel_of
        self.segment: Segment | None = None
        self._writer: McapWriter | None = None
        self._file = self._index = -1
        self._rows: dict[str, list[tuple[int, ...]]] = {SIGNALS: [], BULK: []}
        self._pending: dict[str, dict[str, int]] = {SIGNALS: {}, BULK: {}}
        self.safe: dict[str, int] = {}
        """Port -> everything before this entry number is in the files."""
        self._stream_of: dict[str, str] = {}
        """One stream per port: were its channels in two, its cursor would pass what the other one has not closed."""
        self._began_ns: dict[str, int] = {}
        """Port -> its earliest stamp in the open segment."""
        self.messages = 0
        self.bytes = 0
        """What is in the files of this process."""

    def add(self, item: Item, fill: Callable[[memoryview], bool]) -> bool:
        """Record a message that ``fill`` copies in; False when it says that the bytes are gone.

        Raises:
            OSError: the disk refuses.

        """
        # Each topic against itself: one with a clock of its own, or one absurd stamp, must neither keep a segment
        # open for ever nor begin one per message.
        began_ns = self._began_ns.get(item.port, item.t_ns)
        if self.segment is None or item.t_ns - began_ns >= self._segment_ns:
            self.rotate(item.t_ns)
            began_ns = item.t_ns
        self._began_ns[item.port] = min(began_ns, item.t_ns)
        assert self._writer is not None
        stream = self._stream_of.setdefault(item.port, BULK if item.length >= BULK_BYTES else SIGNALS)
        number = self._writer.channel(self._channel_of(item.channel), stream, item.channel + 1)
        offset = self._writer.fill_message(number, item.t_ns, item.pub_ns, item.seq, item.length, fill)
        if offset < 0:
            return False
        self._rows[stream].append(
            (item.t_ns, item.pub_ns, item.seq, 0, offset, item.length, item.channel, item.epoch)
        )
        self._pending[stream][item.port] = item.number + 1
        return True

    def skip_to(self, port: str, number: int) -> None:
        """Nothing of this port before this entry number is missing, apart from what is in open chunks."""
        for pending in self._pending.values():
            if port in pending:
                pending[port] = max(pending[port], number)
                return
        self.safe[port] = max(self.safe.get(port, 0), number)

    def _on_chunk(self, place: ChunkPlace) -> None:
        """A chunk is in the file: now its rows, then the cursors."""
        # fill_message closes the full chunk *before* it adds the message that did not fit, and the
        # row of that message is appended only afterwards: the rows here are exactly those of the chunk.
        rows = np.array(self._rows[place.stream], dtype=ROW)
        rows["chunk"] = place.offset
        _write_all(self._index, rows.tobytes())
        self.messages += len(rows)
        self.bytes += int(rows["length"].sum(dtype=np.int64))
        self._rows[place.stream].clear()
        self.safe.update(self._pending[place.stream])
        self._pending[place.stream].clear()

    def flush(self) -> None:
        """Close the open chunks: everything added is in the files (not yet synced)."""
        if self._writer is not None:
            self._writer.flush()

    @property
    def pending(self) -> bool:
        """Whether something added is not in the files yet."""
        return any(self._rows.values())

    def rotate(self, start_ns: int) -> Segment | None:
        """Finish the open segment, if any, and begin one named after ``start_ns``; the finished one."""
        finished = self.close()
        segment = segment_at(self._folder, start_ns)
        while segment.path.exists():  # the clock stepped back: names stay unique
            segment = segment_at(self._folder, segment.start_ns + 1)
        self._file = os.open(segment.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        self._index = os.open(segment.index_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        self.segment = segment
        self._began_ns.clear()
        file = self._file
        self._writer = McapWriter(lambda data: _write_all(file, data), on_chunk=self._on_chunk)
        self._writer.stream(SIGNALS, "")
        self._writer.stream(BULK, "")
        return finished

    def close(self) -> Segment | None:
        """Finish the open segment so that any MCAP reader opens it; the segment."""
        segment, self.segment = self.segment, None
        if self._writer is None:
            return None
        self._writer.finish()
        self._writer = None
        try:
            for file in (self._file, self._index):
                os.fsync(file)
        finally:
            self._let_go()
        return segment

    def duplicate_files(self) -> list[int]:
        """Descriptors of their own for the open segment and its index, for syncing from another thread."""
        try:
            return [os.dup(file) for file in (self._file, self._index) if file >= 0]
        except OSError:
            return []  # closed at this very moment, which syncs it

    def abandon(self) -> None:
        """The disk refuses: let go of the open segment as it is; recovery mends it later."""
        self._writer = None
        self.segment = None
        self._let_go()
        for stream in self._rows:
            self._rows[stream].clear()
            self._pending[stream].clear()

    def _let_go(self) -> None:
        """Close the files, each once whatever happens: its number may belong to another one a moment later."""
        files, self._file, self._index = (self._file, self._index), -1, -1
        for file in files:
            if file >= 0:
                os.close(file)


def _write_all(file: int, data: Any) -> None:
    with memoryview(data) as whole, whole.cast("B") as view:
        done = 0
        while done < len(view):
            done += os.write(file, view[done:])
