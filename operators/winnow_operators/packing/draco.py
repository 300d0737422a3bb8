"""Clouds in Draco: the smallest form, as ``foxglove.CompressedPointCloud``, with everything to restore the rest.

Draco drops the order of points, merges equal ones, and refuses NaN and empty clouds. So coordinates are put
on a grid first, equal points become one with a count, and points that the grid cannot hold travel beside
it, with the mask of where they stood. What comes back is the same number of points, the same bytes in every
point that is not finite, and the same multiset of points within the tolerance.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from winnow_operators.packing import foxglove
from winnow_operators.packing.cloud import AXES, column_of, empty_rows
from winnow_operators.packing.cloud_layout import CloudLayout, PointField
from winnow_operators.packing.columns import cells_of, values_of
from winnow_operators.packing.draco_stream import POINTS_MAX, decode, encode
from winnow_operators.packing.entropy import Squeezer, take
from winnow_operators.packing.faults import PackingError
from winnow_operators.packing.intensity import Intensity, put_intensity, quantised, take_intensity
from winnow_operators.packing.wire import PAYLOAD_MAX_BYTES, PackedReader, PackedWriter

DRACO = 3
"""Its codec number."""
_INTENSITIES = frozenset({"intensity", "i", "reflectivity", "reflectance"})
_AXIS_BITS = 20
"""Cells of an axis: 10 km at 1 cm."""
_KEY_BITS = 62
_ORIGIN_MAX = 1 << 31


@dataclass(frozen=True, slots=True)
class DracoPoints:
    """A cloud as distinct cells: ``keys`` sorted, ``counts`` how often, ``loose`` what the grid cannot hold."""

    keys: NDArray[np.uint64]
    counts: NDArray[np.int64]
    loose: NDArray[np.bool_]
    origin: tuple[int, int, int]
    bits: int
    error_m: float


def draco_fields(layout: CloudLayout) -> tuple[list[PointField], PointField | None] | None:
    """x, y, z and the intensity; None when the cloud has other columns, for which order matters."""
    axes = [field for name in AXES if (field := layout.field(name)) is not None]
    others = [field for field in layout.fields if field.name not in AXES]
    if len(axes) != len(AXES) or any(axis.dtype.str != "<f4" or axis.count != 1 for axis in axes):
        return None
    if len(others) > 1 or any(field.name.lower() not in _INTENSITIES or field.count != 1 for field in others):
        return None
    if len({field.offset for field in layout.fields}) != len(layout.fields):
        return None
    return axes, others[0] if others else None


def fits_draco(
    rows: NDArray[np.uint8], layout: CloudLayout
) -> tuple[list[PointField], PointField | None] | None:
    """As :func:`draco_fields`, for one cloud: nothing between the fields, not too many points."""
    chosen = draco_fields(layout)
    if chosen is None or layout.points > POINTS_MAX or _has_padding(rows, layout):
        return None
    return chosen


def pack_draco(
    payload: bytes | memoryview,
    layout: CloudLayout,
    squeezer: Squeezer,
    tolerance_m: float,
    *,
    level: int = 7,
    intensity_bits: int = 8,
) -> tuple[bytes, float, float] | None:
    """The message, the largest error of a coordinate in metres, and that of an intensity.

    None when Draco does not fit: other columns than intensity, bytes between the fields that are not zero,
    or a cloud so wide that a cell needs more than 62 bits. The result was decoded and compared.
    """
    rows = layout.rows(payload)
    chosen = fits_draco(rows, layout)
    if chosen is None:
        return None
    axes, light = chosen
    attribute = quantised(column_of(rows, light), intensity_bits) if light is not None else None
    points = draco_points(rows, axes, attribute, tolerance_m)
    if points is None:
        return None
    data = _encode(points, attribute, tolerance_m, level)
    if not np.array_equal(
        _decode(data, points.origin, len(points.keys), points.bits, attribute, tolerance_m), points.keys
    ):
        return None
    restore = _describe(payload, layout, rows, points, attribute, axes, light, tolerance_m, squeezer)
    message = foxglove.cloud_message(layout.stamp_ns, layout.frame_id, data, restore)
    return message, points.error_m, attribute.error if attribute else 0.0


def unpack_draco(message: bytes | memoryview) -> bytes:
    """The original payload: same bytes around the points, points in another order and within the tolerance.

    Raises:
        PackingError: it is damaged, or Winnow did not make it.
        UnavailableError: DracoPy is not installed.

    """
    fields = foxglove.bytes_fields(message)
    if foxglove.RESTORE_FIELD not in fields:
        raise PackingError(
            "A Draco cloud was not made by winnow: its original cannot be restored; it was not unpacked."
        )
    reader = PackedReader(fields[foxglove.RESTORE_FIELD])
    if reader.codec != DRACO:
        raise PackingError(
            f"A packed message has codec {reader.codec}, a Draco cloud has {DRACO}; it was not unpacked."
        )
    head, tail = reader.data(), reader.data()
    rows = empty_rows(reader)
    tolerance_m = reader.real()
    if not 0 < tolerance_m < 1e6:
        raise PackingError(f"A Draco cloud has the tolerance {tolerance_m!r}; it was not unpacked.")
    origin = tuple(reader.signed(_ORIGIN_MAX) for _ in AXES)
    bits, unique = reader.number(_AXIS_BITS), reader.number(len(rows))
    offsets = [_offset(reader, rows, 4) for _ in AXES]
    loose = _take_mask(reader, len(rows))
    raw = np.frombuffer(take(reader, rows.size), np.uint8)
    counts = _take_counts(reader, unique)
    attribute = take_intensity(reader)
    at = _offset(reader, rows, attribute.dtype.itemsize) if attribute else 0
    reader.end()
    if raw.size != int(loose.sum()) * rows.shape[1] or int(counts.sum()) + int(loose.sum()) != len(rows):
        raise PackingError(
            f"A Draco cloud of {len(rows):,} points has another number of them; it was not unpacked."
        )
    keys = _decode(
        fields.get(foxglove.DATA_FIELD, memoryview(b"")), origin, unique, bits, attribute, tolerance_m
    )
    _fill(rows, loose, raw, np.repeat(keys, counts), origin, bits, offsets, attribute, at, tolerance_m)
    return b"".join((head, rows.tobytes(), tail))


# --- the grid ---------------------------------------------------------------------------------------------


def draco_points(
    rows: NDArray[np.uint8], axes: list[PointField], attribute: Intensity | None, tolerance_m: float
) -> DracoPoints | None:
    """The cloud as distinct cells; None when it is so wide that a cell needs more than 62 bits."""
    found = [(column_of(rows, axis).astype(np.float32), axis) for axis in axes]
    columns, held = [], np.ones(len(rows), bool)
    for values, _ in found:
        cells, inside = cells_of(values, tolerance_m)
        columns.append(cells)
        held &= inside
    if attribute is not None:
        held &= attribute.held
    if not held.any():
        return DracoPoints(np.empty(0, np.uint64), np.empty(0, np.int64), ~held, (0, 0, 0), 1, 0.0)
    chosen = np.stack([cells[held] for cells in columns])
    origin = chosen.min(axis=1)
    bits = max(1, int((chosen.max(axis=1) - origin).max()).bit_length())
    width = attribute.bits if attribute is not None else 0
    if bits > _AXIS_BITS or 3 * bits + width > _KEY_BITS:
        return None
    shifted = (chosen - origin[:, None]).astype(np.uint64)
    key = shifted[0] << np.uint64(2 * bits) | shifted[1] << np.uint64(bits) | shifted[2]
    if attribute is not None:
        key = key << np.uint64(width) | attribute.index[held].astype(np.uint64)
    keys, counts = np.unique(key, return_counts=True)
    error = max(
        float(
            np.abs(
                values_of(cells[held], tolerance_m).astype(np.float64) - values[held].astype(np.float64)
            ).max()
        )
        for (values, _), cells in zip(found, columns, strict=True)
    )
    return DracoPoints(keys, counts, ~held, (int(origin[0]), int(origin[1]), int(origin[2])), bits, error)


def _split(
    keys: NDArray[np.uint64], bits: int, width: int, origin: tuple[int, ...]
) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
    """Cells per axis, and the attribute's index."""
    places = keys >> np.uint64(width)
    mask = np.uint64((1 << bits) - 1)
    cells = [
        (places >> np.uint64(bits * (2 - axis)) & mask).astype(np.int64) + origin[axis] for axis in range(3)
    ]
    return cells, (keys & np.uint64((1 << width) - 1)).astype(np.int64)


