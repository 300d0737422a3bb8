"""Message indexes behind a chunk: where its messages are, according to the file."""

from typing import NamedTuple

import numpy as np

from winnow_runtime.recordings import mcap_records as records
from winnow_runtime.salvage.medium import Bytes
from winnow_runtime.salvage.messages import HEAD, Offsets

_ENTRY = np.dtype([("t_ns", "<u8"), ("offset", "<u8")])
_FIXED_BYTES = 6
_TIMES_MAX = 250_000
"""Messages whose times are kept to say what of a damaged chunk is lost; with more, only that it is."""


class Pointers(NamedTuple):
    """What the message indexes say. Nothing of it is trusted."""

    offsets: Offsets
    """Sorted; empty when the indexes cannot be right."""
    times: dict[int, list[int]]
    """Channel -> log times of its messages."""
    end: int
    """Position behind the indexes."""


def pointers_at(source: Bytes, position: int, content_bytes: int) -> Pointers:
    """Read the message indexes at ``position``, of a chunk with this much content."""
    most = content_bytes // HEAD.itemsize + 1
    parts: list[np.ndarray[tuple[int], np.dtype[np.void]]] = []
    times: dict[int, list[int]] = {}
    total = 0
    while True:
        head = source.read(position, records.HEAD.size + _FIXED_BYTES)
        if len(head) < records.HEAD.size + _FIXED_BYTES:
            break
        opcode, length = records.HEAD.unpack_from(head)
        channel, entry_bytes = int.from_bytes(head[9:11], "little"), int.from_bytes(head[11:15], "little")
        count = entry_bytes // _ENTRY.itemsize
        end = position + records.HEAD.size + length
        if opcode != records.MESSAGE_INDEX or length != _FIXED_BYTES + entry_bytes or entry_bytes % 16:
            break
        if end > source.size or total + count > most:
            break
        entries = np.frombuffer(source.read(position + len(head), entry_bytes), _ENTRY)
        total += count
        position = end
        parts.append(entries)
        if total <= _TIMES_MAX and count:
            times.setdefault(channel, []).extend(entries["t_ns"].tolist())
    offsets = np.concatenate([np.empty(0, np.uint64), *(part["offset"] for part in parts)])
    if (offsets >= content_bytes).any():
        offsets = offsets[:0]
    return Pointers(np.sort(offsets.astype(np.int64)), times if total <= _TIMES_MAX else {}, position)
