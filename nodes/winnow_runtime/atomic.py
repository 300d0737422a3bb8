"""Files appear whole: temporary name, fsync, rename, fsync of the folder."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

TEMPORARY = ".part"
"""Suffix of files that are being written; what is found with it at start was left by a crash."""


def write_bytes(path: Path, data: bytes, *, durable: bool = True, mode: int = 0o644) -> None:
    """Write a file so that a crash leaves the old or the new one, never half of one.

    ``durable`` also survives a power cut; without it only a killed process is covered.
    """
    temporary = path.with_name(path.name + TEMPORARY)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        publish(temporary, path, durable=durable)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(
                missing_ok=True
            )  # on a full disk half a file would keep the room that is missing
        raise


def publish(temporary: Path, path: Path, *, durable: bool = True) -> None:
    """Give a finished (and already synced) temporary file its name."""
    temporary.replace(path)
    if durable:
        sync_folder(path.parent)


def remove_temporary(folder: Path) -> list[Path]:
    """Delete the temporary files below a folder, which a crash left; which they were."""
    left = sorted(folder.rglob(f"*{TEMPORARY}"))
    for path in left:
        path.unlink(missing_ok=True)
    return left


def sync_folder(folder: Path) -> None:
    """Make renames inside a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: Any, *, durable: bool = True) -> None:
    """Write JSON, keys in the order given, indented: people read these files."""
    write_bytes(path, json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n", durable=durable)


def read_json(path: Path) -> Any | None:
    """The value of a JSON file that this program wrote; None when it is absent or damaged."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
