"""A writer at full speed laps a reader in another process: what the reader accepts is never torn."""

import multiprocessing
import zlib
from pathlib import Path

import numpy as np
import pytest

from winnow_runtime.ring.layout import Geometry
from winnow_runtime.ring.reader import RingReader
from winnow_runtime.ring.writer import RingWriter

MESSAGES = 20_000


def make(seq: int, length: int) -> np.ndarray:
    """A payload that says whether it is whole: one byte value throughout, its CRC and number in front."""
    data = np.full(length, seq & 0xFF, np.uint8)
    data[:8] = np.frombuffer(seq.to_bytes(8, "little"), np.uint8)
    data[8:12] = np.frombuffer(zlib.crc32(data[12:].tobytes()).to_bytes(4, "little"), np.uint8)
    return data


def write(path: str, crc: bool) -> None:
    writer = RingWriter(Path(path), Geometry(1 << 20, 64, crc, "run", "p"), prefault=False)
    lengths = [200, 40_000, 3_000, 120_000]
    ready = [make(seq, lengths[seq % 4]) for seq in range(256)]
    for seq in range(1, MESSAGES + 1):
        data = ready[seq % 256]
        data[:8] = np.frombuffer(seq.to_bytes(8, "little"), np.uint8)
        writer.push(memoryview(data), seq * 1000, 0, seq, 0)


@pytest.mark.parametrize("crc", [False, True])
def test_nothing_torn_is_ever_accepted(tmp_path: Path, crc: bool) -> None:
    path = tmp_path / "p.ring"
    RingWriter(path, Geometry(1 << 20, 64, crc, "run", "p"), prefault=False).close()
    reader = RingReader(path)
    process = multiprocessing.get_context("spawn").Process(target=write, args=(str(path), crc))
    process.start()
    accepted = refused = 0
    cursor = 0
    buffer = bytearray(200_000)
    try:
        while cursor < MESSAGES:
            assert process.is_alive() or reader.head == MESSAGES
            entries = reader.between(cursor, reader.head)
            for entry in entries:
                data = reader.copy_into(entry, buffer)
                if data is None:
                    refused += 1
                    continue
                accepted += 1
                assert int.from_bytes(data[:8], "little") == int(entry["seq"])
                assert zlib.crc32(data[12:]) == int.from_bytes(data[8:12], "little")
            if len(entries):
                cursor = int(entries[-1]["n"]) + 1
    finally:
        process.join(30)
    assert accepted > 0
    assert accepted + refused <= MESSAGES
