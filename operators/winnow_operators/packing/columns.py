"""Columns of equal numbers: byte shuffle, delta, and decimals that floats were made from.

Sensors give centimetres and millimetres; a float32 column that holds nothing but rounded decimals is stored
as integers, and each value is checked to come back bit for bit. On real HDL-64E scans that halves what byte
shuffle and zstd leave (0.32 instead of 0.53 of the raw bytes). The same form with a tolerance is the
quantised column of the `ordered` codec.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from winnow_operators.packing.entropy import Squeezer, take
from winnow_operators.packing.faults import PackingError
from winnow_operators.packing.wire import PackedReader, PackedWriter

Column = NDArray[np.generic]
_DIVISORS = (1000.0, 100.0, 10_000.0, 100_000.0)
"""Millimetres first: what LiDARs give. Centimetres: percentages of intensity."""
_SAMPLE = 4096
"""Values by which the form is chosen."""
_INT_MAX = 1 << 30
"""Scaled values keep their differences inside 32 bits."""
_EXCEPTIONS_MAX = 0.25
"""Above this part of values that a form cannot hold, another form is better."""


class _Form(IntEnum):
    SHUFFLED = 0
    DELTA = 1
    SCALED = 2


def put_column(writer: PackedWriter, squeezer: Squeezer, column: Column, tolerance: float = 0.0) -> float:
    """Write a column; the largest error that its reader will see (0 without ``tolerance``)."""
    divisor = _divisor(column, tolerance)
    if divisor:
        scaled = _scale(column, divisor)
        held = _held(column, scaled, divisor, tolerance)
        if len(column) - int(held.sum()) <= len(column) * (1.0 if tolerance else _EXCEPTIONS_MAX):
            return _put_scaled(writer, squeezer, column, scaled, held, divisor)
    plain = _shuffled(column)
    delta = _delta(column)
    sample = slice(0, _SAMPLE)
    use_delta = squeezer.size(_shuffled(delta[sample])) < squeezer.size(_shuffled(column[sample]))
    writer.number(_Form.DELTA if use_delta else _Form.SHUFFLED)
    squeezer.put(writer, _shuffled(delta) if use_delta else plain)
    return 0.0


def take_column(reader: PackedReader, dtype: np.dtype[np.generic], count: int) -> Column:
    """Read a column of ``count`` values.

    Raises:
        PackingError: it is damaged.

    """
    form = reader.number(_Form.SCALED)
    if form == _Form.SCALED:
        return _take_scaled(reader, dtype, count)
    column = _unshuffled(take(reader, count * dtype.itemsize), dtype, count)
    return column if form == _Form.SHUFFLED else _undelta(column)


# --- scaled -----------------------------------------------------------------------------------------------


def _divisor(column: Column, tolerance: float) -> float:
    """Units per cell, as a divisor; 0 when the column is no column of decimals."""
    if column.dtype != np.float32:
        return 0.0
    if tolerance:
        return cells_per_unit(tolerance)
    sample = column[:: max(1, len(column) // _SAMPLE)]
    for divisor in _DIVISORS:
        held = _held(sample, _scale(sample, divisor), divisor, 0.0)
        if len(sample) and held.mean() >= 1 - _EXCEPTIONS_MAX:
            return divisor
    return 0.0


def cells_per_unit(tolerance: float) -> float:
    """Cells of a grid on which rounding errs by at most ``tolerance``, float32 included."""
    return 1.0 / (2.0 * tolerance * 0.998)


def _scale(values: Column, divisor: float) -> NDArray[np.int64]:
    with np.errstate(invalid="ignore", over="ignore"):  # a NaN that signals does so already in the cast
        scaled = np.rint(values.astype(np.float64) * divisor)
        fits = np.abs(scaled) < _INT_MAX  # NaN does not
    return np.where(fits, scaled, 0.0).astype(np.int64)


def _unscale(scaled: NDArray[np.int64], divisor: float) -> NDArray[np.float32]:
    return (scaled / divisor).astype(np.float32)


def _held(column: Column, scaled: NDArray[np.int64], divisor: float, tolerance: float) -> NDArray[np.bool_]:
    """Which values come back: bit for bit, or within the tolerance."""
    back = _unscale(scaled, divisor)
    if not tolerance:
        same: NDArray[np.bool_] = back.view(np.uint32) == column.view(np.uint32)
        return same
    with np.errstate(invalid="ignore", over="ignore"):
        near: NDArray[np.bool_] = np.abs(back.astype(np.float64) - column.astype(np.float64)) <= tolerance
    return near


def cells_of(column: NDArray[np.float32], tolerance: float) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Cell per value on the grid of ``tolerance``, and which values it holds (not NaN, not far outside)."""
    divisor = cells_per_unit(tolerance)
    scaled = _scale(column, divisor)
    return scaled, _held(column, scaled, divisor, tolerance)


