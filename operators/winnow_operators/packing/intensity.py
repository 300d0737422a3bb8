"""An intensity beside Draco's points: few values exactly, as a palette; many on a scale with a stated error."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from winnow_operators.packing.entropy import Squeezer, take
from winnow_operators.packing.faults import PackingError
from winnow_operators.packing.wire import PackedReader, PackedWriter

_PALETTE_MAX = 256
_BITS_MAX = 16
_CODES = ("|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<f4", "<f8")
_NONE, _PALETTE, _SCALE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Intensity:
    """Values by index. ``palette`` holds what each index stands for."""

    palette: NDArray[np.generic]
    bits: int
    index: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    held: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))
    """Which points have a value that is a number."""
    error: float = 0.0
    is_exact: bool = True
    low: float = 0.0
    high: float = 0.0

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return self.palette.dtype

    def values(self, index: NDArray[np.int64]) -> NDArray[np.generic]:
        """What the indexes stand for.

        Raises:
            PackingError: an index is beyond the palette.

        """
        if len(index) and int(index.max()) >= len(self.palette):
            raise PackingError("An intensity is beyond its palette; the cloud was not unpacked.")
        return self.palette[index]

    @property
    def shown_dtype(self) -> np.dtype[np.generic]:
        """What viewers get: the index, which grows with the value, and which Draco carries exactly."""
        return np.dtype("|u1" if self.bits <= 8 else "<u2")

    def shown(self, index: NDArray[np.int64]) -> NDArray[np.generic]:
        return index.astype(self.shown_dtype)

    def from_shown(self, shown: NDArray[np.generic]) -> NDArray[np.int64]:
        index = shown.astype(np.int64)
        if len(index) and int(index.max()) >= len(self.palette):
            raise PackingError("An intensity is beyond its palette; the cloud was not unpacked.")
        return index


def quantised(column: NDArray[np.generic], bits: int) -> Intensity:
    """An intensity column as indexes; NaN and infinite values are not held."""
    held = np.isfinite(column)
    index = np.zeros(len(column), np.int64)
    if not held.any():
        return Intensity(np.zeros(1, column.dtype), 1, index, held)
    chosen = column[held]
    # By bytes: -0.0 and 0.0 are two values.
    size = column.dtype.itemsize
    plain = np.ascontiguousarray(chosen).view(f"<u{size}")
    unique, inverse = np.unique(plain, return_inverse=True)
    if len(unique) <= _PALETTE_MAX:
        index[held] = inverse
        return Intensity(unique.view(column.dtype), max(1, (len(unique) - 1).bit_length()), index, held)
    values = chosen.astype(np.float64)
    low, high = float(values.min()), float(values.max())
    palette = _scale(column.dtype, low, high, bits)
    steps = (1 << bits) - 1
    index[held] = np.clip(np.rint((values - low) / (high - low) * steps), 0, steps).astype(np.int64)
    error = float(np.abs(palette[index[held]].astype(np.float64) - values).max())
    return Intensity(palette, bits, index, held, error, is_exact=False, low=low, high=high)


def put_intensity(writer: PackedWriter, squeezer: Squeezer, intensity: Intensity | None) -> None:
    """Write what the indexes stand for."""
    if intensity is None:
        writer.number(_NONE)
        return
    writer.number(_PALETTE if intensity.is_exact else _SCALE)
    writer.number(_CODES.index(intensity.dtype.str))
    writer.number(intensity.bits)
    if intensity.is_exact:
        squeezer.put(writer, intensity.palette.tobytes())
    else:
        writer.real(intensity.low)
        writer.real(intensity.high)


def take_intensity(reader: PackedReader) -> Intensity | None:
    """Read it.

    Raises:
        PackingError: it is damaged.

    """
    form = reader.number(_SCALE)
    if form == _NONE:
        return None
    dtype = np.dtype(_CODES[reader.number(len(_CODES) - 1)])
    bits = reader.number(_BITS_MAX)
    if form == _PALETTE:
        data = take(reader, _PALETTE_MAX * dtype.itemsize)
        if not len(data) or len(data) % dtype.itemsize:
            raise PackingError(f"A palette has {len(data)} bytes; the cloud was not unpacked.")
        return Intensity(np.frombuffer(data, dtype), bits)
    low, high = reader.real(), reader.real()
    if not (np.isfinite(low) and np.isfinite(high) and low <= high and bits):
        raise PackingError(f"An intensity goes from {low!r} to {high!r}; the cloud was not unpacked.")
    return Intensity(_scale(dtype, low, high, bits), bits, is_exact=False, low=low, high=high)


def _scale(dtype: np.dtype[np.generic], low: float, high: float, bits: int) -> NDArray[np.generic]:
    steps = (1 << bits) - 1
    values = low + (high - low) * (np.arange(steps + 1) / steps)
    if dtype.kind in "iu":
        info = np.iinfo(dtype.str)
        values = np.clip(np.rint(values), info.min, info.max)
    with np.errstate(over="ignore"):
        return values.astype(dtype)
