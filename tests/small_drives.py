"""Small drives of ten topics, written with the writers that others use: ROS 2 MCAP, ROS 1 bag, JSON MCAP."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mcap.writer import CompressionType, Writer
from rosbags.rosbag1 import Writer as Bag1Writer
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as Bag2Writer
from tests.recording_makers import ROS1, ROS2, TRANSIENT_LOCAL

T0 = 1_775_900_000_000_000_000
"""2026-04-11 09:33:20 UTC."""
SECOND = 1_000_000_000


class Stream(NamedTuple):
    topic: str
    type_name: str
    rate_hz: float
    phase_ns: int


STREAMS = (
    Stream("/imu/data", "sensor_msgs/msg/Imu", 50, 0),
    Stream("/odom/twist", "geometry_msgs/msg/TwistStamped", 20, 1_000_000),
    Stream("/gps/fix", "sensor_msgs/msg/NavSatFix", 5, 2_000_000),
    Stream("/lidar/points", "sensor_msgs/msg/PointCloud2", 5, 3_000_000),
    Stream("/range/front", "sensor_msgs/msg/Range", 20, 4_000_000),
    Stream("/battery", "std_msgs/msg/Float32", 2, 5_000_000),
    Stream("/mode", "std_msgs/msg/String", 1, 6_000_000),
    Stream("/estop", "std_msgs/msg/Bool", 10, 7_000_000),
    Stream("/temperature", "std_msgs/msg/Float64", 4, 0),  # the IMU's own times: ties between topics
)
LATCHED = "/robot/description"
"""The tenth topic: once, before everything else."""


class Sample(NamedTuple):
    topic: str
    t_ns: int
    number: int


def samples(duration_s: float) -> list[Sample]:
    """Every message of a drive in the order of time, ties in the order of ``STREAMS``."""
    found = [Sample(LATCHED, T0, 0)]
    for stream in STREAMS:
        step_ns = int(SECOND / stream.rate_hz)
        found += [
            Sample(stream.topic, T0 + 10_000_000 + stream.phase_ns + number * step_ns, number)
            for number in range(int(duration_s * stream.rate_hz))
        ]
    return sorted(found, key=lambda sample: sample.t_ns)


def values(sample: Sample) -> dict[str, Any]:
    """What a sample says, as plain numbers."""
    time_s = (sample.t_ns - T0) / 1e9
    return {
        "/imu/data": {"x": -9.0 if 7.0 <= time_s < 7.3 else math.sin(time_s), "z": 9.81},
        "/odom/twist": {"x": 2 + math.sin(time_s / 3)},
        "/gps/fix": {"latitude": 50 + time_s * 1e-5, "longitude": 8 + time_s * 1e-5},
        "/lidar/points": {"number": sample.number},
        "/range/front": {"range": 3 + 2 * math.cos(time_s)},
        "/battery": {"data": 90 - time_s / 10},
        "/mode": {"data": "auto" if int(time_s) % 2 else "manual"},
        "/estop": {"data": 12.0 <= time_s < 13.0},
        "/temperature": {"data": 20 + time_s / 100},
        LATCHED: {"data": "a robot"},
    }[sample.topic]


def _ros_message(store: Any, sample: Sample) -> Any:
    types, said = store.types, values(sample)
    time = types["builtin_interfaces/msg/Time"](sample.t_ns // SECOND, sample.t_ns % SECOND)
    kind = "std_msgs/msg/Header"
    header = types[kind](sample.number, time, "base") if store is ROS1 else types[kind](time, "base")
    vector = types["geometry_msgs/msg/Vector3"]
    if sample.topic == "/imu/data":
        turn = types["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0)
        return types["sensor_msgs/msg/Imu"](
            header,
            turn,
            np.zeros(9),
            vector(0.0, 0.0, 0.0),
            np.zeros(9),
            vector(said["x"], 0.0, said["z"]),
            np.zeros(9),
        )
    if sample.topic == "/odom/twist":
        twist = types["geometry_msgs/msg/Twist"](vector(said["x"], 0.0, 0.0), vector(0.0, 0.0, 0.0))
        return types["geometry_msgs/msg/TwistStamped"](header, twist)
    if sample.topic == "/gps/fix":
        status = types["sensor_msgs/msg/NavSatStatus"](0, 1)
        return types["sensor_msgs/msg/NavSatFix"](
            header, status, said["latitude"], said["longitude"], 100.0, np.zeros(9), 0
        )
    if sample.topic == "/lidar/points":
        field = types["sensor_msgs/msg/PointField"]("x", 0, 7, 1)
        points = np.random.default_rng(sample.number).integers(0, 256, 12_000, dtype=np.uint8)
        return types["sensor_msgs/msg/PointCloud2"](header, 1, 3000, [field], False, 4, 12_000, points, True)
    if sample.topic == "/range/front":
        return types["sensor_msgs/msg/Range"](header, 0, 0.5, 0.1, 10.0, said["range"])
    return types[type_of(sample.topic)](said["data"])


def type_of(topic: str) -> str:
    """The type of a topic's messages."""
    return next((stream.type_name for stream in STREAMS if stream.topic == topic), "std_msgs/msg/String")


