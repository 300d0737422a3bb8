"""The real recordings, against their known counts and against rosbags and mcap."""

from pathlib import Path

import pytest
from mcap.reader import make_reader
from rosbags.rosbag1 import Reader as Bag1Reader
from tests.shared_recordings import shared_log

from winnow_runtime.recordings import RecordingError, describe, open_recording

pytestmark = pytest.mark.shared

COUNTS = {
    "husky_gps_imu_odom.bag": {"/imu/data": 11865, "/husky_velocity_controller/odom": 3952, "/fix": 989},
    "ardrone_imu182hz_odom.bag": {"/ardrone/imu": 23093, "/ardrone/odometry/raw": 23089},
    "phidgets_imu248hz_mag.bag": {"/imu/data_raw": 13964, "/imu/mag": 13964},
    "derived/kitti_sfnd_lidar_cam_ros1.bag": {"/velodyne_points": 12, "/image_02/compressed": 12},
    "derived/kitti0001_ros2_mcap": {
        "/lidar/points": 54,
        "/gps/fix": 54,
        "/oxts/imu": 54,
        "/vehicle/twist": 54,
        "/camera/image_02/compressed": 54,
    },
    "derived/comma2k19_ros2_mcap": {
        "/can0/frames": 26904,
        "/can1/frames": 22500,
        "/imu/data": 3128,
        "/gps/fix": 287,
        "/vehicle/twist": 2487,
    },
    "negative/v2_laser_scan_matcher_2011.bag": {"/scan": 360},
}


@pytest.mark.parametrize(("name", "counts"), COUNTS.items(), ids=COUNTS.keys())
def test_counts(name: str, counts: dict[str, int]):
    with open_recording(shared_log(name)) as recording:
        info = describe(recording)
    assert {topic.topic: topic.count for topic in info.topics} == counts
    assert info.messages == info.stated_messages == sum(counts.values())
    assert info.problems == ()


@pytest.mark.parametrize(
    "name", [name for name in COUNTS if name.endswith(".bag") and "negative" not in name]
)
def test_bags_agree_with_rosbags(name: str):
    path = shared_log(name)
    with Bag1Reader(path) as reader, open_recording(path) as recording:
        theirs = [(connection.topic, t_ns, data) for connection, t_ns, data in reader.messages()]
        ours = [
            (message.channel.topic, message.t_ns, bytes(message.data)) for message in recording.messages()
        ]
        definitions = {connection.topic: connection.msgdef.data for connection in reader.connections}
        assert {channel.topic: channel.schema_data.decode() for channel in recording.channels} == definitions
    assert ours == theirs


@pytest.mark.parametrize("name", ["comma2k19_ros2_mcap", "kitti0001_ros2_mcap"])
def test_mcap_files_agree_with_the_mcap_library(name: str):
    path = shared_log(f"derived/{name}/{name}.mcap")
    with path.open("rb") as file, open_recording(path) as recording:
        theirs = [
            (channel.topic, schema.name, schema.data, message.log_time, message.publish_time, message.data)
            for schema, channel, message in make_reader(file).iter_messages()
        ]
        ours = [
            (
                message.channel.topic,
                message.channel.schema_name,
                message.channel.schema_data,
                message.t_ns,
                message.pub_ns,
                bytes(message.data),
            )
            for message in recording.messages()
        ]
    assert ours == theirs


def test_the_old_format_is_refused_by_name():
    with pytest.raises(RecordingError, match=r"is a ROS bag of version 1\.2, from before 2010"):
        open_recording(shared_log("negative/v1_2_laser_scan_splitter.bag"))


@pytest.mark.parametrize("name", ["husky_gps_imu_odom.bag", "negative/v2_laser_scan_matcher_2011.bag"])
def test_torn_real_bags_play_to_where_they_end(tmp_path: Path, name: str):
    data = shared_log(name).read_bytes()
    with open_recording(shared_log(name)) as recording:
        everything = [(message.t_ns, bytes(message.data)) for message in recording.messages()]
    torn = tmp_path / "torn.bag"
    torn.write_bytes(data[: len(data) * 3 // 5])
    with open_recording(torn) as recording:
        got = [(message.t_ns, bytes(message.data)) for message in recording.messages()]
        assert recording.problems
    assert len(everything) * 0.4 < len(got) < len(everything)
    assert set(got) <= set(everything)


def test_a_torn_real_drive_plays_to_where_it_ends(tmp_path: Path):
    path = shared_log("derived/comma2k19_ros2_mcap/comma2k19_ros2_mcap.mcap")
    data = path.read_bytes()
    with open_recording(path) as recording:
        everything = [message.t_ns for message in recording.messages()]
    torn = tmp_path / "torn.mcap"
    torn.write_bytes(data[: len(data) // 2])
    with open_recording(torn) as recording:
        got = [message.t_ns for message in recording.messages()]
        assert got == everything[: len(got)]
        assert len(got) > 20_000
        assert any("breaks off" in problem for problem in recording.problems)
