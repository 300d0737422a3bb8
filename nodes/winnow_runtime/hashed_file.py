"""A file that is hashed while it is written, and appears whole."""

import hashlib
import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from winnow_runtime import atomic


class HashedFile:
    """Writes ``path`` under a temporary name; SHA-256 runs on a thread beside the writing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.temporary = path.with_name(path.name + atomic.TEMPORARY)
        self._file = os.open(self.temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        self._hash = hashlib.sha256()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="sha256")
        self.size_bytes = 0

    def write(self, data: Any) -> None:
        """Write and hash; ``data`` may be reused by the caller afterwards.

        Raises:
            OSError: the disk refuses.

        """
        # hashlib lets other threads run while it works on anything larger than a few kilobytes.
        hashing: Future[None] | None = None
        with memoryview(data) as whole, whole.cast("B") as view:
            if len(view) > 1 << 16:
                hashing = self._pool.submit(self._hash.update, view)
            else:
                self._hash.update(view)
            try:
                done = 0
                while done < len(view):
                    done += os.write(self._file, view[done:])
            finally:
                if hashing is not None:
                    hashing.result()
            self.size_bytes += len(view)

    def publish(self) -> str:
        """Make it durable, give it its name; the SHA-256 in hexadecimal digits."""
        os.fsync(self._file)
        self._release()
        atomic.publish(self.temporary, self.path)
        return self._hash.hexdigest()

    def discard(self) -> None:
        """Give up: nothing remains."""
        self._release()
        self.temporary.unlink(missing_ok=True)

    def _release(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:  # once: by now the number may be somebody else's
            os.close(file)
            self._pool.shutdown()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file that exists, in hexadecimal digits.

    Raises:
        OSError: it cannot be read.

    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
