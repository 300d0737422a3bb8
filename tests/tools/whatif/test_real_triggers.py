"""Five triggers on real recordings fire at the nanosecond that plain numpy says, read with another reader."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore
from tests.shared_recordings import shared_log

from winnow_tools.whatif.replaying import replay_all
from winnow_tools.whatif.variant import load_variants

pytestmark = pytest.mark.shared

HUSKY, DRONE = "husky_gps_imu_odom.bag", "ardrone_imu182hz_odom.bag"
COMMA, KITTI = "derived/comma2k19_ros2_mcap", "derived/kitti0001_ros2_mcap"
S = 1_000_000_000
EARTH_M = 6_371_008.8


def columns(
    path: Path, topic: str, get: Callable[[Any], tuple[float, ...]]
) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Times and values of a topic; first and last time of all topics."""
    with AnyReader([path], default_typestore=get_typestore(Stores.ROS2_HUMBLE)) as reader:
        chosen = [each for each in reader.connections if each.topic == topic]
        rows = [
            (t_ns, get(reader.deserialize(data, each.msgtype)))
            for each, t_ns, data in reader.messages(chosen)
        ]
        times = [t_ns for _, t_ns, _ in reader.messages()]
    return np.array([t for t, _ in rows]), np.array([v for _, v in rows], float), min(times), max(times)


def fired(path: Path, tmp_path: Path, signals: dict[str, Any], when: str, **more: Any) -> list[int]:
    """When our trigger fires: no cooldown and no storm breaker, so that the condition alone decides."""
    settings = {
        "signals": signals,
        "triggers": {
            "library": "none",
            "storm": {"max_per_minute": 10_000},
            "set": {"asked": {"when": when, "priority": "P3", "pre_roll_s": 1, "post_roll_s": 1, "cooldown_s": 0}},
        },
        **more,
    }  # fmt: skip
    file = tmp_path / "settings.yml"
    file.write_text(yaml.safe_dump(settings), "utf-8")
    (replayed,) = replay_all([path], load_variants([file]))
    assert replayed.problems == ()
    return [event.t_ns for event in replayed.decided[0].events]


def rises(times: np.ndarray, truth: np.ndarray) -> list[int]:
    """Times at which something becomes true."""
    before = np.concatenate([[False], truth[:-1]])
    return times[truth & ~before].tolist()


SPEEDS = {
    HUSKY: ("/husky_velocity_controller/odom", "twist.twist.linear.x", lambda m: (m.twist.twist.linear.x,), 0.5),
    COMMA: ("/vehicle/twist", "twist.linear.x", lambda m: (m.twist.linear.x,), 0.3),
}  # fmt: skip


@pytest.mark.parametrize("name", SPEEDS)
def test_hard_braking(name: str, tmp_path: Path):
    path = shared_log(name)
    topic, field, get, drop = SPEEDS[name]
    times, values, _, _ = columns(path, topic, get)
    speed = values[:, 0]
    oldest = np.searchsorted(times, times - S, "right")  # the window is (t - 1 s, t]
    change = speed - speed[oldest]
    braking = (oldest < np.arange(len(times))) & (change < -drop)
    expected = rises(times, braking)
    signals = {"speed": {"topic": topic, "field": field, "unit": "m/s"}}
    assert expected
    assert fired(path, tmp_path, signals, f"delta(speed, 1 s) < -{drop} m/s") == expected


@pytest.mark.parametrize(("name", "topic", "limit_ms"), [(COMMA, "/gps/fix", 150), (HUSKY, "/fix", 405)])
def test_gps_gap(name: str, topic: str, limit_ms: int, tmp_path: Path):
    path = shared_log(name)
    times, _, first_ns, last_ns = columns(path, topic, lambda m: (m.latitude,))
    limit_ns = limit_ms * 1_000_000
    heard = np.concatenate([[first_ns], times])  # silence counts from the first message of any topic
    following = np.concatenate([times, [last_ns + 1]])
    expected = (heard[following > heard + limit_ns] + limit_ns).tolist()
    signals = {"latitude": {"topic": topic, "field": "latitude", "stale_s": limit_ms / 1000}}
    assert expected
    assert fired(path, tmp_path, signals, "stale(latitude)") == expected


GYROS = {
    DRONE: ("/ardrone/imu", "angular_velocity.x", lambda m: (m.angular_velocity.x,), 1.5),
    HUSKY: ("/imu/data", "angular_velocity.z", lambda m: (m.angular_velocity.z,), 0.3),
}


@pytest.mark.parametrize("name", GYROS)
def test_gyro_spike(name: str, tmp_path: Path):
    path = shared_log(name)
    topic, field, get, limit = GYROS[name]
    times, values, _, _ = columns(path, topic, get)
    expected = rises(times, np.abs(values[:, 0]) > limit)
    signals = {"turn": {"topic": topic, "field": field, "unit": "rad/s"}}
    assert expected
    assert fired(path, tmp_path, signals, f"abs(turn) > {limit} rad/s") == expected


@pytest.mark.parametrize("hold_ms", [500, 3000])
def test_long_stop(hold_ms: int, tmp_path: Path):
    path = shared_log(HUSKY)
    topic, field, get, _ = SPEEDS[HUSKY]
    times, values, _, last_ns = columns(path, topic, get)
    still = np.abs(values[:, 0]) < 0.02
    begins = rises(times, still)
    ends = [*rises(times, ~still), last_ns + 1]
    hold_ns = hold_ms * 1_000_000
    expected = []
    for begin in begins:
        end = next(each for each in ends if each > begin)
        if begin + hold_ns < end:  # a message of that very instant goes before
            expected.append(begin + hold_ns)
    signals = {"speed": {"topic": topic, "field": field, "unit": "m/s"}}
    assert expected
    assert fired(path, tmp_path, signals, f"for_at_least(abs(speed) < 0.02 m/s, {hold_ms} ms)") == expected


@pytest.mark.parametrize(
    ("name", "topic", "every_m"), [(HUSKY, "/fix", 20), (COMMA, "/gps/fix", 75), (KITTI, "/gps/fix", 15)]
)
def test_distance_sample(name: str, topic: str, every_m: float, tmp_path: Path):
    path = shared_log(name)
    times, values, _, _ = columns(path, topic, lambda m: (m.latitude, m.longitude))
    origin = values[0]
    north = np.radians(values[:, 0] - origin[0]) * EARTH_M
    east = np.radians(values[:, 1] - origin[1]) * EARTH_M * np.cos(np.radians(origin[0]))
    driven, since, anchor, anchor_ns, expected = 0.0, 0.0, (east[0], north[0]), int(times[0]), []
    for t_ns, x, y in zip(times.tolist(), east, north, strict=True):
        step = np.hypot(x - anchor[0], y - anchor[1])
        if step < 0.5:
            anchor_ns = t_ns
            continue
        if step <= 150 * (t_ns - anchor_ns) / 1e9 + 0.5:
            driven += step
        anchor, anchor_ns = (x, y), t_ns
        if driven - since >= every_m:
            expected.append(t_ns)
            since = driven
    signals = {role: {"topic": topic, "field": role, "unit": "deg"} for role in ("latitude", "longitude")}
    position = {"latitude_deg": "latitude", "longitude_deg": "longitude"}
    assert len(expected) > 1
    found = fired(path, tmp_path, signals, f"distance_m(since=fired) >= {every_m} m", position=position)
    assert found == expected
