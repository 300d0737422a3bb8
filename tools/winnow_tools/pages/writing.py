"""Files appear whole: a reader sees the old page or the new one."""

import os
from pathlib import Path


def write_whole(path: Path, content: str) -> None:
    """Write a text file through a temporary name beside it.

    Raises:
        OSError: it cannot be written; what was there is untouched.

    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
