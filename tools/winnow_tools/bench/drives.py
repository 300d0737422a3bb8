"""Recordings made for benchmarks."""

from pathlib import Path

import numpy as np
from mcap.writer import Writer

BEGIN_NS = 1_775_900_000_000_000_000
_FRAME = b"uint32 id\nuint8 dlc\nuint8[31] data\n"
RATES_HZ = {"/can0/frames": 897.0, "/can1/frames": 751.0, "/imu/data": 104.0, "/gps/fix": 9.6, "/twist": 83.0}
"""Topics and rates of a drive with two CAN buses."""


def can_drive(path: Path, duration_s: float) -> Path:
    """CAN frames of 40 bytes with distinct contents, in chunks, unindexed fields left to their defaults."""
    generator = np.random.default_rng(3)
    times = [
        (BEGIN_NS + int((number + 0.1) * 1e9 / rate), topic)
        for topic, rate in RATES_HZ.items()
        for number in range(int(duration_s * rate))
    ]
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start(profile="ros2", library="winnow-bench")
        schema = writer.register_schema("winnow_bench/msg/Frame", "ros2msg", _FRAME)
        channels = {topic: writer.register_channel(topic, "cdr", schema) for topic in RATES_HZ}
        for number, (t_ns, topic) in enumerate(sorted(times)):
            writer.add_message(channels[topic], t_ns, b"\0\1\0\0" + generator.bytes(36), t_ns, number)
        writer.finish()  # type: ignore[no-untyped-call]
    return path
