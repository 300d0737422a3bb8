"""Journals: numbered, torn tails cut off, repeats refused, readable while they grow."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_runtime import journal
from winnow_runtime.journal import JournalReader, JournalWriter


def records(folder: Path, position: int = 0) -> list[tuple[int, str, object]]:
    return [tuple(line) for line in JournalReader(folder, position).read()]


def test_records_are_numbered_and_repeats_refused(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "run")
    assert writer.append("a", {"x": 1}) == 1
    assert writer.append("b", {"x": 2.5, "text": "ümlaut"}) == 2
    assert writer.append("a", {"x": 9}) is None
    assert records(tmp_path) == [(1, "a", {"x": 1}), (2, "b", {"x": 2.5, "text": "ümlaut"})]
    assert records(tmp_path, 1) == [(2, "b", {"x": 2.5, "text": "ümlaut"})]


def test_a_restart_goes_on_and_still_refuses_repeats(tmp_path: Path) -> None:
    JournalWriter(tmp_path, "run").append("a", 1)
    again = JournalWriter(tmp_path, "run")
    assert again.append("a", 1) is None
    assert again.append("b", 2) == 2


def test_the_end_is_seen_and_a_new_run_reopens(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "run")
    writer.append("a", 1)
    reader = JournalReader(tmp_path)
    list(reader.read())
    assert not reader.ended("run")
    writer.end()
    list(reader.read())
    assert reader.ended("run")
    assert JournalWriter(tmp_path, "run").ended
    JournalWriter(tmp_path, "next")
    list(reader.read())
    assert not reader.ended("run")
    assert not reader.ended("next")


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(min_value=0, max_value=400), garbage=st.binary(max_size=30))
def test_a_torn_tail_costs_only_what_was_torn(
    tmp_path_factory: pytest.TempPathFactory, cut: int, garbage: bytes
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    writer = JournalWriter(folder, "run")
    for number in range(1, 6):
        writer.append(f"id{number}", {"n": number})
    path = next(folder.glob("*.jsonl"))
    data = path.read_bytes()
    keep = max(0, len(data) - cut)
    path.write_bytes(data[:keep] + garbage.replace(b"\n", b" "))
    whole = [line for line in data[:keep].split(b"\n")[:-1] if b'"n":' in line]
    assert [number for number, _, _ in records(folder)] == list(range(1, len(whole) + 1))
    again = JournalWriter(folder, "run")
    assert again.append("new", {}) == len(whole) + 1
    assert [number for number, _, _ in records(folder)] == list(range(1, len(whole) + 2))


def test_a_damaged_record_is_left_out_and_counted_and_costs_no_other(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "run")
    writer.append("a", {"x": 1111})
    writer.append("b", {"x": 2})
    path = next(tmp_path.glob("*.jsonl"))
    path.write_bytes(path.read_bytes().replace(b"1111", b"1112"))
    reader = JournalReader(tmp_path)
    assert [tuple(line) for line in reader.read()] == [(2, "b", {"x": 2})]
    assert reader.damaged == 1
    again = JournalWriter(tmp_path, "run")
    assert again.append("c", 3) == 3
    assert [line.number for line in reader.read()] == [3]


def test_rotation_is_invisible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SEGMENT_BYTES", 300)
    writer = JournalWriter(tmp_path, "run")
    reader = JournalReader(tmp_path)
    seen = []
    for number in range(40):
        writer.append(f"i{number}", number)
        seen += [line.record for line in reader.read()]
    writer.end()
    assert len(list(tmp_path.glob("*.jsonl"))) > 3
    assert seen == list(range(40))
    assert [line[2] for line in records(tmp_path, 25)] == list(range(25, 40))
    list(reader.read())
    assert reader.ended("run")
    assert JournalWriter(tmp_path, "run").last == 40
