"""Foxglove's protobuf messages, as far as Winnow writes them: schemas, and payloads field by field."""

import struct
from collections.abc import Iterator, Sequence
from functools import cache

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet

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
_TEXT, _BYTES = FieldDescriptorProto.TYPE_STRING, FieldDescriptorProto.TYPE_BYTES
_DOUBLE, _FIXED32 = FieldDescriptorProto.TYPE_DOUBLE, FieldDescriptorProto.TYPE_FIXED32
_TIME = ".google.protobuf.Timestamp"
_MAX_FIELDS = 4096

_Spec = tuple[str, int, "int | str"]


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
        + _bytes(RESTORE_FIELD, restore)
    )


def video_message(stamp_ns: int, frame_id: str, data: bytes, form: str, restore: bytes = b"") -> bytes:
    """A ``foxglove.CompressedVideo``; without ``restore`` it is not made from another message."""
    return (
        _stamp(stamp_ns)
        + _bytes(2, frame_id.encode())
        + _bytes(3, data)
        + _bytes(4, form.encode())
        + (_bytes(RESTORE_FIELD, restore) if restore else b"")
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
    return Channel(topic, "protobuf", CLOUD_SCHEMA, "protobuf", _cloud_schema(), metadata)


def video_channel(topic: str, metadata: tuple[tuple[str, str], ...]) -> Channel:
    """A channel of video frames."""
    return Channel(topic, "protobuf", VIDEO_SCHEMA, "protobuf", _video_schema(), metadata)


def location_channel(topic: str, metadata: tuple[tuple[str, str], ...]) -> Channel:
    """A channel of positions."""
    return Channel(topic, "protobuf", LOCATION_SCHEMA, "protobuf", _location_schema(), metadata)


# --- schemas ----------------------------------------------------------------------------------------------


@cache
def _cloud_schema() -> bytes:
    element = FileDescriptorProto(
        name="foxglove/PackedElementField.proto", package="foxglove", syntax="proto3"
    )
    message = element.message_type.add(name="PackedElementField")
    numbers = message.enum_type.add(name="NumericType")
    names = ("UNKNOWN", "UINT8", "INT8", "UINT16", "INT16", "UINT32", "INT32", "FLOAT32", "FLOAT64")
    for number, name in enumerate(names):
        numbers.value.add(name=name, number=number)
    _add(element, "PackedElementField", [("name", 1, _TEXT), ("offset", 2, _FIXED32)])
    _field(message, ("type", 3, ".foxglove.PackedElementField.NumericType"), enum=True)
    cloud = FileDescriptorProto(
        name="foxglove/CompressedPointCloud.proto", package="foxglove", syntax="proto3"
    )
    cloud.dependency.extend([element.name, "foxglove/Pose.proto", "google/protobuf/timestamp.proto"])
    _add(
        cloud,
        "CompressedPointCloud",
        [
            ("timestamp", 1, _TIME),
            ("frame_id", 2, _TEXT),
            ("pose", 3, ".foxglove.Pose"),
            ("point_stride", 4, _FIXED32),
        ],
    )
    _field(cloud.message_type[0], ("fields", 5, ".foxglove.PackedElementField"), repeated=True)
    _add(cloud, "CompressedPointCloud", [("data", 6, _BYTES), ("format", 7, _TEXT)])
    return _set(_timestamp(), *_pose(), element, cloud)


@cache
def _video_schema() -> bytes:
    video = FileDescriptorProto(name="foxglove/CompressedVideo.proto", package="foxglove", syntax="proto3")
    video.dependency.append("google/protobuf/timestamp.proto")
    _add(
        video,
        "CompressedVideo",
        [("timestamp", 1, _TIME), ("frame_id", 2, _TEXT), ("data", 3, _BYTES), ("format", 4, _TEXT)],
    )
    return _set(_timestamp(), video)


@cache
def _location_schema() -> bytes:
    fix = FileDescriptorProto(name="foxglove/LocationFix.proto", package="foxglove", syntax="proto3")
    fix.dependency.append("google/protobuf/timestamp.proto")
    message = fix.message_type.add(name="LocationFix")
    kinds = message.enum_type.add(name="PositionCovarianceType")
    for number, name in enumerate(("UNKNOWN", "APPROXIMATED", "DIAGONAL_KNOWN", "KNOWN")):
        kinds.value.add(name=name, number=number)
    _field(message, ("timestamp", 6, _TIME))
    _field(message, ("frame_id", 7, _TEXT))
    for name, number in (("latitude", 1), ("longitude", 2), ("altitude", 3)):
        _field(message, (name, number, _DOUBLE))
    _field(message, ("position_covariance", 4, _DOUBLE), repeated=True)
    covariance = (".foxglove.LocationFix.PositionCovarianceType",)
    _field(message, ("position_covariance_type", 5, *covariance), enum=True)
    return _set(_timestamp(), fix)


def _timestamp() -> FileDescriptorProto:
    from google.protobuf import timestamp_pb2

    result = FileDescriptorProto()
    timestamp_pb2.DESCRIPTOR.CopyToProto(result)
    return result


def _pose() -> list[FileDescriptorProto]:
    vector = FileDescriptorProto(name="foxglove/Vector3.proto", package="foxglove", syntax="proto3")
    _add(vector, "Vector3", [(axis, number, _DOUBLE) for number, axis in enumerate("xyz", start=1)])
    turn = FileDescriptorProto(name="foxglove/Quaternion.proto", package="foxglove", syntax="proto3")
    _add(turn, "Quaternion", [(axis, number, _DOUBLE) for number, axis in enumerate("xyzw", start=1)])
    pose = FileDescriptorProto(name="foxglove/Pose.proto", package="foxglove", syntax="proto3")
    pose.dependency.extend([vector.name, turn.name])
    _add(pose, "Pose", [("position", 1, ".foxglove.Vector3"), ("orientation", 2, ".foxglove.Quaternion")])
    return [vector, turn, pose]


def _set(*files: FileDescriptorProto) -> bytes:
    return FileDescriptorSet(file=files).SerializeToString(deterministic=True)


def _add(file: FileDescriptorProto, name: str, fields: list[_Spec]) -> None:
    known = [message for message in file.message_type if message.name == name]
    message = known[0] if known else file.message_type.add(name=name)
    for spec in fields:
        _field(message, spec)


def _field(message: object, spec: _Spec, *, repeated: bool = False, enum: bool = False) -> None:
    name, number, kind = spec
    field = message.field.add(name=name, number=number, json_name=_json_name(name))  # type: ignore[attr-defined]
    field.label = FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL
    if isinstance(kind, str):
        field.type = FieldDescriptorProto.TYPE_ENUM if enum else FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = kind
    else:
        field.type = kind


def _json_name(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))


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
