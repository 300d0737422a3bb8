"""What happens in the world is to be seen in clouds and images."""

import av
import cv2
import numpy as np
import pytest

from winnow_operators.sim.incidents.director import Director
from winnow_operators.sim.render.camera import COLOURS, CameraSuite
from winnow_operators.sim.render.lidar import LidarSuite
from winnow_operators.sim.render.mounts import LIDARS
from winnow_operators.sim.render.thermal import GOP_FRAMES, Codec, ThermalSuite
from winnow_operators.sim.scene.bodies import Surface
from winnow_operators.sim.tick import Tick


def ticks(script, until, limit_s: float = 200.0) -> Tick:
    director = Director(script, 1)
    while director.world.t_s < limit_s:
        tick = director.step()
        if tick.index >= 0 and until(tick):
            return tick
    raise AssertionError("it never came to that")


def near(tick: Tick, kind: str, reach_m: float):
    pose = tick.motion.pose
    for thing in tick.things:
        ahead, left = pose.to_local(thing.x, thing.y)
        if thing.body.kind == kind and 3.0 < ahead < reach_m and abs(left) < 0.7 * ahead:
            return ahead, left
    return None


@pytest.fixture(scope="module")
def crossing(make_script) -> Tick:
    script = make_script(duration_s=200, incidents=[{"kind": "crew_crossing", "at_s": 1}])
    return ticks(script, lambda tick: near(tick, "person", 9.0) is not None)


@pytest.fixture(scope="module")
def plain(make_script) -> Tick:
    return ticks(make_script(), lambda tick: tick.index == 60)


def test_camera_frames_decode_and_show_people_when_there_are(crossing, plain) -> None:
    suite = CameraSuite(1, 1.0)
    vest = np.array(COLOURS[Surface.VEST])

    def vest_pixels(tick: Tick) -> int:
        image = cv2.imdecode(np.frombuffer(suite.jpeg(0, tick), np.uint8), cv2.IMREAD_COLOR)
        assert image.shape == (720, 1280, 3)
        direction = image.astype(float) / np.maximum(np.linalg.norm(image, axis=2, keepdims=True), 1)
        return int((direction @ (vest / np.linalg.norm(vest)) > 0.985).sum())

    assert vest_pixels(crossing) > 1500
    assert vest_pixels(plain) < 200


def test_the_four_cameras_look_in_four_directions(plain) -> None:
    suite = CameraSuite(1, 0.1)
    frames = {suite.jpeg(number, plain) for number in range(4)}
    assert len(frames) == 4


def test_fog_and_night_change_the_picture(make_script) -> None:
    def contrast_above_the_horizon(**changes) -> float:
        tick = ticks(make_script(duration_s=30, **changes), lambda tick: tick.index == 200)
        green = CameraSuite(1, 0.1).image(0, tick)[:, :, 1].astype(float)
        return float(np.abs(np.diff(green[: len(green) // 2], axis=1)).mean())

    clear = contrast_above_the_horizon()
    assert contrast_above_the_horizon(weather={"visibility_m": 60}) < 0.5 * clear
    day = ticks(make_script(), lambda tick: tick.index == 0)
    night = ticks(make_script(start="2026-04-11T23:30:00Z"), lambda tick: tick.index == 0)
    suite = CameraSuite(1, 0.1)
    assert suite.image(0, night).mean() < 0.5 * suite.image(0, day).mean()


@pytest.mark.parametrize(("codec", "decoder"), [(Codec.H264, "h264"), (Codec.H265, "hevc")])
def test_thermal_streams_decode_frame_by_frame_from_any_key_frame(crossing, codec, decoder) -> None:
    suite = ThermalSuite(1, 0.25, codec)
    packets = [suite.frame(0, number, crossing) for number in range(GOP_FRAMES + 6)]
    for start in (0, GOP_FRAMES):
        context = av.CodecContext.create(decoder, "r")
        frames = [frame for data in packets[start:] for frame in context.decode(av.Packet(data))]
        frames += context.decode(None)
        assert len(frames) == len(packets) - start
        assert (frames[0].width, frames[0].height) == (320, 256)
        assert frames[0].key_frame
        assert not frames[1].key_frame


def test_people_are_warm(crossing, plain) -> None:
    suite = ThermalSuite(1, 1.0)
    assert suite.image(0, crossing).shape == (512, 640)
    warm = [int((suite.image(0, tick) > 180).sum()) for tick in (crossing, plain)]
    assert warm[0] > 1500
    assert warm[0] > 3 * warm[1]


def test_a_person_is_in_the_merged_cloud_where_it_stands(crossing) -> None:
    ahead, left = near(crossing, "person", 9.0)
    cloud = LidarSuite(1, 1.0).aggregated(crossing)
    close = np.hypot(cloud[:, 0] - ahead, cloud[:, 1] - left) < 0.5
    body = cloud[close & (cloud[:, 2] > 0.3)]
    assert len(body) > 50
    assert 1.5 < body[:, 2].max() < 1.85


def test_the_ground_is_flat_and_points_are_finite(plain) -> None:
    cloud = LidarSuite(1, 0.2).aggregated(plain)
    assert np.isfinite(cloud).all()
    assert abs(np.median(cloud[:, 2])) < 0.05
    assert (cloud[:, 3] >= 0).all()
    assert (cloud[:, 3] <= 255).all()


def test_dirt_costs_points_and_a_bumped_mount_turns_them(plain) -> None:
    from dataclasses import replace

    suite = LidarSuite(1, 0.2)
    clean = suite.sweep(2, plain)
    dirty = replace(
        plain, index=plain.index + 2, sensors=plain.sensors._replace(lidar_loss=(0.0, 0.0, 0.6, *[0.0] * 5))
    )
    assert len(suite.sweep(2, dirty)) == pytest.approx(0.4 * len(clean), rel=0.05)
    assert len(suite.sweep(3, dirty)) == pytest.approx(len(suite.sweep(3, plain)), rel=0.02)
    turned = replace(
        plain,
        index=plain.index + 4,
        sensors=plain.sensors._replace(lidar_turn_rad=(0.0, 0.0, 0.2, *[0.0] * 5)),
    )
    walls = lambda cloud: cloud[cloud[:, 2] > -LIDARS[2].z + 0.5]  # noqa: E731
    before, after = walls(clean), walls(suite.sweep(2, turned))
    angle = np.arctan2(before[:, 1], before[:, 0])
    back = np.arctan2(after[:, 1], after[:, 0]) + 0.2
    histogram = [np.histogram(each, bins=40, range=(-3.14, 3.14))[0] for each in (angle, back)]
    assert np.corrcoef(*histogram)[0, 1] > 0.9


def test_the_cloud_moves_with_the_vehicle(make_script) -> None:
    """A standing structure, moved back by each pose, stays where it is in the map."""
    director = Director(make_script(duration_s=60), 1)
    suite = LidarSuite(1, 0.3)
    found = []
    for _ in range(80 + 20 * 12):
        tick = director.step()
        if tick.index in (60, 160, 239):
            cloud = suite.aggregated(tick)
            tall = cloud[cloud[:, 2] > 3.2]
            pose = tick.motion.pose
            places = np.array([pose.to_map(x, y) for x, y in tall[:, :2].tolist()])
            found.append({(round(x), round(y)) for x, y in places})
    assert len(found) == 3
    for one, other in ((0, 1), (1, 2)):
        common = len(found[one] & found[other])
        assert common > 20
