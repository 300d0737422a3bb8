"""What a schema says about its payloads: the types inside, and fields into which anything fits."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorSet
from google.protobuf.message import DecodeError

from winnow_schemas.channel import Channel

_ROS = frozenset({"ros1msg", "ros2msg"})
_BYTES = re.compile(r"^(u?int8|byte|char)\[(<=\d+)?\]$")
_FIXED = re.compile(r"^(u?int8|byte|char)\[(\d+)\]$")
FIXED_MAX = 256
"""A fixed array of so many bytes (an id, a checksum, a CAN frame) is no picture."""
_IDL_BYTES = re.compile(r"sequence\s*<\s*(u?int8|octet|char|byte)\b")
_IDL_TYPES = re.compile(r"(?:struct\s+)(\w+)|((?:\w+::)+\w+)")
SCHEMA_MAX_DEPTH = 64
"""Of a JSON schema; deeper ones are taken for unreadable."""
NOT_PICTURES = frozenset(
    {
        "sensor_msgs/PointCloud2",
        "nav_msgs/OccupancyGrid",
        "map_msgs/OccupancyGridUpdate",
        "octomap_msgs/Octomap",
        "foxglove.PointCloud",
        "foxglove.CompressedPointCloud",
        "foxglove.Grid",
    }
)
"""Well-known types with bytes in them that show no face."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a schema's payloads are made of."""

    types: frozenset[str]
    """Names of all types used, the root's included."""
    bytes_in: frozenset[str]
    """Those that have a field of arbitrary bytes."""


def contents_of(channel: Channel) -> Contents | None:
    """Read a channel's schema; None when there is none, or none that can be read."""
    try:
        if channel.schema_encoding in _ROS:
            return _ros(channel.schema_name, channel.schema_data.decode())
        if channel.schema_encoding == "ros2idl":
            return _idl(channel.schema_name, channel.schema_data.decode())
        if channel.schema_encoding == "protobuf":
            return _protobuf(channel.schema_name, channel.schema_data)
        if channel.schema_encoding == "jsonschema":
            return _json(channel.schema_name, json.loads(channel.schema_data))
    except (ValueError, KeyError, DecodeError, RecursionError):
        return None
    return None


def plain_name(name: str) -> str:
    """A ROS type without the part in the middle: ``sensor_msgs/msg/Image`` is ``sensor_msgs/Image``."""
    return name.replace("/msg/", "/")


def _ros(root: str, text: str) -> Contents | None:
    types, loose, owner, fields = {root}, set(), root, 0
    for raw in text.splitlines():
        line = raw.partition("#")[0].strip()
        if line.startswith("MSG:"):
            owner = line.removeprefix("MSG:").strip()
            types.add(owner)
            continue
        words = line.split()
        if len(words) < 2 or line.startswith("="):
            continue
        fields += 1
        types.add(words[0].partition("[")[0].partition("<")[0])
        fixed = _FIXED.match(words[0])
        if _BYTES.match(words[0]) or (fixed and int(fixed[2]) > FIXED_MAX):
            loose.add(plain_name(owner))
    return Contents(frozenset(types), frozenset(loose)) if fields else None


def _idl(root: str, text: str) -> Contents:
    types = {first or second for first, second in _IDL_TYPES.findall(text)}
    return Contents(frozenset({root, *types}), frozenset({root} if _IDL_BYTES.search(text) else ()))


def _protobuf(root: str, data: bytes) -> Contents | None:
    known = {
        name: message
        for file in FileDescriptorSet.FromString(data).file
        for name, message in _messages(file.package, list(file.message_type))
    }
    types: set[str] = set()
    loose: set[str] = set()
    todo = [root]
    while todo:
        name = todo.pop()
        if name in types:
            continue
        types.add(name)
        for field in known[name].field:
            if field.type == FieldDescriptorProto.TYPE_BYTES:
                loose.add(name)
            if field.type == FieldDescriptorProto.TYPE_MESSAGE:
                todo.append(field.type_name.lstrip("."))
    return Contents(frozenset(types), frozenset(loose))


def _messages(prefix: str, messages: list[DescriptorProto]) -> Iterator[tuple[str, DescriptorProto]]:
    for message in messages:
        name = f"{prefix}.{message.name}" if prefix else message.name
        yield name, message
        yield from _messages(name, list(message.nested_type))


def _json(root: str, schema: Any) -> Contents | None:
    types, loose = {root}, set()
    if not isinstance(schema, dict) or not (
        schema.keys() & {"properties", "items", "$ref", "oneOf", "anyOf", "allOf"}
    ):
        return None  # it allows anything
    todo: list[tuple[Any, int]] = [(schema, 0)]
    while todo:
        part, depth = todo.pop()
        if depth > SCHEMA_MAX_DEPTH:
            return None
        if isinstance(part, list):
            todo += [(item, depth + 1) for item in part]
        elif isinstance(part, dict):
            types |= {str(part[key]) for key in ("title", "$ref") if isinstance(part.get(key), str)}
            if (
                "contentEncoding" in part
                or "contentMediaType" in part
                or part.get("format") in ("binary", "byte")
            ):
                loose.add(root)
            todo += [(item, depth + 1) for item in part.values()]
    return Contents(frozenset(types), frozenset(loose))
