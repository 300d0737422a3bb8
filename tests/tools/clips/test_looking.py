"""`winnow clips show|plot|thumbs|open`: what is seen is what is in the clip."""

import json
import re
import threading
import urllib.request
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import av
import cv2
import numpy as np
import pytest
from click.testing import Result
from mcap.writer import Writer
from rosbags.rosbag1 import Writer as Bag1Writer
from tests.clip_makers import clip_of
from tests.recording_makers import ROS1, ROS2
from tests.shared_recordings import shared_log
from tests.small_drives import write_ros2_drive
from typer.testing import CliRunner

from winnow_tools.cli import app
from winnow_tools.clips import looking
from winnow_tools.clips.birdseye import birds_eye, coordinates
from winnow_tools.clips.frames import Video, raw, still
from winnow_tools.convert.transcoding import PayloadError

T0 = 1_775_900_000_000_000_000


def clips(*arguments: Any) -> Result:
    result = CliRunner().invoke(app, ["clips", *map(str, arguments)], env={"COLUMNS": "200"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:
        yield Path(base)


@pytest.fixture(scope="module")
def drive(folder: Path) -> Path:
    return clip_of(write_ros2_drive(folder / "drive", 8), folder / "clip", 8)


def colour(value: int) -> np.ndarray:
    return np.full((60, 100, 3), (value, 40, 200), np.uint8)


def h264(count: int) -> list[bytes]:
    """Annex B frames, brighter from one to the next, without frames that wait for later ones."""
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = 100, 60, "yuv420p"
    context.time_base = Fraction(1, 10)
    context.options = {"tune": "zerolatency", "preset": "ultrafast", "bf": "0", "g": "10"}
    packets = []
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(colour(number * 20), format="bgr24")
        frame.pts = number
        packets += [bytes(packet) for packet in context.encode(frame)]
    return packets


def write_cameras(path: Path) -> Path:
    """Six cameras and clouds in CDR: JPEG, PNG, raw, H.264, one damaged, and one of no picture."""
    types = ROS2.types
    frames = h264(10)

    def header(number: int) -> Any:
        return types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](1, number), "cam")

    def compressed(number: int, name: str, data: bytes) -> bytes:
        message = types["sensor_msgs/msg/CompressedImage"](
            header(number), name, np.frombuffer(data, np.uint8)
        )
        return bytes(ROS2.serialize_cdr(message, "sensor_msgs/msg/CompressedImage"))

    def image(number: int) -> bytes:
        data = np.ascontiguousarray(colour(number * 20)[:, :, ::-1]).reshape(-1)
        message = types["sensor_msgs/msg/Image"](header(number), 60, 100, "rgb8", 0, 300, data)
        return bytes(ROS2.serialize_cdr(message, "sensor_msgs/msg/Image"))

    with path.open("wb") as file:
        writer = Writer(file)
        writer.start("ros2", "tests")
        ids: dict[str, int] = {}

        def put(topic: str, name: str, number: int, data: bytes) -> None:
            if topic not in ids:
                text = ROS2.generate_msgdef(name, ros_version=2)[0].encode()
                ids[topic] = writer.register_channel(
                    topic, "cdr", writer.register_schema(name, "ros2msg", text)
                )
            writer.add_message(ids[topic], T0 + number * 100_000_000, data, T0)

        for number in range(10):
            picture = colour(number * 20)
            jpeg, png = (cv2.imencode(kind, picture)[1].tobytes() for kind in (".jpg", ".png"))
            kind = "sensor_msgs/msg/CompressedImage"
            put("/cam/jpeg", kind, number, compressed(number, "jpeg", jpeg))
            put("/cam/png", kind, number, compressed(number, "rgb8; png compressed", png))
            put("/cam/h264", kind, number, compressed(number, "h264", frames[number]))
            put("/cam/broken", kind, number, compressed(number, "jpeg", jpeg[:30]))
            put("/cam/raw", "sensor_msgs/msg/Image", number, image(number))
            put("/words", "std_msgs/msg/String", number, b"\0\1\0\0\2\0\0\0a\0")
        writer.finish()
    return path


def test_show_tells_rates_and_gaps(drive: Path) -> None:
    result = clips("show", drive)
    assert result.exit_code == 0
    assert re.search(r"/imu/data .* 50\.0 ", result.stdout)
    said = json.loads(clips("show", drive, "--json").stdout)
    assert said["pace"]["/odom/twist"]["rate_hz"] == 20.0
    assert said["pace"]["/odom/twist"]["gaps"] == 0


