"""SSD models on LiteRT: on an Edge TPU through its delegate, on the CPU otherwise, by the same code.

An Edge TPU model needs the delegate library (``libedgetpu.so.1``); on the CPU it cannot run, and the
interpreter's complaint about a custom operation becomes a sentence that says so.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from winnow_operators.dashcam.boxes import Box
from winnow_operators.dashcam.detect.suppression import Detection, suppressed
from winnow_operators.dashcam.text.finding import Image
from winnow_schemas.errors import BadInputError, UnavailableError

MOST_MODEL_BYTES = 512 * 1024 * 1024
"""The largest SSD for the Edge TPU has 30 MB."""
_EDGE_TPU = b"edgetpu-custom-op"


class TfliteDetector:
    """An SSD model that ends in ``TFLite_Detection_PostProcess``."""

    def __init__(self, path: Path, *, delegate: str = "", device: str = "", threads: int = 0) -> None:
        """``delegate``: library of the Edge TPU; empty = CPU. ``device``: which TPU.

        Raises:
            BadInputError: the file is no such model, or one for an Edge TPU without a delegate.
            UnavailableError: LiteRT or the delegate's library or device is missing.

        """
        content = _content(path)
        if _EDGE_TPU in content and not delegate:
            raise BadInputError(
                f"{path.name} was compiled for an Edge TPU and none is set; nothing was detected with it. Set "
                "proposer.delegate to libedgetpu.so.1, or take the model that was not compiled for it."
            )
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError:
            raise UnavailableError(
                "LiteRT is not installed, so no TFLite model can run; install winnow-dora[coral]."
            ) from None
        delegates = [_delegate(delegate, device)] if delegate else []
        try:
            self._interpreter = Interpreter(
                model_content=content,
                experimental_delegates=delegates,
                num_threads=threads or len(os.sched_getaffinity(0)),
            )
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            first = (str(error).strip().splitlines() or ["no reason given"])[0][:160]
            raise BadInputError(
                f"{path.name} is not a TFLite model that can run here ({first}); nothing was detected with it."
            ) from None
        self.path = path
        self.delegated = bool(delegates)
        self._input = self._interpreter.get_input_details()[0]
        self._outputs = self._interpreter.get_output_details()
        shape = tuple(int(each) for each in self._input["shape"])
        if len(shape) != 4 or shape[3] != 3 or len(self._outputs) < 3:
            raise BadInputError(
                f"{path.name} takes arrays of shape {shape} and has {len(self._outputs)} outputs; an SSD model takes "
                "(1, height, width, 3) and has boxes, classes, scores and count. Nothing was detected with it."
            )
        self.height_px, self.width_px = shape[1:3]

    def detect(self, images: Sequence[Image], least_score: float) -> list[list[Detection]]:
        """What is in each picture, in its own pixels, best first; wide pictures are looked at in square tiles too."""
        return [self._one(image, least_score) for image in images]

    def _one(self, image: Image, least_score: float) -> list[Detection]:
        height, width = image.shape[:2]
        found = []
        for tile in tiles_of(height, width):
            part = image[int(tile.y1) : int(tile.y2), int(tile.x1) : int(tile.x2)]
            found += [_moved(each, tile) for each in self._tile(part, least_score)]
        return suppressed(found)

    def _tile(self, image: Image, least_score: float) -> list[Detection]:
        resized = cv2.resize(image, (self.width_px, self.height_px), interpolation=cv2.INTER_LINEAR)[
            ..., ::-1
        ]
        self._interpreter.set_tensor(self._input["index"], self._quantised(resized)[None])
        self._interpreter.invoke()
        answers = [self._value(each) for each in self._outputs]
        boxes = next((each for each in answers if each.ndim == 3 and each.shape[2] == 4), None)
        flat = [each[0] for each in answers if each.ndim == 2]
        if boxes is None or len(flat) < 2:
            raise BadInputError(
                f"{self.path.name} answers arrays of shapes {[each.shape for each in answers]}, which is no SSD with "
                "post-processing; nothing was detected with it."
            )
        classes, scores = _told_apart(flat)
        high, wide = image.shape[:2]
        found = []
        for (y1, x1, y2, x2), klass, score in zip(boxes[0], classes, scores, strict=False):
            if score >= least_score:
                x = np.clip([x1, x2], 0, 1) * wide
                y = np.clip([y1, y2], 0, 1) * high
                found.append(
                    Detection(
                        Box(float(x[0]), float(y[0]), float(x[1]), float(y[1])), float(score), int(klass)
                    )
                )
        return found

    def _quantised(self, image: np.ndarray) -> np.ndarray:
        kind = self._input["dtype"]
        if kind == np.uint8:
            return np.ascontiguousarray(image, np.uint8)
        if kind == np.int8:
            return (image.astype(np.int16) - 128).astype(np.int8)
        return (image.astype(np.float32) / 127.5 - 1).astype(kind)

    def _value(self, output: dict[str, Any]) -> np.ndarray:
        raw = np.asarray(self._interpreter.get_tensor(output["index"]))
        scale, zero = output.get("quantization", (0.0, 0))
        return raw if raw.dtype == np.float32 or not scale else (raw.astype(np.float32) - zero) * scale


def tiles_of(height: int, width: int) -> list[Box]:
    """The whole picture, and halves along its longer side that overlap by a quarter: small things get larger."""
    whole = Box(0, 0, width, height)
    if max(height, width) < 600:
        return [whole]
    part = 0.625
    if width >= height:
        return [
            whole,
            Box(0, 0, round(width * part), height),
            Box(round(width * (1 - part)), 0, width, height),
        ]
    return [whole, Box(0, 0, width, round(height * part)), Box(0, round(height * (1 - part)), width, height)]


def _moved(found: Detection, tile: Box) -> Detection:
    box = found.box_xyxy
    return found._replace(
        box_xyxy=Box(box.x1 + tile.x1, box.y1 + tile.y1, box.x2 + tile.x1, box.y2 + tile.y1)
    )


def _told_apart(flat: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Classes and scores: scores fall and never exceed 1, classes are whole numbers."""
    first, second = flat[0], flat[1]
    falling = [
        bool(((each <= 1.0) & (each >= 0)).all() and (np.diff(each) <= 1e-6).all())
        for each in (first, second)
    ]
    whole = [bool((each == np.round(each)).all()) for each in (first, second)]
    return (second, first) if falling[0] and not (falling[1] and whole[0]) else (first, second)


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= MOST_MODEL_BYTES else b""
    except OSError as error:
        raise BadInputError(
            f"The model {path} cannot be read ({error.strerror}); nothing was detected with it."
        ) from None
    if content[4:8] != b"TFL3":
        raise BadInputError(f"{path} ({size} bytes) is not a TFLite model; nothing was detected with it.")
    return content


def _delegate(library: str, device: str) -> Any:
    from ai_edge_litert.interpreter import load_delegate

    try:
        return load_delegate(library, {"device": device} if device else {})
    except (OSError, ValueError) as error:
        raise UnavailableError(
            f"The Edge TPU's library {library} could not be loaded or found no device "
            f"({str(error).splitlines()[0][:120] if str(error) else 'no reason given'}); nothing was detected. Plug the TPU "
            "in, install libedgetpu, or leave proposer.delegate empty to run on the CPU."
        ) from None
