"""CDR and ROS 1 payloads: every path of every definition against rosbags' own deserialisation."""

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rosbags.typesys import Stores, get_typestore
from tests.operators.fields.ros_messages import (
    definition_text,
    definitions,
    look_up,
    messages,
    plain,
    same,
    typestore,
)
from tests.shared_recordings import shared_log

from winnow_operators.fields import FieldDecoder, FieldError, list_fields, parse_path
from winnow_runtime.recordings import open_recording
from winnow_schemas.channel import Channel

SLOW = settings(
    deadline=None,
    max_examples=120,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def cdr(text: str, name: str = "test_msgs/msg/Root") -> Channel:
    return Channel("/t", "cdr", name, "ros2msg", text.encode())


def ros1(text: str) -> Channel:
    return Channel("/t", "ros1", "test_msgs/Root", "ros1msg", text.encode())


def check(channel: Channel, data: bytes, message: Any) -> None:
    """All paths at once, and each alone (which compiles to another reader)."""
    paths = [path for path, _ in list_fields(channel)]
    expected = [plain(look_up(message, parse_path(path).steps)) for path in paths]
    together = FieldDecoder(channel, paths).decode(data)
    for path, value, wanted in zip(paths, together, expected, strict=True):
        assert same(value, wanted), (path, value, wanted)
        (alone,) = FieldDecoder(channel, [path]).decode(memoryview(data))
        assert same(alone, wanted), (path, alone, wanted)
        if "[]" not in path:
            continue
        for index in (0, 1):
            single = path.replace("[]", f"[{index}]", 1)
            expected_item = plain(look_up(message, parse_path(single).steps))
            try:
                (item,) = FieldDecoder(channel, [single]).decode(data)
            except FieldError as error:
                assert "elements, [0] to" in str(error)  # noqa: PT017 - a list of one element
                continue
            assert same(item, expected_item), (single, item, expected_item)
        counted = path[: path.rindex("[]") + 2]
        total = look_up(message, parse_path(counted).steps)
        (count,) = FieldDecoder(channel, [f"len({counted})"]).decode(data)
        assert count == len(total)


@given(st.data())
@SLOW
def test_any_definition_reads_as_rosbags_reads_it(data: st.DataObject):
    types = data.draw(definitions())
    store = typestore(types)
    message = data.draw(messages(types, store))
    name = "test_msgs/msg/Root"
    channel = cdr(definition_text(types, "builtin_interfaces/Time"))
    check(channel, bytes(store.serialize_cdr(message, name)), message)
    check(channel, bytes(store.serialize_cdr(message, name, little_endian=False)), message)
    check(ros1(definition_text(types, "time")), bytes(store.serialize_ros1(message, name)), message)


@given(st.data())
@SLOW
def test_short_and_broken_payloads_give_field_errors_only(data: st.DataObject):
    types = data.draw(definitions())
    store = typestore(types)
    message = data.draw(messages(types, store))
    channel = cdr(definition_text(types, "builtin_interfaces/Time"))
    whole = bytes(store.serialize_cdr(message, "test_msgs/msg/Root"))
    paths = [path for path, _ in list_fields(channel)]
    decoder = FieldDecoder(channel, paths)
    cut = data.draw(st.integers(0, len(whole)))
    damaged = bytearray(whole)
    for position in data.draw(st.lists(st.integers(4, max(4, len(whole) - 1)), max_size=4)):
        if position < len(damaged):
            damaged[position] = data.draw(st.integers(0, 255))
    for payload in (whole[:cut], bytes(damaged), bytes(damaged)[:cut]):
        try:
            values = decoder.decode(payload)
        except FieldError as error:
            assert "promises; none of its fields was read" in str(error) or "CDR" in str(error)  # noqa: PT017
        else:
            sizes = [value.nbytes for value in values if isinstance(value, np.ndarray)]
            assert all(size <= 8 * len(payload) + 64 for size in sizes)


@pytest.mark.parametrize("length", [0xFFFFFFFF, 0x7FFFFFFF, 1000])
@pytest.mark.parametrize(
    "definition", ["string s\nfloat64 x\n", "float64[] s\nfloat64 x\n", "string[] s\nint8 x\n"]
)
def test_hostile_lengths_are_short_payloads(length: int, definition: str):
    data = b"\0\1\0\0" + struct.pack("<I", length) + bytes(40)
    for paths in (["x"], ["s"] if definition.startswith("string s") else ["s[]"], ["len(s[])"], ["s[0]"]):
        try:
            decoder = FieldDecoder(cdr(definition), paths)
        except FieldError:
            continue  # a path that this definition does not have
        with pytest.raises(FieldError, match="has 48 bytes, fewer than its definition"):
            decoder.decode(data)


def test_values_and_their_kinds():
    text = (
        "builtin_interfaces/Time stamp\nint64 big\nbool yes\nstring name\nfloat32[] list\nint32[3] three\n"
        "geometry_msgs/Vector3 v\n"
    )
    store = get_typestore(Stores.ROS2_HUMBLE)
    from rosbags.typesys import get_types_from_msg

    store.register(get_types_from_msg(text, "test_msgs/msg/Root"))
    vector = store.types["geometry_msgs/msg/Vector3"](3.0, 4.0, 12.0)
    time = store.types["builtin_interfaces/msg/Time"](1_700_000_000, 123_456_789)
    message = store.types["test_msgs/msg/Root"](
        time, 2**53, True, "é", np.array([1, np.nan, 3], np.float32), np.array([5, 6, 7], np.int32), vector
    )
    data = bytes(store.serialize_cdr(message, "test_msgs/msg/Root"))
    expected = {
        "stamp": 1_700_000_000.123456789,
        "stamp_ns": 1_700_000_000_123_456_789,
        "stamp.sec": 1_700_000_000.0,
        "stamp.nanosec": 123_456_789.0,
        "big": 2.0**53,
        "yes": True,
        "name": "é",
        "min(list[])": 1.0,
        "max(list[])": 3.0,
        "sum(three[])": 18.0,
        "mean(three[])": 6.0,
        "len(list[])": 3.0,
        "len(three[])": 3.0,
        "list[7]": None,
        "three[1]": 6.0,
        "norm(v)": 13.0,
        "norm(three)": float(np.linalg.norm([5, 6, 7])),
        "norm(three[])": float(np.linalg.norm([5, 6, 7])),
    }
    # Vector3 is not part of the text: it comes from the standard types.
    decoder = FieldDecoder(cdr(text), list(expected))
    for path, value, wanted in zip(expected, decoder.decode(data), expected.values(), strict=True):
        assert same(value, wanted), path
    assert isinstance(decoder.decode(data)[1], int)
    kinds = dict(zip(expected, map(str, decoder.values), strict=True))
    assert (kinds["stamp"], kinds["stamp_ns"]) == ("number", "nanoseconds")
    assert (kinds["yes"], kinds["name"], kinds["max(list[])"]) == ("bool", "text", "number")


def test_times_are_times_also_where_the_definition_spells_them_out():
    text = f"builtin_interfaces/Time t\n{'=' * 80}\nMSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n"
    assert list_fields(cdr(text)) == [("t", "time")]
    assert FieldDecoder(cdr(text), ["t", "t_ns"]).decode(b"\0\1\0\0" + struct.pack("<iI", -1, 5)) == (
        -0.999999995,
        -999_999_995,
    )


def test_a_bare_header_is_the_one_that_the_definition_brings():
    text = f"Header h\nuint8 x\n{'=' * 80}\nMSG: roslib/Header\nuint32 seq\n"
    assert FieldDecoder(ros1(text), ["h.seq", "x"]).decode(struct.pack("<IB", 3, 4)) == (3.0, 4.0)
    without = FieldDecoder(
        ros1("Header h\nuint8 x\n"), ["h.seq", "h.stamp", "x"]
    )  # the standard one of ROS 1
    assert without.decode(struct.pack("<IIII2sB", 3, 5, 0, 2, b"ab", 4)) == (3.0, 5.0, 4.0)
    ros2 = FieldDecoder(cdr("std_msgs/Header h\nuint8 x\n"), ["h.stamp", "x"])
    assert ros2.decode(b"\0\1\0\0" + struct.pack("<iII2sB", 5, 0, 2, b"a\0", 4)) == (5.0, 4.0)


def test_empty_lists_reduce_to_nothing():
    decoder = FieldDecoder(cdr("float64[] x\n"), ["max(x[])", "mean(x[])", "len(x[])", "x[]", "x[0]"])
    highest, mean, count, values, first = decoder.decode(b"\0\1\0\0" + bytes(4))
    assert (highest, mean, count, first) == (None, None, 0.0, None)
    assert values.dtype == np.float64
    assert len(values) == 0


SIGNALLING_NAN = struct.pack("<I", 0x7FA00001)


def test_a_nan_that_signals_is_a_nan():
    """Damaged payloads have them; widening one to float64 is an invalid operation to the processor."""
    decoder = FieldDecoder(
        cdr("P[2] p\nfloat32[2] x\n" + "=" * 80 + "\nMSG: test_msgs/P\nfloat32 y\nuint8 z\n"),
        ["p[].y", "x[]", "mean(x[])"],
    )
    one = SIGNALLING_NAN + bytes(4)
    ys, xs, mean = decoder.decode(b"\0\1\0\0" + one + one + SIGNALLING_NAN + struct.pack("<f", 2.0))
    assert np.isnan(ys).all()
    assert np.isnan(xs[0])
    assert xs[1] == 2.0
    assert np.isnan(mean)


def test_reductions_of_infinities_are_values():
    payload = b"\0\1\0\0" + struct.pack("<IIdd", 2, 0, float("inf"), float("-inf"))
    total, mean, highest = FieldDecoder(cdr("float64[] x\n"), ["sum(x[])", "mean(x[])", "max(x[])"]).decode(
        payload
    )
    assert np.isnan(total)
    assert np.isnan(mean)
    assert highest == float("inf")
    huge = b"\0\1\0\0" + struct.pack("<IIdd", 2, 0, 1.7e308, 1.7e308)
    assert FieldDecoder(cdr("float64[] x\n"), ["sum(x[])"]).decode(huge) == (float("inf"),)


def test_an_empty_list_of_doubles_needs_no_padding_behind_its_count():
    """CDR aligns elements, not lists: after an empty float64[] comes no padding."""
    data = b"\0\1\0\0" + struct.pack("<Ii", 0, 77)
    assert FieldDecoder(cdr("float64[] list\nint32 next\n"), ["next"]).decode(data) == (77.0,)


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        (2, "parameter-list CDR"),
        (3, "parameter-list CDR"),
        (7, "XCDR2"),
        (9, "delimited"),
        (0x0105, "0x0105"),
    ],
)
def test_other_encapsulations_are_named(identifier: int, name: str):
    decoder = FieldDecoder(cdr("float64 x\n"), ["x"])
    with pytest.raises(FieldError, match=f"{name}.*plain CDR"):
        decoder.decode(identifier.to_bytes(2, "big") + bytes(10))


