"""How well and how fast faces and plates are covered, beside `deface` where it is installed."""

import json
import os
import subprocess
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow_operators.privacy.boxes import Box
from winnow_operators.privacy.covering import cover
from winnow_operators.privacy.trial.recall import recall_of
from winnow_operators.privacy.trial.scenes import Draw, Frame, Patch, films
from winnow_redactor.detectors.detector import Detector
from winnow_redactor.detectors.inside_opencv import FaceCascades
from winnow_redactor.detectors.yunet import YuNet
from winnow_runtime.clock import SystemClock
from winnow_schemas.settings.redaction import Fill, RedactorSettings, Subject
from winnow_tools.bench.load import Load
from winnow_tools.bench.rows import Measured, Row
from winnow_tools.redaction.measuring import Measurement, detector_for, on_films

MODEL, PHOTOS, PEER = "WINNOW_FACE_MODEL", "WINNOW_FACE_PHOTOS", "WINNOW_DEFACE_PYTHON"
"""A YuNet model, a folder of pictures with faces, and a Python with `deface` in it, as the user names them."""
FILMS, FRAMES = 4, 12
_SEED = 7
_PEER_SCORE = 0.2
"""deface's own default threshold."""
_PEER_PROGRAM = """
import sys, json, time
import numpy as np
from deface.centerface import CenterFace
frames = np.load(sys.argv[1])
model = CenterFace()
model(frames[0], threshold=float(sys.argv[2]))
boxes, spent = [], 0.0
for frame in frames:
    begun = time.perf_counter()
    found, _ = model(np.ascontiguousarray(frame[..., ::-1]), threshold=float(sys.argv[2]))
    spent += time.perf_counter() - begun
    boxes.append([[float(v) for v in row[:4]] for row in found])
print(json.dumps({"boxes": boxes, "ms": spent / len(frames) * 1000}))
"""


def measure(load: Load) -> Measured:
    """Run the benchmark."""
    settings, clock = RedactorSettings(), SystemClock()
    model = Path(os.environ[MODEL]) if os.environ.get(MODEL) else None
    draw, faces = _faces(model)
    rows = []
    load.say("Plates by their texture")
    plates = on_films(detector_for(Subject.PLATE, None, settings), settings, clock, FILMS, FRAMES, seed=_SEED)
    rows += _recalls("plates, texture", plates)
    load.say("Faces by the cascades")
    rows += _recalls(
        f"{faces} faces, cascades", on_films(FaceCascades(), settings, clock, FILMS, FRAMES, draw, _SEED)
    )
    if model is None:
        note = f"no model is named in {MODEL}"
        rows.append(Row("faces, YuNet: ms per 720p frame", None, "ms", note=note))
    else:
        load.say("Faces by the model")
        yunet = YuNet(model, settings.min_score)
        rows += _recalls(
            f"{faces} faces, YuNet", on_films(yunet, settings, clock, FILMS, FRAMES, draw, _SEED)
        )
        rows += _beside_deface(load, yunet, settings, draw, faces)
    text = f"{FILMS} films of {FRAMES} frames, 1280 x 720, up to four moving {faces} faces or drawn plates each, seed {_SEED}."
    return Measured(rows, text, 1)


def _recalls(name: str, measured: Measurement) -> list[Row]:
    beside = {
        "interval at 95 %": [round(each, 4) for each in measured.held.interval],
        "part of the picture that is covered": measured.covered_part,
        "frames with a subject": measured.held.of,
    }
    return [
        Row(f"{name}: recall, frame by frame", measured.plain.value, "ratio"),
        Row(f"{name}: recall with track-and-hold", measured.held.value, "ratio", beside=beside),
        Row(f"{name}: ms per 720p frame, finding", measured.ms_per_frame, "ms"),
    ]


