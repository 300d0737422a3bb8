"""The parts of a multipart upload: where they lie, and which of the store's may be trusted."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_PARTS = 10_000
"""S3's limit per object."""
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a file, as it is on this device; ``etag`` is empty until the store has it."""

    number: int
    """Counts from 1, as S3 does."""
    offset_bytes: int
    size_bytes: int
    sha256: str
    md5: str
    """Empty while nothing needs it."""
    etag: str = ""


@dataclass(frozen=True, slots=True)
class StoredPart:
    """One part as the store lists it."""

    number: int
    size_bytes: int
    etag: str
    sha256: str = ""
    """Hexadecimal, empty where the store does not tell."""


def part_size_bytes(size_bytes: int, wanted_bytes: int) -> int:
    """The size of every part but the last: as wanted, or more in whole MiB where 10,000 would not do."""
    if size_bytes <= wanted_bytes * MAX_PARTS:
        return wanted_bytes
    return -(-size_bytes // (MAX_PARTS * MIB)) * MIB


def extents(size_bytes: int, part_bytes: int) -> list[tuple[int, int]]:
    """Offset and size of every part, in order."""
    return [(offset, min(part_bytes, size_bytes - offset)) for offset in range(0, size_bytes, part_bytes)]


def trusted(local: Sequence[Part], stored: Iterable[StoredPart]) -> dict[int, str]:
    """ETags by number of the stored parts that are certainly the local ones.

    The size must be the same, and one of: the SHA-256 that the store tells, the ETag that it gave us when it
    took exactly this part, or an ETag that is the part's MD5 (which it is without key-service encryption).
    """
    found = {}
    mine = {part.number: part for part in local}
    for theirs in stored:
        part = mine.get(theirs.number)
        if part is None or part.size_bytes != theirs.size_bytes:
            continue
        if _same_content(part, theirs):
            found[part.number] = theirs.etag
    return found


def _same_content(mine: Part, theirs: StoredPart) -> bool:
    if theirs.sha256:
        return theirs.sha256 == mine.sha256
    return bool(theirs.etag) and theirs.etag in (mine.md5, mine.etag)


def composite_etag(etags: Iterable[str]) -> str:
    """The ETag of a multipart object of these parts: the MD5 of their MD5s, and their number.

    Empty when an ETag is not an MD5, as under key-service encryption: then it says nothing.
    """
    state = hashlib.md5(usedforsecurity=False)
    count = 0
    for etag in etags:
        try:
            digest = bytes.fromhex(etag)
        except ValueError:
            return ""
        if len(digest) != state.digest_size:
            return ""
        state.update(digest)
        count += 1
    return f"{state.hexdigest()}-{count}"
