"""Journals on bad disks and over months: nothing half-written, nothing kept for ever, no id forgotten."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_runtime import journal
from winnow_runtime.journal import FILES_KEPT, JournalReader, JournalWriter


def numbers(folder: Path, position: int = 0) -> list[int]:
    return [line.number for line in JournalReader(folder, position).read()]


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SEGMENT_BYTES", 200)


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = JournalWriter(tmp_path, "run")
    writer.append("a", {"x": 1})
    real = os.write

    def refuse(file: int, data: Any) -> int:
        """As a full disk does: a part of the line fits, then nothing more."""
        if len(data) > 5:
            return real(file, bytes(data)[:5])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(journal.os, "write", refuse)
        with pytest.raises(OSError, match="No space"):
            writer.append("b", {"x": 2})
        with pytest.raises(OSError, match="No space"):
            writer.end()
    assert numbers(tmp_path) == [1]
    assert writer.append("b", {"x": 2}) == 2
    writer.end()
    reader = JournalReader(tmp_path)
    assert [line.record for line in reader.read()] == [{"x": 1}, {"x": 2}]
    assert reader.ended("run")
    assert reader.damaged == 0


@pytest.mark.usefixtures("small_files")
def test_what_everybody_has_passed_goes_and_its_ids_stay(tmp_path: Path) -> None:
    passed = 0
    writer = JournalWriter(tmp_path, "run", passed=lambda: passed)
    for number in range(1, 41):
        writer.append(f"id{number}", number)
    full = len(list(tmp_path.glob("*.jsonl")))
    assert full > FILES_KEPT + 2
    passed = 20
    for number in range(41, 51):
        writer.append(f"id{number}", number)
    kept = numbers(tmp_path)
    assert kept == list(range(kept[0], 51))
    assert 1 < kept[0] <= 21
    passed = 2**63 - 1
    for number in range(51, 61):
        writer.append(f"id{number}", number)
    assert len(list(tmp_path.glob("*.jsonl"))) == FILES_KEPT + 1
    again = JournalWriter(tmp_path, "run")
    assert all(again.append(f"id{number}", number) is None for number in range(1, 61))
    assert again.append("id61", 61) == 61


@pytest.mark.usefixtures("small_files")
def test_a_crash_while_files_are_removed_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = 0
    writer = JournalWriter(tmp_path, "run", passed=lambda: passed)
    for number in range(1, 60):
        writer.append(f"id{number}", number)
    passed = 2**63 - 1
    with monkeypatch.context() as patched:

        def refuse(path: Path, **_: Any) -> None:
            raise OSError(errno.EROFS, "Read-only file system")

        patched.setattr(Path, "unlink", refuse)
        for number in range(60, 70):
            assert writer.append(f"id{number}", number) == number
    assert numbers(tmp_path) == list(range(1, 70))
    again = JournalWriter(tmp_path, "run", passed=lambda: passed)
    assert again.last == 69
    for number in range(70, 80):
        again.append(f"id{number}", number)
    assert len(list(tmp_path.glob("*.jsonl"))) == FILES_KEPT + 1
    third = JournalWriter(tmp_path, "run")
    assert all(third.append(f"id{number}", number) is None for number in range(1, 80))


def test_a_reader_is_not_misled_when_a_power_cut_took_records(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "one")
    for number in range(1, 6):
        writer.append(f"id{number}", number)
    path = next(tmp_path.glob("*.jsonl"))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:4]))  # begin and records 1 to 3; the consumer's checkpoint says 5
    writer = JournalWriter(tmp_path, "two")
    reader = JournalReader(tmp_path, 5)
    assert list(reader.read()) == []
    assert writer.append("new", "new") == 4
    assert [line.record for line in reader.read()] == ["new"]


@pytest.mark.usefixtures("small_files")
def test_every_record_knows_its_run_wherever_reading_begins(tmp_path: Path) -> None:
    expected = []
    for run in ("one", "two", "three"):
        writer = JournalWriter(tmp_path, run)
        for _ in range(15):
            number = writer.append(f"{run}{len(expected)}", 0)
            expected.append((number, run))
        writer.end()
    for position in range(45):
        reader = JournalReader(tmp_path, position)
        assert [(line.number, reader.run) for line in reader.read()] == expected[position:]
        assert reader.ended("three")


class Kill(BaseException):
    """As sudden as a signal."""


def kill_at(countdown: int) -> Callable[[], None]:
    """From now on the process dies at the n-th step that touches the disk; call the result to end that."""
    left = [countdown]
    patched = pytest.MonkeyPatch()
    for module, name in ((os, "write"), (os, "truncate"), (Path, "unlink"), (Path, "replace")):
        real = getattr(module, name)

        def step(*args: Any, real: Any = real, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise Kill
            return real(*args, **kwargs)

        patched.setattr(module, name, step)
    return patched.undo


@settings(max_examples=60, deadline=None)
@given(kills=st.lists(st.integers(min_value=0, max_value=60), max_size=4), lag=st.integers(0, 12))
def test_killed_anywhere_each_id_is_there_once(
    tmp_path_factory: pytest.TempPathFactory, kills: list[int], lag: int
) -> None:
    """A producer that begins again from its first record after every kill, a consumer some way behind."""
    folder = tmp_path_factory.mktemp("journal")
    patch = pytest.MonkeyPatch()
    patch.setattr(journal, "SEGMENT_BYTES", 250)
    taken: list[str] = []
    passed = [0]

    def consume(until: int) -> None:
        for line in JournalReader(folder, passed[0]).read():
            if line.number > until:
                break
            taken.append(line.id)
            passed[0] = line.number

    try:
        for countdown in [*kills, None]:
            undo = kill_at(countdown) if countdown is not None else None
            try:
                writer = JournalWriter(folder, "run", passed=lambda: passed[0])
                for number in range(1, 51):
                    writer.append(f"id{number}", {"v": number})
                    consume(writer.last - lag)
            except Kill:
                continue
            finally:
                if undo is not None:
                    undo()
    finally:
        patch.undo()
    consume(10**6)
    assert taken == [f"id{number}" for number in range(1, 51)]
    for path in folder.glob("*.jsonl"):
        assert all(json.loads(line) for line in path.read_bytes().splitlines())