def _encode(points: DracoPoints, attribute: Intensity | None, tolerance_m: float, level: int) -> bytes:
    if not len(points.keys):
        return b""
    cells, index = _split(points.keys, points.bits, attribute.bits if attribute else 0, points.origin)
    xyz = np.stack([values_of(axis, tolerance_m) for axis in cells], axis=1)
    shown = attribute.shown(index) if attribute is not None else None
    origin = [float(values_of(np.array([each]), tolerance_m)[0]) for each in points.origin]
    step = _step(tolerance_m)
    return encode(xyz, shown, origin, points.bits, ((1 << points.bits) - 1) * step, level)


def _decode(
    data: bytes | memoryview,
    origin: tuple[int, ...],
    unique: int,
    bits: int,
    attribute: Intensity | None,
    tolerance_m: float,
) -> NDArray[np.uint64]:
    """The sorted keys that Draco gives back."""
    if not unique:
        return np.empty(0, np.uint64)
    xyz, shown = decode(data, unique, has_attribute=attribute is not None)
    with np.errstate(invalid="ignore"):
        cells = np.rint(xyz.astype(np.float64) / _step(tolerance_m)) - np.array(origin, np.float64)
    if not ((cells >= 0) & (cells < 1 << bits)).all():
        raise PackingError("A Draco cloud has points outside of its grid; it was not unpacked.")
    shifted = cells.astype(np.uint64)
    keys: NDArray[np.uint64] = (
        shifted[:, 0] << np.uint64(2 * bits) | shifted[:, 1] << np.uint64(bits) | shifted[:, 2]
    )
    if attribute is not None and shown is not None:
        keys = keys << np.uint64(attribute.bits) | attribute.from_shown(shown).astype(np.uint64)
    return np.sort(keys)


