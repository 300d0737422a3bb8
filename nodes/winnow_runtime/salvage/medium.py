"""A damaged file on a device that may be damaged too: sectors that cannot be read become zeros, and are noted."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from winnow_runtime.recordings.faults import DamageError
from winnow_runtime.recordings.stored_file import StoredFile

SECTOR_BYTES = 4096
"""What a disk refuses at once; smaller sectors are read again by the device itself."""
_RANGES_NOTED = 1000
_PIECE_BYTES = 1024 * 1024


class Bytes(Protocol):
    """Something with a size, read by position."""

    size: int

    def read(self, position: int, length: int) -> bytes:
        """Up to ``length`` bytes; fewer only at the end."""
        ...


class Medium(StoredFile):
    """The file that is being recovered. It is only ever read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.unreadable: list[tuple[int, int]] = []
        """(position, length) of what the device did not give, the first thousand."""
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)

    def read(self, position: int, length: int) -> bytes:
        return super().read(position, length) if position >= 0 else b""

    def pieces(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes of a stretch, a megabyte at a time."""
        for at in range(start, end, _PIECE_BYTES):
            yield self.read(at, min(_PIECE_BYTES, end - at))

    def _pread(self, position: int, length: int) -> bytes:
        try:
            return super()._pread(position, length)
        except DamageError:
            sector = min(length, SECTOR_BYTES - position % SECTOR_BYTES)
            if length > sector:
                return self._pread(position, sector)  # `read` asks again for the rest
            if len(self.unreadable) < _RANGES_NOTED and (position, length) not in self.unreadable:
                self.unreadable.append((position, length))
            return bytes(length)


class MemoryBytes:
    """Bytes in memory, or mapped, behind the same two members."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self.size = len(data)

    def read(self, position: int, length: int) -> bytes:
        return bytes(self._data[position : position + length]) if position >= 0 else b""
