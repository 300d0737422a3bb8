"""Faces by a YuNet-type model that the user names, through OpenCV."""

from pathlib import Path

import cv2

from winnow_operators.privacy.boxes import MAX_BOXES, Box, Found
from winnow_redactor.detectors.detector import Identity, Picture, model_name
from winnow_runtime.inference.onnx import read_model
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.redaction import Subject

_OVERLAP = 0.3
"""Of two boxes above which they are one face."""


class YuNet:
    """`cv2.FaceDetectorYN`."""

    subject = Subject.FACE

    def __init__(self, path: Path, min_score: float) -> None:
        """Load the model.

        Raises:
            BadInputError: the file is missing, or OpenCV cannot use it.

        """
        self.identity = Identity(model_name(path), read_model(path)[1])
        try:
            self._model = cv2.FaceDetectorYN.create(
                str(path), "", (320, 320), min_score, _OVERLAP, MAX_BOXES * 2
            )
        except (cv2.error, SystemError) as error:
            raise BadInputError(
                f"{path} is no face model that OpenCV {cv2.__version__} can use ({_first_line(error)}); it counts as none. "
                "Name a YuNet model with a fixed input."
            ) from None

    def find(self, picture: Picture) -> list[Found]:
        try:
            self._model.setInputSize((picture.shape[1], picture.shape[0]))
            _, rows = self._model.detect(picture)
        except cv2.error as error:
            raise BadInputError(f"the face model failed ({_first_line(error)})") from None
        return [
            Found(Box(x, y, x + w, y + h), score, Subject.FACE)
            for x, y, w, h, score in (rows[:, [0, 1, 2, 3, 14]].tolist() if rows is not None else ())
        ]


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1][:120] if str(error).strip() else type(error).__name__
