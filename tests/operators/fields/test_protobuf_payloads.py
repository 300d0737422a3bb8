"""Protobuf payloads with a FileDescriptorSet, as Foxglove writes them."""

from typing import Any

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2, wrappers_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.fields import FieldDecoder, FieldError, list_fields
from winnow_schemas.channel import Channel

F = descriptor_pb2.FieldDescriptorProto


def field(name: str, number: int, kind: int, *, repeated: bool = False, **extra: Any) -> Any:
    label = F.LABEL_REPEATED if repeated else F.LABEL_OPTIONAL
    return F(name=name, number=number, type=kind, label=label, **extra)


def the_set(*, with_wellknown: bool = True) -> descriptor_pb2.FileDescriptorSet:
    inner = descriptor_pb2.FileDescriptorProto(
        name="inner.proto",
        package="test",
        syntax="proto3",
        message_type=[
            descriptor_pb2.DescriptorProto(
                name="Point",
                field=[
                    field("x", 1, F.TYPE_DOUBLE),
                    field("y", 2, F.TYPE_DOUBLE),
                    field("tags", 3, F.TYPE_STRING, repeated=True),
                    field("next", 4, F.TYPE_MESSAGE, type_name=".test.Point"),
                ],
            )
        ],
    )
    entry = descriptor_pb2.DescriptorProto(
        name="NamesEntry",
        field=[field("key", 1, F.TYPE_STRING), field("value", 2, F.TYPE_STRING)],
        options=descriptor_pb2.MessageOptions(map_entry=True),
    )
    root = descriptor_pb2.FileDescriptorProto(
        name="root.proto",
        package="test",
        syntax="proto3",
        dependency=["inner.proto", "google/protobuf/timestamp.proto", "google/protobuf/wrappers.proto"],
        enum_type=[
            descriptor_pb2.EnumDescriptorProto(
                name="Mode",
                value=[
                    descriptor_pb2.EnumValueDescriptorProto(name="OFF", number=0),
                    descriptor_pb2.EnumValueDescriptorProto(name="ON", number=7),
                ],
            )
        ],
        message_type=[
            descriptor_pb2.DescriptorProto(
                name="Root",
                field=[
                    field("stamp", 1, F.TYPE_MESSAGE, type_name=".google.protobuf.Timestamp"),
                    field("speed", 2, F.TYPE_FLOAT),
                    field("maybe", 3, F.TYPE_INT64, proto3_optional=True, oneof_index=0),
                    field("on", 4, F.TYPE_BOOL),
                    field("name", 5, F.TYPE_STRING),
                    field("mode", 6, F.TYPE_ENUM, type_name=".test.Mode"),
                    field("points", 7, F.TYPE_MESSAGE, repeated=True, type_name=".test.Point"),
                    field("at", 8, F.TYPE_MESSAGE, type_name=".test.Point"),
                    field("wrapped", 9, F.TYPE_MESSAGE, type_name=".google.protobuf.DoubleValue"),
                    field("data", 10, F.TYPE_BYTES),
                    field("names", 11, F.TYPE_MESSAGE, repeated=True, type_name=".test.Root.NamesEntry"),
                    field("counts", 12, F.TYPE_UINT32, repeated=True),
                ],
                oneof_decl=[descriptor_pb2.OneofDescriptorProto(name="_maybe")],
                nested_type=[entry],
            )
        ],
    )
    files = [root, inner]  # not in the order of their imports
    if with_wellknown:
        for module in (timestamp_pb2, wrappers_pb2):
            copied = descriptor_pb2.FileDescriptorProto()
            module.DESCRIPTOR.CopyToProto(copied)
            files.append(copied)
    return descriptor_pb2.FileDescriptorSet(file=files)


def channel(name: str = "test.Root", schema: bytes | None = None) -> Channel:
    data = the_set().SerializeToString() if schema is None else schema
    return Channel("/t", "protobuf", name, "protobuf", data)


def new_message() -> Any:
    pool = descriptor_pool.DescriptorPool()
    files = {file.name: file for file in the_set().file}
    for name in (
        "google/protobuf/timestamp.proto",
        "google/protobuf/wrappers.proto",
        "inner.proto",
        "root.proto",
    ):
        pool.Add(files[name])
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("test.Root"))()


def full_message() -> Any:
    message = new_message()
    message.stamp.seconds, message.stamp.nanos = 1_700_000_000, 5
    message.speed, message.maybe, message.on, message.name, message.mode = 2.5, 2**53, True, "n", 7
    first, second = message.points.add(), message.points.add()
    first.x, first.y = 3.0, 4.0
    second.x = 6.0
    second.next.x = 9.0
    first.tags.extend(["a", "b"])
    message.at.x, message.at.y = 3.0, 4.0
    message.wrapped.value = 0.0
    message.data = b"\1\2\xff"
    message.names["a"] = "b"
    message.counts.extend([4, 5])
    return message