def ros2_payload(sample: Sample) -> bytes:
    return bytes(ROS2.serialize_cdr(_ros_message(ROS2, sample), type_of(sample.topic)))


def write_ros2_drive(folder: Path, duration_s: float = 22) -> Path:
    """A ROS 2 bag with MCAP storage; its MCAP file."""
    with Bag2Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connections = {
            topic: writer.add_connection(
                topic,
                type_of(topic),
                typestore=ROS2,
                offered_qos_profiles=[TRANSIENT_LOCAL] if topic == LATCHED else [],
            )
            for topic in (LATCHED, *(stream.topic for stream in STREAMS))
        }
        for sample in samples(duration_s):
            writer.write(connections[sample.topic], sample.t_ns, ros2_payload(sample))
    return next(folder.glob("*.mcap"))


def write_ros1_drive(path: Path, duration_s: float = 22) -> Path:
    """A ROS 1 bag."""
    with Bag1Writer(path) as writer:
        connections = {
            topic: writer.add_connection(
                topic, type_of(topic), typestore=ROS1, latching=int(topic == LATCHED), callerid="/drive"
            )
            for topic in (LATCHED, *(stream.topic for stream in STREAMS))
        }
        for sample in samples(duration_s):
            message = _ros_message(ROS1, sample)
            data = bytes(ROS1.serialize_ros1(message, type_of(sample.topic)))
            writer.write(connections[sample.topic], sample.t_ns, data)
    return path


def write_json_drive(path: Path, duration_s: float = 22) -> Path:
    """An MCAP file of JSON messages with JSON schemas."""
    with path.open("wb") as file:
        writer = Writer(file, compression=CompressionType.ZSTD, chunk_size=64 * 1024)
        writer.start("", "drive")
        channels: dict[str, int] = {}
        for sample in samples(duration_s):
            if sample.topic not in channels:
                schema = writer.register_schema(
                    sample.topic.strip("/").replace("/", "."), "jsonschema", _json_schema(sample)
                )
                channels[sample.topic] = writer.register_channel(sample.topic, "json", schema)
            data = json.dumps(values(sample)).encode()
            writer.add_message(channels[sample.topic], sample.t_ns, data, sample.t_ns - 1000, sample.number)
        writer.finish()
    return path


def _json_schema(sample: Sample) -> bytes:
    names = {bool: "boolean", str: "string", int: "integer", float: "number"}
    properties = {key: {"type": names[type(value)]} for key, value in values(sample).items()}
    return json.dumps({"type": "object", "properties": properties}).encode()


def all_drives(folder: Path, duration_s: float = 22) -> Iterator[Path]:
    """One drive in each form."""
    yield write_ros2_drive(folder / "ros2", duration_s)
    yield write_ros1_drive(folder / "drive.bag", duration_s)
    yield write_json_drive(folder / "drive.mcap", duration_s)
