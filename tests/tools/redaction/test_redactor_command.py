"""``winnow redactor``: recall on the user's own photos, and what was covered in a run."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.nodes.redactor import pictures as p
from tests.nodes.redactor.test_redaction import MOVING, clip_with, use
from tests.nodes.redactor.test_redactor_node import redact
from tests.nodes.vehicle_rig import Vehicle
from tests.shared_recordings import SHARED
from typer.testing import CliRunner

from winnow_operators.privacy.trial.plates import draw_plate
from winnow_tools.cli import app

FACES, PLATES = SHARED / "data" / "faces", SHARED / "data" / "plates"


def call(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["redactor", *map(str, words)])
    assert not isinstance(result.exception, (AssertionError, TypeError, KeyError)), result.exception
    return result.exit_code, result.output


def photos(folder: Path, *, right: bool) -> Path:
    """Five plates on grey; ``right``: their boxes are where they are."""
    rows = ["file,x,y,w,h"]
    for number in range(5):
        image = np.full((480, 640, 3), 110, np.uint8)
        patch, _ = draw_plate(np.random.default_rng(number))
        small = cv2.resize(patch[..., :3], (180, 50), interpolation=cv2.INTER_AREA)
        image[200:250, 200:380] = small
        cv2.imwrite(str(folder / f"{number}.png"), image)
        rows.append(f"{number}.png,{200 if right else 20},{200 if right else 20},180,50")
    (folder / "manifest.csv").write_text("\n".join(rows))
    return folder


def test_plates_on_photos_of_the_user(tmp_path: Path) -> None:
    code, text = call("qualify", "plate", "--photos", photos(tmp_path, right=True), "--json")
    assert code == 0
    assert json.loads(text)["recall"] == 1.0
    assert json.loads(text)["qualified"] is True


def test_a_detector_that_misses_does_not_qualify(tmp_path: Path) -> None:
    code, text = call("qualify", "plate", "--photos", photos(tmp_path, right=False))
    assert code == 1
    assert "counts as no detector" in text


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (None, "cannot be read"),
        ("file,x\n", ""),
        ("file,x,y,w,h\n../../x.png,1,1,1,1", "leads out"),
        ("file,x,y,w,h\na.png,1,q,1,1", "columns"),
    ],
)
def test_bad_photos_are_one_sentence(tmp_path: Path, manifest: str | None, words: str) -> None:
    if manifest is not None:
        (tmp_path / "manifest.csv").write_text(manifest)
    code, text = call("qualify", "plate", "--photos", tmp_path)
    assert code in (1, 2)
    assert words in text
    assert "Traceback" not in text


def test_persons_need_a_model_and_photos(tmp_path: Path) -> None:
    assert call("qualify", "person")[0] == 2
    assert call("qualify", "face", "--model", tmp_path / "none.onnx")[0] == 2
    (tmp_path / "broken.onnx").write_bytes(b"\x08\x07broken")
    code, text = call("qualify", "face", "--model", tmp_path / "broken.onnx")
    assert (code, "counts as none" in text) == (2, True)


def test_what_was_covered_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vehicle = Vehicle(tmp_path)
    use(monkeypatch, p.crew_of(p.MagentaDetector(fails={5})))
    clip_with(vehicle, p.CDR_JPEG, p.stills(p.CDR_JPEG, MOVING))
    (outgoing,) = redact(vehicle)
    code, text = call("show", vehicle.out, "--json")
    (clip,) = json.loads(text)["clips"]
    assert (code, clip["name"], clip["topics"]["/front"]["masked"]) == (0, outgoing.name, 1)
    assert [row["doubt"] for row in clip["doubtful"]] == ["covered whole: the detector failed"]
    assert outgoing.name in call("show", vehicle.out)[1]
    assert "the detector failed" in call("show", vehicle.out, "--doubtful")[1]
    vehicle.close()


@pytest.mark.shared
def test_real_faces_by_a_model_that_the_user_names() -> None:
    model = FACES / "yunet_n_640_640.onnx"
    if not model.exists():
        pytest.skip(f"{model} is not here (set WINNOW_SHARED)")
    from winnow_redactor.detectors.yunet import YuNet

    image = cv2.imread(str(FACES / "face_4people.jpg"))
    found = YuNet(model, 0.3).find(image)  # type: ignore[arg-type]
    assert len(found) == 4
    assert min(each.score for each in found) > 0.85


@pytest.mark.shared
def test_real_persons_by_a_model_that_the_user_names() -> None:
    """Four people side by side: each has a box that reaches from the head to where the picture ends."""
    model = FACES.parent / "yolo" / "yolox_nano.onnx"
    if not model.exists():
        pytest.skip(f"{model} is not here (set WINNOW_SHARED)")
    from winnow_redactor.detectors.object_model import PersonModel
    from winnow_redactor.detectors.yunet import YuNet

    image = cv2.imread(str(FACES / "face_4people.jpg"))
    persons = PersonModel(model, 0.3).find(image)  # type: ignore[arg-type]
    faces = YuNet(FACES / "yunet_n_640_640.onnx", 0.3).find(image)  # type: ignore[arg-type]
    assert len(faces) == 4
    for face in faces:
        middle = (face.box.x0 + face.box.x1) / 2, (face.box.y0 + face.box.y1) / 2
        assert any(
            one.box.x0 <= middle[0] <= one.box.x1 and one.box.y0 <= middle[1] <= one.box.y1 for one in persons
        ), (middle, persons)


@pytest.mark.shared
def test_real_plates_without_any_model() -> None:
    if not (PLATES / "manifest.csv").exists():
        pytest.skip(f"{PLATES} is not here (set WINNOW_SHARED)")
    code, text = call("qualify", "plate", "--photos", PLATES, "--json")
    assert code == 0
    assert json.loads(text)["of"] == 64
    assert json.loads(text)["recall"] > 0.9
