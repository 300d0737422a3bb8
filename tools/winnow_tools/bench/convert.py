"""Conversion beside ``rosbags-convert`` on the same recording, turn about.

Ours also reads everything back and compares it; theirs does not. Both write uncompressed into memory where
there is some, so that neither the disk nor a compressor is measured.
"""

import shutil
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from winnow_runtime.recordings import open_recording
from winnow_runtime.recordings.container import Container
from winnow_tools.bench.drives import BEGIN_NS
from winnow_tools.bench.load import Load
from winnow_tools.bench.recordings import SHM, found
from winnow_tools.bench.rows import Measured, Row
from winnow_tools.convert.converting import Compression, Form, Wanted, convert

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

PAIRS = 5
_SECONDS = 60
_CLOUD_BYTES = 400_000
"""About what one LiDAR of 25,000 points gives per sweep."""


def measure(load: Load, pairs: int = PAIRS, seconds: int = _SECONDS) -> Measured:
    """Convert ROS 1 bags to CDR in MCAP, and ROS 2 bags to ROS 1 bags."""
    if load.recordings:
        paths = [path for path in found(load.recordings) if _is_ros(path)]
        what = "ROS recordings that the user named"
    else:
        paths = [_generated(load.scratch / "generated.bag", seconds)]
        what = f"a generated ROS 1 bag of {seconds} s: IMU at 200 Hz, odometry at 50 Hz, clouds of 400 kB at 10 Hz"
    rows = []
    for path in paths:
        load.say(f"{path.name} ...")
        rows.append(_row(path, load, pairs))
    return Measured(rows, f"{what}; uncompressed, ours read back and compared", pairs)


def _row(path: Path, load: Load, pairs: int) -> Row:
    scratch = (SHM if SHM.is_dir() else load.scratch) / f"bench-convert-{load.scratch.name}"
    ours: list[float] = []
    theirs: list[float] = []
    try:
        for _ in range(pairs):
            for seconds, turn in ((ours, _ours), (theirs, _theirs)):
                shutil.rmtree(scratch, ignore_errors=True)
                scratch.mkdir()
                seconds.append(turn(path, scratch))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    with open_recording(path) as recording:
        count, size = recording.message_count or 0, recording.size_bytes
    ratios = [their / our for our, their in zip(ours, theirs, strict=True)]
    return Row(
        f"speed / rosbags-convert, {path.name}",
        median(ratios),
        "ratio",
        ">= 0.7",
        {
            "ours, messages/s": count / median(ours),
            "rosbags-convert, messages/s": count / median(theirs),
            "ours, MB/s": size / median(ours) / 1e6,
            "lowest pair": min(ratios),
            "highest pair": max(ratios),
        },
    )


def _ours(path: Path, folder: Path) -> float:
    begin = perf_counter()
    with open_recording(path) as recording:
        is_ros1 = recording.container is Container.ROS1
        form = Form.ROS2_MCAP if is_ros1 else Form.BAG
        output = folder / ("out" if is_ros1 else "out.bag")
        convert(recording, Wanted(output, form, compression=Compression.NONE))
    return perf_counter() - begin


def _theirs(path: Path, folder: Path) -> float:
    from rosbags.convert.converter import convert as rosbags_convert

    output = folder / ("out" if path.suffix == ".bag" else "out.bag")
    begin = perf_counter()
    rosbags_convert([path], output, "mcap", 9, None, "file", None, None, [], [], [], [])
    return perf_counter() - begin


def _is_ros(path: Path) -> bool:
    with open_recording(path) as recording:
        return all(channel.encoding in ("ros1", "cdr") for channel in recording.channels)


def _generated(path: Path, seconds: int) -> Path:
    from rosbags.rosbag1 import Writer
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS1_NOETIC)
    payloads = {
        "/imu": ("sensor_msgs/msg/Imu", 200, _imu(store)),
        "/odom": ("nav_msgs/msg/Odometry", 50, bytes(4 + 8 + 4 + 4 + 56 + 288 + 48 + 288)),
        "/points": ("sensor_msgs/msg/PointCloud2", 10, _cloud(store)),
    }
    times = sorted(
        (BEGIN_NS + number * 1_000_000_000 // rate, topic)
        for topic, (_, rate, _) in payloads.items()
        for number in range(seconds * rate)
    )
    with Writer(path) as writer:
        connections = {
            topic: writer.add_connection(topic, kind, typestore=store)
            for topic, (kind, _, _) in payloads.items()
        }
        for t_ns, topic in times:
            writer.write(connections[topic], t_ns, payloads[topic][2])
    return path


def _header(store: "Typestore") -> Any:
    types = store.types
    return types["std_msgs/msg/Header"](1, types["builtin_interfaces/msg/Time"](1, 2), "base")


def _imu(store: "Typestore") -> bytes:
    types: dict[str, Any] = dict(store.types)
    vector, nine = types["geometry_msgs/msg/Vector3"](1.0, 2.0, 3.0), np.arange(9.0)
    turn = types["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0)
    message = types["sensor_msgs/msg/Imu"](_header(store), turn, nine, vector, nine, vector, nine)
    return bytes(store.serialize_ros1(message, "sensor_msgs/msg/Imu"))


def _cloud(store: "Typestore") -> bytes:
    types: dict[str, Any] = dict(store.types)
    fields = [types["sensor_msgs/msg/PointField"](name, 4 * place, 7, 1) for place, name in enumerate("xyzi")]
    data = np.random.default_rng(5).integers(0, 256, _CLOUD_BYTES, dtype=np.uint8)
    count = _CLOUD_BYTES // 16
    message = types["sensor_msgs/msg/PointCloud2"](
        _header(store), 1, count, fields, False, 16, _CLOUD_BYTES, data, True
    )
    return bytes(store.serialize_ros1(message, "sensor_msgs/msg/PointCloud2"))
