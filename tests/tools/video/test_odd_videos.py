"""Videos as they come off memory cards, and logs that do not belong to them."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dashcam_drives import FPS, write_small_drive
from tests.shared_recordings import SHARED

from winnow_operators.dashcam.boxes import Box
from winnow_operators.dashcam.tracks.passes import passes_of
from winnow_plates.reading import RegionReader
from winnow_plates.stage import read_plates, sightings_of
from winnow_preprocess.proposing import TextProposer
from winnow_preprocess.stage import preprocess
from winnow_runtime import atomic
from winnow_runtime.dashcam.job import job_of
from winnow_runtime.dashcam.lines import Progress
from winnow_runtime.inference.detector import OnnxDetector
from winnow_runtime.inference.text import OnnxText
from winnow_runtime.video.file import Video
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.dashcam import DashcamSettings, PlateSettings
from winnow_tools.video.going import Stages, Watcher, go_through

DRIVES = SHARED / "data" / "drive"
SETTINGS = DashcamSettings(archive=False)


@pytest.fixture(scope="module")
def stages() -> Stages:
    return Stages(TextProposer(OnnxText(), SETTINGS.proposer), RegionReader(SETTINGS.plates))


class Listening(Watcher):
    """Collects what is said."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def said(self, sentence: str) -> None:
        self.sentences.append(sentence)


def texts(video: Path, out: Path, stages: Stages, watcher: Watcher | None = None) -> list[str]:
    summary = go_through([video], out, SETTINGS, lambda: stages, watcher or Watcher())
    assert summary["parked"] == []
    return sorted(plate["text"] for plate in summary["plates"])


@pytest.mark.parametrize(
    "how",
    [
        {"codec": "mpeg4"},
        {"turned": True},
        {"time_s": lambda number: number / FPS + 0.04 * (number % 3) / 3 + (1.7 if number > 25 else 0.0)},
        {"every": 2},
    ],
    ids=["MPEG-4 part 2", "rotated", "variable frame rate", "every second frame"],
)
def test_odd_videos_are_read_like_others(how, stages, tmp_path):
    video = write_small_drive(tmp_path / "odd.mp4", **how)
    assert texts(video, tmp_path / "out", stages) == ["RK891AU"]


def test_a_rotated_video_is_upright_and_its_boxes_too(stages, tmp_path):
    video = write_small_drive(tmp_path / "turned.mp4", frames=4, turned=True)
    straight = write_small_drive(tmp_path / "straight.mp4", frames=4)
    with Video(video) as one, Video(straight) as other:
        (_, turned), (_, upright) = next(one.pictures([0])), next(other.pictures([0]))
    assert turned.shape == upright.shape == (540, 960, 3)
    assert float(np.abs(turned.astype(int) - upright).mean()) < 8


def test_times_of_a_variable_rate_are_kept(tmp_path):
    video = write_small_drive(tmp_path / "vfr.mp4", frames=12, time_s=lambda number: number**2 / 100)
    with Video(video) as opened:
        times = [frame.t_ns / 1e9 for frame in opened.small()]
    assert times == pytest.approx([number**2 / 100 for number in range(12)], abs=2e-5)


def gpx(path: Path, first: str) -> None:
    hour, minute, second = map(int, first.split(":"))
    points = "".join(
        f'<trkpt lat="47.{number:03d}" lon="9.5"><time>2026-05-04T{hour:02d}:{minute:02d}:{second + number:02d}Z</time></trkpt>'
        for number in range(8)
    )
    path.write_text(f'<gpx version="1.1"><trk><trkseg>{points}</trkseg></trk></gpx>')


def test_a_log_of_another_day_gives_no_positions_and_a_sentence(stages, tmp_path):
    video = write_small_drive(tmp_path / "drive.mp4", created="2026-05-09T08:00:00Z")
    gpx(tmp_path / "drive.gpx", "08:00:00")
    watcher = Listening()
    assert texts(video, tmp_path / "out", stages, watcher) == ["RK891AU"]
    assert any("drive.gpx does not cover the time of drive.mp4" in each for each in watcher.sentences)
    (record,) = (tmp_path / "out" / "records").glob("*.json")
    assert atomic.read_json(record)["plates"][0]["position"] is None


def test_a_log_that_begins_later_places_only_what_it_covers(stages, tmp_path):
    video = write_small_drive(tmp_path / "drive.mp4", created="2026-05-04T08:00:00Z")
    gpx(tmp_path / "drive.gpx", "08:00:01")
    assert texts(video, tmp_path / "out", stages) == ["RK891AU"]
    (record,) = (tmp_path / "out" / "records").glob("*.json")
    (plate,) = atomic.read_json(record)["plates"]
    for look in plate["timeline"]:
        assert (look["position"] is not None) == (look["t_ns"] >= 1_000_000_000)


def test_small_pictures_of_the_kept_frames_are_archived(stages, tmp_path):
    video = write_small_drive(tmp_path / "drive.mp4", frames=24)
    proposer = SETTINGS.proposer.model_copy(update={"thumbnail_px": 160})
    wanted = DashcamSettings(proposer=proposer)
    summary = go_through([video], tmp_path / "out", wanted, lambda: stages, Watcher())
    (folder,) = (tmp_path / "out" / "archive").iterdir()
    pictures = sorted(folder.glob("small-*.jpg"))
    assert len(pictures) == summary["kept"] > 1
    assert cv2.imread(str(pictures[0])).shape == (90, 160, 3)
    assert {each.name for each in pictures} < set(atomic.read_json(folder / "manifest.json")["files"])


def test_no_log_at_all_is_said(stages, tmp_path):
    video = write_small_drive(tmp_path / "drive.mp4", frames=20)
    watcher = Listening()
    texts(video, tmp_path / "out", stages, watcher)
    assert any("has no GPS log" in each for each in watcher.sentences)


