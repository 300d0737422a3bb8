import json

import cv2
import pyarrow.parquet as pq
import pytest
from tests.dashcam_drives import write_small_drive
from tests.shared_recordings import SHARED as SHARED_ROOT
from typer.testing import CliRunner

from winnow_archive.stage import archive, damaged
from winnow_plates.reading import RegionReader
from winnow_preprocess.proposing import TextProposer
from winnow_preprocess.stage import preprocess
from winnow_runtime.dashcam.job import PausedError, job_of
from winnow_runtime.inference.text import OnnxText
from winnow_runtime.inference.tflite import TfliteDetector
from winnow_runtime.video.file import Video
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.dashcam import DashcamSettings
from winnow_tools.cli import app
from winnow_tools.video.going import Stages, Watcher, go_through

SHARED = SHARED_ROOT / "data"


@pytest.fixture(scope="module")
def drive(tmp_path_factory):
    """Two seconds of driving up to a car with a plate."""
    return write_small_drive(tmp_path_factory.mktemp("drive") / "drive.mp4")


@pytest.fixture(scope="module")
def stages():
    settings = DashcamSettings()
    return Stages(TextProposer(OnnxText(), settings.proposer), RegionReader(settings.plates))


class Pausing(Watcher):
    """Stops after so many calls, as Ctrl-C would."""

    def __init__(self, calls):
        self.calls = calls

    def frames(self, done, count):
        self.calls -= 1
        return self.calls > 0


def test_a_drive_gives_one_record_and_bad_files_are_parked(drive, stages, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(drive.read_bytes()[:3000])
    empty = tmp_path / "empty.mp4"
    empty.write_bytes(b"")
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(drive.read_bytes())
    out = tmp_path / "out"
    said = []
    watcher = Watcher()
    watcher.said = said.append
    summary = go_through([bad, empty, drive, copy, text], out, DashcamSettings(), lambda: stages, watcher)
    assert summary["videos"] == 1
    assert summary["frames"] == 40
    assert summary["kept"] <= 8
    assert [each["text"] for each in summary["plates"]] == ["RK891AU"]
    (plate,) = summary["plates"]
    assert plate["text"] == "RK891AU"
    assert plate["confidence"] > 0.8
    assert plate["frames"] >= 2
    assert len(summary["parked"]) == 3
    assert all(each["reason"].count(". ") == 0 for each in summary["parked"])
    assert any("same video" in each for each in said)
    assert not list((out / "scratch").glob("*"))
    assert pq.read_table(out / "plates.parquet").column("text").to_pylist() == ["RK891AU"]
    (folder,) = (out / "archive").iterdir()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {"video.mp4"} < set(manifest["files"])
    with Video(folder / "video.mp4") as small:
        assert sum(1 for _ in small.small()) == 40
        assert small.coded_height_px == 360

    again = go_through([drive], out, DashcamSettings(), lambda: pytest.fail("it was read already"), watcher)
    assert again["plates"] == summary["plates"]

    (folder / "video.mp4").write_bytes(b"rotten")
    assert list(damaged(folder, manifest)) == ["video.mp4"]
    archive(job_of(drive, out), DashcamSettings(), lambda _: True)
    assert not list(damaged(folder, json.loads((folder / "manifest.json").read_text())))


def test_paused_anywhere_it_comes_to_the_same_artifact(drive, stages, tmp_path):
    settings = DashcamSettings()
    whole = job_of(drive, tmp_path / "whole")
    preprocess(whole, settings, stages.proposer, lambda *_: True)
    parts = job_of(drive, tmp_path / "parts")
    for calls in (3, 11, 7):
        with pytest.raises(PausedError):
            preprocess(parts, settings, stages.proposer, Pausing(calls).frames)
    preprocess(parts, settings, stages.proposer, lambda *_: True)
    assert pq.read_table(parts.artifact).to_pylist() == pq.read_table(whole.artifact).to_pylist()


def test_frames_are_sought_exactly(drive):
    with Video(drive) as video:
        times = [frame.t_ns for frame in video.small()]
    wanted = [times[3], times[17], times[39]]
    with Video(drive) as video:
        found = dict(video.pictures(wanted))
    assert list(found) == wanted
    assert all(picture.shape == (540, 960, 3) for picture in found.values())


def test_a_folder_without_videos_is_named(tmp_path):
    result = CliRunner().invoke(app, ["video", str(tmp_path), "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "no video below" in result.stderr


def test_a_file_that_is_no_model_is_named(tmp_path):
    model = tmp_path / "model.tflite"
    model.write_bytes(b"nothing of the kind")
    with pytest.raises(BadInputError, match="not a TFLite model"):
        TfliteDetector(model)


@pytest.mark.shared
def test_an_edge_tpu_model_without_an_edge_tpu_is_named():
    folder = SHARED / "coral" / "edgetpu_only"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    for path in sorted(folder.glob("*.tflite")):
        with pytest.raises(BadInputError, match="compiled for an Edge TPU and none is set"):
            TfliteDetector(path)


@pytest.mark.shared
def test_the_ssd_model_finds_the_car():
    pytest.importorskip("ai_edge_litert")
    folder = SHARED / "coral"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    image = cv2.imread(str(SHARED / "drive" / "kitti_plates" / "frame_040.png"))
    (found,) = TfliteDetector(folder / "ssd_mobilenet_v1_coco_quant_detect.tflite").detect([image], 0.4)
    assert any(each.klass == 2 for each in found)


@pytest.mark.shared
def test_yolox_finds_the_car():
    from winnow_operators.dashcam.detect.heads import Head
    from winnow_runtime.inference.detector import OnnxDetector

    model = SHARED / "yolo" / "yolox_nano.onnx"
    if not model.is_file():
        pytest.skip(f"{model} is not there")
    detector = OnnxDetector(model)
    assert detector.head is Head.GRID
    image = cv2.imread(str(SHARED / "drive" / "kitti_plates" / "frame_040.png"))
    (found,) = detector.detect([image], 0.4)
    assert any(each.klass == 2 for each in found)
