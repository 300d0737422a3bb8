"""Makes the index beside a segment anew, from the segment and from what is left of the old one."""

import numpy as np
from numpy.typing import NDArray

from winnow_runtime.recordings import mcap_records as records
from winnow_runtime.salvage.messages import HEAD, Found
from winnow_runtime.salvage.shapes import ChunkShape
from winnow_runtime.salvage.target import Placed
from winnow_runtime.warm.index import ROW, Rows

_LOW = 0xFFFFFFFF
"""MCAP keeps 32 bits of a sequence number."""


class RowMaker:
    """Takes chunks in order; an old row is believed as far as it agrees with its message."""

    def __init__(self, old: Rows, checked_from: int) -> None:
        """``checked_from``: chunks before this position are believed if the old index describes them."""
        order = np.argsort(old["chunk"], kind="stable")
        self._old = old[order]
        self._chunks = self._old["chunk"]
        self._checked_from = checked_from
        self._seen: set[int] = set()
        self._epoch = 0
        self._high: dict[int, int] = {}
        self._parts: list[NDArray[np.void]] = []

    def known(self, position: int, shape: ChunkShape) -> Found | None:
        """The messages of a chunk that was synced long ago, from its old rows.

        A chunk that brings a new channel is read all the same: the channel's record is in it.
        """
        if position >= self._checked_from or shape.crc == 0:
            return None
        rows = self._rows_of(position)
        if not len(rows):
            return None
        ends = rows["offset"].astype(np.int64) + HEAD.itemsize + rows["length"]
        if int(ends.max()) != shape.size or not set(np.unique(rows["channel"]).tolist()) <= self._seen:
            return None
        heads = np.zeros(len(rows), HEAD)
        heads["opcode"] = records.MESSAGE
        heads["length"] = rows["length"].astype(np.uint64) + records.MESSAGE_BODY_BYTES
        heads["channel"] = rows["channel"] + 1
        heads["sequence"] = rows["seq"] & _LOW
        heads["t_ns"], heads["pub_ns"] = rows["t_ns"], rows["pub_ns"]
        return Found(rows["offset"].astype(np.int64), heads, end=shape.size)

    def add(self, placed: Placed) -> None:
        """A chunk of the mended segment."""
        heads, offsets, stored = placed.chunk.heads, placed.chunk.offsets, placed.chunk.stored
        rows = np.zeros(len(heads), ROW)
        rows["t_ns"], rows["pub_ns"] = heads["t_ns"], heads["pub_ns"]
        rows["chunk"], rows["offset"] = placed.offset, offsets
        rows["length"] = heads["length"] - records.MESSAGE_BODY_BYTES
        rows["channel"] = heads["channel"] - 1
        old = self._rows_of(stored.position) if stored is not None else self._old[:0]
        if _describe(old, rows, heads["sequence"]):
            rows["seq"], rows["epoch"] = old["seq"], old["epoch"]
        else:
            high = [self._high.get(number, 0) for number in rows["channel"].tolist()]
            rows["seq"] = np.array(high, np.uint64) | heads["sequence"].astype(np.uint64)
            rows["epoch"] = self._epoch
        self._epoch = int(rows["epoch"][-1])
        for number in np.unique(rows["channel"]).tolist():
            self._seen.add(number)
            last = int(rows["seq"][np.flatnonzero(rows["channel"] == number)[-1]])
            self._high[number] = last & ~_LOW
        self._parts.append(rows)

    def rows(self) -> Rows:
        """All rows, in the order of the chunks."""
        return np.concatenate(self._parts) if self._parts else np.empty(0, ROW)

    def _rows_of(self, position: int) -> Rows:
        first, last = np.searchsorted(self._chunks, [position, position + 1])
        return self._old[first:last]


def _describe(old: Rows, rows: Rows, sequences: NDArray[np.uint32]) -> bool:
    """Whether old rows speak of the same messages in the same order."""
    return len(old) == len(rows) and all(
        bool((a == b).all())
        for a, b in (
            (old["t_ns"], rows["t_ns"]),
            (old["pub_ns"], rows["pub_ns"]),
            (old["offset"], rows["offset"]),
            (old["length"], rows["length"]),
            (old["channel"], rows["channel"]),
            (old["seq"] & _LOW, sequences),
        )
    )
