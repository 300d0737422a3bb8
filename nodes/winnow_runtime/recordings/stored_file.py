"""A file read by position, never beyond its end, through one descriptor that is closed for certain."""

import os
import weakref
from pathlib import Path

from winnow_runtime.recordings.faults import DamageError, RecordingError

_AHEAD_BYTES = 64 * 1024
"""Read at once around a record head: cheap from the page cache, and small records come many at a time."""


class StoredFile:
    """Random access to the bytes of one file as it was when it was opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise RecordingError(f"{path} cannot be read ({error.strerror}); nothing was read.") from None
        self._close = weakref.finalize(self, os.close, self._fd)
        self.size = os.fstat(self._fd).st_size
        self._ahead = b""
        self._ahead_at = 0

    @property
    def name(self) -> str:
        """The file's own name, for messages."""
        return self.path.name

    def close(self) -> None:
        """Give the descriptor back; reading afterwards is an error."""
        self._close()

    def read(self, position: int, length: int) -> bytes:
        """Up to ``length`` bytes; fewer only where the file ends (or has become shorter meanwhile).

        Raises:
            DamageError: the device cannot give these bytes.

        """
        length = max(0, min(length, self.size - position))
        data = self._pread(position, length)
        while len(data) < length:
            more = self._pread(position + len(data), length - len(data))
            if not more:
                break
            data += more
        return data

    def head(self, position: int, length: int) -> bytes:
        """Like :meth:`read`, for a few bytes at a time going forward: reads ahead."""
        start = position - self._ahead_at
        if not 0 <= start <= len(self._ahead) - length:
            self._ahead = self.read(position, max(length, _AHEAD_BYTES))
            self._ahead_at = position
            start = 0
        return self._ahead[start : start + length]

    def _pread(self, position: int, length: int) -> bytes:
        if not self._close.alive:
            raise RecordingError(f"{self.path} was closed; nothing more can be read from it.")
        try:
            return os.pread(self._fd, length, position)
        except OSError as error:
            raise DamageError(f"the device cannot read {length:,} bytes there ({error.strerror})") from None
