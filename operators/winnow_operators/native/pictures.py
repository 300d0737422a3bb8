"""Pictures: dora's flat arrays with width and height beside them, and ROS's Image and CompressedImage as structs."""

import re
from typing import NamedTuple

import pyarrow as pa
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.CompressedVideo_pb2 import CompressedVideo
from foxglove_schemas_protobuf.RawImage_pb2 import RawImage

from winnow_operators.native.drawing import Drawing, Native, timestamp
from winnow_operators.native.hollow import Hollow, take_out
from winnow_operators.native.row import frame_of, stamp_ns

_PIXEL_BYTES = {
    "rgb8": 3,
    "bgr8": 3,
    "8uc3": 3,
    "rgba8": 4,
    "bgra8": 4,
    "mono8": 1,
    "8uc1": 1,
    "mono16": 2,
    "16uc1": 2,
    "32fc1": 4,
    "yuv422": 2,
    "uyvy": 2,
    "yuv422_yuy2": 2,
    "yuyv": 2,
    "bayer_rggb8": 1,
    "bayer_bggr8": 1,
    "bayer_gbrg8": 1,
    "bayer_grbg8": 1,
}
"""Encodings that foxglove.RawImage names, in lower case -> bytes per pixel."""
_DEPTH = {"float": "32FC1", "uint16": "16UC1"}
"""Arrow types of depth pictures; dora gives them no encoding."""
_STILL = re.compile(r"\b(jpe?g|png|webp|avif)\b", re.IGNORECASE)
_MOVING = re.compile(r"(h\.?26[45]|hevc|avc|av1|vp9)", re.IGNORECASE)
_FORMATS = {"jpg": "jpeg", "hevc": "h265", "avc": "h264", "h.264": "h264", "h.265": "h265"}
SIDE_MAX = 2**20
"""Pixels on one side."""


def names_picture(encoding: str) -> bool:
    """Whether an encoding in dora's metadata is that of a picture."""
    return encoding.lower() in _PIXEL_BYTES or _format_of(encoding) is not None


def flat_picture(native: Native) -> Drawing | None:
    """``encoding``, ``width`` and ``height`` in the metadata, as dora's camera nodes write them."""
    if not _is_numbers(native.value.type):
        return None
    encoding = str(native.metadata.get("encoding", ""))
    if not encoding and native.metadata.get("primitive") == "depth":
        encoding = _DEPTH.get(str(native.value.type), "")
    taken = take_out(native.value, None)
    if taken is None or not encoding:
        return None
    frame = str(native.metadata.get("frame_id", ""))
    if _format_of(encoding):
        return _compressed(native.t_ns, frame, encoding, taken, None)
    width, height = _side(native.metadata.get("width")), _side(native.metadata.get("height"))
    if not height:
        return None
    return _raw(native.t_ns, frame, Shape(width, height, len(taken.bulk) // height, encoding), taken, None)


def struct_picture(native: Native) -> Drawing | None:
    """The fields of sensor_msgs/Image or sensor_msgs/CompressedImage."""
    names = native.names
    if "data" not in names:
        return None
    is_raw = {"width", "height", "encoding", "step"} <= names
    if not is_raw and "format" not in names:
        return None
    taken = take_out(native.value, "data")
    if taken is None:
        return None
    row = taken.rest[0].as_py()
    t_ns, frame = stamp_ns(row, native.t_ns), frame_of(row)
    if not is_raw:
        return _compressed(t_ns, frame, str(row["format"]), taken, "data")
    shape = Shape(_side(row["width"]), _side(row["height"]), int(row["step"]), str(row["encoding"]))
    if row.get("is_bigendian") and _PIXEL_BYTES.get(shape.encoding.lower(), 0) > 1 and "16" in shape.encoding:
        return None  # Foxglove's are little-endian
    return _raw(t_ns, frame, shape, taken, "data")


class Shape(NamedTuple):
    """How the bytes of a raw picture are to be read."""

    width: int
    height: int
    step: int
    encoding: str


def _raw(t_ns: int, frame: str, shape: Shape, taken: Hollow, field: str | None) -> Drawing | None:
    pixel = _PIXEL_BYTES.get(shape.encoding.lower())
    if pixel is None or not shape.width or shape.step < shape.width * pixel:
        return None
    if shape.step * shape.height != len(taken.bulk):
        return None
    message = RawImage(
        timestamp=timestamp(t_ns),
        frame_id=frame,
        width=shape.width,
        height=shape.height,
        encoding=shape.encoding,
        step=shape.step,
        data=taken.bulk,
    )
    return Drawing(message, taken.rest, field, taken.bulk)


def _compressed(t_ns: int, frame: str, encoding: str, taken: Hollow, field: str | None) -> Drawing | None:
    form = _format_of(encoding)
    if form is None or not taken.bulk:
        return None
    make = CompressedVideo if _MOVING.fullmatch(form) else CompressedImage
    message = make(timestamp=timestamp(t_ns), frame_id=frame, data=taken.bulk, format=form)
    return Drawing(message, taken.rest, field, taken.bulk)


def _format_of(encoding: str) -> str | None:
    """``jpeg`` out of ``bgr8; jpeg compressed bgr8``."""
    found = _STILL.search(encoding) or _MOVING.search(encoding)
    if found is None:
        return None
    form = found[1].lower()
    return _FORMATS.get(form, form)


def _side(value: object) -> int:
    """A width or a height; 0 for what is none."""
    return value if isinstance(value, int) and 0 < value <= SIDE_MAX else 0


def _is_numbers(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
