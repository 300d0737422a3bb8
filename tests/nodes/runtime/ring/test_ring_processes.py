"""Rings of real processes: killed, taken over, cleaned up, started at the same moment."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.nodes.runtime.ring.ring_starter import MESSAGES, payload

from winnow_runtime.ring.folder import RingFolder, all_runs, remove_stale
from winnow_runtime.ring.reader import RingReader

ROOT = Path(__file__).parents[4]


@pytest.fixture
def shm() -> Iterator[Path]:
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        yield Path(folder)


class Starter:
    """One ring process that a test starts and kills."""

    def __init__(self, shm: Path, run_id: str) -> None:
        path = os.pathsep.join(str(ROOT / part) for part in ("nodes", "operators", "schemas", "."))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.nodes.runtime.ring.ring_starter", str(shm), run_id],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
            cwd=ROOT,
        )

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def said(self) -> tuple[int, int]:
        """Folders that it removed, messages in its ring."""
        assert self.process.stdout is not None
        removed, head = self.process.stdout.readline().split()
        return int(removed), int(head)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


@pytest.fixture
def start(shm: Path) -> Iterator[object]:
    started: list[Starter] = []

    def one(run_id: str) -> Starter:
        started.append(Starter(shm, run_id))
        return started[-1]

    yield one
    for each in started:
        if each.process.poll() is None:
            each.kill()


def contents(shm: Path, run_id: str) -> list[bytes | None]:
    reader = RingReader(RingFolder.of(shm, run_id).ring_path("p"))
    found = [reader.copy(entry) for entry in reader.between(0, reader.head)]
    reader.close()
    return found


def test_what_came_before_a_kill_is_read_byte_for_byte_after_it(shm: Path, start) -> None:
    first = start("one")
    first.go()
    assert first.said() == (0, MESSAGES)
    reader = RingReader(RingFolder.of(shm, "one").ring_path("p"))  # as a reader that lives on
    first.kill()
    before = [payload("one", seq) for seq in range(1, MESSAGES + 1)]
    assert contents(shm, "one") == before
    second = start("one")
    second.go()
    assert second.said() == (0, 2 * MESSAGES)
    after = [payload("one", seq) for seq in range(1, 2 * MESSAGES + 1)]
    assert contents(shm, "one") == after
    assert [reader.copy(entry) for entry in reader.between(0, reader.head)] == after
    reader.close()


def test_dead_runs_are_removed_and_living_ones_are_not(shm: Path, start) -> None:
    dead, living = start("dead"), start("living")
    for each in (dead, living):
        each.go()
        each.said()
    dead.kill()
    newest = start("newest")
    newest.go()
    assert newest.said() == (1, MESSAGES)
    assert [folder.run_id for folder in all_runs(shm)] == ["living", "newest"]
    assert len(contents(shm, "living")) == MESSAGES


def test_runs_that_start_at_the_same_moment_leave_each_other_alone(shm: Path, start) -> None:
    rounds, together = 3, 4
    for number in range(rounds):
        several = [start(f"{number}-{place}") for place in range(together)]
        for each in several:
            each.go()
        # Each may remove what the round before left, and nothing of this one.
        assert sum(each.said()[0] for each in several) == (together if number else 0)
        for place in range(together):
            assert len(contents(shm, f"{number}-{place}")) == MESSAGES
        for each in several:
            each.kill()


def test_a_folder_without_an_owner_is_left_alone_while_somebody_makes_it(
    shm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run cleans up between the making of the folder and the naming of its owner: it has to wait."""
    folder = RingFolder.of(shm, "new")
    cleaned: list[list[tuple[str, int]]] = []
    cleaner = threading.Thread(target=lambda: cleaned.append(remove_stale(shm, RingFolder.of(shm, "other"))))
    write_text = Path.write_text

    def begin_to_clean(path: Path, *args: str) -> int:
        cleaner.start()
        cleaner.join(0.2)
        assert cleaner.is_alive(), "it did not wait"
        return write_text(path, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", begin_to_clean)
        folder.create("new", shm)
    cleaner.join()
    assert cleaned == [[]]
    assert folder.path.is_dir()


def test_another_users_folder_is_theirs(shm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RingFolder.of(shm, "theirs")
    folder.path.mkdir()
    monkeypatch.setattr(os, "getuid", lambda: folder.path.stat().st_uid + 1)
    assert remove_stale(shm, RingFolder.of(shm, "mine")) == []
    monkeypatch.undo()
    assert remove_stale(shm, RingFolder.of(shm, "mine")) == [("winnow-theirs", 0)]