EXPECTED = {
    "stamp": 1_700_000_000.000000005,
    "stamp_ns": 1_700_000_000_000_000_005,
    "stamp.seconds": 1_700_000_000.0,
    "speed": 2.5,
    "maybe": 2.0**53,
    "on": True,
    "name": "n",
    "mode": 7.0,
    "points[0].x": 3.0,
    "points[1].next.x": 9.0,
    "points[0].next.x": None,
    "points[9].x": None,
    "max(points[].x)": 6.0,
    "len(points[])": 2.0,
    "len(points[].tags[])": 2.0,
    "at.x": 3.0,
    "wrapped": 0.0,
    "wrapped.value": 0.0,
    "data[2]": 255.0,
    "len(data[])": 3.0,
    "sum(counts[])": 9.0,
    "norm(counts)": float(np.hypot(4, 5)),
}


@pytest.mark.parametrize("with_wellknown", [True, False])
def test_values(with_wellknown: bool):
    schema = the_set(with_wellknown=with_wellknown).SerializeToString()
    decoder = FieldDecoder(channel(schema=schema), list(EXPECTED))
    values = decoder.decode(memoryview(full_message().SerializeToString()))
    assert dict(zip(EXPECTED, values, strict=True)) == EXPECTED
    assert [type(value) for value in values] == [type(value) for value in EXPECTED.values()]
    arrays = FieldDecoder(channel(), ["points[].tags[]", "points[].next.x", "data[]", "counts[]"])
    tags, following, data, counts = arrays.decode(full_message().SerializeToString())
    assert tags.tolist() == ["a", "b"]
    assert np.isnan(following[0])
    assert following[1] == 9.0
    assert data.tolist() == [1.0, 2.0, 255.0]
    assert counts.dtype == np.float64


def test_what_a_message_does_not_have():
    """Plain proto3 fields have their default; optional ones, messages and wrappers are absent."""
    absent = ["stamp", "stamp_ns", "maybe", "at.x", "wrapped", "points[0].x", "max(points[].x)"]
    default = {"speed": 0.0, "on": False, "name": "", "mode": 0.0, "len(points[])": 0.0}
    values = FieldDecoder(channel(), [*absent, *default]).decode(b"")
    assert values == (*[None] * len(absent), *default.values())


def test_fields_are_listed_and_recursion_ends():
    fields = list_fields(channel())
    assert fields[:4] == [("stamp", "timestamp"), ("speed", "float32"), ("maybe", "int64"), ("on", "bool")]
    assert ("points[].next.x", "float64") in fields
    assert ("wrapped.value", "float64") in fields
    assert not any(path.startswith("names") for path, _ in fields)
    assert len(fields) < 200


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("names", "maps have no order"),
        ("spee", "did you mean 'speed'"),
        ("at", "its fields are x, y, tags, next"),
    ],
)
def test_paths_that_do_not_fit_get_help(path: str, sentence: str):
    with pytest.raises(FieldError, match=sentence):
        FieldDecoder(channel(), [path])


def _set(*files: descriptor_pb2.FileDescriptorProto) -> bytes:
    return descriptor_pb2.FileDescriptorSet(file=files).SerializeToString()


@pytest.mark.parametrize(
    ("schema", "sentence"),
    [
        (b"\xff\xff", "is no FileDescriptorSet"),
        (b"", "lacks"),
        (_set(the_set().file[0]), "lacks the file 'inner.proto'"),
        (_set(descriptor_pb2.FileDescriptorProto(name="a", dependency=["a"])), "imports itself"),
        (
            _set(
                descriptor_pb2.FileDescriptorProto(name="a", dependency=["b"]),
                descriptor_pb2.FileDescriptorProto(name="b", dependency=["a"]),
            ),
            "imports itself",
        ),
        (_set(descriptor_pb2.FileDescriptorProto(name="a", package="!!")), "is malformed"),
        (
            _set(*[descriptor_pb2.FileDescriptorProto(name=f"f{n}") for n in range(1001)]),
            "the limit is 1,000",
        ),
        (b" " * (4 * 1024 * 1024 + 1), "the limit is 4,194,304"),
    ],
)
def test_malformed_schemas_are_named(schema: bytes, sentence: str):
    with pytest.raises(FieldError, match=sentence):
        FieldDecoder(channel(schema=schema), ["speed"])


@given(st.binary(max_size=80))
@settings(deadline=None, max_examples=200)
def test_any_bytes_are_a_message_or_a_field_error(payload: bytes):
    try:
        values = DECODER.decode(payload)
    except FieldError as error:
        assert "is no protobuf of test.Root" in str(error)  # noqa: PT017 - most bytes are no message
        return
    assert len(values) == len(EXPECTED)


DECODER = FieldDecoder(channel(), list(EXPECTED))


def test_a_bomb_of_nested_messages_is_refused():
    payload = b""
    for _ in range(3000):
        size = len(payload)
        length = b""
        while True:
            length += bytes([size & 0x7F | (0x80 if size > 0x7F else 0)])
            size >>= 7
            if not size:
                break
        payload = b"\x22" + length + payload
    with pytest.raises(FieldError, match="is no protobuf"):
        FieldDecoder(channel("test.Point"), ["x"]).decode(payload)
