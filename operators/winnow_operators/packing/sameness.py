"""When two clouds are the same within a bound: both become the same bytes once they are put on the grid.

The grid has a fixed origin, so a point on it stays where it is; the original and what a lossy codec made of
it meet there, and equal bytes prove that every coordinate differs by no more than the bound, that no point
is missing, and that everything else is exact.
"""

import numpy as np
from numpy.typing import NDArray

from winnow_operators.packing.cloud import AXES, column_of
from winnow_operators.packing.cloud_layout import CloudLayout, PointField, is_cloud, layout_of
from winnow_operators.packing.columns import cells_of, values_of
from winnow_operators.packing.draco import draco_points, fits_draco
from winnow_operators.packing.intensity import quantised
from winnow_schemas.channel import Channel
from winnow_schemas.settings.packing import Codec


def on_grid(
    channel: Channel, payload: bytes | memoryview, codec: Codec, tolerance_m: float, intensity_bits: int
) -> bytes | memoryview:
    """What the original and the restored payload of a lossy topic have in common.

    For ``ordered`` the payload with its coordinates on the grid; for ``draco`` also with points in a fixed
    order and, with ``intensity_bits``, intensities on their scale; 0: those must be equal. A payload that is no cloud stays as it is.
    """
    layout = layout_of(channel, payload) if is_cloud(channel) else None
    if layout is None:
        return payload
    rows = layout.rows(payload).copy()
    if codec is Codec.DRACO and (light := _draco_form(rows, layout, tolerance_m, intensity_bits)) is not None:
        held, column = light
        _snap(rows, layout, tolerance_m)
        if column is not None:
            field, values = column
            rows[:, field.offset : field.offset + field.dtype.itemsize] = values
        rows[held] = _sorted(rows[held])
    else:
        _snap(rows, layout, tolerance_m)
    view = memoryview(payload)
    return b"".join((view[: layout.begin], rows.tobytes(), view[layout.end :]))


def _snap(rows: NDArray[np.uint8], layout: CloudLayout, tolerance_m: float) -> None:
    for field in layout.fields:
        if field.name not in AXES or field.dtype.str != "<f4" or field.count != 1:
            continue
        column = column_of(rows, field).astype(np.float32)
        cells, held = cells_of(column, tolerance_m)
        column[held] = values_of(cells[held], tolerance_m)
        rows[:, field.offset : field.offset + 4] = column.view(np.uint8).reshape(-1, 4)


def _draco_form(
    rows: NDArray[np.uint8], layout: CloudLayout, tolerance_m: float, intensity_bits: int
) -> tuple[NDArray[np.bool_], tuple[PointField, NDArray[np.uint8]] | None] | None:
    """Which points Draco holds, and the intensities as it gives them back; None for a cloud that it refuses."""
    chosen = fits_draco(rows, layout)
    if chosen is None:
        return None
    axes, light = chosen
    bits = intensity_bits or 8
    attribute = quantised(column_of(rows, light), bits) if light is not None else None
    points = draco_points(rows, axes, attribute, tolerance_m)
    if points is None:
        return None
    held = ~points.loose
    if light is None or attribute is None or not intensity_bits:
        return held, None
    column = column_of(rows, light).copy()
    column[held] = attribute.values(attribute.index[held])
    return held, (light, column.view(np.uint8).reshape(len(rows), light.dtype.itemsize))


def _sorted(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    width = -rows.shape[1] % 8
    words = np.ascontiguousarray(np.pad(rows, ((0, 0), (0, width)))).view("<u8")
    return rows[np.lexsort(words.T)]
