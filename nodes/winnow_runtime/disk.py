"""What the warm tier's writer asks of a disk, so that a test can stand in for one whose power fails."""

import os
from pathlib import Path
from typing import Any

from winnow_runtime import atomic


class Disk:
    """The real one. All of it raises OSError when the disk refuses."""

    def create(self, path: Path) -> int:
        """A new file, opened for writing; its name is durable only after :meth:`sync_folder`."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)

    def write(self, file: int, data: Any) -> None:
        """Append all of ``data``."""
        with memoryview(data) as whole, whole.cast("B") as view:
            done = 0
            while done < len(view):
                done += os.write(file, view[done:])

    def sync(self, file: int) -> None:
        """Return when everything written is on the medium."""
        os.fdatasync(file)

    def sync_folder(self, folder: Path) -> None:
        """Return when the names in the folder are on the medium."""
        atomic.sync_folder(folder)

    def duplicate(self, file: int) -> int:
        """A second descriptor, for another thread."""
        return os.dup(file)

    def close(self, file: int) -> None:
        """Let go of a descriptor."""
        os.close(file)
