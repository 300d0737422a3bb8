"""The one writer of a ring. It never waits and never looks at its readers."""

import contextlib
import mmap
import os
from pathlib import Path
from typing import NamedTuple

import google_crc32c
import numpy as np

from winnow_runtime.ring import layout
from winnow_runtime.ring.layout import (
    ENTRY,
    ENTRY_BYTES,
    EPOCH_JUMP_NS,
    EPOCH_STEP_NS,
    NO_TIME,
    W_BYTES,
    W_DUPLICATES,
    W_EPOCH_LAST,
    W_EPOCH_TABLE,
    W_EPOCHS,
    W_HEAD,
    W_HEAD_VPOS,
    W_LARGEST,
    W_LATE_NS,
    W_LOST,
    W_NEWEST_NS,
    W_OVERSIZE,
    W_SKIPPED_SEQ,
    W_TAIL,
    W_TMAX_NS,
    Geometry,
    slot_bytes,
)
from winnow_schemas.errors import UnavailableError

_PACK = ENTRY.pack_into
_BIG = 256 * 1024
"""From this size on numpy's copy (which releases the GIL and streams) beats a slice assignment."""


class Counters(NamedTuple):
    """What a ring knows of its whole life."""

    bytes: int
    lost: int
    newest_ns: int


class RingWriter:
    """Writes messages of one port into shared memory; attaches again after a crash."""

    def __init__(self, path: Path, geometry: Geometry, *, prefault: bool = True) -> None:
        self.path = path
        self.geometry = geometry
        self._capacity = geometry.data_capacity
        self._entries = geometry.index_capacity
        self._has_crc = geometry.crc
        self.attached = self._map(path, geometry, prefault=prefault)
        self._load()

    def _map(self, path: Path, geometry: Geometry, *, prefault: bool) -> bool:
        """Map the file, made anew unless it is this very ring; whether it was there already."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            known = (
                size == geometry.file_bytes and os.pread(descriptor, layout.FIXED.size, 0) == geometry.pack()
            )
            if not known:
                os.ftruncate(descriptor, 0)
                os.ftruncate(descriptor, geometry.file_bytes)
            if prefault:
                self._allocate(descriptor, geometry)
            flags = mmap.MAP_SHARED | (mmap.MAP_POPULATE if prefault else 0)
            self._map_ = mmap.mmap(descriptor, geometry.file_bytes, flags)
        finally:
            os.close(descriptor)
        with contextlib.suppress(OSError, AttributeError):  # huge pages where the system allows them for shm
            self._map_.madvise(mmap.MADV_HUGEPAGE)
        view = memoryview(self._map_)
        self._words = view[: layout.HEADER_BYTES].cast("q")
        self._index = view[geometry.index_offset : geometry.data_offset]
        self._data = view[geometry.data_offset : geometry.file_bytes]
        self._array = np.frombuffer(self._data, dtype=np.uint8)
        if not known:
            self._words[W_TMAX_NS] = self._words[W_NEWEST_NS] = NO_TIME
            view[: layout.FIXED.size] = geometry.pack()
        return known

    def _allocate(self, descriptor: int, geometry: Geometry) -> None:
        try:
            os.posix_fallocate(descriptor, 0, geometry.file_bytes)
        except OSError as error:
            self.path.unlink(missing_ok=True)
            raise UnavailableError(
                f"The ring of {geometry.port} needs {geometry.file_bytes / 2**20:.1f} MiB in {self.path.parent} "
                f"and the system refused ({error.strerror}); nothing was started. "
                "Lower ring_mib in the settings or free shared memory."
            ) from None

    def _load(self) -> None:
        """Take over where the header says: all that lies beyond ``head`` never became visible."""
        words = self._words
        self.head = words[W_HEAD]
        self.tail = words[W_TAIL]
        self._vpos = words[W_HEAD_VPOS]
        self._tmax = words[W_TMAX_NS]
        self._late = words[W_LATE_NS]
        self._epochs = words[W_EPOCHS]
        self._tail_vpos = self._entry_vpos(self.tail) if self.tail < self.head else self._vpos
        self._bytes = words[W_BYTES]
        self.last_seq = max(words[W_SKIPPED_SEQ], self._entry_field(self.head - 1, 1) if self.head else 0)
        """The source's sequence number of the newest message accounted for; 0 when there is none."""
        self._largest = words[W_LARGEST]

    def _entry_field(self, n: int, field: int) -> int:
        position = (n % self.geometry.index_capacity) * ENTRY_BYTES
        value: int = ENTRY.unpack_from(self._index, position)[field]
        return value

    def position_of(self, n: int) -> int:
        """Virtual position of the payload of an entry that is still in the ring."""
        return self._entry_vpos(n)

    def _entry_vpos(self, n: int) -> int:
        return self._entry_field(n, 4)

    @property
    def counters(self) -> Counters:
        words = self._words
        return Counters(self._bytes, words[W_LOST] + words[W_OVERSIZE], words[W_NEWEST_NS])

    @property
    def first_ns(self) -> int | None:
        """Stamp of the very first message; None before it, or after so many clock steps that it is forgotten."""
        known = 0 < self._epochs <= layout.EPOCHS_KEPT
        return self._words[W_EPOCH_TABLE + 1] if known else None

    @property
    def head_vpos(self) -> int:
        return self._vpos

    @property
    def largest(self) -> int:
        """Bytes of the largest message so far."""
        return self._largest

    def push(self, data: memoryview, t_ns: int, pub_ns: int, seq: int, channel: int) -> bool:
        """Write one message; False when it is larger than the ring (counted, not written).

        ``data`` is a contiguous view of bytes. ``seq`` is the source's number of the message on this port.
        """
        # Everything that is looked up twice is a local, and rare cases are calls: this runs for each message.
        length = len(data)
        capacity = self._capacity
        words = self._words
        need = slot_bytes(length)
        if need > capacity:
            words[W_OVERSIZE] += 1
            words[W_SKIPPED_SEQ] = self.last_seq = seq
            return False
        vpos = self._vpos
        offset = vpos % capacity
        if offset + need > capacity:  # never straddle the end
            vpos += capacity - offset
            offset = 0
        end = vpos + need
        head = self.head
        entries = self._entries
        if self._tail_vpos < end - capacity or head - self.tail >= entries:
            self._make_room(head, vpos, end)
        if length >= _BIG:
            self._array[offset : offset + length] = np.frombuffer(data, dtype=np.uint8)
        elif length:
            self._data[offset : offset + length] = data
        if 0 <= t_ns - self._tmax <= EPOCH_JUMP_NS:
            self._tmax = words[W_TMAX_NS] = t_ns
        else:
            self._stamp(t_ns, head)
        crc = self._crc(data, seq, t_ns) if self._has_crc else 0
        _PACK(
            self._index,
            (head % entries) * ENTRY_BYTES,
            head,
            seq,
            t_ns,
            pub_ns,
            vpos,
            length,
            channel,
            self._tmax,
            self._epochs & 0xFFFFFFFF,
            crc,
        )
        self.head = head = head + 1
        self._vpos = end
        words[W_HEAD_VPOS] = end
        words[W_NEWEST_NS] = t_ns
        self.last_seq = seq
        self._bytes += length
        words[W_BYTES] = self._bytes
        if length > self._largest:
            self._largest = length
            words[W_LARGEST] = length
        words[W_HEAD] = head  # last: from here on readers see it
        return True

    def _make_room(self, head: int, vpos: int, end: int) -> None:
        """Raise the tail above everything that writing ``[vpos, end)`` will overwrite, before it is overwritten.

        When nothing older is left, the oldest entry is the one that is about to be written, at ``vpos``.
        """
        capacity = self.geometry.data_capacity
        tail = self.tail
        if head - tail >= self.geometry.index_capacity:
            tail = head - self.geometry.index_capacity + 1
            self._tail_vpos = self._entry_vpos(tail) if tail < head else vpos
        while self._tail_vpos < end - capacity and tail < head:
            tail += 1
            self._tail_vpos = self._entry_vpos(tail) if tail < head else vpos
        if tail != self.tail:
            self.tail = tail
            self._words[W_TAIL] = tail

    def _stamp(self, t_ns: int, head: int) -> None:
        """Keep the running maximum, the lateness and the epochs that lookups rely on."""
        behind_ns = self._tmax - t_ns
        if not self._epochs or behind_ns > EPOCH_STEP_NS or -behind_ns > EPOCH_JUMP_NS:
            self._begin_epoch(t_ns, head)
        elif behind_ns <= 0:
            self._tmax = t_ns
        else:
            if behind_ns > self._late:
                self._late = behind_ns
                self._words[W_LATE_NS] = behind_ns
            return
        self._words[W_TMAX_NS] = self._tmax

    def _begin_epoch(self, t_ns: int, head: int) -> None:
        words = self._words
        if self._epochs:
            words[W_EPOCH_LAST + (self._epochs - 1) % layout.EPOCHS_KEPT] = self._tmax
        slot = W_EPOCH_TABLE + 2 * (self._epochs % layout.EPOCHS_KEPT)
        words[slot] = head
        words[slot + 1] = t_ns
        self._epochs += 1
        words[W_EPOCHS] = self._epochs
        self._tmax = t_ns

    @staticmethod
    def _crc(data: memoryview, seq: int, t_ns: int) -> int:
        prefix = (
            seq.to_bytes(8, "little")
            + t_ns.to_bytes(8, "little", signed=True)
            + len(data).to_bytes(4, "little")
        )
        return int(google_crc32c.extend(google_crc32c.value(prefix), bytes(data)))

    def count_lost(self, messages: int) -> None:
        """Count messages that never reached the ring."""
        self._words[W_LOST] += messages

    def count_duplicate(self) -> None:
        """Count a message that was here already."""
        self._words[W_DUPLICATES] += 1

    def close(self) -> None:
        """Unmap. The file stays: readers may still want it."""
        del self._array
        self._words.release()
        self._index.release()
        self._data.release()
        with contextlib.suppress(BufferError):
            self._map_.close()
