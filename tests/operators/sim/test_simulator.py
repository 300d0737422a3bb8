import hashlib
from collections import Counter, defaultdict
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.sim import Simulator
from winnow_schemas.channel import Message
from winnow_schemas.errors import BadInputError
from winnow_schemas.ros.definitions import suite_typestore

from .conftest import HEAVY, NEVER

SIZES = {
    # Rate in Hz and size in bytes of docs/topics.md (vehicle document 1.3), at scale 1.
    **{f"/lidar/{number}/points": (10, 480_000) for number in range(4)},
    **{f"/lidar/{number}/points": (10, 256_000) for number in range(4, 8)},
    "/pointcloud_aggregator/output": (10, 2_900_000),
    "/imu/data": (500, 60),
    "/can/vehicle_state": (100, 30),
    "/localization/pose": (10, 90),
    "/localization/fix": (5, 140),
    "/localization/innovation_norm": (10, 12),
    "/localization/gps_status": (5, 20),
    "/localization/place_match": (2, 20),
    "/localization/map_residual": (10, 24),
    "/localization/lidar_consistency": (2, 84),
    "/perception/detections": (10, 2000),
    "/perception/tracking_state": (10, 2000),
    "/perception/radar_objects": (10, 500),
    "/perception/ood_score": (10, 12),
    "/perception/weather": (1, 28),
    "/planning/trajectory": (10, 1000),
    "/planning/frenet_candidates": (10, 1700),
    "/planning/trajectory_cost": (10, 12),
    "/planning/state": (10, 44),
    "/safety/estop": (10, 5),
    "/safety/collision_detect": (10, 5),
    "/safety/cbf_state": (20, 12),
    "/safety/geofence_status": (5, 16),
    "/safety/simplex_mode": (5, 17),
    "/safety/stl_verdicts": (10, 200),
    "/diagnostics/sensor_health": (1, 1500),
    "/diagnostics/compute_health": (1, 500),
    **{f"/camera/{name}/compressed": (20, 30_000) for name in ("front", "left", "right", "rear")},
    **{f"/thermal/{name}/compressed": (30, 8000) for name in ("front", "rear")},
}
ONCE = {"/planning/route", "/tf_static", "/map/zones"}
EVENTS = {"/hmi/flag_event", "/hmi/voice_command"}
SHORT = {
    "duration_s": 3.2,
    "incidents": [
        {"kind": "flag_button", "at_s": 1},
        {"kind": "voice_command", "at_s": 2},
        {"kind": "weather_change", "at_s": 0.5, "ramp_s": 1},
    ],
}


def digest(messages: list[Message]) -> str:
    state = hashlib.sha256()
    for message in messages:
        state.update(f"{message.channel.topic} {message.t_ns} {message.pub_ns} ".encode())
        state.update(message.data)
    return state.hexdigest()


@pytest.fixture(scope="module")
def whole(make_script) -> list[Message]:
    return list(Simulator(make_script(**SHORT), 5).messages())


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(make_script, whole) -> None:
    assert digest(list(Simulator(make_script(**SHORT), 5).messages())) == digest(whole)
    assert digest(list(Simulator(make_script(**SHORT), 6).messages())) != digest(whole)


def test_messages_can_be_had_twice_from_one_simulator(make_script, whole) -> None:
    simulator = Simulator(make_script(**SHORT), 5)
    assert len(list(islice(simulator.messages(), 100))) == 100
    assert digest(list(simulator.messages())) == digest(whole)


def test_messages_come_in_order_inside_the_run(make_script, whole) -> None:
    simulator = Simulator(make_script(**SHORT), 5)
    rank = {channel: number for number, channel in enumerate(simulator.channels)}
    keys = [(message.t_ns, rank[message.channel]) for message in whole]
    assert all(before < after for before, after in pairwise(keys))
    assert keys[0][0] >= simulator.start_ns
    assert keys[-1][0] < simulator.end_ns
    assert simulator.end_ns - simulator.start_ns == 3_200_000_000


@given(st.dictionaries(st.sampled_from([*SIZES, *ONCE, *EVENTS]), st.integers(0, 120), max_size=12))
@settings(deadline=None, max_examples=6)
def test_skipping_changes_nothing_but_what_is_skipped(make_script, whole, skip) -> None:
    resumed = list(Simulator(make_script(**SHORT), 5).messages(skip))
    counted: Counter[str] = Counter()
    expected = []
    for message in whole:
        counted[message.channel.topic] += 1
        if counted[message.channel.topic] > skip.get(message.channel.topic, 0):
            expected.append(message)
    assert digest(resumed) == digest(expected)


def test_resuming_inside_a_group_of_pictures_gives_the_same_packets(make_script, whole) -> None:
    skip = {"/thermal/front/compressed": 47}
    topic = next(iter(skip))
    resumed = [
        each.data for each in Simulator(make_script(**SHORT), 5).messages(skip) if each.channel.topic == topic
    ]
    assert resumed == [each.data for each in whole if each.channel.topic == topic][47:]


def test_skipped_messages_are_not_rendered(make_script, monkeypatch) -> None:
    from winnow_operators.sim.render.lidar import LidarSuite

    def never(*_: object) -> None:
        raise AssertionError("a cloud was rendered")

    monkeypatch.setattr(LidarSuite, "_sweeps", never)
    simulator = Simulator(make_script(duration_s=1), 1)
    clouds = {topic: NEVER for topic in HEAVY if "lidar" in topic or "pointcloud" in topic}
    assert len(list(simulator.messages(clouds))) > 500
    with pytest.raises(AssertionError, match="rendered"):
        list(simulator.messages())


