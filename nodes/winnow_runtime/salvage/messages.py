"""The messages in a stretch of bytes: found by going from record to record, looked at all at once.

Where the message indexes of the file already say where the messages are, they are only checked, which costs
nothing per message in Python: the records must follow each other without a gap from first to last byte.
"""

import itertools
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow_runtime.recordings import mcap_records as records
from winnow_runtime.salvage import finder
from winnow_runtime.salvage.finder import Finder, Surroundings
from winnow_runtime.salvage.medium import MemoryBytes

HEAD = np.dtype(
    {
        "names": ["opcode", "length", "channel", "sequence", "t_ns", "pub_ns"],
        "formats": ["u1", "<u8", "<u2", "<u4", "<u8", "<u8"],
        "offsets": [0, 1, 9, 11, 15, 23],
        "itemsize": 31,
    }
)
"""A message record up to its payload (MCAP, "Message (op=0x05)")."""
BATCH_MESSAGES = 250_000
"""Looked at in one go: 10 MB of heads and offsets."""
_HINT_GAPS = 1000
"""Definitions between the messages of a chunk; with more, it is walked."""
Heads = NDArray[np.void]
Offsets = NDArray[np.int64]


class Definition(NamedTuple):
    """A schema or channel record between messages."""

    opcode: int
    start: int
    """Of its body."""
    end: int


@dataclass(slots=True)
class Found:
    """Messages of a stretch, in the order of the file."""

    offsets: Offsets
    heads: Heads
    definitions: list[Definition] = field(default_factory=list)
    gaps: list[tuple[int, int]] = field(default_factory=list)
    """Stretches [start, end) that are not records."""
    end: int = 0
    """Where the search stopped: the end of the bytes, a record that cannot be, or the limit of a batch."""

    @property
    def ends(self) -> Offsets:
        return self.offsets + records.HEAD.size + self.heads["length"].astype(np.int64)

    def parts(self, keep: NDArray[np.bool_], most_bytes: int) -> Iterator[tuple[Offsets, Offsets, Heads]]:
        """Offsets, ends and heads of the kept messages, in groups of about this size."""
        offsets, ends, heads = self.offsets[keep], self.ends[keep], self.heads[keep]
        groups = np.cumsum(ends - offsets) // most_bytes
        borders = [0, *(np.flatnonzero(np.diff(groups)) + 1).tolist(), len(offsets)]
        for first, last in itertools.pairwise(borders):
            if first < last:
                yield offsets[first:last], ends[first:last], heads[first:last]


def heads_at(raw: memoryview, offsets: Offsets) -> Heads:
    """The heads of the messages at these offsets."""
    if not len(offsets):
        return np.empty(0, HEAD)
    rows = np.lib.stride_tricks.sliding_window_view(np.frombuffer(raw, np.uint8), HEAD.itemsize)[offsets]
    return rows.reshape(-1).view(HEAD)


def walk(raw: memoryview, start: int, *, inside: bool, limit: int = BATCH_MESSAGES) -> Found:
    """Go from record to record as long as they can be; ``inside`` a chunk other records are passed over."""
    offsets = array("q")
    definitions: list[Definition] = []
    unpack, head_bytes, size = records.HEAD.unpack_from, records.HEAD.size, len(raw)
    message, least, position = records.MESSAGE, records.MESSAGE_BODY_BYTES, start
    while position + head_bytes <= size and len(offsets) < limit:
        opcode, length = unpack(raw, position)
        end = position + head_bytes + length
        if end > size:
            break
        if opcode == message:
            if length < least:
                break
            offsets.append(position)
        elif not inside or opcode == 0:
            break
        elif opcode in (records.SCHEMA, records.CHANNEL):
            definitions.append(Definition(opcode, position + head_bytes, end))
        position = end
    places = np.frombuffer(offsets, np.int64) if len(offsets) else np.empty(0, np.int64)
    return Found(places, heads_at(raw, places), definitions, [], position)


