"""A writer at full speed laps a reader in another process: what the reader accepts is never torn."""

import multiprocessing
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from winnow_runtime.ring.layout import Geometry
from winnow_runtime.ring.reader import RingReader
from winnow_runtime.ring.writer import RingWriter


class Load(NamedTuple):
    """What is written, and into how large a ring."""

    lengths: tuple[int, ...]
    capacity: int
    entries: int
    messages: int


CLOUDS = Load((2_900_000,), 4 * 2_900_032, 64, 400)
"""The aggregated cloud of the vehicle document, in a ring of four."""
SIGNALS = Load((64,), 256 * 64, 256, 150_000)
MIXED = Load((200, 40_000, 3_000, 120_000), 1 << 20, 64, 20_000)
LOADS = {"clouds": CLOUDS, "signals": SIGNALS, "mixed": MIXED}
STORM = 30
_HEAD = 12
_ONES = 0x9E3779B97F4A7C15


def make(seq: int, length: int) -> np.ndarray:
    """A payload of which each part says to which message it belongs, with the CRC of all that in front."""
    words = np.full(length // 8 + 1, (seq * _ONES) % 2**64, np.uint64)
    data = words.view(np.uint8)[:length].copy()
    data[:8] = np.frombuffer(seq.to_bytes(8, "little"), np.uint8)
    data[8:_HEAD] = np.frombuffer(zlib.crc32(data[_HEAD:].tobytes()).to_bytes(4, "little"), np.uint8)
    return data


def geometry(load: Load, crc: bool) -> Geometry:
    return Geometry(load.capacity, load.entries, crc, "run", "p")


def write(path: str, load: Load, crc: bool) -> None:
    """As fast as it goes: eight payloads are made beforehand, only their number changes."""
    writer = RingWriter(Path(path), geometry(load, crc), prefault=False)
    ready = [make(number, load.lengths[number % len(load.lengths)]) for number in range(8)]
    for seq in range(1, load.messages + 1):
        data = ready[seq % 8]
        data[:8] = np.frombuffer(seq.to_bytes(8, "little"), np.uint8)
        writer.push(memoryview(data), seq * 1000, 0, seq, 0)


def overrun(folder: Path, load: Load, crc: bool) -> tuple[int, int, int]:
    """Messages accepted, refused after copying, and passed over, until the writer has written its last one."""
    path = folder / "p.ring"
    RingWriter(path, geometry(load, crc), prefault=False).close()
    reader = RingReader(path)
    process = multiprocessing.get_context("spawn").Process(target=write, args=(str(path), load, crc))
    process.start()
    accepted = refused = passed = cursor = 0
    buffer = bytearray(max(load.lengths))
    try:
        while cursor < load.messages:
            assert process.is_alive() or reader.head == load.messages
            entries = reader.between(cursor, reader.head)
            for entry in entries:
                passed += int(entry["n"]) - cursor
                cursor = int(entry["n"]) + 1
                data = reader.copy_into(entry, buffer)
                if data is None:
                    refused += 1
                    continue
                accepted += 1
                assert len(data) == load.lengths[int(entry["seq"]) % 8 % len(load.lengths)]
                assert int(entry["seq"]) == int(entry["n"]) + 1 == int(entry["t_ns"]) // 1000
                assert int.from_bytes(data[:8], "little") == int(entry["seq"])
                assert zlib.crc32(data[_HEAD:]) == int.from_bytes(data[8:_HEAD], "little")
    finally:
        process.join(60)
        process.close()
        reader.close()
    assert accepted + refused + passed == load.messages
    return accepted, refused, passed


@pytest.mark.parametrize("crc", [False, True])
@pytest.mark.parametrize("name", LOADS)
def test_nothing_torn_is_ever_accepted(name: str, crc: bool, tmp_path: Path) -> None:
    accepted, refused, passed = overrun(tmp_path, LOADS[name], crc)
    assert accepted > 0
    assert refused + passed > 0, "the writer never overran the reader: this proves nothing"


@pytest.mark.storm
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("crc", [False, True])
@pytest.mark.parametrize("name", LOADS)
def test_nothing_torn_is_ever_accepted_for_long(name: str, crc: bool, tmp_path: Path) -> None:
    load = LOADS[name]
    accepted, refused, passed = overrun(tmp_path, load._replace(messages=load.messages * STORM), crc)
    print(f"{name}, crc {crc}: {accepted} accepted, {refused} refused, {passed} passed over")
    assert accepted > 0
    assert refused + passed > 0
