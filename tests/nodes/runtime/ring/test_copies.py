"""Copies by the block are what was written, or nothing."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_runtime.ring import copies
from winnow_runtime.ring.copies import Large, copies_of
from winnow_runtime.ring.layout import Geometry
from winnow_runtime.ring.reader import RingReader
from winnow_runtime.ring.writer import RingWriter


@pytest.mark.parametrize("crc", [False, True])
@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.sampled_from([0, 1, 63, 64, 65, 900, 5000, 40_000]), min_size=1, max_size=60),
    later=st.lists(st.sampled_from([0, 64, 900, 40_000]), max_size=20),
    order=st.randoms(use_true_random=False),
)
def test_what_is_copied_was_written_and_what_is_gone_is_refused(
    tmp_path_factory: pytest.TempPathFactory, crc: bool, lengths: list[int], later: list[int], order
) -> None:
    path: Path = tmp_path_factory.mktemp("ring") / "a.ring"
    writer = RingWriter(path, Geometry(100_032, 64, crc, "run", "a"), prefault=False)
    written: dict[int, bytes] = {}

    def push(length: int) -> None:
        number = writer.head
        written[number] = bytes([number % 251]) * length
        writer.push(memoryview(written[number]), number, 0, number + 1, 0)

    for length in lengths:
        push(length)
    reader = RingReader(path)
    entries = [entry.copy() for entry in reader.between(reader.tail, reader.head)]
    order.shuffle(entries)
    taken = copies_of(reader, Large())
    for place, entry in enumerate(entries):
        if place == len(entries) // 2:
            for length in later:
                push(length)
        number = int(entry["n"])
        data = taken.take(number, int(entry["vpos"]), int(entry["length"]))
        if data is None:
            assert number < reader.tail
        else:
            assert bytes(data) == written[number]
    reader.close()
    writer.close()


def test_a_block_that_was_overtaken_while_it_was_copied_gives_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between copying and looking at the tail the writer overwrites part of the block."""
    writer = RingWriter(tmp_path / "a.ring", Geometry(64 * 64, 64, False, "run", "a"), prefault=False)
    for number in range(64):
        writer.push(memoryview(bytes([number]) * 64), number, 0, number + 1, 0)
    reader = RingReader(tmp_path / "a.ring")
    entries = reader.between(0, 64)
    taken = copies_of(reader, Large())

    def overtake() -> int:
        for number in range(10):
            writer.push(memoryview(b"\xff" * 64), 100 + number, 0, 65 + number, 0)
        return 10

    monkeypatch.setattr(RingReader, "tail", property(lambda _: overtake()))
    assert taken.take(0, int(entries[0]["vpos"]), 64) is None
    monkeypatch.undo()
    for number in range(64):
        data = taken.take(number, int(entries[number]["vpos"]), 64)
        assert (data is None) if number < 10 else (bytes(data or b"") == bytes([number]) * 64)
    assert copies.BLOCK_BYTES >= 64 * 64
    reader.close()
    writer.close()