def hinted(raw: memoryview, offsets: Offsets) -> Found | None:
    """The same as :func:`walk` over a whole chunk, from offsets that the file states; None if they do not fit."""
    size = len(raw)
    if not 0 < len(offsets) <= BATCH_MESSAGES or offsets[0] < 0 or int(offsets[-1]) + HEAD.itemsize > size:
        return None
    heads = heads_at(raw, offsets)
    lengths = heads["length"]
    if (heads["opcode"] != records.MESSAGE).any() or (lengths < records.MESSAGE_BODY_BYTES).any():
        return None
    if (lengths > size).any():
        return None
    ends = offsets + records.HEAD.size + lengths.astype(np.int64)
    before = np.concatenate([np.zeros(1, np.int64), ends])
    behind = np.concatenate([offsets, np.array([size], np.int64)])
    if (before > behind).any():
        return None
    holes = np.flatnonzero(before < behind)
    if len(holes) > _HINT_GAPS:
        return None
    definitions: list[Definition] = []
    for hole in holes.tolist():
        start, end = int(before[hole]), int(behind[hole])
        found = walk(raw[:end], start, inside=True)
        if len(found.offsets) or found.end != end:
            return None
        definitions += found.definitions
    return Found(offsets, heads, definitions, [], size)


def over_damage(raw: memoryview, start: int, around: Surroundings, *, inside: bool = True) -> Found:
    """Go from record to record and over what is damaged, to the end of the bytes or of a batch."""
    source = MemoryBytes(raw)
    kinds = finder.INSIDE if inside else frozenset((records.MESSAGE,))
    search = Finder(source, kinds, around)
    parts: list[Found] = []
    gaps: list[tuple[int, int]] = []
    position, total = start, 0
    while position < len(raw) and total < BATCH_MESSAGES:
        part = walk(raw, position, inside=inside, limit=BATCH_MESSAGES - total)
        position = part.end
        if position < len(raw) and total + len(part.offsets) < BATCH_MESSAGES:
            # The record that ends here may be the damaged one: by its length it leads to this place.
            is_message = len(part.offsets) > 0 and int(part.ends[-1]) == position
            suspect = int(part.offsets[-1]) if is_message else position
            goes_on = search.find(suspect + 1, len(raw))
            if goes_on < position:
                part.offsets, part.heads = part.offsets[:-1], part.heads[:-1]
                position = suspect
            elif goes_on == position:
                goes_on = search.find(position + 1, len(raw))
            gaps.append((position, goes_on))
            position = goes_on
        parts.append(part)
        total += len(part.offsets)
    empty = np.empty(0, np.int64)
    offsets = np.concatenate([empty, *(part.offsets for part in parts)])
    heads = np.concatenate([np.empty(0, HEAD), *(part.heads for part in parts)])
    definitions = [item for part in parts for item in part.definitions]
    return Found(offsets, heads, definitions, gaps, position)


def compact(raw: memoryview, offsets: Offsets, ends: Offsets) -> tuple[memoryview | bytearray, Offsets]:
    """These messages alone, one behind the other, and their new offsets; a view where they are already."""
    breaks = np.flatnonzero(offsets[1:] != ends[:-1]) + 1
    if not len(breaks):
        return raw[int(offsets[0]) : int(ends[-1])], offsets - offsets[0]
    places = np.concatenate([np.zeros(1, np.int64), np.cumsum(ends - offsets)])
    result = bytearray(int(places[-1]))
    borders = [0, *breaks.tolist(), len(offsets)]
    for first, last in itertools.pairwise(borders):
        result[int(places[first]) : int(places[last])] = raw[int(offsets[first]) : int(ends[last - 1])]
    return result, places[:-1]


def renumber(raw: bytearray, offsets: Offsets, channels: NDArray[np.uint16]) -> None:
    """Write channel numbers into message heads."""
    data = np.frombuffer(raw, np.uint8)
    data[offsets + 9] = (channels & 0xFF).astype(np.uint8)
    data[offsets + 10] = (channels >> 8).astype(np.uint8)
