"""Messages that wrap a picture: taking the picture out, and putting another one in with everything else unchanged.

A message of a well-known type is read field by field and written again; what does not come out byte for byte
as it went in is not what its type says, and nobody touches it.
"""

import base64
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from winnow_operators.privacy.schemas import plain_name
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError

MAX_PAYLOAD_BYTES = 256 * 1024 * 1024
"""A raw picture of 64 megapixels in colour has 200 MB."""
BARE = {"jpeg": "jpeg", "jpg": "jpeg", "png": "png", "h264": "h264", "h265": "h265", "hevc": "h265"}
"""Message encodings whose payload is the picture."""
_HEADER = ("time", "string")
_LAYOUTS: dict[str, tuple[str, ...]] = {
    # Fields in their order; what is named matters to us, the others are carried over.
    "sensor_msgs/CompressedImage": (*_HEADER, "format:string", "data:bytes"),
    "sensor_msgs/Image": (
        *(*_HEADER, "height:u32", "width:u32", "encoding:string", "big_endian:u8", "step:u32", "data:bytes"),
    ),
    "foxglove_msgs/CompressedImage": (*_HEADER, "data:bytes", "format:string"),
    "foxglove_msgs/CompressedVideo": (*_HEADER, "data:bytes", "format:string"),
    "foxglove_msgs/RawImage": (
        *(*_HEADER, "width:u32", "height:u32", "encoding:string", "step:u32", "data:bytes"),
    ),
}
_ROS1_HEADED = ("sensor_msgs/CompressedImage", "sensor_msgs/Image")
"""In ROS 1 their headers begin with a sequence number."""
_FOXGLOVE = {
    "foxglove.CompressedImage": "foxglove_msgs/CompressedImage",
    "foxglove.CompressedVideo": "foxglove_msgs/CompressedVideo",
    "foxglove.RawImage": "foxglove_msgs/RawImage",
}
_SIZES = {"u8": "B", "u32": "I"}


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A picture as its message has it."""

    data: bytes
    form: str
    """What the message says that it is: ``jpeg``, ``bgr8; jpeg compressed bgr8``, ``h264``, or a raw pixel encoding."""
    raw: tuple[int, int, int, bool] | None
    """Width, height, bytes per row and big-endian, of a raw picture."""
    rebuild: Callable[[bytes], bytes]
    """The message with other bytes in the picture's place."""


