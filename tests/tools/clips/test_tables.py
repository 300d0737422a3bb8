"""Cells of exported tables: whole numbers are written as such, and only where they are exact."""

import struct

import pytest

from winnow_schemas.channel import Channel
from winnow_tools.clips.export import _decoder

ROS = b"uint8 gear\nint64 count\nfloat64 speed\nbool on\nstring word\n"


def row(count: int) -> list[object]:
    channel = Channel("/state", "cdr", "test_msgs/msg/State", "ros2msg", ROS)
    data = b"\0\1\0\0" + struct.pack("<B7xqd?3xI", 3, count, 4.0, True, 3) + b"go\0"
    decoder = _decoder(channel, data)
    assert decoder is not None
    assert decoder.paths == ["gear", "count", "speed", "on", "word"]
    return decoder.row(data)


@pytest.mark.parametrize(("count", "cell"), [(-7, "-7"), (2**53, str(2**53)), (2**62, repr(float(2**62)))])
def test_whole_numbers_of_cdr(count: int, cell: str) -> None:
    assert [str(value) for value in row(count)] == ["3", cell, "4.0", "True", "go"]


def test_numbers_of_json_without_a_schema_are_written_as_json_writes_them() -> None:
    data = b'{"gear": 3, "speed": 4.5, "far": 1e300}'
    decoder = _decoder(Channel("/state", "json", "", "", b""), data)
    assert decoder is not None
    assert [str(value) for value in decoder.row(data)] == ["3", "4.5", "1e+300"]
