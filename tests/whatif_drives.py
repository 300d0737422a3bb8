"""A short drive with incidents, written as three kinds of recording with the writers that others use."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mcap.writer import CompressionType, Writer
from rosbags.rosbag1 import Writer as Bag1Writer
from tests.recording_makers import ROS1, ROS2

START_NS = 1_700_000_000_000_000_000
DURATION_S = 90.0
S = 1_000_000_000


class Sample(NamedTuple):
    """What a topic says at a time; topics meet at equal times, and stand in the file against the alphabet."""

    topic: str
    t_ns: int
    values: dict[str, Any]


def drive(duration_s: float = DURATION_S) -> Iterator[Sample]:
    """Speed at 10 Hz, rotation at 50 Hz, a fix at 5 Hz with a gap, pictures at 5 Hz."""
    random = np.random.Generator(np.random.PCG64(7))
    for step in range(round(duration_s * 50)):
        t_ns, t_s = START_NS + step * (S // 50), step / 50
        if step % 10 == 0:
            size = int(random.integers(2_000, 30_000))
            yield Sample("/zoom/image", t_ns, {"data": random.integers(0, 256, size, np.uint8)})
        if step % 5 == 0:
            yield Sample("/vehicle/speed", t_ns, {"x": _speed(t_s)})
        spike = 3.0 if 40 <= t_s % 49 < 40.1 else 0.0
        yield Sample("/imu", t_ns, {"z": spike + 0.1 * math.sin(t_s)})
        if step % 10 == 0 and not 60 <= t_s < 72:
            yield Sample("/fix", t_ns, {"latitude": 51.47 + t_s * 1e-5, "longitude": -0.45 + t_s * 2e-5})


def _speed(t_s: float) -> float:
    """Cruises, brakes hard at 20 s, stands from 22 s to 35 s, and stutters from 75 s on."""
    if 20 <= t_s < 22:
        return 8.0 - 4.0 * (t_s - 20)
    if 22 <= t_s < 35:
        return 0.0
    if t_s >= 75:
        return 8.0 if int(t_s * 2) % 2 else 1.0
    return 8.0


TRIGGERS: dict[str, Any] = {
    "fast_turn": {"when": "yaw_rate > 2", "priority": "P0", "pre_roll_s": 3, "post_roll_s": 2, "cooldown_s": 0},
    "long_stop": {
        "when": "for_at_least(speed < 0.1, 10 s)", "priority": "P3", "pre_roll_s": 12, "post_roll_s": 4,
    },
    "braking": {"when": "speed < 2", "priority": "P1", "pre_roll_s": 6, "post_roll_s": 5, "cooldown_s": 3},
    "no_fix": {"when": "stale(latitude)", "priority": "P2", "pre_roll_s": 5, "post_roll_s": 5, "topics": ["/fix", "/imu"]},
    "sample": {"when": "every(20 s)", "priority": "P5", "pre_roll_s": 2, "post_roll_s": 2, "cooldown_s": 0},
    "flicker": {"when": "speed > 4", "priority": "P3", "pre_roll_s": 1, "post_roll_s": 1, "cooldown_s": 0},
    "absent": {"when": "speed > 100", "priority": "P3", "pre_roll_s": 1, "post_roll_s": 1, "enabled": False},
}  # fmt: skip
"""Together they fire, merge, cool down, storm, run out of budget, lose topics to a cap, and are truncated."""

SIGNALS = {
    "json": {
        "speed": ("/vehicle/speed", "x"),
        "yaw_rate": ("/imu", "z"),
        "latitude": ("/fix", "latitude"),
        "longitude": ("/fix", "longitude"),
    },
    "ros": {
        "speed": ("/vehicle/speed", "twist.linear.x"),
        "yaw_rate": ("/imu", "angular_velocity.z"),
        "latitude": ("/fix", "latitude"),
        "longitude": ("/fix", "longitude"),
    },
}


def settings_of(form: str, **changes: Any) -> dict[str, Any]:
    """Settings for a drive; ``form``: ``json`` or ``ros``."""
    signals = {
        name: {"topic": topic, "field": field, "stale_s": 2.0}
        for name, (topic, field) in SIGNALS[form].items()
    }
    return {
        "vehicle": {"id": "drive-1"},
        "signals": signals,
        "position": {"latitude_deg": "latitude", "longitude_deg": "longitude"},
        "triggers": {"library": "standard", "set": TRIGGERS, "storm": {"max_per_minute": 6, "mute_s": 8}},
        "clips": {
            "max_length_s": 15,
            "budget_gb_per_day": {"P1": 0.0002, "P2": 1.0, "P3": 1.0, "P5": 0.0004},
            "max_size_gb": {"P3": 0.0006},
        },
        **changes,
    }


# --- writers ----------------------------------------------------------------------------------------------


def write_json(path: Path, samples: Iterator[Sample] | None = None, *, chunk_bytes: int = 100_000) -> Path:
    """An MCAP file of JSON messages in lz4 chunks."""
    with path.open("wb") as file:
        writer = Writer(file, compression=CompressionType.LZ4, chunk_size=chunk_bytes)
        writer.start("", "winnow-tests")
        channels: dict[str, int] = {}
        for sample in samples or drive():
            if sample.topic not in channels:
                schema = writer.register_schema(sample.topic, "jsonschema", b'{"type": "object"}')
                channels[sample.topic] = writer.register_channel(sample.topic, "json", schema)
            values = {
                key: value.tobytes().hex() if isinstance(value, np.ndarray) else value
                for key, value in sample.values.items()
            }
            writer.add_message(
                channels[sample.topic], sample.t_ns, json.dumps(values).encode(), sample.t_ns, 0
            )
        writer.finish()
    return path


def write_cdr(path: Path, samples: Iterator[Sample] | None = None, *, chunk_bytes: int = 100_000) -> Path:
    """An MCAP file of ROS 2 messages in zstd chunks."""
    with path.open("wb") as file:
        writer = Writer(file, compression=CompressionType.ZSTD, chunk_size=chunk_bytes)
        writer.start("ros2", "winnow-tests")
        channels: dict[str, int] = {}
        for sample in samples or drive():
            message = _ros(ROS2, sample)
            kind = message.__msgtype__
            if sample.topic not in channels:
                definition, _ = ROS2.generate_msgdef(kind, ros_version=2)
                schema = writer.register_schema(kind, "ros2msg", definition.encode())
                channels[sample.topic] = writer.register_channel(sample.topic, "cdr", schema)
            data = bytes(ROS2.serialize_cdr(message, kind))
            writer.add_message(channels[sample.topic], sample.t_ns, data, sample.t_ns, 0)
        writer.finish()
    return path


def write_bag(path: Path, samples: Iterator[Sample] | None = None) -> Path:
    """A ROS 1 bag in lz4 chunks."""
    writer = Bag1Writer(path)
    writer.set_compression(Bag1Writer.CompressionFormat.LZ4)
    with writer:
        connections: dict[str, Any] = {}
        for sample in samples or drive():
            message = _ros(ROS1, sample)
            if sample.topic not in connections:
                connections[sample.topic] = writer.add_connection(
                    sample.topic, message.__msgtype__, typestore=ROS1
                )
            data = ROS1.serialize_ros1(message, message.__msgtype__)
            writer.write(connections[sample.topic], sample.t_ns, data)
    return path


def _ros(store: Any, sample: Sample) -> Any:
    types = store.types
    seconds, nanos = divmod(sample.t_ns, S)
    stamp = types["builtin_interfaces/msg/Time"](sec=seconds, nanosec=nanos)
    options = {"seq": 0} if store is ROS1 else {}
    header = types["std_msgs/msg/Header"](stamp=stamp, frame_id="base", **options)
    vector = types["geometry_msgs/msg/Vector3"]
    if sample.topic == "/zoom/image":
        return types["sensor_msgs/msg/CompressedImage"](
            header=header, format="jpeg", data=sample.values["data"]
        )
    if sample.topic == "/vehicle/speed":
        twist = types["geometry_msgs/msg/Twist"](
            linear=vector(x=sample.values["x"], y=0.0, z=0.0), angular=vector(x=0.0, y=0.0, z=0.0)
        )
        return types["geometry_msgs/msg/TwistStamped"](header=header, twist=twist)
    if sample.topic == "/fix":
        status = types["sensor_msgs/msg/NavSatStatus"](status=0, service=1)
        return types["sensor_msgs/msg/NavSatFix"](
            header=header, status=status, latitude=sample.values["latitude"], longitude=sample.values["longitude"],
            altitude=0.0, position_covariance=np.zeros(9), position_covariance_type=0,
        )  # fmt: skip
    return types["sensor_msgs/msg/Imu"](
        header=header,
        orientation=types["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=0.0, w=1.0),
        orientation_covariance=np.zeros(9),
        angular_velocity=vector(x=0.0, y=0.0, z=sample.values["z"]),
        angular_velocity_covariance=np.zeros(9),
        linear_acceleration=vector(x=0.0, y=0.0, z=9.81),
        linear_acceleration_covariance=np.zeros(9),
    )
