"""Reading a ring from any process: look up by time in O(log n), copy, and check that the copy is whole."""

import contextlib
import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from winnow_runtime.ring import layout
from winnow_runtime.ring.layout import ENTRY, ENTRY_BYTES, ENTRY_DTYPE, Geometry, read_geometry

Entries = NDArray[np.void]
"""Copies of index entries, dtype ``layout.ENTRY_DTYPE``."""


class Stats(NamedTuple):
    """Counters of a ring, taken one after the other while it may be written."""

    messages: int
    bytes: int
    lost: int
    oversize: int
    duplicates: int
    in_ring: int
    oldest_ns: int | None
    newest_ns: int | None
    fill: float
    """Part of the payload memory that holds messages."""
    index_fill: float
    """Part of the time index in use: many small messages fill it before the memory."""
    held_ns: int
    """Message time from the oldest to the newest stamp in the ring; over clock steps, the sum of the spans."""
    largest: int
    """Bytes of the largest message so far."""

    @property
    def fullness(self) -> float:
        """How close the ring is to overwriting: at 1 each new message costs an old one."""
        return max(self.fill, self.index_fill)


class Epoch(NamedTuple):
    """A stretch of a topic with one clock."""

    number: int
    """From 1, as in the entries."""
    first_entry: int
    first_ns: int
    newest_ns: int
    """The largest stamp in it."""


