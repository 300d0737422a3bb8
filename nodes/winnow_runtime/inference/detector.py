"""A YOLO model of the user's on ONNX Runtime."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from winnow_operators.dashcam.detect.heads import Head, detections, head_of
from winnow_operators.dashcam.detect.letterbox import letterbox
from winnow_operators.dashcam.detect.suppression import Detection, suppressed
from winnow_operators.dashcam.text.finding import Floats, Image
from winnow_runtime.inference.onnx import Device, OnnxSession
from winnow_schemas.errors import BadInputError

DEFAULT_SIDE_PX = 640
"""Where a model leaves its input's size open."""
MOST_SIDE_PX = 4096


class OnnxDetector:
    """Finds objects; the model's layout is recognised at the start, from its answer to an empty picture."""

    def __init__(self, path: Path, *, device: Device = "auto", threads: int = 0) -> None:
        """Open, run once, and check that the device asked for is used.

        Raises:
            BadInputError: the file is no detector that is known.
            UnavailableError: the device that was asked for is not used.

        """
        self._session = OnnxSession(path, device=device, threads=threads)
        _, shape, kind = self._session.inputs[0]
        if len(shape) != 4 or kind not in {"tensor(float)", "tensor(float16)"}:
            raise BadInputError(
                f"{path} takes {kind} of shape {shape}, a detector takes pictures (n, 3, height, width) of floats; "
                "nothing was detected with it."
            )
        self._type = np.float16 if "16" in kind else np.float32
        self.height_px, self.width_px = (_side(each, path) for each in shape[2:])
        self.fixed_batch = shape[0] if isinstance(shape[0], int) else 0
        blank = np.zeros((self.fixed_batch or 1, 3, self.height_px, self.width_px), self._type)
        answer = self._session.run(blank)[0]
        self._session.verify_device()
        self.head = head_of(answer.shape, self.height_px, self.width_px)

    @property
    def provider(self) -> str:
        return self._session.provider

    def detect(self, images: Sequence[Image], least_score: float) -> list[list[Detection]]:
        """What is in each picture, in its own pixels, best first."""
        found: list[list[Detection]] = []
        step = self.fixed_batch or max(1, len(images))
        for start in range(0, len(images), step):
            found += self._batch(images[start : start + step], least_score)
        return found

    def _batch(self, images: Sequence[Image], least_score: float) -> list[list[Detection]]:
        fitted = [
            letterbox(each, self.height_px, self.width_px, centred=self.head is not Head.GRID)
            for each in images
        ]
        batch = np.stack([self._planes(each.image) for each in fitted])
        if self.fixed_batch > len(images):
            padding = np.zeros((self.fixed_batch - len(images), *batch.shape[1:]), self._type)
            batch = np.concatenate([batch, padding])
        answer = np.asarray(self._session.run(batch)[0], np.float32)
        boxes = detections(answer, self.head, self.height_px, self.width_px, least_score)
        boxes += [[] for _ in range(len(images) - len(boxes))]
        results = []
        for image, fit, found in zip(images, fitted, boxes, strict=False):
            height, width = image.shape[:2]
            kept = suppressed(found)
            results.append([each._replace(box_xyxy=fit.back(each.box_xyxy, width, height)) for each in kept])
        return results

    def _planes(self, image: Image) -> Floats:
        # YOLOX was trained on blue, green, red from 0 to 255; the others on red, green, blue from 0 to 1.
        ready = image if self.head is Head.GRID else image[..., ::-1].astype(np.float32) / 255
        return np.ascontiguousarray(ready.transpose(2, 0, 1), self._type)

    head: Head = Head.FREE


def _side(value: object, path: Path) -> int:
    side = value if isinstance(value, int) else DEFAULT_SIDE_PX
    if not 32 <= side <= MOST_SIDE_PX:
        raise BadInputError(
            f"{path} takes pictures with a side of {side} pixels, allowed are 32 to {MOST_SIDE_PX}; "
            "nothing was detected with it."
        )
    return side
