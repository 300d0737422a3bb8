"""A cloud column by column: without loss, or with its coordinates on a grid (``ordered``).

Order, NaN, padding and every byte around the points come back; with a tolerance only finite coordinates
change, each by at most that much. A coordinate that the grid cannot hold (NaN, infinite, kilometres away) is
stored as it is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from winnow_operators.packing.cloud_layout import FIELDS_MAX, STRIDE_MAX, CloudLayout, PointField
from winnow_operators.packing.columns import put_column, take_column
from winnow_operators.packing.entropy import Squeezer
from winnow_operators.packing.faults import PackingError
from winnow_operators.packing.wire import PAYLOAD_MAX_BYTES, PackedReader, PackedWriter

CLOUD = 2
"""Its codec number; with or without a tolerance, the reader does the same."""
AXES = ("x", "y", "z")
_CODES = ("|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<f4", "<f8")
_COLUMNS_MAX = 4 * FIELDS_MAX
_POINTS_MAX = PAYLOAD_MAX_BYTES


@dataclass(frozen=True, slots=True)
class _Slice:
    """Bytes of a point that form a column."""

    name: str
    offset: int
    dtype: np.dtype[np.generic]


def pack_cloud(
    payload: bytes | memoryview, layout: CloudLayout, squeezer: Squeezer, tolerance_m: float = 0.0
) -> tuple[bytes, float]:
    """The packed cloud, and the largest error of a coordinate in metres (0 without ``tolerance_m``)."""
    writer = PackedWriter(CLOUD)
    view = memoryview(payload)
    writer.data(view[: layout.begin])
    writer.data(view[layout.end :])
    writer.number(layout.points)
    writer.number(layout.stride)
    slices = _slices(layout)
    writer.number(len(slices))
    rows = layout.rows(payload)
    error = 0.0
    for one in slices:
        writer.number(one.offset)
        writer.number(_CODES.index(one.dtype.str))
        tolerance = tolerance_m if one.name in AXES else 0.0
        error = max(error, put_column(writer, squeezer, _column(rows, one.offset, one.dtype), tolerance))
    return writer.whole(), error


def unpack_cloud(packed: bytes | memoryview) -> bytes:
    """The cloud's payload.

    Raises:
        PackingError: it is damaged, or is no cloud.

    """
    reader = PackedReader(packed)
    if reader.codec != CLOUD:
        raise PackingError(
            f"A packed message has codec {reader.codec}, a cloud has {CLOUD}; it was not unpacked."
        )
    head, tail = reader.data(), reader.data()
    rows = empty_rows(reader)
    for _ in range(reader.number(_COLUMNS_MAX)):
        offset = reader.number(STRIDE_MAX)
        dtype = np.dtype(_CODES[reader.number(len(_CODES) - 1)])
        if offset + dtype.itemsize > rows.shape[1]:
            raise PackingError(
                f"A column at byte {offset} goes beyond a point of {rows.shape[1]} bytes; the cloud was not unpacked."
            )
        column = take_column(reader, dtype, len(rows))
        rows[:, offset : offset + dtype.itemsize] = column.view(np.uint8).reshape(len(rows), dtype.itemsize)
    reader.end()
    return b"".join((head, rows.tobytes(), tail))


def empty_rows(reader: PackedReader) -> NDArray[np.uint8]:
    """Room for the points, whose number and stride the reader is about to give."""
    points, stride = reader.number(_POINTS_MAX), reader.number(STRIDE_MAX)
    if points * stride > PAYLOAD_MAX_BYTES:
        raise PackingError(
            f"A packed cloud says that it has {points:,} points of {stride} bytes, at most {PAYLOAD_MAX_BYTES:,} "
            "bytes are possible; it was not unpacked."
        )
    return np.zeros((points, stride), np.uint8)


def column_of(rows: NDArray[np.uint8], field: PointField) -> NDArray[np.generic]:
    """The values of a field with one element per point."""
    return _column(rows, field.offset, field.dtype)


def _column(rows: NDArray[np.uint8], offset: int, dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
    return np.ascontiguousarray(rows[:, offset : offset + dtype.itemsize]).reshape(-1).view(dtype)


def _slices(layout: CloudLayout) -> list[_Slice]:
    """Columns that cover every byte of a point exactly once; where fields overlap, bytes."""
    found: list[_Slice] = []
    at = 0
    for field in sorted(layout.fields, key=lambda field: field.offset):
        if field.offset < at or len(found) + field.count > FIELDS_MAX:
            return _as_bytes(0, layout.stride)
        found += _as_bytes(at, field.offset)
        for element in range(field.count):
            name = field.name if field.count == 1 else ""
            found.append(_Slice(name, field.offset + element * field.dtype.itemsize, field.dtype))
        at = field.offset + field.count * field.dtype.itemsize
    found += _as_bytes(at, layout.stride)
    return found if len(found) <= _COLUMNS_MAX else _as_bytes(0, layout.stride)


def _as_bytes(begin: int, end: int) -> list[_Slice]:
    """Padding, or what no field describes, in pieces of eight bytes and single ones."""
    pieces = [_Slice("", offset, np.dtype("<f8")) for offset in range(begin, end - 7, 8)]
    rest = begin + 8 * len(pieces)
    return pieces + [_Slice("", offset, np.dtype("|u1")) for offset in range(rest, end)]