def test_what_comes_after_an_undecodable_field_is_refused_and_what_comes_before_is_not():
    channel = cdr("float64 a\nwstring w\nfloat64 b\nour_msgs/Unknown u\n")
    assert FieldDecoder(channel, ["a"]).decode(b"\0\1\0\0" + struct.pack("<d", 2.5)) == (2.5,)
    with pytest.raises(FieldError, match="wstring stands before what is wanted"):
        FieldDecoder(channel, ["b"])
    with pytest.raises(FieldError, match="wide strings"):
        FieldDecoder(channel, ["w"])
    unknown = cdr("our_msgs/Unknown u\nfloat64 b\n")
    with pytest.raises(FieldError, match="does not contain it, and it is no standard type"):
        FieldDecoder(unknown, ["b"])


def test_definitions_that_contain_themselves_are_refused():
    separator = "=" * 80 + "\n"
    for inner in ("Root again\n", "string s\nRoot again\n", "string s\nRoot[] again\n"):
        text = f"A a\nfloat64 x\n{separator}MSG: test_msgs/A\n{inner}"
        with pytest.raises(FieldError, match="nests more than"):
            FieldDecoder(cdr(text), ["x"])


def test_definitions_that_explode_are_refused_or_read_but_never_unrolled():
    separator = "=" * 80 + "\n"
    levels = 30
    sections = ["L1[2] a\nL1[2] b\nfloat64 x\n"]
    sections += [f"MSG: test_msgs/L{n}\nL{n + 1}[9] a\nL{n + 1} b\n" for n in range(1, levels)]
    fixed, varying = (
        cdr(separator.join([*sections, f"MSG: test_msgs/L{levels}\n{last} x\n"]))
        for last in ("float64", "string")
    )
    with pytest.raises(FieldError, match="bytes of fixed size before what is wanted"):
        FieldDecoder(fixed, ["x"])
    decoder = FieldDecoder(varying, ["x"])
    with pytest.raises(FieldError, match="fewer than its definition"):
        decoder.decode(b"\0\1\0\0" + bytes(1000))
    assert len(list_fields(fixed)) <= 10_000


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("float64\n", r"Line 1 of the definition of test_msgs/Root is not understood \('float64'\)"),
        ("float64 x\n\n???\n", "Line 3"),
        ("int8[99999999999] x\n", "array of 99,999,999,999 elements"),
        ("float64 x\n" + "=" * 80 + "\nfloat64 y\n", "a section without 'MSG: package/Name'"),
    ],
)
def test_malformed_definitions_are_named(text: str, sentence: str):
    with pytest.raises(FieldError, match=sentence):
        FieldDecoder(cdr(text), ["x"])


