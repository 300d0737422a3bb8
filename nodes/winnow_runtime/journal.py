r"""An append-only log on disk between a producer and its consumers.

One folder per output, ``state/<node>/<output>/``, holding ``<first number>.jsonl`` files of lines

``{"n": 12, "id": "...", "crc": 123, "r": {...}}\n``     a record, numbered from 1
``{"begin": "<run id>"}\n`` / ``{"end": "<run id>"}\n``  a run of the producer begins / is complete

A line counts when it ends in a newline and its CRC-32 agrees; a torn last line is cut off when the
producer comes back. Ids are refused when they are already there: a producer that repeats itself after
a crash adds nothing.
"""

import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from winnow_runtime.atomic import sync_folder

SEGMENT_BYTES = 8 * 1024 * 1024
"""A new file is begun after this."""
IDS_KEPT = 200_000
"""How many of the newest ids are remembered for refusing repeats: far beyond what lies between two checkpoints."""


class Line(NamedTuple):
    """One record of a journal."""

    number: int
    id: str
    record: Any


class JournalWriter:
    """The producer's side."""

    def __init__(self, folder: Path, run_id: str, *, durable: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._durable = durable
        self._ids: dict[str, None] = {}
        self.last = 0
        """Number of the newest record."""
        self.ended = False
        """Whether this run's part is complete already (the process came back after its work was done)."""
        self._recover(run_id)
        if not self._begun:
            self._write(_control("begin", run_id))
        self._run_id = run_id

    def _recover(self, run_id: str) -> None:
        files = _files(self._folder)
        self._begun = False
        for path in files:
            good = 0
            for kind, value, end in _scan(path, 0):
                good = end
                if kind == "record":
                    self.last = value.number
                    self._remember(value.id)
                else:
                    self._begun = value == run_id
                    self.ended = kind == "end" and value == run_id
            if path == files[-1] and good < path.stat().st_size:
                os.truncate(path, good)
        self._path = files[-1] if files else self._folder / _name(self.last + 1)
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._size = os.fstat(self._file).st_size

    def append(self, id_: str, record: Any) -> int | None:
        """Write a record; its number, or None when the id is there already. ``record``: JSON values."""
        if id_ in self._ids:
            return None
        if self._size >= SEGMENT_BYTES:
            self._rotate()
        number = self.last + 1
        self._write(_line(number, id_, record))
        self.last = number
        self._remember(id_)
        return number

    def end(self) -> None:
        """Say that this run's part is complete."""
        if not self.ended:
            self._write(_control("end", self._run_id))
            self.ended = True

    def _remember(self, id_: str) -> None:
        self._ids[id_] = None
        if len(self._ids) > IDS_KEPT:
            del self._ids[next(iter(self._ids))]

    def _rotate(self) -> None:
        os.close(self._file)
        self._path = self._folder / _name(self.last + 1)
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._size = 0
        sync_folder(self._folder)

    def _write(self, data: bytes) -> None:
        self._size += len(data)
        while data:
            data = data[os.write(self._file, data) :]
        if self._durable:
            os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)


class JournalReader:
    """A consumer's side; ``position`` is the number of the last record that it took."""

    def __init__(self, folder: Path, position: int = 0) -> None:
        self._folder = folder
        self.position = position
        self._path: Path | None = None
        self._offset = 0
        self._begun = ""
        self._ended = ""

    def read(self) -> Iterator[Line]:
        """Everything after ``position``, in order; moves on as it yields."""
        while True:
            if self._path is None and not self._find():
                return
            assert self._path is not None
            for kind, value, end in _scan(self._path, self._offset):
                self._offset = end
                if kind == "record":
                    if value.number > self.position:
                        self.position = value.number
                        yield value
                elif kind == "begin":
                    self._begun, self._ended = value, ""
                else:
                    self._ended = value
            following = [path for path in _files(self._folder) if path.name > self._path.name]
            if not following:
                return
            self._path, self._offset = following[0], 0

    def ended(self, run_id: str) -> bool:
        """Whether the producer completed this run (as far as has been read)."""
        return self._ended == run_id

    def _find(self) -> bool:
        files = _files(self._folder)
        before = [path for path in files if _first(path) <= self.position + 1]
        self._path = before[-1] if before else (files[0] if files else None)
        self._offset = 0
        return self._path is not None


def _scan(path: Path, offset: int) -> Iterator[tuple[str, Any, int]]:
    """Good lines from ``offset`` on: (kind, value, offset behind it). Stops at the first bad one."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            while True:
                line = file.readline()
                if not line.endswith(b"\n"):
                    return
                offset += len(line)
                parsed = _parse(line)
                if parsed is None:
                    return
                yield (*parsed, offset)
    except FileNotFoundError:
        return


def _parse(line: bytes) -> tuple[str, Any] | None:
    try:
        value = json.loads(line)
        for control in ("begin", "end"):
            if control in value:
                return control, str(value[control])
        body = json.dumps(value["r"], separators=(",", ":"), ensure_ascii=False)
        if zlib.crc32(body.encode()) != value["crc"]:
            return None
        return "record", Line(int(value["n"]), str(value["id"]), value["r"])
    except (ValueError, KeyError, TypeError):
        return None


def _line(number: int, id_: str, record: Any) -> bytes:
    body = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
    crc = zlib.crc32(body.encode())
    return f'{{"n":{number},"id":{json.dumps(id_)},"crc":{crc},"r":{body}}}\n'.encode()


def _control(kind: str, run_id: str) -> bytes:
    return json.dumps({kind: run_id}).encode() + b"\n"


def _name(first: int) -> str:
    return f"{first:012d}.jsonl"


def _first(path: Path) -> int:
    return int(path.stem)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.jsonl") if path.stem.isdigit())
