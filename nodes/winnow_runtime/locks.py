"""One process per node and folder, for as long as it lives; the kernel lets go when it dies."""

import fcntl
import os
from pathlib import Path

from winnow_runtime.clock import Clock
from winnow_schemas.errors import UnavailableError


class FolderLock:
    """An exclusive lock on ``folder/lock``."""

    def __init__(self, folder: Path, clock: Clock, *, wait_s: float = 5.0) -> None:
        """Take it, waiting for a predecessor that is on its way out.

        Raises:
            UnavailableError: somebody else still holds it.

        """
        folder.mkdir(parents=True, exist_ok=True)
        self._file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        end = clock.monotonic_ns() + int(wait_s * 1e9)
        while not _try(self._file):
            if clock.monotonic_ns() > end:
                holder = os.pread(self._file, 64, 0).decode("ascii", "replace").strip() or "unknown"
                os.close(self._file)
                raise UnavailableError(
                    f"{folder} is in use by process {holder}; nothing was started. "
                    "Stop the other dataflow, or give this one another folder (WINNOW_OUT or --out)."
                )
            clock.sleep_s(0.05)
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._file)


def is_held(path: Path) -> bool:
    """Whether some process holds the lock."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # Shared: several may ask at once without taking each other for the holder.
        return not _try(file, fcntl.LOCK_SH)
    finally:
        os.close(file)


def _try(file: int, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
