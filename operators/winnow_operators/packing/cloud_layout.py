"""Where the points stand in an encoded ``sensor_msgs/PointCloud2``, without decoding anything else."""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from winnow_operators.packing.ros_cursor import RosCursor
from winnow_schemas.channel import Channel

_CLOUDS = frozenset({"sensor_msgs/PointCloud2", "sensor_msgs/msg/PointCloud2"})
_TYPES: dict[int, np.dtype[np.generic]] = {
    number: np.dtype(code)
    for number, code in enumerate(("i1", "u1", "<i2", "<u2", "<i4", "<u4", "<f4", "<f8"), start=1)
}
FIELDS_MAX = 64
"""Fields of a point; drivers use 4 to 10."""
STRIDE_MAX = 4096
"""Bytes of a point."""


@dataclass(frozen=True, slots=True)
class PointField:
    """One column of a cloud."""

    name: str
    offset: int
    dtype: np.dtype[np.generic]
    count: int = 1


@dataclass(frozen=True, slots=True)
class CloudLayout:
    """A cloud's payload is ``payload[:begin]``, the points, ``payload[end:]``."""

    begin: int
    end: int
    points: int
    stride: int
    fields: tuple[PointField, ...]
    stamp_ns: int
    frame_id: str

    def rows(self, payload: bytes | memoryview) -> NDArray[np.uint8]:
        """Bytes of the points, shape (points, stride)."""
        data = np.frombuffer(payload, np.uint8, self.end - self.begin, self.begin)
        return data.reshape(self.points, self.stride)

    def field(self, name: str) -> PointField | None:
        return next((field for field in self.fields if field.name == name), None)


def is_cloud(channel: Channel) -> bool:
    """Whether the channel carries clouds that :func:`layout_of` may read."""
    return channel.schema_name in _CLOUDS and channel.encoding in ("cdr", "ros1")


def layout_of(channel: Channel, payload: bytes | memoryview) -> CloudLayout | None:
    """The layout; None for a payload that is no cloud of densely stored little-endian points."""
    try:
        return _read(RosCursor(payload, channel.encoding))
    except (struct.error, ValueError, IndexError):
        return None  # malformed: it is kept as it is


def _read(cursor: RosCursor) -> CloudLayout | None:
    stamp_ns, frame_id = cursor.header()
    height, width = cursor.number(), cursor.number()
    fields = tuple(_field(cursor) for _ in range(cursor.limited(FIELDS_MAX)))
    big_endian = cursor.byte()
    stride, row_bytes = cursor.number(), cursor.number()
    size = cursor.number()
    begin, points = cursor.at, height * width
    whole = size == points * stride and row_bytes == width * stride and begin + size <= len(cursor.data)
    if big_endian or not whole or not 0 < stride <= STRIDE_MAX:
        return None
    if any(field.offset + field.count * field.dtype.itemsize > stride for field in fields):
        return None
    return CloudLayout(begin, begin + size, points, stride, fields, stamp_ns, frame_id)


def _field(cursor: RosCursor) -> PointField:
    name, offset, kind = cursor.text(), cursor.number(), cursor.byte()
    count = cursor.number()
    if kind not in _TYPES or not 0 < count <= STRIDE_MAX:
        raise ValueError
    return PointField(name, offset, _TYPES[kind], count)