def test_a_wrong_extension_does_not_matter(stages, tmp_path):
    video = write_small_drive(tmp_path / "drive.mp4")
    odd = video.rename(tmp_path / "drive.dat")
    assert texts(odd, tmp_path / "out", stages) == ["RK891AU"]


def test_a_video_that_breaks_off_keeps_what_came_before(stages, tmp_path):
    video = write_small_drive(tmp_path / "drive.mkv")
    data = video.read_bytes()
    video.write_bytes(data[: len(data) * 3 // 4])
    watcher = Listening()
    assert texts(video, tmp_path / "out", stages, watcher) == ["RK891AU"]
    (artifact,) = (tmp_path / "out" / "artifacts").glob("*.json")
    assert 10 < atomic.read_json(artifact)["frames"] < 40


def test_a_file_that_is_no_onnx_model_is_named(tmp_path):
    model = tmp_path / "yolo.onnx"
    model.write_bytes(b"nothing of the kind")
    with pytest.raises(BadInputError, match=r"no model that ONNX Runtime can open .*; it was not used"):
        OnnxDetector(model)


def test_the_order_of_readings_does_not_change_a_record(stages, tmp_path, monkeypatch):
    video = write_small_drive(tmp_path / "drive.mp4")
    records = []
    for turn in (1, -1):
        job = job_of(video, tmp_path / f"out{turn}")
        preprocess(job, SETTINGS, stages.proposer, lambda *_: True)
        lines = Progress.lines
        monkeypatch.setattr(
            Progress, "lines", lambda self, turn=turn, lines=lines: iter(list(lines(self))[::turn])
        )
        record = read_plates(job, SETTINGS, stages.reader, None, lambda *_: True)
        monkeypatch.undo()
        records.append(record)
    assert records[0]["plates"]
    assert records[0] == records[1]


@pytest.fixture(scope="module")
def sightings(stages, tmp_path_factory):
    """What the frames of a small drive say."""
    video = write_small_drive(tmp_path_factory.mktemp("drive") / "drive.mp4")
    with Video(video) as opened:
        times = [frame.t_ns for frame in opened.small()][::6]
        pictures = list(opened.pictures(times))
    whole = Box(200.0, 270.0, 640.0, 480.0)
    found = [each for t_ns, image in pictures for each in sightings_of(t_ns, image, [whole], stages.reader)]
    assert len(found) >= 5
    return found


@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_any_order_of_real_readings_gives_the_same_passes_and_votes(data, sightings, stages):
    shuffled = data.draw(st.permutations(sightings))
    formats = stages.reader.formats
    one, other = (passes_of(each, formats, most_gap_ns=3_000_000_000) for each in (sightings, shuffled))
    assert [vote for _, vote in one] == [vote for _, vote in other]
    keys = [
        [[each.key for each in plate_pass.sightings] for plate_pass, _ in found] for found in (one, other)
    ]
    assert keys[0] == keys[1]


@pytest.mark.shared
def test_half_of_the_frames_of_a_real_drive_say_the_same(stages, tmp_path):
    source = DRIVES / "kitti_plates" / "kitti_sfnd_plates.mp4"
    if not source.is_file():
        pytest.skip(f"{source} is not here (set WINNOW_SHARED)")
    half = tmp_path / "half.mp4"
    with Video(source) as video, av.open(str(half), "w") as sink:
        stream = sink.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = video.coded_width_px, video.coded_height_px, "yuv420p"
        stream.options = {"crf": "8", "preset": "veryfast"}
        for frame in video.small():
            if frame.number % 2 == 0:
                taken = av.VideoFrame.from_ndarray(frame.picture.to_ndarray(), format="yuv420p")
                sink.mux(stream.encode(taken))
        sink.mux(stream.encode(None))
    wanted = {"KAJS6312", "KA2128"}
    assert wanted <= set(texts(source, tmp_path / "whole", stages))
    assert wanted <= set(texts(half, tmp_path / "half", stages))


@pytest.mark.shared
def test_the_real_mpeg4_part_2_night_is_gone_through(stages, tmp_path):
    source = DRIVES / "night" / "udacity_night_1080p_orig_mpeg4.mp4"
    if not source.is_file():
        pytest.skip(f"{source} is not here (set WINNOW_SHARED)")
    job = job_of(source, tmp_path)
    summary = preprocess(job, SETTINGS, stages.proposer, lambda *_: True)
    assert summary["codec"] == "mpeg4"
    assert summary["frames"] >= 150
    assert summary["reduction"] > 0.8


@pytest.mark.shared
def test_the_car_around_a_plate_has_a_record(stages, tmp_path):
    source, model = (
        DRIVES / "kitti_plates" / "kitti_sfnd_plates.mp4",
        SHARED / "data" / "yolo" / "yolox_nano.onnx",
    )
    if not source.is_file() or not model.is_file():
        pytest.skip(f"{source} or {model} is not here (set WINNOW_SHARED)")
    plates = PlateSettings(detector=str(model), detector_classes=[2, 5, 7])
    found = SETTINGS.model_copy(update={"plates": plates})
    reader = RegionReader(plates)
    go_through([source], tmp_path, found, lambda: Stages(stages.proposer, reader), Watcher())
    (path,) = (tmp_path / "records").glob("*.json")
    record = atomic.read_json(path)
    plate = next(each for each in record["plates"] if each["text"] == "KAJS6312")
    car = next(each for each in record["vehicles"] if each["id"] == plate["vehicle"])
    assert car["class"] == 2
    assert car["plates"] == ["KAJS6312"]
    assert car["frames"] >= 10
