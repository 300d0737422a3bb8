"""Packed data from elsewhere: cut, changed, or with lengths that would eat the memory. Named errors, no bombs."""

import contextlib
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.clouds import cloud, cloud_channel, sweep

from winnow_operators.packing import PackingError, foxglove
from winnow_operators.packing.block import BLOCK, Timed, pack_block, unpack_block
from winnow_operators.packing.cloud import CLOUD, pack_cloud, unpack_cloud
from winnow_operators.packing.cloud_layout import layout_of
from winnow_operators.packing.draco import DRACO, pack_draco, unpack_draco
from winnow_operators.packing.entropy import Squeezer
from winnow_operators.packing.wire import PackedReader, PackedWriter

pytest.importorskip("DracoPy")
PAYLOAD = cloud(np.concatenate([sweep(300), sweep(20), np.full(3, np.nan, sweep(1).dtype)]))
LAYOUT = layout_of(cloud_channel(), PAYLOAD)
assert LAYOUT is not None
MADE = pack_draco(PAYLOAD, LAYOUT, Squeezer(), 0.01)
assert MADE is not None
GOOD: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    "block": (pack_block([Timed(5, 6, 7, b"abcdefgh")] * 50, Squeezer()), unpack_block),
    "cloud": (pack_cloud(PAYLOAD, LAYOUT, Squeezer())[0], unpack_cloud),
    "ordered": (pack_cloud(PAYLOAD, LAYOUT, Squeezer(), 0.01)[0], unpack_cloud),
    "draco": (MADE[0], unpack_draco),
}


@pytest.mark.parametrize("kind", GOOD)
def test_cut_anywhere(kind: str) -> None:
    data, read = GOOD[kind]
    read(data)
    step = max(1, len(data) // 150)
    for end in range(0, len(data), step):
        with pytest.raises(PackingError, match="not unpacked"):
            read(data[:end])


@pytest.mark.parametrize("kind", GOOD)
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_changed_anywhere(kind: str, data: st.DataObject) -> None:
    good, read = GOOD[kind]
    at = data.draw(st.integers(0, len(good) - 1))
    bad = bytearray(good)
    bad[at] ^= data.draw(st.integers(1, 255))
    try:
        result = read(bytes(bad))
    except PackingError:
        return
    assert result is not None  # payload bytes have no checksum of their own: the chunk's CRC is theirs


@settings(deadline=None, max_examples=200)
@given(garbage=st.binary(max_size=200), kind=st.sampled_from(sorted(GOOD)), version=st.booleans())
def test_garbage(garbage: bytes, kind: str, version: bool) -> None:
    codec = {"block": BLOCK, "cloud": CLOUD, "ordered": CLOUD, "draco": DRACO}[kind]
    data = bytes((1, codec)) + garbage if version else garbage
    with contextlib.suppress(PackingError):
        GOOD[kind][1](data)


def _cloud_head(points: int, stride: int) -> PackedWriter:
    writer = PackedWriter(CLOUD)
    writer.data(b"")
    writer.data(b"")
    writer.number(points)
    writer.number(stride)
    return writer


def _bomb_block() -> bytes:
    writer = PackedWriter(BLOCK)
    writer.number(65_536)
    writer.number(1)
    writer.number(65_536 * 32)
    writer.data(zstandard.compress(bytes(1 << 28)))
    return writer.whole()


def _many_points() -> bytes:
    writer = _cloud_head(1 << 28, 4096)
    return writer.whole()


def _lying_frame() -> bytes:
    writer = _cloud_head(1000, 4)
    writer.number(1)
    writer.number(0)
    writer.number(6)
    writer.number(0)
    writer.number(1)
    writer.number(4000)
    writer.data(zstandard.compress(bytes(1 << 28)))
    return writer.whole()


@pytest.mark.parametrize(
    ("bomb", "read"),
    [(_bomb_block(), unpack_block), (_many_points(), unpack_cloud), (_lying_frame(), unpack_cloud)],
    ids=["block", "points", "frame"],
)
def test_a_small_message_does_not_take_the_memory(bomb: bytes, read: Callable[[bytes], object]) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(PackingError):
            read(bomb)
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("change", ["points", "codec", "version", "foreign", "magic"])
def test_draco_clouds_that_lie(change: str) -> None:
    fields = foxglove.bytes_fields(MADE[0])
    restore, data = bytearray(fields[foxglove.RESTORE_FIELD]), bytearray(fields[foxglove.DATA_FIELD])
    if change == "points":
        at = data.index(b"intensity") + len("intensity") + 3
        data[at : at + 4] = (1 << 31).to_bytes(4, "little")
    elif change == "codec":
        restore[1] = 77
    elif change == "version":
        restore[0] = 9
    elif change == "magic":
        data[:5] = b"XXXXX"
    message = foxglove.cloud_message(0, "", bytes(data), bytes(restore))
    if change == "foreign":
        message = foxglove.cloud_message(0, "", bytes(data), b"")
    with pytest.raises(PackingError, match="not unpacked"):
        unpack_draco(message)


def test_numbers_end() -> None:
    with pytest.raises(PackingError, match="longer than 10 bytes"):
        PackedReader(b"\1\1" + b"\xff" * 12).number(2**64)
