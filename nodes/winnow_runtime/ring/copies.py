"""Copies many messages out of one ring: small ones by the block, large ones one by one.

A block is a stretch of the ring's payload memory, copied at once. After copying, ``tail`` is read: every entry
at or above it was whole while it was copied, so one look is good for all messages of the block. Where the CRC
is on (see :mod:`winnow_runtime.ring.layout`), each message is checked by itself beside that.
"""

from typing import Any

import numpy as np

from winnow_runtime.ring.reader import RingReader

BLOCK_BYTES = 256 * 1024
_SMALL_BYTES = 32 * 1024
"""Up to this size a message is taken from a block; one copy of a larger one costs more than the call."""


class Copies:
    """Copies of one ring's messages for a reader that goes through them in order, more or less."""

    __slots__ = ("_begin", "_block", "_capacity", "_end", "_large", "_ring", "_view", "_whole_from")

    def __init__(self, ring: RingReader, large: "Large") -> None:
        self._ring = ring
        self._large = large
        self._capacity = ring.geometry.data_capacity
        self._block = np.empty(min(BLOCK_BYTES, self._capacity), np.uint8)
        self._view = self._block.data
        self._begin = self._end = 0
        self._whole_from = 0

    def take(self, number: int, vpos: int, length: int) -> memoryview | None:
        """The payload of an entry, valid until the next call for any ring; None when it was overwritten.

        ``number``, ``vpos`` and ``length`` are those of an entry that the ring had.
        """
        if length > _SMALL_BYTES:
            return self._take_large(number, vpos, length)
        if not (self._begin <= vpos and vpos + length <= self._end):
            self._fill(vpos)
        if number < self._whole_from:
            return None
        begin = vpos - self._begin
        return self._view[begin : begin + length]

    def _fill(self, vpos: int) -> None:
        offset = vpos % self._capacity
        count = min(len(self._block), self._capacity - offset)
        self._block[:count] = self._ring.payloads[offset : offset + count]
        self._begin, self._end = vpos, vpos + count
        self._whole_from = self._ring.tail

    def _take_large(self, number: int, vpos: int, length: int) -> memoryview | None:
        offset = vpos % self._capacity
        view = self._large.room(length)
        self._large.array[:length] = self._ring.payloads[offset : offset + length]
        return view if number >= self._ring.tail else None


class CheckedCopies(Copies):
    """The same where every copy's CRC-32C is looked at."""

    __slots__ = ()

    def take(self, number: int, vpos: int, length: int) -> memoryview | None:  # noqa: ARG002 - the entry says where it lies
        entries: Any = self._ring.between(number, number + 1)
        if not len(entries):
            return None
        return self._ring.copy_into(entries[0], self._large.room(length))


class Large:
    """One buffer for large messages, shared by all rings of a reader."""

    def __init__(self) -> None:
        self.array = np.empty(4 * 1024 * 1024, np.uint8)
        self._view = self.array.data

    def room(self, length: int) -> memoryview:
        """The first ``length`` bytes; it grows to the largest message."""
        if length > len(self.array):
            self.array = np.empty(length, np.uint8)
            self._view = self.array.data
        return self._view[:length]


def copies_of(ring: RingReader, large: Large) -> Copies:
    """The copies that are safe for this ring."""
    return (CheckedCopies if ring.geometry.crc else Copies)(ring, large)
