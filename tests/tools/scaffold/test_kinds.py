"""Kinds of data and compression, judged by type and name."""

import pytest

from winnow_schemas.channel import Channel
from winnow_schemas.settings.topics import Compression, Kind
from winnow_tools.scaffold.kinds import judge
from winnow_tools.scaffold.units import unit_of
from winnow_tools.scaffold.writing import comment, number, scalar, size


@pytest.mark.parametrize(
    ("topic", "schema", "encoding", "kind", "compression"),
    [
        ("/points", "sensor_msgs/msg/PointCloud2", "cdr", Kind.LIDAR, Compression.LZ4),
        ("/cam", "sensor_msgs/CompressedImage", "ros1", Kind.CAMERA, Compression.PASSTHROUGH),
        ("/cam", "sensor_msgs/msg/Image", "cdr", Kind.CAMERA, Compression.LZ4),
        ("/thermal/front", "sensor_msgs/msg/CompressedImage", "cdr", Kind.THERMAL, Compression.PASSTHROUGH),
        ("/cam", "foxglove.CompressedVideo", "protobuf", Kind.CAMERA, Compression.PASSTHROUGH),
        ("/front", "", "h265", Kind.CAMERA, Compression.PASSTHROUGH),
        ("/imu", "sensor_msgs/msg/Imu", "cdr", Kind.IMU, Compression.ZSTD),
        ("/where", "foxglove.LocationFix", "protobuf", Kind.POSE, Compression.ZSTD),
        ("/odom", "nav_msgs/Odometry", "ros1", Kind.POSE, Compression.ZSTD),
        ("/can0", "can_msgs/msg/Frame", "cdr", Kind.CAN, Compression.LZ4),
        ("/x", "winnow_msgs/msg/TrackArray", "cdr", Kind.PERCEPTION, Compression.ZSTD),
        ("/x", "nav_msgs/msg/Path", "cdr", Kind.PLANNING, Compression.ZSTD),
        ("/x", "tf2_msgs/msg/TFMessage", "cdr", Kind.STATUS, Compression.NONE),
        ("/perception/ood_score", "std_msgs/msg/Float64", "cdr", Kind.PERCEPTION, Compression.ZSTD),
        ("/camera/raw", "our_msgs/msg/Pixels", "cdr", Kind.CAMERA, Compression.LZ4),
        ("/whatever", "our_msgs/msg/Thing", "cdr", Kind.OTHER, Compression.LZ4),
    ],
)
def test_judging(topic: str, schema: str, encoding: str, kind: Kind, compression: Compression):
    assert judge(Channel(topic, encoding, schema)) == (kind, compression)


@pytest.mark.parametrize(
    ("schema", "path", "unit"),
    [
        ("sensor_msgs/msg/Imu", "linear_acceleration.x", "m/s2"),
        ("sensor_msgs/Imu", "angular_velocity.z", "rad/s"),
        ("nav_msgs/msg/Odometry", "twist.twist.linear.x", "m/s"),
        ("nav_msgs/msg/Odometry", "pose.pose.position.y", "m"),
        ("sensor_msgs/msg/NavSatFix", "latitude", "deg"),
        ("winnow_msgs/msg/VehicleState", "speed_mps", "m/s"),
        ("winnow_msgs/msg/VehicleState", "throttle", ""),
        ("sensor_msgs/msg/LaserScan", "min(ranges[])", "m"),
        ("x/Y", "distance_m", "m"),
    ],
)
def test_units(schema: str, path: str, unit: str):
    assert unit_of(schema, path) == unit


@pytest.mark.parametrize(
    ("value", "span", "text"),
    [
        (5.987, 9.99, "5.99"),
        (-0.001, 1, "0"),
        (37.720997, 0.005, "37.721"),
        (12345.6, 20000, "12346"),
        (3.0, 0, "3"),
    ],
)
def test_numbers(value: float, span: float, text: str):
    assert number(value, span) == text


def test_text_for_yaml():
    assert scalar("/imu/data") == "/imu/data"
    assert scalar("yes") == '"yes"'
    assert scalar("a: b") == '"a: b"'
    assert scalar("max(a[].b)") == '"max(a[].b)"'
    assert comment("a\nb\x1b") == "a?b?"
    assert len(comment("x" * 500)) == 160
    assert [size(value) for value in (40, 2_900, 2_900_000, 3e9)] == ["40 B", "2.9 kB", "2.9 MB", "3 GB"]
