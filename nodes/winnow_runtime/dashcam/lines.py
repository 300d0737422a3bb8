"""A stage's progress in its scratch folder: lines that were finished, and the state that goes with them.

Lines are appended; the state, saved now and then, says how many bytes of them it speaks of. After a crash
what comes behind that is cut off, and the stage goes on from the state.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from winnow_runtime import atomic


class Progress:
    """Lines and state of one stage of one video."""

    def __init__(self, folder: Path, stage: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lines = folder / f"{stage}.jsonl"
        self._saved = folder / f"{stage}.json"
        value = atomic.read_json(self._saved)
        self.state: dict[str, Any] = {}
        self._bytes = 0
        if isinstance(value, dict) and isinstance(value.get("bytes"), int):
            written = self._lines.stat().st_size if self._lines.exists() else 0
            if written >= value["bytes"]:
                self.state, self._bytes = value["state"], value["bytes"]
        self._file = self._lines.open("ab")
        self._file.truncate(self._bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, value: dict[str, Any]) -> None:
        """Append one line; it lasts once :meth:`save` says so."""
        self._file.write(json.dumps(value, separators=(",", ":")).encode() + b"\n")

    def save(self, state: dict[str, Any]) -> None:
        """Make lines and state last together."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self.state = state
        size = os.fstat(self._file.fileno()).st_size
        data = json.dumps({"bytes": size, "state": state}).encode()
        atomic.write_bytes(self._saved, data)

    def lines(self) -> Iterator[dict[str, Any]]:
        """All lines, in order."""
        self._file.flush()
        with self._lines.open("rb") as file:
            for line in file:
                yield json.loads(line)


def clear(folder: Path) -> None:
    """Remove a video's scratch folder."""
    shutil.rmtree(folder, ignore_errors=True)
