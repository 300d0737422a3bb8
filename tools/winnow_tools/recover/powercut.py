"""A simulated power cut: a disk that remembers every operation, and what may be left of them.

What is promised is only what was synced. Of everything written later, each sector may or may not have
reached the medium, in any order; a file may already have its new length and hold zeros where no data came;
a new name is there for certain only once its folder was synced.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from winnow_runtime.disk import Disk

SECTORS = (512, 4096)
"""Bytes that a medium writes whole: disks of old, and everything since."""


class Tear(StrEnum):
    """What of the unsynced sectors arrived."""

    NOTHING = "nothing"
    PREFIX = "prefix"
    SUBSET = "subset"
    EVERYTHING = "everything"
    ZEROS = "zeros"
    """The length, and none of the data."""


@dataclass(frozen=True, slots=True)
class _Operation:
    t_ns: int
    kind: str
    file: int
    data: bytes = b""


@dataclass(slots=True)
class _File:
    path: Path
    durable: bytearray = field(default_factory=bytearray)
    written: bytearray = field(default_factory=bytearray)
    is_named: bool = False


class LoggedDisk(Disk):
    """Writes nothing; keeps what was asked of it, and when by ``clock_ns``."""

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self._clock_ns = clock_ns
        self._paths: dict[int, Path] = {}
        self.operations: list[_Operation] = []

    def create(self, path: Path) -> int:
        file = 1000 + len(self._paths)
        self._paths[file] = path
        self._note("create", file)
        return file

    def write(self, file: int, data: Any) -> None:
        self._note("write", file, bytes(data))

    def sync(self, file: int) -> None:
        self._note("sync", file)

    def sync_folder(self, folder: Path) -> None:  # noqa: ARG002 - there is only one
        self._note("sync folder", -1)

    def duplicate(self, file: int) -> int:
        return file

    def close(self, file: int) -> None:
        """A closed file is no more durable than an open one."""

    def _note(self, kind: str, file: int, data: bytes = b"") -> None:
        self.operations.append(_Operation(self._clock_ns(), kind, file, data))

    def cut(self, after: int, tear: Tear, sector: int, rng: random.Random) -> tuple[int, dict[str, bytes]]:
        """The time when the power failed, right after this many operations, and the files that are left."""
        files: dict[int, _File] = {}
        for operation in self.operations[:after]:
            if operation.kind == "create":
                files[operation.file] = _File(self._paths[operation.file])
            elif operation.kind == "write":
                files[operation.file].written += operation.data
            elif operation.kind == "sync":
                file = files[operation.file]
                file.durable = bytearray(file.written)
            else:
                for file in files.values():
                    file.is_named = True
        t_ns = self.operations[after - 1].t_ns if after else 0
        return t_ns, {
            file.path.name: _torn(file, tear, sector, rng)
            for file in files.values()
            if file.is_named or rng.random() < 0.5
        }


def _torn(file: _File, tear: Tear, sector: int, rng: random.Random) -> bytes:
    """The file as the medium has it."""
    new, old = file.written, file.durable
    first = len(old) // sector
    places = list(range(first, -(-len(new) // sector)))
    arrived = {
        Tear.NOTHING: [],
        Tear.PREFIX: places[: rng.randint(0, len(places))],
        Tear.SUBSET: [place for place in places if rng.random() < 0.5],
        Tear.EVERYTHING: places,
        Tear.ZEROS: [],
    }[tear]
    length = {Tear.NOTHING: len(old), Tear.EVERYTHING: len(new), Tear.ZEROS: len(new)}.get(tear)
    if length is None:
        # The length is kept apart from the data: it may be ahead of them.
        reached = min(len(new), (max(arrived) + 1) * sector) if arrived else len(old)
        length = rng.randint(max(reached, len(old)), len(new))
    result = bytearray(length)
    result[: len(old)] = old
    for place in arrived:
        start, end = place * sector, min((place + 1) * sector, len(new), length)
        result[start:end] = new[start:end]
    return bytes(result)


def place(files: dict[str, bytes], folder: Path) -> Iterator[Path]:
    """Put files into an empty folder."""
    for name, data in sorted(files.items()):
        path = folder / name
        path.write_bytes(data)
        yield path
