"""JSON payloads, with and without a schema."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.fields import FieldDecoder, FieldError, Value, list_fields
from winnow_schemas.channel import Channel

SCHEMA = {
    "title": "Pose",
    "type": "object",
    "properties": {
        "stamp": {"type": "object", "properties": {"sec": {"type": "integer"}, "nsec": {"type": "integer"}}},
        "x": {"type": "number"},
        "gear": {"type": ["integer", "null"]},
        "ok": {"type": "boolean"},
        "name": {"type": "string"},
        "points": {"type": "array", "items": {"$ref": "#/$defs/point"}},
        "maybe": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/point"}]},
        "tree": {"$ref": "#/$defs/tree"},
        "free": {"type": "object"},
    },
    "$defs": {
        "point": {"type": "object", "properties": {"x": {"type": "number"}, "y": {"type": "number"}}},
        "tree": {"type": "object", "properties": {"v": {"type": "number"}, "next": {"$ref": "#/$defs/tree"}}},
    },
}
MESSAGE = {
    "stamp": {"sec": 1_700_000_000, "nsec": 5},
    "x": 1,
    "gear": 3,
    "ok": False,
    "name": "a",
    "points": [{"x": 3.0, "y": 4}, {"y": 1}],
    "maybe": {"x": 3, "y": 4},
    "tree": {"v": 1, "next": {"v": 2, "next": {"v": 3}}},
    "free": {"anything": [1, {"deep": True}]},
}


def channel(schema: Any = None) -> Channel:
    if schema is None:
        return Channel("/t", "json")
    return Channel("/t", "json", "Pose", "jsonschema", json.dumps(schema).encode())


EXPECTED = {
    "stamp": 1_700_000_000.000000005,
    "stamp_ns": 1_700_000_000_000_000_005,
    "stamp.sec": 1_700_000_000.0,
    "x": 1.0,
    "gear": 3.0,
    "ok": False,
    "name": "a",
    "points[0].y": 4.0,
    "points[5].y": None,
    "len(points[])": 2.0,
    "max(points[].y)": 4.0,
    "sum(points[].y)": 5.0,
    "norm(maybe)": 5.0,
    "tree.next.next.v": 3.0,
    "tree.next.next.next.v": None,
    "free.anything[1].deep": True,
    "free.nothing": None,
}


def test_values_with_a_schema():
    decoder = FieldDecoder(channel(SCHEMA), list(EXPECTED))
    values = decoder.decode(json.dumps(MESSAGE).encode())
    assert dict(zip(EXPECTED, values, strict=True)) == EXPECTED
    assert [type(value) for value in values] == [type(value) for value in EXPECTED.values()]
    (many,) = FieldDecoder(channel(SCHEMA), ["points[].x"]).decode(json.dumps(MESSAGE).encode())
    assert many[0] == 3.0
    assert np.isnan(many[1])  # in step with the other fields of the elements


def test_values_without_a_schema():
    paths = {path: value for path, value in EXPECTED.items() if not path.startswith(("stamp", "norm"))}
    decoder = FieldDecoder(
        channel(), [*paths, "points[].y", "x.y.z", "name[0]", "points", "norm(free.anything[])"]
    )
    assert set(decoder.values) == {Value.ANY, Value.NUMBER}
    values = decoder.decode(json.dumps(MESSAGE).encode())
    assert dict(zip(paths, values[: len(paths)], strict=True)) == paths
    many, *nothing = values[len(paths) :]
    assert many.tolist() == [4.0, 1.0]
    assert nothing[:3] == [None, None, None]
    assert np.isnan(nothing[3])  # one of the elements is no number


def test_a_message_that_lacks_everything():
    paths = [*EXPECTED, "points[].x"]
    assert FieldDecoder(channel(SCHEMA), paths).decode(b"{}") == (None,) * len(paths)
    assert FieldDecoder(channel(SCHEMA), paths).decode(b"[]") == (None,) * len(paths)
    other = {name: {"strange": []} for name in MESSAGE}
    values = FieldDecoder(channel(SCHEMA), paths).decode(json.dumps(other).encode())
    assert all(value is None for value in values)


def test_the_schema_is_listed_and_recursion_ends():
    fields = list_fields(channel(SCHEMA))
    assert fields[:5] == [
        ("stamp", "time"),
        ("x", "number"),
        ("gear", "integer"),
        ("ok", "bool"),
        ("name", "string"),
    ]
    assert ("points[].x", "number") in fields
    assert ("tree.next.v", "number") in fields
    assert len(fields) < 40
    assert list_fields(channel()) == []


def test_without_schema_a_sample_lists_the_fields():
    sample = b'{"t": {"sec": 1, "nsec": 2}, "a": {"b": [{"c": 1.5}]}, "s": "x", "ok": true, "no": null, "odd name": 1}'
    assert list_fields(channel(), sample) == [
        ("t", "time"),
        ("a.b[].c", "number"),
        ("s", "string"),
        ("ok", "bool"),
    ]
    assert list_fields(channel(SCHEMA), sample) == list_fields(channel(SCHEMA))
    with pytest.raises(FieldError, match="The sample of /t is no JSON"):
        list_fields(channel(), b"{")


def test_unknown_fields_get_suggestions_unless_the_schema_is_open():
    with pytest.raises(FieldError, match="Pose has no field 'nam'; did you mean 'name'"):
        FieldDecoder(channel(SCHEMA), ["nam"])
    assert FieldDecoder(channel(SCHEMA | {"additionalProperties": True}), ["nam"]).decode(b'{"nam": 2}') == (
        2.0,
    )


def test_numbers_beyond_json_and_beyond_floats():
    decoder = FieldDecoder(channel(), ["a", "b"])
    a, b = decoder.decode(b'{"a": NaN, "b": -Infinity}')
    assert np.isnan(a)
    assert b == -np.inf
    assert decoder.decode(b'{"a": 1' + b"0" * 400 + b', "b": 9007199254740992}') == (None, 2.0**53)


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"\xff\xfe", b'{"a": }', b"[" * 100_000, b'{"a": NaN', b"NaN" + b"[" * 100_000]
)
def test_what_is_no_json_is_named(payload: bytes):
    with pytest.raises(FieldError, match="A message of /t is no json"):
        FieldDecoder(channel(), ["a"]).decode(payload)


@given(st.binary(max_size=60))
@settings(deadline=None, max_examples=200)
def test_any_bytes_are_json_or_a_field_error(payload: bytes):
    try:
        values = FieldDecoder(channel(SCHEMA), list(EXPECTED)).decode(payload)
    except FieldError:
        return
    assert len(values) == len(EXPECTED)


@pytest.mark.parametrize(
    ("schema", "sentence"),
    [
        (b"{", "is not JSON"),
        (b"[1]", "is no object"),
        (b'{"$ref": "#/$defs/a"}', "which it does not contain"),
        (b'{"$ref": "http://example.com/a"}', "which it does not contain"),
        (b'{"$ref": "#/a", "a": {"$ref": "#/a"}}', "refers in a circle"),
        (b" " * (4 * 1024 * 1024 + 1) + b"{}", "the limit is 4,194,304"),
    ],
)
def test_malformed_schemas_are_named(schema: bytes, sentence: str):
    with pytest.raises(FieldError, match=sentence.replace("$", r"\$")):
        FieldDecoder(Channel("/t", "json", "Pose", "jsonschema", schema), ["a"])


def test_large_payloads_are_refused():
    with pytest.raises(FieldError, match="the limit for json is 67,108,864"):
        FieldDecoder(channel(), ["a"]).decode(b" " * (64 * 1024 * 1024 + 1))