def test_show_finds_the_pause_of_a_sensor(folder: Path, tmp_path: Path) -> None:
    with Bag1Writer(tmp_path / "gap.bag") as writer:
        connection = writer.add_connection("/x", "std_msgs/msg/Bool", typestore=ROS1)
        for number in [*range(20), *range(40, 60)]:
            writer.write(connection, T0 + number * 100_000_000, b"\1")
    clip = clip_of(tmp_path / "gap.bag", folder / "gap", 7)
    said = json.loads(clips("show", clip, "--json").stdout)["pace"]["/x"]
    assert (said["gaps"], said["longest_s"], said["longest_at_ns"]) == (1, 2.1, T0 + 1_900_000_000)
    assert "2.1 s at +1.9 s" in clips("show", clip).stdout


def test_a_sheet_shows_every_camera(folder: Path, tmp_path: Path) -> None:
    clip = clip_of(write_cameras(tmp_path / "in.mcap"), folder / "cams", 3)
    result = clips("thumbs", clip, "-o", tmp_path / "sheet.png", "--columns", 4, "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["topics"] == ["/cam/h264", "/cam/jpeg", "/cam/png", "/cam/raw"]
    assert len(said["notes"]) == 1
    assert said["notes"][0].startswith("4 messages of /cam/broken were not drawn: ")
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    assert sheet.shape[1] == 6 + 4 * 246
    # Each row: four pictures with red and blue as they were drawn, brighter in blue from left to right.
    rows = (sheet.shape[0] - 44) // 4
    for row in range(4):
        middle = 44 + row * rows + 22 + 72
        blues = [sheet[middle, 6 + column * 246 + 120].astype(int) for column in range(4)]
        assert all(abs(int(pixel[2]) - 200) < 12 for pixel in blues), (row, blues)
        assert all(after[0] > before[0] + 30 for before, after in pairwise(blues)), blues


def test_a_clip_without_cameras_is_told(drive: Path, folder: Path, tmp_path: Path) -> None:
    result = clips("thumbs", drive, "-o", tmp_path / "x.png", "--topic", "/imu/data")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no camera and no cloud that can be drawn; nothing was written." in result.stderr
    assert clips("thumbs", drive, "-o", tmp_path / "x.jpg").exit_code == 2
    assert list(tmp_path.iterdir()) == []


def cloud(points: np.ndarray, **changes: Any) -> Any:
    fields = [
        SimpleNamespace(name=name, offset=4 * place, datatype=7, count=1) for place, name in enumerate("xyz")
    ]
    values = {
        "fields": fields,
        "point_step": 12,
        "is_bigendian": False,
        "data": points.astype("<f4").tobytes(),
    }
    return SimpleNamespace(**{**values, **changes})


def test_clouds_are_seen_from_above_with_forward_up() -> None:
    points = coordinates(cloud(np.array([[8, 0, 0], [0, 8, 1], [np.nan, 0, 0], [-8, -8, 2]])))
    assert points.tolist() == [[8, 0, 0], [0, 8, 1], [-8, -8, 2]]
    drawn = birds_eye(points, 200)
    bright = [tuple(map(int, place)) for place in np.argwhere(drawn.max(axis=2) > 120)]
    reach = np.quantile(np.hypot(points[:, 0], points[:, 1]), 0.97) * 1.1
    step = 8 * 100 / reach
    for row, column in ((100 - step, 100), (100, 100 - step), (100 + step, 100 + step)):
        assert any(abs(row - r) <= 1 and abs(column - c) <= 1 for r, c in bright)


@pytest.mark.parametrize(
    "changes",
    [
        {"fields": []},
        {"point_step": 0},
        {"point_step": 8},
        {"fields": [SimpleNamespace(name=name, offset=2**31, datatype=7) for name in "xyz"]},
        {"fields": [SimpleNamespace(name=name, offset=0, datatype=99) for name in "xyz"]},
    ],
)
def test_forged_clouds_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(PayloadError):
        coordinates(cloud(np.zeros((4, 3)), **changes))


def test_empty_clouds_are_drawn_empty() -> None:
    assert birds_eye(coordinates(cloud(np.zeros((0, 3)))), 100).shape == (100, 100, 3)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n" + bytes(8) + b"\x7f\xff\xff\xff\x7f\xff\xff\xff",
        b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\3" + bytes(20),
        b"BM" + bytes(60),
    ],
)
def test_forged_pictures_are_refused_before_they_take_memory(data: bytes) -> None:
    with pytest.raises(PayloadError):
        still(data)


