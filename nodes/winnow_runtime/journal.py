r"""An append-only log on disk between a producer and its consumers.

One folder per output, ``state/<node>/<output>/``, holding ``<first number>.jsonl`` files of lines

``{"n": 12, "id": "...", "crc": 123, "r": {...}}\n``     a record, numbered from 1
``{"begin": "<run id>"}\n`` / ``{"end": "<run id>"}\n``  a run of the producer begins / is complete

Every file begins with the ``begin`` of the run that it was made in, so each record belongs to a known run.
A line counts when it ends in a newline and its CRC-32 agrees; a torn last line is cut off when the
producer comes back, a damaged one in the middle is left out and counted. Ids are refused when they are
already there: a producer that repeats itself after a crash adds nothing.

**What may go.** A journal that nobody shortens would fill the disk in months. When a file is full and the
next one is begun, the oldest files are deleted as long as

1. at least :data:`FILES_KEPT` full files remain (people's tools read them, and what lies in them was on the
   disk long before the consumers' word for it was), and
2. every consumer's cursor, as its last checkpoint has it, is at or behind the file's last record. A
   consumer that has never saved one has passed nothing. Who the consumers are is the owner's to say
   (:meth:`winnow_runtime.node.Node.journal`).

The ids of deleted records move to ``removed.ids`` before their file goes, so that what is refused as a
repeat does not depend on what was deleted; all in all the newest :data:`IDS_KEPT` are kept.
"""

import contextlib
import json
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from winnow_runtime import atomic

SEGMENT_BYTES = 8 * 1024 * 1024
"""A new file is begun after this."""
FILES_KEPT = 4
"""Full files that stay although everybody has read them: 32 MiB, some 50,000 decisions. An uploader whose
database was damaged reads its input again from here: that many are far more than wait for a link."""
IDS_KEPT = 200_000
"""How many of the newest ids are remembered for refusing repeats: far beyond what lies between two checkpoints."""
REMOVED_IDS = "removed.ids"
FOREVER = 2**63 - 1
"""Nobody needs anything."""


class Line(NamedTuple):
    """One record of a journal."""

    number: int
    id: str
    record: Any


