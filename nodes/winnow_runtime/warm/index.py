"""The index beside a segment: one row per message, appended when its chunk is whole in the file.

``segment_<first ns>.mcap`` has ``segment_<first ns>.idx``: rows of :data:`ROW`, in the order of the
chunks. A row is there only if its chunk is, so a crash leaves an index that is right as far as it goes.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROW = np.dtype(
    [
        ("t_ns", "<i8"),
        ("pub_ns", "<i8"),
        ("seq", "<u8"),
        ("chunk", "<u8"),
        ("offset", "<u4"),
        ("length", "<u4"),
        ("channel", "<u4"),
        ("epoch", "<u4"),
    ]
)
"""Log time, publish time, the source's sequence number, offset of the chunk record in the file, offset of
the message record in the uncompressed chunk, payload bytes, channel number of the run, clock epoch."""

Rows = NDArray[np.void]
_PREFIX, _SUFFIX, _INDEX = "segment_", ".mcap", ".idx"


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment file."""

    path: Path
    start_ns: int
    """Time of the first message that was written to it, also its name."""

    @property
    def index_path(self) -> Path:
        return self.path.with_suffix(_INDEX)

    def rows(self) -> Rows:
        """All index rows that are complete on disk."""
        try:
            data = self.index_path.read_bytes()
        except FileNotFoundError:
            return np.empty(0, ROW)
        return np.frombuffer(data, dtype=ROW, count=len(data) // ROW.itemsize)

    def last_rows(self, most_bytes: int) -> Rows:
        """The newest index rows that are complete on disk, at most so many bytes of them."""
        try:
            with self.index_path.open("rb") as file:
                whole = file.seek(0, 2) // ROW.itemsize
                file.seek(max(0, whole - most_bytes // ROW.itemsize) * ROW.itemsize)
                data = file.read(most_bytes // ROW.itemsize * ROW.itemsize)
        except FileNotFoundError:
            return np.empty(0, ROW)
        return np.frombuffer(data, dtype=ROW, count=len(data) // ROW.itemsize)

    def size_bytes(self) -> int:
        """Bytes of the segment and its index; 0 when it is gone."""
        return sum(path.stat().st_size for path in (self.path, self.index_path) if path.exists())

    def remove(self) -> None:
        """Delete it: the index first, so that no reader finds rows without data."""
        self.index_path.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)


def segment_at(folder: Path, start_ns: int) -> Segment:
    """The segment that begins with this time."""
    return Segment(folder / f"{_PREFIX}{start_ns:020d}{_SUFFIX}", start_ns)


def segments(folder: Path) -> list[Segment]:
    """All segments, oldest first. Files with other names are left alone."""
    found = []
    for path in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        digits = path.name[len(_PREFIX) : -len(_SUFFIX)]
        if digits.lstrip("-").isdigit():
            found.append(Segment(path, int(digits)))
    return sorted(found, key=lambda segment: segment.start_ns)
