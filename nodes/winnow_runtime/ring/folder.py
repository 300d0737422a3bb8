"""The folder in shared memory that one run's rings live in, and what dead runs left behind."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from winnow_runtime.processes import Process
from winnow_runtime.ring.board import read_cell

_PREFIX = "winnow-"
_OWNER = "owner.json"


@dataclass(frozen=True, slots=True)
class RingFolder:
    """One run's rings."""

    path: Path

    @classmethod
    def of(cls, shm_dir: Path, run_id: str) -> "RingFolder":
        return cls(shm_dir / f"{_PREFIX}{run_id}")

    @property
    def run_id(self) -> str:
        return self.path.name.removeprefix(_PREFIX)

    def create(self, run_id: str, out: Path) -> None:
        """Make it, or take it over after a crash of its owner in the same run.

        Nobody cleans up meanwhile: without its owner's name a folder looks abandoned.
        """
        owner, daemon = Process.current(), _daemon()
        value = {
            "run_id": run_id,
            "out": str(out),
            "pid": owner.pid,
            "ticks": owner.started_ticks,
            "daemon": list(daemon),
        }
        text = json.dumps(value)
        with _alone(self.path.parent):
            self.path.mkdir(mode=0o700, exist_ok=True)
            temporary = self.path / f"{_OWNER}.new"
            temporary.write_text(text, "utf-8")
            os.replace(temporary, self.path / _OWNER)  # noqa: PTH105 - the point is that it is os.replace

    def ring_path(self, port: str) -> Path:
        return self.path / f"{port}.ring"

    def ports(self) -> list[str]:
        """Ports whose rings exist, sorted."""
        return sorted(path.name.removesuffix(".ring") for path in self.path.glob("*.ring"))

    def readers(self) -> list[str]:
        """Names of the readers that have a cell, sorted."""
        return sorted(path.name.removesuffix(".cell") for path in self.path.glob("*.cell"))

    def owner(self) -> tuple[Process, str]:
        """The ring process and the run's folder on disk; a dead process and '' when unreadable."""
        try:
            value = json.loads((self.path / _OWNER).read_text("utf-8"))
            return Process(int(value["pid"]), int(value["ticks"])), str(value["out"])
        except (OSError, ValueError, KeyError, TypeError):
            return Process(0, 0), ""

    def daemon(self) -> Process:
        """The dora daemon that started the ring, and starts it again; a dead process when there was none."""
        try:
            pid, ticks = json.loads((self.path / _OWNER).read_text("utf-8"))["daemon"]
            return Process(int(pid), int(ticks))
        except (OSError, ValueError, KeyError, TypeError):
            return Process(0, 0)

    @property
    def abandoned(self) -> bool:
        """Whether neither the ring nor any reader of it lives, nor the daemon that would start them again.

        All of them can be dead for a second: a ring that is killed before its readers have come.
        """
        if self.owner()[0].alive or self.daemon().alive:
            return False
        cells = (read_cell(self.path, reader) for reader in self.readers())
        return not any(cell is not None and cell.owner.alive for cell in cells)

    @property
    def is_ours(self) -> bool:
        """Whether it is there and belongs to this user."""
        try:
            return self.path.stat().st_uid == os.getuid()
        except FileNotFoundError:
            return False  # its run ended at this moment

    def remove(self) -> None:
        """Delete it. Mappings that readers hold stay valid until they let go."""
        shutil.rmtree(self.path, ignore_errors=True)


def _daemon() -> Process:
    """The dora process that is this one's parent."""
    parent = os.getppid()
    try:
        is_dora = Path(f"/proc/{parent}/comm").read_text("utf-8", "replace").strip() == "dora"
    except OSError:
        is_dora = False
    return Process.of(parent) if is_dora else Process(0, 0)


def all_runs(shm_dir: Path) -> list[RingFolder]:
    """The folders of all runs, living and dead."""
    return [RingFolder(path) for path in sorted(shm_dir.glob(f"{_PREFIX}*")) if path.is_dir()]


def remove_stale(shm_dir: Path, keep: RingFolder) -> list[tuple[str, int]]:
    """Remove this user's folders of dead runs; their names and bytes.

    A crash of the ring alone does not make a run dead: its readers still live. Other users' folders are
    theirs: nobody else can tell whether they live.
    """
    removed = []
    with _alone(shm_dir):
        for folder in all_runs(shm_dir):
            if folder.path != keep.path and folder.is_ours and folder.abandoned:
                size = sum(path.stat().st_size for path in folder.path.glob("*.ring"))
                folder.remove()
                removed.append((folder.path.name, size))
    return removed


@contextmanager
def _alone(shm_dir: Path) -> Iterator[None]:
    """Between processes of this user: whoever makes or removes folders does it alone; a crash lets go."""
    path = shm_dir / f".{_PREFIX}{os.getuid()}.lock"
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)
