"""PointCloud2 payloads, byte by byte, in CDR and ROS 1."""

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tests.recording_makers import ROS1, ROS2

from winnow_schemas.channel import Channel

XYZI = [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("intensity", "<f4")]
XYZ = XYZI[:3]
XYZIRT = [*XYZI, ("ring", "<u2"), ("time", "<f4")]
_KINDS = {"|i1": 1, "|u1": 2, "<i2": 3, "<u2": 4, "<i4": 5, "<u4": 6, "<f4": 7, "<f8": 8}


def cloud_channel(encoding: str = "cdr", topic: str = "/points") -> Channel:
    name = "sensor_msgs/msg/PointCloud2"
    if encoding == "cdr":
        return Channel(topic, "cdr", name, "ros2msg", ROS2.generate_msgdef(name, ros_version=2)[0].encode())
    text = ROS1.generate_msgdef(name, ros_version=1)[0].encode()
    return Channel(topic, "ros1", "sensor_msgs/PointCloud2", "ros1msg", text)


def structured(fields: Sequence[tuple[str, str]], columns: Sequence[NDArray[np.generic]]) -> NDArray[np.void]:
    """Points with their fields one behind the other."""
    points = np.zeros(len(columns[0]), np.dtype(list(fields)))
    for (name, _), column in zip(fields, columns, strict=True):
        points[name] = column
    return points


def cloud(
    points: NDArray[np.void],
    encoding: str = "cdr",
    *,
    stamp_ns: int = 1_700_000_000_123_456_789,
    frame: str = "lidar",
    big_endian: bool = False,
    row_padding: int = 0,
) -> bytes:
    """A message with one row."""
    out = bytearray()
    is_cdr = encoding == "cdr"

    def number(value: int) -> None:
        if is_cdr:
            out.extend(bytes(-len(out) % 4))
        out.extend(struct.pack("<I", value))

    def text(value: str) -> None:
        data = value.encode() + (b"\0" if is_cdr else b"")
        number(len(data))
        out.extend(data)

    if not is_cdr:
        number(7)
    number(stamp_ns // 10**9)
    number(stamp_ns % 10**9)
    text(frame)
    number(1)
    number(len(points))
    names = points.dtype.names or ()
    number(len(names))
    for name in names:
        kind, offset = points.dtype.fields[name][:2]  # type: ignore[index]
        text(name)
        number(offset)
        out.append(_KINDS[kind.str])
        number(1)
    out.append(big_endian)
    number(points.dtype.itemsize)
    number(points.dtype.itemsize * len(points) + row_padding)
    data = points.tobytes() + bytes(row_padding)
    number(len(data))
    out.extend(data)
    out.append(1)
    return (b"\0\1\0\0" if is_cdr else b"") + bytes(out)


def sweep(count: int, seed: int = 1, fields: Sequence[tuple[str, str]] = XYZI) -> NDArray[np.void]:
    """A generated sweep in firing order: rings on the ground and on a wall, with noise, as full floats."""
    generator = np.random.default_rng(seed)
    angle = np.linspace(0, 40 * np.pi, count)
    distance = 8 + 30 * np.abs(np.sin(angle / 3)) + generator.normal(0, 0.02, count)
    columns: dict[str, NDArray[np.generic]] = {
        "x": (distance * np.cos(angle)).astype(np.float32),
        "y": (distance * np.sin(angle)).astype(np.float32),
        "z": (generator.normal(0, 0.02, count) - 1.7).astype(np.float32),
        "intensity": generator.integers(0, 256, count).astype(np.float32),
        "ring": (np.arange(count) % 32).astype(np.uint16),
        "time": (np.arange(count) * 1e-6).astype(np.float32),
    }
    return structured(fields, [columns[name] for name, _ in fields])
