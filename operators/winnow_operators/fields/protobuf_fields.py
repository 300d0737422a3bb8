"""Protobuf: schemas from a FileDescriptorSet, and fields of messages."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError

from winnow_operators.fields.faults import FieldError
from winnow_operators.fields.object_reader import Getter, compile_getters
from winnow_operators.fields.path import Name
from winnow_operators.fields.resolution import Leaf
from winnow_operators.fields.tree import Flag, ListOf, Number, Opaque, Structure, Text, Time, Type

MAX_SCHEMA_BYTES = 4 * 1024 * 1024
"""Foxglove's largest set has 20 kB."""
MAX_FILES = 1000
NS = 1_000_000_000

_WELL_KNOWN = {
    f"google/protobuf/{name}.proto": f"google.protobuf.{name}_pb2"
    for name in ("any", "duration", "empty", "field_mask", "struct", "timestamp", "type", "wrappers")
}
_TIMES = {"google.protobuf.Timestamp": "timestamp", "google.protobuf.Duration": "duration"}
_WRAPPERS = frozenset(
    f"google.protobuf.{name}Value"
    for name in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
)
_SHAPELESS = frozenset(f"google.protobuf.{name}" for name in ("Any", "Struct", "Value", "ListValue"))
_NUMBER_NAMES = {
    FieldDescriptor.TYPE_DOUBLE: "float64",
    FieldDescriptor.TYPE_FLOAT: "float32",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_UINT64: "uint64",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_FIXED64: "uint64",
    FieldDescriptor.TYPE_FIXED32: "uint32",
    FieldDescriptor.TYPE_UINT32: "uint32",
    FieldDescriptor.TYPE_SFIXED32: "int32",
    FieldDescriptor.TYPE_SFIXED64: "int64",
    FieldDescriptor.TYPE_SINT32: "int32",
    FieldDescriptor.TYPE_SINT64: "int64",
    FieldDescriptor.TYPE_ENUM: "enum",
}


class NotProtobufError(Exception):
    """A payload is no message of its type; caught inside this package."""


def load_descriptor(schema_name: str, data: bytes) -> Descriptor:
    """Find the message type in a serialised FileDescriptorSet.

    Raises:
        FieldError: the set is malformed, incomplete, too large, or does not define the type.

    """
    if len(data) > MAX_SCHEMA_BYTES:
        raise FieldError(
            f"The protobuf schema of {schema_name} has {len(data):,} bytes, the limit is {MAX_SCHEMA_BYTES:,}; its "
            "fields cannot be read."
        )
    try:
        files = descriptor_pb2.FileDescriptorSet.FromString(data).file
    except DecodeError as error:
        raise FieldError(
            f"The protobuf schema of {schema_name} is no FileDescriptorSet ({error}); its fields cannot be read."
        ) from None
    if len(files) > MAX_FILES:
        raise FieldError(
            f"The protobuf schema of {schema_name} has {len(files):,} files, the limit is {MAX_FILES:,}; its fields "
            "cannot be read."
        )
    pool = descriptor_pool.DescriptorPool()
    try:
        _fill(
            pool,
            {file.name: file.SerializeToString() for file in files},
            {f.name: list(f.dependency) for f in files},
        )
        return pool.FindMessageTypeByName(schema_name)
    except KeyError as error:
        raise FieldError(
            f"The protobuf schema of {schema_name} lacks {error.args[0]!s:.120}; its fields cannot be read."
        ) from None
    except (TypeError, ValueError, RecursionError) as error:
        raise FieldError(
            f"The protobuf schema of {schema_name} is malformed ({str(error)[:120]}); its fields cannot be read."
        ) from None