@pytest.mark.parametrize(
    "changes", [{"encoding": "secret"}, {"height": 2**31}, {"step": 1}, {"width": 0}, {"data": b"1234"}]
)
def test_forged_raw_images_are_refused(changes: dict[str, Any]) -> None:
    message = {"encoding": "mono8", "height": 2, "width": 3, "step": 4, "is_bigendian": 0, "data": bytes(8)}
    assert raw(SimpleNamespace(**message)).shape == (2, 3, 3)
    with pytest.raises(PayloadError):
        raw(SimpleNamespace(**{**message, **changes}))


def test_deep_images_are_stretched_and_their_byte_order_is_kept() -> None:
    values = np.array([[0, 1000], [2000, 4000]])
    for order, flag in (("<", 0), (">", 1)):
        data = values.astype(f"{order}u2").tobytes()
        drawn = raw(
            SimpleNamespace(encoding="16UC1", height=2, width=2, step=4, is_bigendian=flag, data=data)
        )
        assert drawn[:, :, 0].tolist() == [[0, 63], [127, 255]]


def test_a_video_begins_with_its_key_frame() -> None:
    frames = h264(12)
    video = Video("h264")
    assert [video.frame(data) is None for data in frames[5:10]] == [True] * 5
    picture = video.frame(frames[10])
    assert picture is not None
    assert abs(int(picture[30, 50, 0]) - 200) < 15


def test_plot_draws_the_signals_and_the_marks(drive: Path, tmp_path: Path) -> None:
    target = tmp_path / "plot.html"
    result = clips(
        "plot", drive, "-o", target, "--field", "/imu/data:linear_acceleration.x", "--field", "/mode:data"
    )
    assert (result.exit_code, result.stdout) == (0, f"{target}\n")
    page = target.read_text()
    assert "linear_acceleration.x" in page
    assert page.count('class="event p1"') == 2  # over the number, and on the band of triggers
    assert "auto" in page
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)
    drawn = json.loads(clips("plot", drive, "-o", target, "--json").stdout)["curves"]
    assert {curve["topic"] for curve in drawn} >= {"/imu/data", "/gps/fix", "/range/front", "/battery"}
    assert len(drawn) == 24


@pytest.mark.parametrize(
    ("field", "part"),
    [("/imu/data", "is not TOPIC:PATH"), ("/no:x", "is not TOPIC:PATH"), ("/imu/data:nothing", "nothing")],
)
def test_fields_that_are_not_there_are_named(drive: Path, tmp_path: Path, field: str, part: str) -> None:
    result = clips("plot", drive, "-o", tmp_path / "x.html", "--field", field)
    assert (result.exit_code, result.stdout) == (2, "")
    assert part in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_open_serves_the_clip_until_it_is_ended(drive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[bytes] = []
    url = threading.Event()
    found: list[str] = []
    real = looking.print_json

    def keep(value: Any) -> None:
        found.append(value["url"])
        url.set()
        real(value)

    def until() -> None:
        assert url.wait(10)
        request = urllib.request.Request(found[0], headers={"Range": "bytes=0-7"})
        with urllib.request.urlopen(request, timeout=10) as response:
            fetched.append(response.read())

    monkeypatch.setattr(looking, "print_json", keep)
    monkeypatch.setattr(looking, "wait_for_the_end", until)
    result = clips("open", drive, "--json")
    assert result.exit_code == 0
    assert fetched == [b"\x89MCAP0\r\n"]
    assert set(json.loads(result.stdout)["viewers"]) == {"Lichtblick", "Foxglove", "Rerun"}


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "topics"),
    [
        ("derived/kitti_sfnd_lidar_cam_ros1.bag", ["/image_02/compressed", "/velodyne_points"]),
        ("derived/kitti0001_ros2_mcap", ["/camera/image_02/compressed", "/lidar/points"]),
    ],
)
def test_real_cameras_and_clouds(name: str, topics: list[str], folder: Path, tmp_path: Path) -> None:
    clip = clip_of(shared_log(name), folder / Path(name).stem, 3)
    said = json.loads(clips("thumbs", clip, "-o", tmp_path / "x.png", "--json").stdout)
    assert (said["topics"], said["notes"]) == (topics, [])
    assert cv2.imread(str(tmp_path / "x.png")) is not None