def _step(tolerance_m: float) -> float:
    return 2.0 * tolerance_m * 0.998


# --- what Draco does not carry ----------------------------------------------------------------------------


def _describe(
    payload: bytes | memoryview,
    layout: CloudLayout,
    rows: NDArray[np.uint8],
    points: DracoPoints,
    attribute: Intensity | None,
    axes: list[PointField],
    light: PointField | None,
    tolerance_m: float,
    squeezer: Squeezer,
) -> bytes:
    writer = PackedWriter(DRACO)
    view = memoryview(payload)
    writer.data(view[: layout.begin])
    writer.data(view[layout.end :])
    writer.number(layout.points)
    writer.number(layout.stride)
    writer.real(tolerance_m)
    for origin in points.origin:
        writer.signed(origin)
    writer.number(points.bits)
    writer.number(len(points.keys))
    for axis in axes:
        writer.number(axis.offset)
    squeezer.put(writer, np.packbits(points.loose).tobytes() if points.loose.any() else b"")
    squeezer.put(writer, rows[points.loose].tobytes())
    several = np.flatnonzero(points.counts > 1)
    pairs = np.stack([np.diff(several, prepend=0), points.counts[several]]).astype("<u4")
    squeezer.put(writer, pairs.tobytes())
    put_intensity(writer, squeezer, attribute)
    if light is not None:
        writer.number(light.offset)
    return writer.whole()


def _take_mask(reader: PackedReader, count: int) -> NDArray[np.bool_]:
    mask = take(reader, (count + 7) // 8)
    if not len(mask):
        return np.zeros(count, bool)
    if len(mask) != (count + 7) // 8:
        raise PackingError(f"A mask of {count:,} points has {len(mask):,} bytes; the cloud was not unpacked.")
    return np.unpackbits(np.frombuffer(mask, np.uint8), count=count).astype(bool)


def _take_counts(reader: PackedReader, unique: int) -> NDArray[np.int64]:
    data = take(reader, 8 * unique)
    if len(data) % 8:
        raise PackingError(
            f"The counts of equal points have {len(data):,} bytes; the cloud was not unpacked."
        )
    gaps, times = np.frombuffer(data, "<u4").reshape(2, -1).astype(np.int64)
    places = np.cumsum(gaps)
    if len(places) and (int(places.max()) >= unique or int(times.sum()) > PAYLOAD_MAX_BYTES):
        raise PackingError(
            "The counts of equal points name points that are not there; the cloud was not unpacked."
        )
    counts = np.ones(unique, np.int64)
    counts[places] = times
    return counts


def _offset(reader: PackedReader, rows: NDArray[np.uint8], size: int) -> int:
    if rows.shape[1] < size:
        raise PackingError(
            f"Points of {rows.shape[1]} bytes have no room for their columns; the cloud was not unpacked."
        )
    return reader.number(rows.shape[1] - size)


def _fill(
    rows: NDArray[np.uint8],
    loose: NDArray[np.bool_],
    raw: NDArray[np.uint8],
    keys: NDArray[np.uint64],
    origin: tuple[int, ...],
    bits: int,
    offsets: list[int],
    attribute: Intensity | None,
    at: int,
    tolerance_m: float,
) -> None:
    rows[loose] = raw.reshape(-1, rows.shape[1])
    cells, index = _split(keys, bits, attribute.bits if attribute else 0, origin)
    columns = [
        (offset, values_of(axis, tolerance_m).astype("<f4"))
        for offset, axis in zip(offsets, cells, strict=True)
    ]
    held = np.flatnonzero(~loose)
    for offset, values in columns:
        rows[held, offset : offset + 4] = values.view(np.uint8).reshape(-1, 4)
    if attribute is not None:
        light = attribute.values(index)
        rows[held, at : at + light.dtype.itemsize] = light.view(np.uint8).reshape(
            len(held), light.dtype.itemsize
        )


def _has_padding(rows: NDArray[np.uint8], layout: CloudLayout) -> bool:
    """Whether bytes between the fields say something."""
    covered = np.zeros(layout.stride, bool)
    for field in layout.fields:
        covered[field.offset : field.offset + field.dtype.itemsize * field.count] = True
    return bool(rows[:, ~covered].any())
