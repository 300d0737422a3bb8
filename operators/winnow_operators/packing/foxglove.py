"""Foxglove's protobuf messages of packed clips and videos, payload by payload."""

import struct
from collections.abc import Iterator, Sequence

from foxglove_schemas_protobuf.CompressedPointCloud_pb2 import CompressedPointCloud
from foxglove_schemas_protobuf.CompressedVideo_pb2 import CompressedVideo
from foxglove_schemas_protobuf.LocationFix_pb2 import LocationFix

from winnow_operators.native.schemas import foxglove_channel
from winnow_operators.packing.cloud_layout import PointField
from winnow_operators.packing.faults import PackingError
from winnow_schemas.channel import Channel

CLOUD_SCHEMA = "foxglove.CompressedPointCloud"
VIDEO_SCHEMA = "foxglove.CompressedVideo"
LOCATION_SCHEMA = "foxglove.LocationFix"
RESTORE_FIELD = 1000
"""Field of what Winnow needs to restore the original; protobuf readers pass over what their schema lacks."""
_NS = 1_000_000_000
_NUMERIC = {"|u1": 1, "|i1": 2, "<u2": 3, "<i2": 4, "<u4": 5, "<i4": 6, "<f4": 7, "<f8": 8}
"""PackedElementField.NumericType."""
_IDENTITY_POSE = bytes.fromhex("0a00") + b"\x12\x09\x21" + struct.pack("<d", 1.0)
"""position {} and orientation {w: 1}."""
_MAX_FIELDS = 4096


def cloud_message(
    stamp_ns: int, frame_id: str, stride: int, fields: Sequence[PointField], data: bytes, restore: bytes
) -> bytes:
    """A ``foxglove.CompressedPointCloud`` in Draco."""
    described = b"".join(
        _bytes(
            5,
            _bytes(1, field.name.encode())
            + _fixed32(2, field.offset)
            + _varint_field(3, _NUMERIC[field.dtype.str]),
        )
        for field in fields
    )
    return (
        _stamp(stamp_ns)
        + _bytes(2, frame_id.encode())
        + _bytes(3, _IDENTITY_POSE)
        + _fixed32(4, stride)
        + described
        + _bytes(6, data)
        + _bytes(7, b"draco")
        + restore_field(restore)
    )


def video_message(stamp_ns: int, frame_id: str, data: bytes, form: str, restore: bytes = b"") -> bytes:
    """A ``foxglove.CompressedVideo``; without ``restore`` it is not made from another message."""
    return (
        _stamp(stamp_ns)
        + _bytes(2, frame_id.encode())
        + _bytes(3, data)
        + _bytes(4, form.encode())
        + (restore_field(restore) if restore else b"")
    )


def location_message(
    stamp_ns: int, frame_id: str, latitude_deg: float, longitude_deg: float, altitude_m: float
) -> bytes:
    """A ``foxglove.LocationFix`` whose covariance is not known."""
    return (
        _double(1, latitude_deg)
        + _double(2, longitude_deg)
        + _double(3, altitude_m)
        + _bytes(6, _varint_field(1, stamp_ns // _NS) + _varint_field(2, stamp_ns % _NS))
        + _bytes(7, frame_id.encode())
    )


def bytes_fields(payload: bytes | memoryview) -> dict[int, memoryview]:
    """The last length-prefixed value of each field number.

    Raises:
        PackingError: it is no protobuf message.

    """
    return dict(_fields(memoryview(payload)))


def cloud_channel(topic: str, metadata: tuple[tuple[str, str], ...]) -> Channel:
    """A channel of Draco clouds."""
    return foxglove_channel(topic, CompressedPointCloud, metadata)


def video_channel(topic: str, metadata: tuple[tuple[str, str], ...]) -> Channel:
    """A channel of video frames."""
    return foxglove_channel(topic, CompressedVideo, metadata)


def location_channel(topic: str, metadata: tuple[tuple[str, str], ...]) -> Channel:
    """A channel of positions."""
    return foxglove_channel(topic, LocationFix, metadata)


def restore_field(restore: bytes) -> bytes:
    """What goes behind a whole message so that the original can be had back from it."""
    return _bytes(RESTORE_FIELD, restore)


# --- wire -------------------------------------------------------------------------------------------------


def _stamp(stamp_ns: int) -> bytes:
    seconds, nanoseconds = divmod(stamp_ns, _NS)
    return _bytes(1, _varint_field(1, seconds) + _varint_field(2, nanoseconds))


def _varint(value: int) -> bytes:
    out = bytearray()
    value &= 2**64 - 1
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _varint_field(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _fixed32(number: int, value: int) -> bytes:
    return _varint(number << 3 | 5) + struct.pack("<I", value)


def _double(number: int, value: float) -> bytes:
    return _varint(number << 3 | 1) + struct.pack("<d", value)


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    at = 0
    for _ in range(_MAX_FIELDS):
        if at == len(data):
            return
        key, at = _take_varint(data, at)
        kind = key & 7
        size = {1: 8, 5: 4}.get(kind, 0)
        if kind == 0:
            _, at = _take_varint(data, at)
            continue
        if kind == 2:
            size, at = _take_varint(data, at)
        elif not size:
            raise PackingError(
                f"A protobuf message has a field of the unknown kind {kind}; it was not unpacked."
            )
        if at + size > len(data):
            raise PackingError(
                f"A protobuf message breaks off after {len(data):,} bytes; it was not unpacked."
            )
        if kind == 2:
            yield key >> 3, data[at : at + size]
        at += size
    raise PackingError(f"A protobuf message has more than {_MAX_FIELDS:,} fields; it was not unpacked.")


def _take_varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for place in range(10):
        if at + place >= len(data):
            break
        byte = data[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise PackingError("A protobuf message has a number that does not end; it was not unpacked.")
