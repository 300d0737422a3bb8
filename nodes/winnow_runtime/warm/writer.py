"""Writes segments: messages in, chunks and index rows out, cursors that say what is safe."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from winnow_runtime.disk import Disk
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

    def __init__(
        self,
        folder: Path,
        segment_ns: int,
        channel_of: Callable[[int], Channel],
        disk: Disk | None = None,
    ) -> None:
        self._folder = folder
        self._disk = disk or Disk()
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
        self._disk.write(self._index, rows.tobytes())
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
        self._file = self._disk.create(segment.path)
        segment.index_path.unlink(missing_ok=True)
        self._index = self._disk.create(segment.index_path)
        # Synced data of a file whose name is not on the medium are lost all the same.
        self._disk.sync_folder(self._folder)
        self.segment = segment
        self._began_ns.clear()
        file = self._file
        self._writer = McapWriter(lambda data: self._disk.write(file, data), on_chunk=self._on_chunk)
        self._writer.stream(SIGNALS, "")
        self._writer.stream(BULK, "")
        return finished

    def close(self) -> Segment | None:
        """Finish the open segment so that any MCAP reader opens it; the segment."""
        segment, self.segment = self.segment, None
        if self._writer is None:
            return None
        # The end mark goes last: a file that has one has everything before it, and all its rows.
        self._writer.flush()
        self._disk.sync(self._file)
        self._disk.sync(self._index)
        self._writer.finish()
        self._writer = None
        try:
            self._disk.sync(self._file)
        finally:
            self._let_go()
        return segment

    def sync(self) -> None:
        """Everything that was flushed before is durable when this returns. For another thread.

        Raises:
            OSError: the disk refuses; what was written since the last time may be lost.

        """
        try:
            files = [self._disk.duplicate(file) for file in (self._file, self._index) if file >= 0]
        except OSError:
            return  # closed at this very moment, which syncs it
        try:
            for file in files:
                self._disk.sync(file)
        finally:
            for file in files:
                self._disk.close(file)

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
                self._disk.close(file)
