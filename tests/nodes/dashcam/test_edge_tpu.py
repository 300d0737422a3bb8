"""The Edge TPU's path, with a library that does what libedgetpu does, as far as LiteRT can tell."""

import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("ai_edge_litert")

from tests.nodes.dashcam.edgetpu_model import edgetpu_model
from tests.shared_recordings import SHARED as SHARED_ROOT

from winnow_operators.dashcam.boxes import Box, iou
from winnow_preprocess.proposing import proposer_of
from winnow_runtime.inference.tflite import TfliteDetector
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.settings.dashcam import ProposerSettings

SHARED = SHARED_ROOT / "data"
SSD = SHARED / "coral" / "ssd_mobilenet_v1_coco_quant_detect.tflite"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler for the stand-in of libedgetpu.so.1")
    path = tmp_path_factory.mktemp("edgetpu") / "libedgetpu.so.1"
    source = Path(__file__).with_name("edgetpu_stub.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-w", "-o", path, source], check=True)
    return path


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "stub.log"
    monkeypatch.setenv("WINNOW_STUB_LOG", str(path))
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "ssd_edgetpu.tflite"
    path.write_bytes(edgetpu_model())
    return path


@pytest.fixture
def street() -> np.ndarray:
    """Something bright on a dark ground."""
    image = np.full((400, 500, 3), 40, np.uint8)
    cv2.rectangle(image, (200, 150), (339, 249), (255, 255, 255), -1)
    return image


def test_the_delegate_runs_what_was_compiled_for_it(library, log, model, street):
    detector = TfliteDetector(model, delegate=str(library), device="usb:0")
    assert detector.delegated
    (found,) = detector.detect([street], 0.5)
    assert [(each.klass, round(each.score, 2)) for each in found] == [(2, 0.9)]
    assert iou(found[0].box_xyxy, Box(200, 150, 340, 250)) > 0.9
    assert log.read_text().split("\n")[:2] == ["option device=usb:0", "prepared"]
    assert "invoked" in log.read_text()


def test_the_proposer_takes_the_same_path(library, log, model, street):
    settings = ProposerSettings(kind="tflite", model=str(model), delegate=str(library), edge_tpu="usb")
    (region,) = proposer_of(settings, threads=1).propose(street)
    assert region.x1 < 200 < 340 < region.x2
    assert "option device=usb" in log.read_text()


def test_without_a_delegate_it_is_refused_with_a_sentence(model):
    with pytest.raises(
        BadInputError, match=r"compiled for an Edge TPU and none is set; nothing .* libedgetpu"
    ):
        TfliteDetector(model)


def test_a_tpu_that_is_not_there_is_named(library, log, model):
    with pytest.raises(UnavailableError, match=r"found no device .*; nothing was detected"):
        TfliteDetector(model, delegate=str(library), device="usb:7")
    assert log.read_text() == "option device=usb:7\n"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_library_that_is_not_there_is_named(model):
    with pytest.raises(UnavailableError, match=r"libnowhere\.so could not be loaded"):
        TfliteDetector(model, delegate="libnowhere.so")


@pytest.mark.shared
def test_the_real_model_finds_the_same_with_and_without_the_delegate(library, log):
    if not SSD.is_file():
        pytest.skip(f"{SSD} is not there")
    image = cv2.imread(str(SHARED / "drive" / "kitti_plates" / "frame_040.png"))
    here = TfliteDetector(SSD).detect([image], 0.4)
    there = TfliteDetector(SSD, delegate=str(library)).detect([image], 0.4)
    assert any(each.klass == 2 for each in here[0])
    assert here == there
    assert log.read_text() == "prepared\n", (
        "nothing in it was compiled for the TPU, so nothing was taken over"
    )