def _fill(
    pool: descriptor_pool.DescriptorPool, files: Mapping[str, bytes], needs: Mapping[str, Sequence[str]]
) -> None:
    """Add files, each after those that it imports; KeyError for a missing one."""
    added: set[str] = set()
    for root in files:
        waiting = [root]
        path: set[str] = set()
        while waiting:
            name = waiting[-1]
            missing = [need for need in needs.get(name, ()) if need not in added]
            if name in added or not missing:
                waiting.pop()
                if name not in added:
                    pool.AddSerializedFile(files[name] if name in files else _well_known(name))
                    added.add(name)
            elif name in path:
                raise ValueError(f"{name} imports itself")
            else:
                path.add(name)
                waiting.extend(missing)


def _well_known(name: str) -> bytes:
    module = _WELL_KNOWN.get(name)
    if module is None:
        raise KeyError(f"the file {name!r}")
    serialized: bytes = importlib.import_module(module).DESCRIPTOR.serialized_pb
    return serialized


def protobuf_tree(descriptor: Descriptor) -> Structure:
    """The root type of a message type."""
    return _Types().structure(descriptor)


class _Types:
    def __init__(self) -> None:
        self._structures: dict[str, Structure] = {}

    def structure(self, descriptor: Descriptor) -> Structure:
        name = descriptor.full_name
        if name not in self._structures:
            self._structures[name] = Structure(
                name,
                lambda: {field.name: self._type(field) for field in descriptor.fields},
                value_field="value" if name in _WRAPPERS else "",
            )
        return self._structures[name]

    def _type(self, field: FieldDescriptor) -> Type:
        message = field.message_type
        if message is not None and message.GetOptions().map_entry:
            return Opaque("map", "maps have no order")
        single = self._single(field, message)
        return ListOf(single) if _is_repeated(field) else single

    def _single(self, field: FieldDescriptor, message: Descriptor | None) -> Type:
        if message is not None:
            if message.full_name in _TIMES:
                return Time(_TIMES[message.full_name], seconds_name="seconds", nanos_name="nanos")
            if message.full_name in _SHAPELESS:
                return Opaque(message.full_name, "its content has no schema")
            return self.structure(message)
        if field.type == FieldDescriptor.TYPE_BOOL:
            return Flag()
        if field.type == FieldDescriptor.TYPE_STRING:
            return Text()
        if field.type == FieldDescriptor.TYPE_BYTES:
            return ListOf(Number("uint8"))
        return Number(_NUMBER_NAMES[field.type])


def _is_repeated(field: FieldDescriptor) -> bool:
    """``label`` is deprecated from protobuf 6 on, ``is_repeated`` is missing before."""
    repeated = getattr(field, "is_repeated", None)
    if repeated is None:
        return getattr(field, "label", None) == FieldDescriptor.LABEL_REPEATED
    return bool(repeated)


def protobuf_reader(
    descriptor: Descriptor, leaves: Sequence[Leaf]
) -> Callable[[bytes | memoryview], tuple[Any, ...]]:
    """A function from payload to the leaves' values; it raises NotProtobufError."""
    read = compile_getters(leaves, _field, _elements, _convert)
    parse = message_factory.GetMessageClass(descriptor).FromString

    def run(data: bytes | memoryview) -> tuple[Any, ...]:
        try:
            message = parse(bytes(data))
        except DecodeError as error:
            raise NotProtobufError(str(error)) from None
        return read(message)

    return run


def _field(step: Name) -> Getter:
    """A field of one message type; whether it can be absent is found out at the first message."""
    name = step.name
    presence: list[bool] = []

    def read(message: Any) -> Any:
        if not presence:
            presence.append(message.DESCRIPTOR.fields_by_name[name].has_presence)
        if presence[0] and not message.HasField(name):
            return None
        return getattr(message, name)

    return read


def _elements(found: Any) -> Sequence[Any] | None:
    listed: Sequence[Any] | None = found
    return listed


def _convert(leaf: Leaf) -> Getter:
    if isinstance(leaf.type, Number):
        return float
    if isinstance(leaf.type, Time):
        return lambda found: found.seconds * NS + found.nanos
    return lambda found: found