def values_of(cells: NDArray[np.int64], tolerance: float) -> NDArray[np.float32]:
    """The values that cells stand for."""
    return _unscale(cells, cells_per_unit(tolerance))


def _put_scaled(
    writer: PackedWriter,
    squeezer: Squeezer,
    column: Column,
    scaled: NDArray[np.int64],
    held: NDArray[np.bool_],
    divisor: float,
) -> float:
    writer.number(_Form.SCALED)
    writer.real(divisor)
    cells = np.where(held, scaled, 0).astype(np.int32)
    squeezer.put(writer, _shuffled(_delta(cells)))
    missing = ~held
    squeezer.put(writer, np.packbits(missing).tobytes() if missing.any() else b"")
    squeezer.put(writer, np.ascontiguousarray(column[missing]).tobytes())
    if not held.any():
        return 0.0
    error = np.abs(_unscale(scaled, divisor)[held].astype(np.float64) - column[held].astype(np.float64))
    return float(error.max())


def _take_scaled(reader: PackedReader, dtype: np.dtype[np.generic], count: int) -> Column:
    divisor = reader.real()
    if dtype != np.float32 or not np.isfinite(divisor) or divisor <= 0:
        raise PackingError(f"A packed column has the scale {divisor!r}; it was not unpacked.")
    cells = _undelta(_unshuffled(take(reader, count * 4), np.dtype("<i4"), count))
    column = _unscale(cells.astype(np.int64), divisor)
    mask = take(reader, (count + 7) // 8)
    loose = take(reader, count * 4)
    if len(loose) % 4:
        raise PackingError(f"A column has {len(loose):,} bytes beside its grid; it was not unpacked.")
    raw = np.frombuffer(loose, np.float32)
    if len(mask):
        if len(mask) != (count + 7) // 8:
            raise PackingError(
                f"A mask of {count:,} values has {len(mask):,} bytes; the column was not unpacked."
            )
        missing = np.unpackbits(np.frombuffer(mask, np.uint8), count=count).astype(bool)
        if int(missing.sum()) != len(raw):
            raise PackingError(
                f"A mask names {int(missing.sum()):,} values and {len(raw):,} are there; the column was not unpacked."
            )
        column[missing] = raw
    return column


# --- bytes ------------------------------------------------------------------------------------------------


def _shuffled(column: Column) -> bytes:
    size = column.dtype.itemsize
    if size == 1:
        return np.ascontiguousarray(column).tobytes()
    return np.ascontiguousarray(np.ascontiguousarray(column).view(np.uint8).reshape(-1, size).T).tobytes()


def _unshuffled(data: bytes | memoryview, dtype: np.dtype[np.generic], count: int) -> Column:
    if len(data) != count * dtype.itemsize:
        raise PackingError(
            f"A column of {count:,} values of {dtype.itemsize} bytes has {len(data):,} bytes; it was not unpacked."
        )
    planes = np.frombuffer(data, np.uint8).reshape(dtype.itemsize, count)
    return np.ascontiguousarray(planes.T).reshape(-1).view(dtype)


def _delta(column: Column) -> Column:
    whole = np.ascontiguousarray(column).view(f"<u{column.dtype.itemsize}")
    result = whole.copy()
    result[1:] -= whole[:-1]
    return result


def _undelta(column: Column) -> Column:
    whole = column.view(f"<u{column.dtype.itemsize}")
    return np.cumsum(whole, dtype=whole.dtype).view(column.dtype)
