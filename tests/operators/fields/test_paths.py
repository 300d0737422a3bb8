"""Paths: grammar, validation against a schema, and errors that help."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.fields import FieldDecoder, FieldError, list_fields, parse_path
from winnow_schemas.channel import Channel

IMU = Channel(
    "/imu/data",
    "cdr",
    "sensor_msgs/msg/Imu",
    "ros2msg",
    (
        b"std_msgs/Header header\ngeometry_msgs/Vector3 linear_acceleration\nfloat64[9] covariance\n"
        b"diagnostic_msgs/DiagnosticStatus[] status\nuint8[] data\nstring note\n"
    ),
)


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "a.b.c",
        "a[3].b",
        "a[].b",
        "max(a[].b)",
        "len(a[])",
        "norm(v)",
        "min(a[].b[].c)",
        "_x1._y2",
        "a[0][1]",
    ],
)
def test_paths_round_trip(text: str):
    assert str(parse_path(text)) == text


def test_white_space_inside_brackets_and_calls_is_free():
    assert str(parse_path(" max( a[ ].b ) ")) == "max(a[].b)"
    assert str(parse_path("a[ 3 ]")) == "a[3]"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "it names no field"),
        (".", "column 1: '.' is not expected here"),
        (".a", "names are joined by single dots"),
        ("a..b", "column 2: '.' is not expected here"),
        ("a.", "column 2: '.' is not expected here"),
        ("a b", "column 2: ' ' is not expected here"),
        ("[0]", "a path starts with a name"),
        ("a[-1]", "column 2: '[' is not expected here"),
        ("a[b]", "column 2: '[' is not expected here"),
        ("a[]b", "names are joined by single dots"),
        ("median(a[])", "there is no function 'median'; known: min, max, sum, mean, len, norm"),
        ("max()", "it names no field"),
        ("max(a[]", "column 4"),
        ("a[99999999]", "over the limit of 1,000,000"),
        ("a[" + "9" * 400 + "]", "over the limit"),
        ("a" * 501, "has 501 characters, the limit is 500"),
        (".".join("a" * 33), "it has 33 steps, the limit is 32"),
        ("a\0b", "is not expected here"),
        ("é", "is not expected here"),
        ("__import__('os')", "there is no function '__import__'"),
    ],
)
def test_malformed_paths_are_named(text: str, sentence: str):
    with pytest.raises(FieldError) as refusal:
        parse_path(text)
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


@given(st.text(alphabet="ab.[]()0_ max", max_size=30))
@settings(deadline=None, max_examples=400)
def test_any_text_is_a_path_or_a_field_error(text: str):
    try:
        path = parse_path(text)
    except FieldError:
        return
    assert parse_path(str(path)) == path


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("linear_aceleration.x", "has no field 'linear_aceleration'; did you mean 'linear_acceleration'?"),
        (
            "linear_acceleration.xx",
            "linear_acceleration (geometry_msgs/Vector3) has no field 'xx'; did you mean 'linear_acceleration.x'",
        ),
        ("frame_id", "did you mean 'header.frame_id'?"),
        ("level", "did you mean 'status[].level'?"),
        ("zzz", "it has header, linear_acceleration, covariance, status, data, note"),
        ("linear_acceleration", "linear_acceleration is a structure; its fields are x, y, z"),
        ("covariance", "covariance is a list; write covariance[] for all its values, covariance[0] for one"),
        ("covariance[9]", "covariance has 9 elements, [0] to [8]"),
        ("status.level", "status is a list; write status[].level or status[0].level"),
        ("note[0]", "note is no list, but of type string"),
        ("note.x", "note is of type string and has no fields"),
        ("status[]", "status[] is a structure"),
        ("max(note)", "max() needs the numbers of a list"),
        ("max(status[].name)", "max() needs the numbers of a list"),
        ("max(linear_acceleration.x)", "max() needs the numbers of a list"),
        ("len(covariance)", "len() counts the elements of a list: len(covariance[])"),
        ("len(note)", "len() counts the elements of a list"),
        ("norm(status[])", "norm() needs a structure or a list of numbers"),
        ("norm(note)", "norm() needs a structure or a list of numbers; note is of type string"),
        (
            "norm(header)",
            "norm() needs a structure or a list of numbers; header is a structure (std_msgs/Header)",
        ),
        ("note_ns", "has no field 'note_ns'; did you mean 'note'?"),
    ],
)
def test_paths_that_do_not_fit_the_schema_get_help(path: str, sentence: str):
    with pytest.raises(FieldError) as refusal:
        FieldDecoder(IMU, [path])
    assert sentence in str(refusal.value)


def test_fields_are_listed_in_order_with_their_types():
    assert list_fields(IMU) == [
        ("header.stamp", "time"),
        ("header.frame_id", "string"),
        ("linear_acceleration.x", "float64"),
        ("linear_acceleration.y", "float64"),
        ("linear_acceleration.z", "float64"),
        ("covariance[]", "float64"),
        ("status[].level", "uint8"),
        ("status[].name", "string"),
        ("status[].message", "string"),
        ("status[].hardware_id", "string"),
        ("status[].values[].key", "string"),
        ("status[].values[].value", "string"),
        ("data[]", "uint8"),
        ("note", "string"),
    ]


def test_too_many_paths():
    with pytest.raises(FieldError, match="1,001 field paths were asked for, the limit is 1,000"):
        FieldDecoder(IMU, ["note"] * 1001)


@pytest.mark.parametrize(
    ("encoding", "schema_encoding", "given_as"),
    [
        ("cdr", "", "cdr with no schema"),
        ("ros1", "ros2msg", "ros1 with ros2msg"),
        ("cbor", "", "cbor with no schema"),
        ("", "", "no encoding with no schema"),
        ("protobuf", "jsonschema", "protobuf with jsonschema"),
        ("h264", "", "h264"),
    ],
)
def test_channels_that_are_not_decoded_are_named(encoding: str, schema_encoding: str, given_as: str):
    channel = Channel("/t", encoding, "X", schema_encoding, b"float64 x\n")
    for attempt in (lambda: FieldDecoder(channel, ["x"]), lambda: list_fields(channel)):
        with pytest.raises(
            FieldError, match=f"Fields of /t cannot be read: it is {given_as}.*decoded are cdr"
        ):
            attempt()
