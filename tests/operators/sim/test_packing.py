import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.sim.render import packing
from winnow_schemas.ros.definitions import suite_typestore

STORE = suite_typestore()
number = st.floats(-1e6, 1e6, width=32)
times = st.integers(0, 2**31 * 1_000_000_000 - 1)


def check(data: bytes, name: str):
    """Decode, and encode again: the bytes are exactly those that rosbags writes."""
    message = STORE.deserialize_cdr(data, name)
    assert bytes(STORE.serialize_cdr(message, name)) == bytes(data)
    return message


@given(times, st.tuples(number, number, number), st.tuples(number, number, number))
@settings(deadline=None, max_examples=30)
def test_imu(t_ns, rates, accelerations) -> None:
    message = check(packing.imu(t_ns, rates, accelerations), "winnow_msgs/msg/ImuSample")
    assert message.stamp.sec * 1_000_000_000 + message.stamp.nanosec == t_ns
    assert (message.angular_velocity.x, message.linear_acceleration.z) == (rates[0], accelerations[2])


@given(times, number, number)
@settings(deadline=None, max_examples=20)
def test_vehicle_state(t_ns, speed, steering) -> None:
    data = packing.vehicle_state(t_ns, speed, steering, (0.25, 0.5), 3)
    message = check(data, "winnow_msgs/msg/VehicleState")
    assert (message.speed_mps, message.steering_rad) == (speed, steering)
    assert (message.throttle, message.brake, message.gear, message.mode) == (0.25, 0.5, 3, 0)


def test_scalars() -> None:
    assert check(packing.float64(-2.5), "std_msgs/msg/Float64").data == -2.5
    assert check(packing.boolean(True), "std_msgs/msg/Bool").data is True
    assert check(packing.text("rtk_fixed"), "std_msgs/msg/String").data == "rtk_fixed"
    assert check(packing.text(""), "std_msgs/msg/String").data == ""
    assert check(packing.text("Schnee ❄"), "std_msgs/msg/String").data == "Schnee ❄"


def test_position_messages() -> None:
    pose = check(packing.pose(7, (1.0, 2.0, 3.0), (0.0, 0.0, 0.6, 0.8)), "geometry_msgs/msg/PoseStamped")
    assert (pose.header.frame_id, pose.pose.position.y, pose.pose.orientation.w) == ("map", 2.0, 0.8)
    fix = check(packing.nav_sat_fix(7, -1, (52.0, 10.0, 120.0), (0.1, 0.2, 0.3)), "sensor_msgs/msg/NavSatFix")
    assert (fix.status.status, fix.latitude, fix.position_covariance_type) == (-1, 52.0, 2)
    assert fix.position_covariance.tolist() == [0.1, 0, 0, 0, 0.2, 0, 0, 0, 0.3]
    match = check(packing.place_match(7, 0.5, 3), "winnow_msgs/msg/PlaceMatch")
    assert (match.best_score, match.candidates) == (0.5, 3)
    residual = check(packing.map_residual(7, (0.5, -0.25), 0.125), "winnow_msgs/msg/MapResidual")
    assert (residual.offset_x_m, residual.offset_y_m, residual.rms_m) == (0.5, -0.25, 0.125)
    weather = check(packing.weather(7, 1000.0, 2.5, 300.0, -4.0), "winnow_msgs/msg/Weather")
    assert (weather.visibility_m, weather.rain_mm_h, weather.ambient_temp_c) == (1000.0, 2.5, -4.0)
    mounts = check(packing.lidar_consistency(7, [0.25] * 8, [0.5] * 8), "winnow_msgs/msg/LidarConsistency")
    assert mounts.residual_m.tolist() == [0.25] * 8
    assert mounts.overlap.tolist() == [0.5] * 8


@given(times, st.integers(0, 50), st.sampled_from(["lidar_0", "base_link", "x", "frame"]))
@settings(deadline=None, max_examples=30)
def test_clouds(t_ns, count, frame) -> None:
    points = np.arange(4 * count, dtype=np.float32).reshape(count, 4)
    data = packing.CloudLayout(frame).pack(t_ns, points.data.cast("B") if count else b"")
    message = check(data, "sensor_msgs/msg/PointCloud2")
    assert (message.width, message.height, message.row_step) == (count, 1, 16 * count)
    assert message.header.frame_id == frame
    assert [field.name for field in message.fields] == ["x", "y", "z", "intensity"]
    assert [field.offset for field in message.fields] == [0, 4, 8, 12]
    assert np.array_equal(message.data.view(np.float32), points.ravel())


@pytest.mark.parametrize("frame", ["camera_front", "thermal_rear", "a", "ab", "abc"])
@pytest.mark.parametrize("image_format", ["jpeg", "h264", "h265"])
def test_images(frame, image_format) -> None:
    message = check(
        packing.ImageLayout(frame, image_format).pack(5, b"\xff\xd8data"), "sensor_msgs/msg/CompressedImage"
    )
    assert (message.header.frame_id, message.format, bytes(message.data)) == (
        frame,
        image_format,
        b"\xff\xd8data",
    )


def test_not_a_number_survives() -> None:
    assert math.isnan(check(packing.float64(math.nan), "std_msgs/msg/Float64").data)
