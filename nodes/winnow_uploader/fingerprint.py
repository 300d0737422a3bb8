"""Hashing a clip once: the whole for the sidecar's SHA-256, and every part for the store."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from winnow_operators.upload.parts import Part, extents

READ_BYTES = 256 * 1024
"""Stays in a core's own cache while two hashes go over it."""


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


def fingerprint(path: Path, part_bytes: int) -> Fingerprint:
    """Read a file once; ``part_bytes`` 0 makes one part of all of it, and that has its MD5, too.

    Raises:
        OSError: it is gone or cannot be read.

    """
    identity = identity_of(path)
    whole = hashlib.sha256()
    parts = []
    buffer = memoryview(bytearray(READ_BYTES))  # one for all: new ones cost a page fault per 4 KiB
    with path.open("rb", buffering=0) as file:
        for number, (offset, size) in enumerate(
            extents(identity.size_bytes, part_bytes or max(identity.size_bytes, 1)), 1
        ):
            # Up to the end of its first part the whole has that part's hash: it is not computed twice.
            sha256 = whole if number == 1 else hashlib.sha256()
            states = [whole] if number == 1 else [whole, sha256]
            if not part_bytes:
                states.append(md5 := hashlib.md5(usedforsecurity=False))
            left = size
            while left and (count := file.readinto(buffer[: min(READ_BYTES, left)])):
                for state in states:
                    state.update(buffer[:count])
                left -= count
            parts.append(
                Part(number, offset, size, sha256.hexdigest(), "" if part_bytes else md5.hexdigest())
            )
    return Fingerprint(identity, whole.hexdigest(), tuple(parts))