def test_an_unknown_topic_cannot_be_skipped(make_script) -> None:
    with pytest.raises(BadInputError, match="no topic '/lidar/8/points'"):
        next(Simulator(make_script(), 1).messages({"/lidar/8/points": 1}))


@pytest.mark.parametrize("scale", [0.0, 1.5, -1.0, float("nan")])
def test_a_scale_outside_its_range_is_refused(make_script, scale) -> None:
    with pytest.raises(BadInputError, match=r"from 0\.001 to 1"):
        Simulator(make_script(), 1, scale)


def test_every_topic_decodes(make_script, whole) -> None:
    store = suite_typestore()
    seen = set()
    for message in whole:
        store.deserialize_cdr(message.data, message.channel.schema_name)
        seen.add(message.channel.topic)
    assert seen == {channel.topic for channel in Simulator(make_script(**SHORT), 5).channels}
    assert seen == set(SIZES) | ONCE | EVENTS


def test_stamps_are_the_times_of_measurement(whole) -> None:
    store = suite_typestore()
    for message in whole:
        decoded = store.deserialize_cdr(message.data, message.channel.schema_name)
        stamp = getattr(decoded, "stamp", None) or getattr(getattr(decoded, "header", None), "stamp", None)
        if stamp is not None:
            stamp_ns = stamp.sec * 1_000_000_000 + stamp.nanosec
            assert 0 <= message.t_ns - stamp_ns < 50_000_000


def test_rates_and_sizes_are_those_of_the_document(make_script) -> None:
    messages = list(Simulator(make_script(duration_s=2, scale=1.0), 1).messages())
    sizes = defaultdict(list)
    for message in messages:
        sizes[message.channel.topic].append(len(message.data))
    for topic, (rate_hz, size) in SIZES.items():
        assert len(sizes[topic]) == 2 * rate_hz, topic
        allowed = 0.15 if size > 200_000 else 0.4 if size > 200 else 0.5
        assert np.mean(sizes[topic]) == pytest.approx(size, rel=allowed, abs=8), topic
    assert sum(map(sum, sizes.values())) / 2 == pytest.approx(62e6, rel=0.05)


def test_scale_shrinks_clouds_and_images_and_keeps_rates(make_script) -> None:
    rates, sizes = Counter(), Counter()
    for message in Simulator(make_script(duration_s=2, scale=0.15), 1).messages():
        rates[message.channel.topic] += 1
        sizes[message.channel.topic] += len(message.data)
    for topic, (rate_hz, _) in SIZES.items():
        assert rates[topic] == 2 * rate_hz, topic
    assert sum(sizes.values()) / 2 > 8e6
    assert sizes["/pointcloud_aggregator/output"] / 20 == pytest.approx(0.15 * 2.9e6, rel=0.1)


def test_latched_topics_say_so(make_script) -> None:
    latched = {channel.topic for channel in Simulator(make_script(), 1).channels if channel.is_latched}
    assert latched == ONCE


def test_thirty_seconds_hold_twenty_different_sweeps_of_every_lidar_at_the_vehicles_places(
    make_script,
) -> None:
    """The walls of the terminal side move past as the vehicle moves: sweeps belong to places."""
    script = make_script(duration_s=30, scale=0.01)
    keep = {f"/lidar/{number}/points" for number in range(8)}
    every = 10
    skip_all = {
        channel.topic: NEVER for channel in Simulator(script, 1).channels if channel.topic not in keep
    }
    sweeps = defaultdict(set)
    for message in Simulator(script, 1).messages(skip_all):
        sweeps[message.channel.topic].add(bytes(message.data[100:]))
    assert {topic: len(found) >= 20 for topic, found in sweeps.items()} == dict.fromkeys(keep, True)
    assert len(sweeps) * every == 80


def test_a_press_is_followed_by_its_release(whole) -> None:
    pressed = [message.data[-1] for message in whole if message.channel.topic == "/hmi/flag_event"]
    assert pressed == [1, 0]


def test_the_route_is_sent_again_when_it_changes(make_script) -> None:
    script = make_script(duration_s=75)
    skip = {
        channel.topic: NEVER
        for channel in Simulator(script, 1).channels
        if channel.topic != "/planning/route"
    }
    routes = [message.t_ns - script.start_ns for message in Simulator(script, 1).messages(skip)]
    assert routes[0] == 5_000_000
    assert len(routes) == 2


def test_pool_mode_has_the_same_topics_rates_and_right_stamps_and_cycles(make_script) -> None:
    script = make_script(duration_s=5)
    store = suite_typestore()
    rates, clouds = Counter(), []
    pooled = Simulator(script, 1, pool=True)
    for message in pooled.messages():
        rates[message.channel.topic] += 1
        if message.channel.topic == "/lidar/3/points":
            decoded = store.deserialize_cdr(message.data, message.channel.schema_name)
            assert (
                decoded.header.stamp.sec * 1_000_000_000 + decoded.header.stamp.nanosec
                == message.t_ns - 4_000_000
            )
            clouds.append(bytes(decoded.data))
    plain = Counter(message.channel.topic for message in Simulator(script, 1).messages())
    assert rates == plain
    assert len(set(clouds)) >= 20
    assert clouds[0] == clouds[24]
