"""Hashing a clip once: the whole for the sidecar's SHA-256, and every part for the store."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from winnow_operators.upload.parts import Part, extents

READ_BYTES = 256 * 1024
"""Stays in a core's own cache while two hashes go over it."""
MOST_AT_ONCE_BYTES = 64 * 1024 * 1024
"""What is read before something more urgent gets its turn: 0.1 s of one core, where a part takes 4 s at 20 Mbit/s."""


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """What tells, without reading it, that a file is still the one that was hashed."""

    size_bytes: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A file's hashes, and what it was while they were taken."""

    identity: FileIdentity
    sha256: str
    parts: tuple[Part, ...]


def identity_of(path: Path) -> FileIdentity:
    """Look at a file.

    Raises:
        OSError: it is gone.

    """
    found = path.stat()
    return FileIdentity(found.st_size, found.st_mtime_ns, found.st_ino)


class Fingerprinting:
    """A file read once, in stretches, so that something urgent need not wait for gigabytes of something else."""

    def __init__(self, path: Path, part_bytes: int) -> None:
        """``part_bytes`` 0 makes one part of all of it, and that has its MD5, too.

        Raises:
            OSError: the file is gone.

        """
        self._path = path
        self._identity = identity_of(path)
        size_bytes = self._identity.size_bytes
        self._extents = extents(size_bytes, part_bytes or max(size_bytes, 1))
        self._parts: list[Part] = []
        self._at = 0
        # Up to the end of its first part the whole has that part's hash: it is not computed twice.
        self._part = self._whole = hashlib.sha256()
        self._md5 = None if part_bytes else hashlib.md5(usedforsecurity=False)

    def advance(self, most_bytes: int) -> Fingerprint | None:
        """Read about so many bytes more; None while there are some left.

        Raises:
            OSError: the file is gone or cannot be read.

        """
        end = self._at + most_bytes
        buffer = memoryview(bytearray(READ_BYTES))  # one for all: new ones cost a page fault per 4 KiB
        with self._path.open("rb", buffering=0) as file:
            file.seek(self._at)
            while len(self._parts) < len(self._extents):
                if self._at >= end:
                    return None
                offset, size = self._extents[len(self._parts)]
                count = file.readinto(buffer[: min(READ_BYTES, offset + size - self._at)])
                self._take(buffer[:count])
                if not count or self._at == offset + size:  # without a byte: it became shorter meanwhile
                    self._close_part(offset, size)
        return Fingerprint(self._identity, self._whole.hexdigest(), tuple(self._parts))

    def _take(self, data: memoryview) -> None:
        self._whole.update(data)
        if self._part is not self._whole:
            self._part.update(data)
        if self._md5 is not None:
            self._md5.update(data)
        self._at += len(data)

    def _close_part(self, offset_bytes: int, size_bytes: int) -> None:
        md5 = "" if self._md5 is None else self._md5.hexdigest()
        number = len(self._parts) + 1
        self._parts.append(Part(number, offset_bytes, size_bytes, self._part.hexdigest(), md5))
        self._part = hashlib.sha256()


def fingerprint(path: Path, part_bytes: int) -> Fingerprint:
    """All of a file at once.

    Raises:
        OSError: it is gone or cannot be read.

    """
    hashing = Fingerprinting(path, part_bytes)
    while (found := hashing.advance(MOST_AT_ONCE_BYTES)) is None:
        pass
    return found