class RingReader:
    """A read-only view of one port's ring."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            self._map = mmap.mmap(descriptor, 0, mmap.MAP_SHARED, mmap.PROT_READ)
        finally:
            os.close(descriptor)
        view = memoryview(self._map)
        self.geometry: Geometry = read_geometry(view, path)
        self.path = path
        self._words = view[: layout.HEADER_BYTES].cast("q")
        self._index = view[self.geometry.index_offset : self.geometry.data_offset]
        self._entries = np.frombuffer(self._index, dtype=ENTRY_DTYPE)
        self._data = view[self.geometry.data_offset : self.geometry.file_bytes]
        self._array = np.frombuffer(self._data, dtype=np.uint8)
        self._capacity = self.geometry.data_capacity

    @property
    def payloads(self) -> NDArray[np.uint8]:
        """The payload memory, shape ``(data_capacity,)``; what stands in it counts only after a look at ``tail``."""
        return self._array

    @property
    def port(self) -> str:
        return self.geometry.port

    @property
    def head(self) -> int:
        """Entries written so far; the newest is ``head - 1``."""
        return self._words[layout.W_HEAD]

    @property
    def tail(self) -> int:
        """The oldest entry that is still whole."""
        return self._words[layout.W_TAIL]

    def stats(self) -> Stats:
        """Counters and the time span that the ring holds."""
        words = self._words
        head, tail = self.head, self.tail
        span = self.between(tail, min(tail + 1, head)), self.between(max(tail, head - 1), head)
        first, last = (part[0] if len(part) else None for part in span)
        used = int(words[layout.W_HEAD_VPOS]) - int(first["vpos"]) if first is not None else 0
        return Stats(
            messages=head,
            bytes=words[layout.W_BYTES],
            lost=words[layout.W_LOST],
            oversize=words[layout.W_OVERSIZE],
            duplicates=words[layout.W_DUPLICATES],
            in_ring=max(0, head - tail),
            oldest_ns=int(first["t_ns"]) if first is not None else None,
            newest_ns=int(last["t_ns"]) if last is not None else None,
            fill=min(1.0, used / self.geometry.data_capacity),
            index_fill=min(1.0, max(0, head - tail) / self.geometry.index_capacity),
            held_ns=self._held_ns(),
            largest=words[layout.W_LARGEST],
        )

    def _held_ns(self) -> int:
        held = 0
        for first, last, _ in self._spans():
            ends = self.between(first, first + 1), self.between(last - 1, last)
            if all(map(len, ends)):
                held += max(0, int(ends[1][0]["tmax_ns"]) - int(ends[0][0]["t_ns"]))
        return held

    def between(self, first: int, last: int) -> Entries:
        """Copies of the entries ``first <= n < last`` that are whole; older ones are left out."""
        first = max(first, self.tail)
        last = min(last, self.head)
        if last <= first:
            return np.empty(0, ENTRY_DTYPE)
        capacity = self.geometry.index_capacity
        start, count = first % capacity, last - first
        if start + count <= capacity:
            copy = self._entries[start : start + count].copy()
        else:
            copy = np.concatenate([self._entries[start:], self._entries[: start + count - capacity]])
        overtaken = self.tail - first  # overwritten while copying
        return copy[overtaken:] if overtaken > 0 else copy

    def window(self, start_ns: int, end_ns: int) -> Entries:
        """Entries with ``start_ns <= t_ns < end_ns``, in the order in which they arrived.

        Two binary searches per clock epoch. Exact in spite of late messages: within an epoch the running
        maximum never falls, what stands before it reached ``start_ns`` is older than ``start_ns``, and
        what stands after it passed ``end_ns`` plus the largest lateness seen is not in the window.
        """
        parts = []
        for low, high in self.locate(start_ns, end_ns):
            entries = self.between(low, high)
            times = entries["t_ns"]
            parts.append(entries[(times >= start_ns) & (times < end_ns)])
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else np.empty(0, ENTRY_DTYPE)

    def locate(self, start_ns: int, end_ns: int) -> list[tuple[int, int]]:
        """Spans of entry numbers, one per clock, outside of which nothing is in ``[start_ns, end_ns)``."""
        late = self.late_ns
        spans = []
        for first, last, one_clock in self._spans():
            low, high = first, last
            if one_clock:
                low = self._first_reaching(start_ns, first, last)
                high = self._first_reaching(end_ns + late, low, last)
            spans.append((low, high))
        return spans

    def first_at(self, t_ns: int) -> int:
        """Number of the first entry that a reader interested in ``t_ns`` and later still needs."""
        found = [
            self._first_reaching(t_ns, first, last) if one_clock else first
            for first, last, one_clock in self._spans()
        ]
        return min(found, default=self.head)

    @property
    def late_ns(self) -> int:
        """How far behind the newest stamp of its epoch a message has ever been."""
        return self._words[layout.W_LATE_NS]

    @property
    def accounted_seq(self) -> int:
        """The source's number of the newest message that was accounted for, kept or larger than the ring."""
        newest = self.between(self.head - 1, self.head)
        return max(self._words[layout.W_SKIPPED_SEQ], int(newest[0]["seq"]) if len(newest) else 0)

    def epochs(self) -> list[Epoch]:
        """The clocks that are remembered, oldest first; the last one goes on."""
        words, count = self._words, self._words[layout.W_EPOCHS]
        found = []
        for number in range(max(0, count - layout.EPOCHS_KEPT), count):
            place = number % layout.EPOCHS_KEPT
            over = number < count - 1
            found.append(
                Epoch(
                    number + 1,
                    words[layout.W_EPOCH_TABLE + 2 * place],
                    words[layout.W_EPOCH_TABLE + 2 * place + 1],
                    words[layout.W_EPOCH_LAST + place] if over else words[layout.W_TMAX_NS],
                )
            )
        return found

    def _spans(self) -> Iterator[tuple[int, int, bool]]:
        """Spans of entry numbers, oldest first, and whether one clock made them.

        What forgotten epochs left in the ring did not come from one clock, and is looked through.
        """
        epochs = self.epochs()
        head, tail = self.head, self.tail
        if epochs and epochs[0].first_entry > tail:
            yield tail, epochs[0].first_entry, False
        for index, epoch in enumerate(epochs):
            end = epochs[index + 1].first_entry if index + 1 < len(epochs) else head
            if end > tail:
                yield max(epoch.first_entry, tail), end, True

    def _first_reaching(self, t_ns: int, low: int, high: int) -> int:
        """First ``n`` in ``[low, high)`` whose running maximum is at least ``t_ns``; ``high`` when none is."""
        capacity = self.geometry.index_capacity
        index, unpack = self._index, ENTRY.unpack_from
        while low < high:
            middle = (low + high) // 2
            entry = unpack(index, (middle % capacity) * ENTRY_BYTES)
            if entry[0] != middle or entry[7] < t_ns:  # overwritten meanwhile: everything up to it is gone
                low = middle + 1
            else:
                high = middle
        return low

    def copy_into(self, entry: Any, target: bytearray | memoryview) -> memoryview | None:
        """Copy a payload into ``target`` (at least ``entry['length']`` long); None when it was overwritten."""
        length = int(entry["length"])
        offset = int(entry["vpos"]) % self.geometry.data_capacity
        view = memoryview(target)[:length]
        if length:
            np.frombuffer(view, dtype=np.uint8)[:] = self._array[offset : offset + length]
        return view if self._whole(entry, view) else None

    def copy_at(self, number: int, vpos: int, target: memoryview) -> bool:
        """Copy the payload of entry ``number``, which lies at ``vpos``, into ``target`` of its length; whether it was whole."""
        if self.geometry.crc:
            entries = self.between(number, number + 1)
            return len(entries) > 0 and self.copy_into(entries[0], target) is not None
        offset = vpos % self._capacity
        target[:] = self._data[offset : offset + len(target)]
        return number >= self.tail

    def copy(self, entry: Any) -> bytes | None:
        """The payload as bytes of its own; None when it was overwritten."""
        length = int(entry["length"])
        offset = int(entry["vpos"]) % self.geometry.data_capacity
        data = bytes(self._data[offset : offset + length])
        return data if self._whole(entry, memoryview(data)) else None

    def peek(self, entry: Any) -> memoryview:
        """The payload in place. Whoever uses it asks :meth:`still_whole` *afterwards*, before believing it."""
        offset = int(entry["vpos"]) % self.geometry.data_capacity
        return self._data[offset : offset + int(entry["length"])]

    def still_whole(self, entry: Any) -> bool:
        """Whether the slot has not been touched since the entry was read."""
        return int(entry["n"]) >= self.tail

    def _whole(self, entry: Any, view: memoryview) -> bool:
        if int(entry["n"]) < self.tail:
            return False
        if not self.geometry.crc:
            return True
        prefix = (
            int(entry["seq"]).to_bytes(8, "little")
            + int(entry["t_ns"]).to_bytes(8, "little", signed=True)
            + len(view).to_bytes(4, "little")
        )
        return int(google_crc32c.extend(google_crc32c.value(prefix), bytes(view))) == int(entry["crc"])

    def close(self) -> None:
        """Unmap."""
        del self._entries, self._array
        for view in (self._words, self._index, self._data):
            view.release()
        with contextlib.suppress(BufferError):
            self._map.close()