def _beside_deface(
    load: Load, detector: Detector, settings: RedactorSettings, draw: Draw | None, faces: str
) -> list[Row]:
    """Finding and covering, on the same frames in the same run."""
    all_films = list(films(Subject.FACE, FILMS, FRAMES, draw=draw, seed=_SEED))
    frames = [frame for film in all_films for frame in film]
    clock = SystemClock()
    detector.find(frames[0].image)
    begun = clock.monotonic_ns()
    ours = []
    for frame in frames:
        boxes = [each.box.grown(settings.margin_fraction) for each in detector.find(frame.image)]
        cover(frame.image.copy(), boxes, Fill.SOLID)
        ours.append(boxes)
    our_ms = (clock.monotonic_ns() - begun) / 1e6 / len(frames)
    peer = _deface(load, frames)
    name = f"{faces} faces, YuNet: ms per 720p frame beside deface"
    if peer is None:
        return [Row(name, our_ms, "ms", note=f"no Python with deface is named in {PEER}")]
    theirs, their_ms = peer
    truths = [frame.truth for frame in frames]
    our_recall, their_recall = recall_of(truths, ours), recall_of(truths, theirs)
    return [
        Row(
            name,
            our_ms / their_ms,
            "ratio",
            "<= 1",
            {"ours, ms": our_ms, "deface (CenterFace), ms": their_ms},
        ),
        Row(
            f"{faces} faces, YuNet: frame recall over deface's",
            our_recall.value - their_recall.value,
            "difference",
            ">= 0",
            {"ours, without holding": our_recall.value, "deface, with the same margin": their_recall.value},
        ),
    ]


def _deface(load: Load, frames: list[Frame]) -> tuple[list[list[Box]], float] | None:
    python = os.environ.get(PEER, "")
    if not python:
        return None
    load.say("The same by deface")
    path = load.scratch / "frames.npy"
    np.save(path, np.stack([frame.image for frame in frames]))
    done = subprocess.run(
        [python, "-c", _PEER_PROGRAM, str(path), str(_PEER_SCORE)],
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    margin = RedactorSettings().margin_fraction
    return [[Box(*row).grown(margin) for row in rows] for rows in found["boxes"]], found["ms"]


def _faces(model: Path | None) -> tuple[Draw | None, str]:
    """Faces cut out of the user's pictures, found by the model where it is sure; else drawn ones."""
    folder = os.environ.get(PHOTOS, "")
    if not folder or model is None:
        return None, "drawn"
    patches = [patch for path in sorted(Path(folder).iterdir()) for patch in _patches(path, model)]
    if not patches:
        return None, "drawn"

    def draw(generator: np.random.Generator) -> Patch:
        return patches[int(generator.integers(len(patches)))]

    return draw, "real"


def _patches(path: Path, model: Path) -> list[Patch]:
    image = (
        cv2.imread(str(path), cv2.IMREAD_COLOR) if path.suffix.lower() in (".jpg", ".jpeg", ".png") else None
    )
    if image is None:
        return []
    found = YuNet(model, 0.8).find(np.asarray(image, np.uint8))
    return [patch for each in found if (patch := _cut(np.asarray(image, np.uint8), each.box)) is not None]


def _cut(image: NDArray[np.uint8], box: Box) -> Patch | None:
    """A face with its hair, softly edged; the box is the model's own at its most certain."""
    around = box.grown(0.35)
    x0, y0 = max(0, int(around.x0)), max(0, int(around.y0))
    part = image[y0 : int(around.y1), x0 : int(around.x1)]
    high, wide = part.shape[:2]
    if high < 40 or wide < 30:
        return None
    opaque = np.zeros((high, wide), np.uint8)
    cv2.ellipse(opaque, (wide // 2, high // 2), (int(wide * 0.46), int(high * 0.48)), 0, 0, 360, 255, -1)
    opaque = np.asarray(cv2.GaussianBlur(opaque, (0, 0), 2), np.uint8)
    truth = Box((box.x0 - x0) / wide, (box.y0 - y0) / high, (box.x1 - x0) / wide, (box.y1 - y0) / high)
    return np.dstack([part, opaque]), truth
