"""Every real recording: cut, verified, repacked to each profile and back, verified again."""

import hashlib
from pathlib import Path

import pytest
from tests.nodes.vehicle_rig import Rings, S, Vehicle, an_event, cut_clips
from tests.shared_recordings import shared_log

from winnow_runtime.packing.repack import repack
from winnow_runtime.recordings import open_recording
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.packing import Profile
from winnow_schemas.sidecar import read_sidecar
from winnow_tools.clips.verify import verify

pytest.importorskip("DracoPy")
pytestmark = pytest.mark.shared
RECORDINGS = [
    "husky_gps_imu_odom.bag",
    "ardrone_imu182hz_odom.bag",
    "phidgets_imu248hz_mag.bag",
    "derived/comma2k19_ros2_mcap",
    "derived/kitti0001_ros2_mcap",
    "derived/kitti_sfnd_lidar_cam_ros1.bag",
]
WITH_CLOUDS = RECORDINGS[-2:]
LONGEST_NS = 20 * S


@pytest.mark.parametrize("name", RECORDINGS)
def test_cut_verify_repack_and_back(name: str, vehicle: Vehicle, tmp_path: Path) -> None:
    path = shared_log(name)
    vehicle.settings = {**vehicle.settings, "ring": {"memory_mib": 512}}
    rings = Rings(vehicle, capacity=1 << 25, entries=1 << 16)
    with open_recording(path) as recording:
        start, end = recording.start_ns, recording.end_ns
        for message in recording.messages():
            rings.push(message.channel, message.t_ns, bytes(message.data))
    half = min((end - start) // 2, LONGEST_NS) // 2
    middle = (start + end) // 2
    (ready,) = cut_clips(vehicle, rings, [an_event(middle / S, pre_roll_ns=half, post_roll_ns=half)])
    clip = vehicle.out / ready.path
    assert ready.messages > 5
    original = hashlib.sha256(clip.read_bytes()).hexdigest()
    made = {}
    for profile in (Profile.PACKED, Profile.UPLOAD):
        target = tmp_path / profile.value / clip.name
        made[profile] = repack(clip, target, profile, DeviceSettings())
        back = repack(
            target, tmp_path / f"{profile.value}-plain" / clip.name, Profile.PLAIN, DeviceSettings()
        )
        assert (back.sha256 == original) == (made[profile].packing.lossy == {})
    other = tmp_path / "upload-packed" / clip.name
    repack(tmp_path / "upload" / clip.name, other, Profile.PACKED, DeviceSettings())
    with open_recording(path) as recording:
        for where in (clip, tmp_path):
            checks = verify(where, recording.messages())
            assert [(check.good, check.problems) for check in checks] == [(True, [])] * len(checks)
            assert len(checks) == (1 if where == clip else 5)
    plain = read_sidecar(clip.with_suffix(".json")).size_bytes
    assert plain / made[Profile.PACKED].size_bytes >= 1.3
    if name in WITH_CLOUDS:
        (cloud,) = made[Profile.UPLOAD].packing.lossy.values()
        assert cloud.stored_bytes / cloud.payload_bytes <= 0.2
        assert cloud.error_m <= cloud.bound_m <= 0.02
