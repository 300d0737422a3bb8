"""What is known of the parts beside their SHA-256: whether the store checks that, and MD5s where they are needed.

An MD5 of everything would cost as much processor time as the sending itself. A store that refuses a part with a
wrong SHA-256 needs none: it holds what was sent, and its ETags are evidence. That is tried once, with one byte in
the place of a part that is sent afterwards; for a store that takes it, and wherever an ETag is not the one that was
given, the MD5s are computed from the file.
"""

import hashlib
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from winnow_operators.upload.parts import Part, StoredPart, composite_etag
from winnow_uploader.fingerprint import READ_BYTES
from winnow_uploader.item import Item
from winnow_uploader.object_store import ObjectStore
from winnow_uploader.queue import UploadQueue


class Digests:
    """One per process and store."""

    def __init__(self, queue: UploadQueue, store: ObjectStore, path_of: Callable[[Item], Path]) -> None:
        self._queue = queue
        self._store = store
        self._path_of = path_of
        self._store_checks: bool | None = None

    def prepare(self, item: Item) -> None:
        """Before parts of an open upload are sent or trusted: MD5s of all of them, if the store checks nothing.

        Raises:
            StoreError: the store could not be asked.
            OSError: the file is gone or cannot be read.

        """
        if self._store_checks is None:
            missing = self._queue.missing_part(item.clip_id) or self._queue.parts(item.clip_id)[-1]
            self._store_checks = self._store.checks_parts(item.key, item.upload_id, missing.number)
        if not self._store_checks:
            self.fill(item, {part.number for part in self._queue.parts(item.clip_id)})

    def compare(self, item: Item, stored: Collection[StoredPart]) -> list[Part]:
        """The clip's parts, with the MD5 of each whose ETag in the store is not the one that was given for it."""
        given = {part.number: part.etag for part in self._queue.parts(item.clip_id)}
        return self.fill(
            item, {one.number for one in stored if not one.sha256 and given.get(one.number) != one.etag}
        )

    def is_etag_of(self, item: Item, etag: str) -> bool:
        """Whether an object's ETag is the clip's."""
        parts = self._queue.parts(item.clip_id)
        if item.part_bytes == 0:
            return etag == parts[0].md5
        if composite_etag(part.md5 or part.etag for part in parts) == etag:
            return True
        parts = self.fill(item, {part.number for part in parts})
        return composite_etag(part.md5 for part in parts) == etag

    def fill(self, item: Item, numbers: Collection[int]) -> list[Part]:
        """Compute the MD5s of these parts that are not known yet; gives all parts."""
        parts = self._queue.parts(item.clip_id)
        if not any(part.number in numbers and not part.md5 for part in parts):
            return parts
        path = self._path_of(item)
        filled = [
            replace(part, md5=_md5(path, part)) if part.number in numbers and not part.md5 else part
            for part in parts
        ]
        self._queue.save_with_parts(item, filled)
        return filled


def _md5(path: Path, part: Part) -> str:
    state, left = hashlib.md5(usedforsecurity=False), part.size_bytes
    with path.open("rb", buffering=0) as file:
        file.seek(part.offset_bytes)
        while left and (chunk := file.read(min(READ_BYTES, left))):
            state.update(chunk)
            left -= len(chunk)
    return state.hexdigest()
