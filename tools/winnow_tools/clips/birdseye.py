"""A cloud from above: forward is up, as the vehicle drives; colours tell the height."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow_tools.clips.frames import Picture
from winnow_tools.convert.transcoding import PayloadError

POINTS_MAX = 20_000_000
"""Of one cloud; a sensor with 128 lines gives 0.3 million."""
_ROS_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}
"""sensor_msgs/PointField.datatype."""
_FOXGLOVE_TYPES = {1: "u1", 2: "i1", 3: "u2", 4: "i2", 5: "u4", 6: "i4", 7: "f4", 8: "f8"}
"""foxglove.PackedElementField.type."""
_RINGS_M = (5, 10, 20, 50, 100, 200, 500)
_SHARE = 0.97
"""Of the points that the picture shows: a few far ones would make the rest a dot."""
_DARKEST = 40
"""Of 255 steps of colour: below, points cannot be told from the ground of the picture."""
_BACKGROUND, _RING, _INK = (24, 20, 18), (70, 62, 58), (200, 190, 180)


def coordinates(message: Any) -> NDArray[np.float32]:
    """Finite points of a cloud, shape (n, 3): x forward, y left, z up, metres.

    Raises:
        PayloadError: its fields and its data disagree, or it is too large.

    """
    is_ros = hasattr(message, "point_step")
    step = int(message.point_step if is_ros else message.point_stride)
    data = bytes(message.data)
    types = _ROS_TYPES if is_ros else _FOXGLOVE_TYPES
    order = ">" if getattr(message, "is_bigendian", False) else "<"
    places: dict[str, tuple[int, np.dtype[Any]]] = {}
    for field in message.fields:
        kind = types.get(int(getattr(field, "datatype", getattr(field, "type", 0))))
        if kind is not None and field.name in ("x", "y", "z"):
            places[field.name] = int(field.offset), np.dtype(order + kind)
    if len(places) < 3 or step <= 0:
        raise PayloadError("it has no fields x, y and z")
    if any(offset < 0 or offset + kind.itemsize > step for offset, kind in places.values()):
        raise PayloadError(f"a field lies outside of a point's {step} bytes")
    count = len(data) // step
    if count > POINTS_MAX:
        raise PayloadError(f"{count:,} points, the limit is {POINTS_MAX:,}")
    if not count:
        return np.zeros((0, 3), np.float32)
    points = np.stack([_axis(data, count, step, *places[name]) for name in "xyz"], axis=1)
    return points[np.isfinite(points).all(axis=1)]


def _axis(data: bytes, count: int, step: int, offset: int, kind: np.dtype[Any]) -> NDArray[np.float32]:
    column = np.ndarray((count,), kind, data, offset, (step,))
    return column.astype(np.float32)


def birds_eye(points: NDArray[np.float32], size_px: int) -> Picture:
    """Draw points, shape (n, 3), from above into a square picture with rings around the origin."""
    picture = np.full((size_px, size_px, 3), _BACKGROUND, np.uint8)
    distance = np.hypot(points[:, 0], points[:, 1])
    reach = float(np.quantile(distance, _SHARE)) * 1.1 if len(points) else _RINGS_M[1]
    reach = max(reach, 1.0)
    scale, middle = size_px / 2 / reach, size_px // 2
    for ring in _RINGS_M:
        if ring <= reach:
            cv2.circle(picture, (middle, middle), round(ring * scale), _RING, 1, cv2.LINE_AA)
            cv2.putText(
                picture,
                f"{ring} m",
                (middle + 3, middle - round(ring * scale) + 12),
                cv2.FONT_HERSHEY_SIMPLEX,
                0.35,
                _INK,
                1,
                cv2.LINE_AA,
            )
    columns = (middle - points[:, 1] * scale).astype(np.int64)
    rows = (middle - points[:, 0] * scale).astype(np.int64)
    inside = (columns >= 0) & (columns < size_px) & (rows >= 0) & (rows < size_px)
    order = np.argsort(points[inside, 2], kind="stable")  # the highest is seen from above
    picture[rows[inside][order], columns[inside][order]] = _colours(points[inside, 2][order])
    cv2.drawMarker(picture, (middle, middle), _INK, cv2.MARKER_TRIANGLE_UP, 10, 1)
    return picture


def _colours(heights: NDArray[np.float32]) -> NDArray[np.uint8]:
    """BGR by height, shape (n, 3), from the lowest twentieth to the highest."""
    if not len(heights):
        return np.zeros((0, 3), np.uint8)
    low, high = (float(value) for value in np.quantile(heights, (0.05, 0.95)))
    level = _DARKEST + np.clip((heights - low) / ((high - low) or 1.0), 0, 1) * (255 - _DARKEST)
    return np.asarray(cv2.applyColorMap(level.astype(np.uint8)[:, None], cv2.COLORMAP_TURBO)[:, 0], np.uint8)