def test_what_definitions_may_hold_beside_fields():
    text = (
        "# a comment\nfloat64 X=1.5\nstring NAME = # not a comment\nuint8 A=1 # one\n\n"
        "float64 x 0.5 # default\nstring<=10 s 'a # b'\nint32[<=4] few [1, 2]\n@verbatim\nint8 y\n"
    )
    assert list_fields(cdr(text)) == [("x", "float64"), ("s", "string"), ("few[]", "int32"), ("y", "int8")]
    assert list_fields(cdr(text.replace("\n", "\r\n"))) == list_fields(cdr(text))


def test_empty_messages():
    assert list_fields(cdr("")) == []
    assert FieldDecoder(cdr(""), []).decode(b"\0\1\0\0\0") == ()
    separator = "=" * 80 + "\n"
    text = f"Nothing n\nuint8 x\n{separator}MSG: test_msgs/Nothing\n\n"
    assert FieldDecoder(cdr(text), ["x"]).decode(b"\0\1\0\0\0\7") == (7.0,)  # one byte stands for nothing
    assert FieldDecoder(ros1(text), ["x"]).decode(b"\7") == (7.0,)


REAL = [
    "husky_gps_imu_odom.bag",
    "ardrone_imu182hz_odom.bag",
    "phidgets_imu248hz_mag.bag",
    "derived/kitti_sfnd_lidar_cam_ros1.bag",
    "derived/kitti0001_ros2_mcap",
    "derived/comma2k19_ros2_mcap",
    "negative/v2_laser_scan_matcher_2011.bag",
]