def unwrap(channel: Channel, payload: bytes) -> Wrapped:
    """Take the picture out of a payload.

    Raises:
        BadInputError: the type is not known, or the payload is not what its type says.

    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise BadInputError(f"it has {len(payload)} bytes, the limit is {MAX_PAYLOAD_BYTES}")
    encoding = channel.encoding.lower()
    if encoding in BARE:
        return Wrapped(payload, BARE[encoding], None, bytes)
    name = plain_name(channel.schema_name)
    layout = _LAYOUTS.get(name) or _LAYOUTS.get(_FOXGLOVE.get(name, ""))
    if layout is None:
        raise BadInputError(f"{channel.schema_name or channel.encoding} is not a picture that can be opened")
    if encoding == "protobuf":
        return _protobuf(channel, payload)
    if encoding == "json":
        return _json(payload)
    if encoding == "cdr":
        return _serial(payload, layout, cdr=True)
    if encoding == "ros1":
        return _serial(payload, ("u32", *layout) if name in _ROS1_HEADED else layout, cdr=False)
    raise BadInputError(f"nobody can read the encoding {channel.encoding!r}")


# --- CDR and ROS 1 ----------------------------------------------------------------------------------------


def _serial(payload: bytes, layout: tuple[str, ...], *, cdr: bool) -> Wrapped:
    try:
        prefix, order = _order(payload) if cdr else (b"", "<")
        values = _read(payload, layout, len(prefix), order, aligned=cdr)
        again = _write(values, layout, prefix, order, aligned=cdr)
    except (struct.error, IndexError, UnicodeDecodeError):
        raise BadInputError("the message is shorter than its type says") from None
    if again != payload and not (
        payload.startswith(again) and not any(payload[len(again) :]) and len(payload) - len(again) < 4
    ):
        raise BadInputError("the message is not what its type says")
    place = next(number for number, field in enumerate(layout) if field == "data:bytes")
    named = {
        field.partition(":")[0]: value for field, value in zip(layout, values, strict=True) if ":" in field
    }

    def rebuild(data: bytes) -> bytes:
        return _write([*values[:place], data, *values[place + 1 :]], layout, prefix, order, aligned=cdr)

    return _wrapped(named, rebuild)


def _wrapped(named: dict[str, Any], rebuild: Callable[[bytes], bytes]) -> Wrapped:
    if "step" in named:
        raw = (
            int(named["width"]),
            int(named["height"]),
            int(named["step"]),
            bool(named.get("big_endian", 0)),
        )
        return Wrapped(named["data"], str(named["encoding"]), raw, rebuild)
    return Wrapped(named["data"], str(named["format"]), None, rebuild)


def _order(payload: bytes) -> tuple[bytes, str]:
    if len(payload) < 4 or payload[0] != 0 or payload[1] not in (0, 1):
        raise BadInputError("it is no plain CDR")
    return payload[:4], "<" if payload[1] else ">"


def _read(payload: bytes, layout: tuple[str, ...], start: int, order: str, *, aligned: bool) -> list[Any]:
    values: list[Any] = []
    at = start

    def number(code: str) -> int:
        nonlocal at
        size = struct.calcsize(code)
        if aligned:
            at += -(at - start) % size
        (value,) = struct.unpack_from(order + code, payload, at)
        at += size
        return int(value)

    for field in layout:
        kind = field.rpartition(":")[2]
        if kind in _SIZES:
            values.append(number(_SIZES[kind]))
        elif kind == "time":
            values.append((number("I"), number("I")))
        else:
            length = number("I")
            if length > len(payload) - at:
                raise BadInputError("the message is shorter than its type says")
            values.append(payload[at : at + length])
            at += length
    return [
        _text(value, aligned=aligned) if field.endswith("string") else value
        for field, value in zip(layout, values, strict=True)
    ]


def _text(value: bytes, *, aligned: bool) -> str:
    """A string; in CDR it ends with a zero byte that counts."""
    if aligned and not value.endswith(b"\0"):
        raise BadInputError("a text in the message has no end")
    return (value[:-1] if aligned else value).decode()


def _write(values: list[Any], layout: tuple[str, ...], prefix: bytes, order: str, *, aligned: bool) -> bytes:
    parts: list[bytes] = []
    size = 0

    def put(data: bytes) -> None:
        nonlocal size
        parts.append(data)
        size += len(data)

    def number(code: str, value: int) -> None:
        if aligned:
            put(bytes(-size % struct.calcsize(code)))
        put(struct.pack(order + code, value))

    for field, value in zip(layout, values, strict=True):
        kind = field.rpartition(":")[2]
        if kind in _SIZES:
            number(_SIZES[kind], value)
        elif kind == "time":
            number("I", value[0])
            number("I", value[1])
        else:
            data = value.encode() + (b"\0" if aligned else b"") if kind == "string" else value
            number("I", len(data))
            put(data)
    return prefix + b"".join(parts)


# --- protobuf and JSON ------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _message_class(name: str, schema: bytes) -> type[Message]:
    pool = descriptor_pool.DescriptorPool()
    files = {file.name: file for file in descriptor_pb2.FileDescriptorSet.FromString(schema).file}
    added: set[str] = set()

    def add(file: str, depth: int = 0) -> None:
        if file in added or file not in files or depth > 64:
            return
        added.add(file)
        for dependency in files[file].dependency:
            add(dependency, depth + 1)
        pool.Add(files[file])

    for file in files:
        add(file)
    found: type[Message] = message_factory.GetMessageClass(pool.FindMessageTypeByName(name))
    return found


def _protobuf(channel: Channel, payload: bytes) -> Wrapped:
    try:
        kind = _message_class(channel.schema_name, channel.schema_data)
        message: Any = kind.FromString(payload)
    except (DecodeError, KeyError, TypeError, ValueError) as error:
        raise BadInputError(f"the protobuf message cannot be read ({type(error).__name__})") from None
    fields = kind.DESCRIPTOR.fields_by_name
    wanted = ("data", "format") if "format" in fields else ("data", "encoding", "width", "height", "step")
    if not all(name in fields for name in wanted) or fields["data"].type != fields["data"].TYPE_BYTES:
        raise BadInputError("the protobuf message is not what its type says")

    def rebuild(data: bytes) -> bytes:
        other: Any = kind()
        other.CopyFrom(message)
        other.data = data
        done: bytes = other.SerializeToString(deterministic=True)
        return done

    return _wrapped({name: getattr(message, name) for name in wanted}, rebuild)


def _json(payload: bytes) -> Wrapped:
    try:
        message = json.loads(payload)
        named = {**message, "data": base64.b64decode(message["data"], validate=True)}
        wrapped = _wrapped(
            named, lambda data: json.dumps({**message, "data": base64.b64encode(data).decode()}).encode()
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadInputError("the JSON message is not what its type says") from None
    return wrapped
