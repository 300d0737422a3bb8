"""Persons by an object model with COCO classes on ONNX Runtime."""

from pathlib import Path

import cv2
import numpy as np

from winnow_operators.privacy.boxes import Found
from winnow_operators.privacy.object_model import persons
from winnow_redactor.detectors.detector import Identity, Picture, model_name
from winnow_runtime.inference.onnx import open_session, read_model
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.redaction import Subject

_LETTERBOX = 114
"""Grey around the picture, as these models were trained."""


class PersonModel:
    """YOLOX (raw pixels, BGR), YOLOv8 and later (0-1, RGB), or SSD (raw pixels, RGB, heights first)."""

    subject = Subject.PERSON

    def __init__(self, path: Path, min_score: float) -> None:
        """Load the model.

        Raises:
            BadInputError: it is missing, or is no model of these kinds.
            UnavailableError: there is no ONNX Runtime.

        """
        data, digest = read_model(path)
        self.identity = Identity(model_name(path), digest)
        self._min_score = min_score
        self._session = open_session(data, str(path))
        (first, *more) = self._session.get_inputs()
        shape = [each if isinstance(each, int) else None for each in first.shape]
        self._name, self._bytes = first.name, first.type == "tensor(uint8)"
        self._tall = len(shape) == 4 and shape[3] == 3
        sides = shape[1:3] if self._tall else shape[2:4]
        if more or len(shape) != 4 or sides[0] is None or sides[0] != sides[1]:
            raise BadInputError(
                f"{path} takes {first.shape}; a square picture of a fixed size is needed. It counts as no model."
            )
        self._size: int = sides[0]
        outputs = [each.shape for each in self._session.get_outputs()]
        self._unit = len(outputs) == 1 and len(outputs[0]) == 3 and outputs[0][1] == 84

    def find(self, picture: Picture) -> list[Found]:
        height, width = picture.shape[:2]
        scale = min(self._size / width, self._size / height)
        small = cv2.resize(picture, (max(1, round(width * scale)), max(1, round(height * scale))))
        square = np.full((self._size, self._size, 3), _LETTERBOX, np.uint8)
        square[: small.shape[0], : small.shape[1]] = small
        if self._unit or self._tall:
            square = square[..., ::-1]
        tensor = square if self._tall else square.transpose(2, 0, 1)
        values = tensor if self._bytes else tensor.astype(np.float32) / (255.0 if self._unit else 1.0)
        try:
            output = self._session.run(None, {self._name: np.ascontiguousarray(values[None])})
            found = persons(output, self._size, self._min_score)
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors share no base class
            raise BadInputError(f"the person model failed ({str(error)[:120]})") from None
        return [Found(box.scaled(1 / scale), score, Subject.PERSON) for box, score in found]
