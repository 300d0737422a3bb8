"""How a ring lies in its shared-memory file.

``header (4096) | index (64 per entry) | payloads``. An entry of the index is the slot's header: keeping
it beside the time index instead of before the payload saves a second write per message, and a lookup
touches no payload memory. Entries are numbered from 0 for ever (``n``); entry ``n`` stands at
``n % index_capacity``. Payload positions are virtual and only grow (``vpos``); a payload starts at
``vpos % data_capacity``, on a cache line, and never straddles the end.

Publication order, which readers rely on:

1. before anything is overwritten, ``tail`` is raised above every entry that is touched;
2. the payload is written, then its entry, then the lateness, then ``head``.

A reader takes ``head``, copies what it wants, and then looks at ``tail`` again: what is at or above it
was whole while it was copied. x86-64 keeps stores in order and each word below is one aligned 8-byte
store, so nothing more is needed there. Other processors may reorder them, and Python has no barriers:
there the CRC-32C of every slot is forced on. A copy whose tail check passed and whose CRC over length,
times, sequence and payload agrees is what the writer wrote, whatever the order in which it became visible.
"""

import platform
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np

from winnow_schemas.errors import BadInputError

MAGIC = b"WNWRING2"
CACHE_LINE = 64
HEADER_BYTES = 4096
ENTRY_BYTES = 64

FIXED = struct.Struct("<8sIIQQ64s256s")
"""magic, version, flags, data capacity, index capacity, run id, port: written once."""
VERSION = 3
FLAG_CRC = 1

# 8-byte words of the header, as indices; each group on a cache line of its own.
W_HEAD = 64
"""Entries written so far."""
W_HEAD_VPOS = 65
W_SKIPPED_SEQ = 66
"""Sequence number of the newest message that was accounted for without an entry (oversize)."""
W_NEWEST_NS = 67
W_TMAX_NS = 68
W_EPOCHS = 69
"""Number of epochs begun; see EPOCH_TABLE."""
W_TAIL = 72
"""The oldest entry that is still whole."""
W_LATE_NS = 80
"""How far behind the newest stamp of its epoch a message has ever been."""
W_BYTES = 88
W_LOST = 89
"""Messages known to be lost before they reached the ring (gaps in the source's numbering)."""
W_OVERSIZE = 90
W_DUPLICATES = 91
W_LARGEST = 92
W_EPOCH_TABLE = 128
"""Pairs (epoch's first entry, first stamp), a circle of EPOCHS_KEPT."""
EPOCHS_KEPT = 64
W_EPOCH_LAST = 256
"""The largest stamp of each epoch that is over, a circle like the table's."""

NO_TIME = -(2**63)
EPOCH_STEP_NS = 10_000_000_000
"""A stamp this far behind the newest one is a clock step, not a late message: a new epoch begins.
Ten seconds: an order of magnitude above the lateness that sensor drivers show."""
EPOCH_JUMP_NS = 3_600_000_000_000
"""A stamp this far ahead is a clock step too: otherwise one absurd stamp would stretch its epoch over years,
and whatever is missing of it would be missing everywhere. An hour: topics may be quiet for minutes."""

ENTRY = struct.Struct("@QQqqQIIqII")
ENTRY_DTYPE = np.dtype(
    [
        ("n", "<u8"),
        ("seq", "<u8"),
        ("t_ns", "<i8"),
        ("pub_ns", "<i8"),
        ("vpos", "<u8"),
        ("length", "<u4"),
        ("channel", "<u4"),
        ("tmax_ns", "<i8"),
        ("epoch", "<u4"),
        ("crc", "<u4"),
    ]
)
assert ENTRY.size == ENTRY_BYTES == ENTRY_DTYPE.itemsize

STRONG_ORDER = platform.machine() in ("x86_64", "AMD64", "i686")
"""Whether this processor keeps stores in program order."""


class Geometry(NamedTuple):
    """Sizes and identity of one ring file."""

    data_capacity: int
    index_capacity: int
    crc: bool
    run_id: str
    port: str

    @property
    def index_offset(self) -> int:
        return HEADER_BYTES

    @property
    def data_offset(self) -> int:
        return HEADER_BYTES + self.index_capacity * ENTRY_BYTES

    @property
    def file_bytes(self) -> int:
        return self.data_offset + self.data_capacity

    def pack(self) -> bytes:
        return FIXED.pack(
            MAGIC,
            VERSION,
            FLAG_CRC if self.crc else 0,
            self.data_capacity,
            self.index_capacity,
            self.run_id.encode(),
            self.port.encode(),
        )


def read_geometry(buffer: bytes | memoryview, path: Path) -> Geometry:
    """Read and check the fixed part of a header.

    Raises:
        BadInputError: the file is not a ring of this version, or its sizes do not fit.

    """
    if len(buffer) < HEADER_BYTES:
        raise BadInputError(
            f"{path} has {len(buffer)} bytes, a ring has at least {HEADER_BYTES}; it was not opened."
        )
    magic, version, flags, data, index, run_id, port = FIXED.unpack_from(buffer)
    if magic != MAGIC or version != VERSION:
        raise BadInputError(
            f"{path} is not a ring of version {VERSION} (found {magic!r}, {version}); it was not opened."
        )
    geometry = Geometry(data, index, bool(flags & FLAG_CRC), _text(run_id), _text(port))
    if data < CACHE_LINE or index < 1 or geometry.file_bytes > len(buffer):
        raise BadInputError(
            f"{path} says {geometry.file_bytes} bytes and has {len(buffer)}; it was not opened."
        )
    return geometry


def _text(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode("utf-8", "replace")


def slot_bytes(length: int) -> int:
    """Bytes that a payload occupies: rounded up to whole cache lines, at least one."""
    return (length + CACHE_LINE - 1) // CACHE_LINE * CACHE_LINE or CACHE_LINE