@pytest.mark.shared
@pytest.mark.parametrize("name", REAL)
def test_real_messages_read_as_rosbags_reads_them(name: str):
    from rosbags.typesys import get_types_from_msg

    seen: dict[Channel, int] = {}
    with open_recording(shared_log(name)) as recording:
        stores: dict[Channel, Any] = {}
        for message in recording.messages():
            channel = message.channel
            number = seen[channel] = seen.get(channel, 0) + 1
            large = len(message.data) > 50_000
            if number > (2 if large else 40):
                continue
            if channel not in stores:
                is_ros1 = channel.encoding == "ros1"
                store = get_typestore(Stores.ROS1_NOETIC if is_ros1 else Stores.ROS2_HUMBLE)
                full = (
                    channel.schema_name
                    if "/msg/" in channel.schema_name
                    else channel.schema_name.replace("/", "/msg/")
                )
                types = get_types_from_msg(channel.schema_data.decode(), full)
                store.register({key: value for key, value in types.items() if key not in store.types})
                stores[channel] = (store, full)
            store, full = stores[channel]
            decode = store.deserialize_ros1 if channel.encoding == "ros1" else store.deserialize_cdr
            theirs = decode(bytes(message.data), full)
            paths = [path for path, _ in list_fields(channel) if not (large and path == "data[]")]
            values = FieldDecoder(channel, paths).decode(message.data)
            for path, value in zip(paths, values, strict=True):
                wanted = plain(look_up(theirs, parse_path(path).steps))
                assert same(value, wanted), (channel.topic, path)
    assert seen