class JournalWriter:
    """The producer's side."""

    def __init__(
        self,
        folder: Path,
        run_id: str,
        *,
        durable: bool = False,
        passed: Callable[[], int] = lambda: 0,
    ) -> None:
        """``passed``: number up to which every consumer has everything, asked when files may go.

        Raises:
            OSError: the disk refuses.

        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._run_id = run_id
        self._durable = durable
        self._passed = passed
        self._ids: dict[str, None] = {}
        self.last = 0
        """Number of the newest record."""
        self.ended = False
        """Whether this run's part is complete already (the process came back after its work was done)."""
        self._recover()
        try:
            if not self._begun:
                self._write(_control("begin", run_id))
        except OSError:
            self.close()
            raise

    def _recover(self) -> None:
        files = _files(self._folder)
        self._begun = False
        for id_ in _removed_ids(self._folder):
            self._remember(id_)
        for path in files:
            good = 0
            self.last = max(self.last, _first(path) - 1)
            for kind, value, end in _scan(path, 0):
                good = end
                if kind == "record":
                    self.last = value.number
                    self._remember(value.id)
                elif kind != "damaged":
                    self._begun = value == self._run_id
                    self.ended = kind == "end" and value == self._run_id
            if path == files[-1] and good < path.stat().st_size:
                os.truncate(path, good)
        self._path = files[-1] if files else self._folder / _name(self.last + 1)
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._size = os.fstat(self._file).st_size

    def append(self, id_: str, record: Any) -> int | None:
        """Write a record; its number, or None when the id is there already. ``record``: JSON values.

        Raises:
            OSError: the disk refuses; the journal is as it was, and the same call may be made again.

        """
        if id_ in self._ids:
            return None
        if self._size >= SEGMENT_BYTES:
            self._rotate()
        if not self._size:
            self._write(_control("begin", self._run_id))
        number = self.last + 1
        self._write(_line(number, id_, record))
        self.last = number
        self._remember(id_)
        return number

    def end(self) -> None:
        """Say that this run's part is complete.

        Raises:
            OSError: the disk refuses.

        """
        if not self.ended:
            self._write(_control("end", self._run_id))
            self.ended = True

    def _remember(self, id_: str) -> None:
        self._ids[id_] = None
        if len(self._ids) > IDS_KEPT:
            del self._ids[next(iter(self._ids))]

    def _rotate(self) -> None:
        path = self._folder / _name(self.last + 1)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.close(self._file)
        self._path, self._file, self._size = path, file, os.fstat(file).st_size
        atomic.sync_folder(self._folder)
        with contextlib.suppress(OSError):  # they go another time
            self._remove_passed()

    def _remove_passed(self) -> None:
        """Delete what nobody needs any more; see the module's rule."""
        files = _files(self._folder)
        passed = self._passed()
        candidates = files[: -1 - FILES_KEPT]
        gone = []
        for path, following in zip(candidates, files[1:], strict=False):
            if _first(following) - 1 > passed:
                break
            gone.append(path)
        if not gone:
            return
        ids = _removed_ids(self._folder)
        for path in gone:
            ids += [value.id for kind, value, _ in _scan(path, 0) if kind == "record"]
        text = "".join(f"{json.dumps(id_)}\n" for id_ in ids[-IDS_KEPT:])
        atomic.write_bytes(self._folder / REMOVED_IDS, text.encode())
        for path in gone:
            path.unlink()

    def _write(self, data: bytes) -> None:
        """Append a line, whole or not at all: half of one would spoil the next."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
            if self._durable:
                os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(data)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


class JournalReader:
    """A consumer's side; ``position`` is the number of the last record that it took."""

    def __init__(self, folder: Path, position: int = 0) -> None:
        self._folder = folder
        self.position = position
        self.damaged = 0
        """Lines that were left out because their checksum is wrong."""
        self._path: Path | None = None
        self._offset = 0
        self.run = ""
        """The run in which the record that was read last was written."""
        self._ended = ""
        self._newest = 0
        """The largest number that the journal is known to have reached."""

    def read(self) -> Iterator[Line]:
        """Everything after ``position``, in order; moves on as it yields."""
        while True:
            if self._path is None and not self._find():
                return
            assert self._path is not None
            for kind, value, end in _scan(self._path, self._offset):
                self._offset = end
                if kind == "record":
                    self._newest = max(self._newest, value.number)
                    if value.number > self.position:
                        self.position = value.number
                        yield value
                elif kind == "begin":
                    self._ended = self._ended if value == self.run else ""
                    self.run = value
                elif kind == "end":
                    self._ended = value
                else:
                    self.damaged += 1
            following = [path for path in _files(self._folder) if path.name > self._path.name]
            if not following:
                # A power cut may take records that a consumer has seen: the producer goes on from what is
                # left, and its next records must not be taken for old ones.
                self.position = min(self.position, self._newest)
                return
            self._path, self._offset = following[0], 0
            self._newest = max(self._newest, _first(self._path) - 1)

    def seek(self, position: int) -> None:
        """Go back, or forward: the next :meth:`read` gives what follows ``position``."""
        if position < self.position:
            self._path = None
        self.position = position

    def ended(self, run_id: str) -> bool:
        """Whether the producer completed this run (as far as has been read)."""
        return self._ended == run_id

    def _find(self) -> bool:
        files = _files(self._folder)
        before = [path for path in files if _first(path) <= self.position + 1]
        self._path = before[-1] if before else (files[0] if files else None)
        self._offset = 0
        if self._path is not None:
            self._newest = max(self._newest, _first(self._path) - 1)
        return self._path is not None


def _scan(path: Path, offset: int) -> Iterator[tuple[str, Any, int]]:
    """Whole lines from ``offset`` on: (kind, value, offset behind it); kinds ``record``, ``begin``, ``end``, ``damaged``."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            while (line := file.readline()).endswith(b"\n"):
                offset += len(line)
                yield (*_parse(line), offset)
    except FileNotFoundError:
        return


def _parse(line: bytes) -> tuple[str, Any]:
    try:
        value = json.loads(line)
        for control in ("begin", "end"):
            if control in value:
                return control, str(value[control])
        body = json.dumps(value["r"], separators=(",", ":"), ensure_ascii=False)
        if zlib.crc32(body.encode()) == value["crc"]:
            return "record", Line(int(value["n"]), str(value["id"]), value["r"])
    except (ValueError, KeyError, TypeError):
        pass
    return "damaged", None


def _line(number: int, id_: str, record: Any) -> bytes:
    body = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
    crc = zlib.crc32(body.encode())
    return f'{{"n":{number},"id":{json.dumps(id_)},"crc":{crc},"r":{body}}}\n'.encode()


def _control(kind: str, run_id: str) -> bytes:
    return json.dumps({kind: run_id}).encode() + b"\n"


def _removed_ids(folder: Path) -> list[str]:
    try:
        return [str(json.loads(line)) for line in (folder / REMOVED_IDS).read_bytes().splitlines()]
    except (OSError, ValueError):
        return []


def _name(first: int) -> str:
    return f"{first:012d}.jsonl"


def _first(path: Path) -> int:
    return int(path.stem)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.jsonl") if path.stem.isdigit())
