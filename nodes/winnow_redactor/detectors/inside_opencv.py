"""What needs no download: OpenCV's face cascades, and the texture of number plates."""

from pathlib import Path

import cv2

from winnow_operators.privacy.boxes import Box, Found
from winnow_operators.privacy.plate_texture import plate_like
from winnow_redactor.detectors.detector import Identity, Picture
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.settings.redaction import Subject

_CASCADES = ("haarcascade_frontalface_alt2.xml", "haarcascade_profileface.xml")
_SMALLEST_PX = 20
"""The cascades were trained on windows of 20 x 20."""
_STEP = 1.1
_NEIGHBOURS = 2
"""Few, for recall: OpenCV's own default is 3."""
_CASCADE_SCORE = 0.6
"""A cascade gives no probability; of its boxes about so many are faces."""
_TEXTURE_SCORE = 0.5


class FaceCascades:
    """Frontal faces and both profiles."""

    subject = Subject.FACE

    def __init__(self) -> None:
        self.identity = Identity(f"opencv-cascades-{cv2.__version__}", "")
        folder = Path(getattr(getattr(cv2, "data", None), "haarcascades", ""))
        self._cascades = []
        for name in _CASCADES:
            cascade = cv2.CascadeClassifier(str(folder / name)) if (folder / name).is_file() else None
            if cascade is None or cascade.empty():
                raise UnavailableError(
                    f"OpenCV {cv2.__version__} does not bring {name}; faces cannot be found. Install opencv-python-headless below 5, or name face_model."
                )
            self._cascades.append(cascade)

    def find(self, picture: Picture) -> list[Found]:
        try:
            grey = cv2.equalizeHist(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))
            boxes = [box for cascade in self._cascades for box in self._boxes(cascade, grey)]
            width = grey.shape[1]
            # The profile cascade knows faces that look to the left.
            boxes += [
                Box(width - box.x1, box.y0, width - box.x0, box.y1)
                for box in self._boxes(self._cascades[1], cv2.flip(grey, 1))
            ]
        except cv2.error as error:
            raise BadInputError(f"the cascades failed ({error.err})") from None
        return [Found(box, _CASCADE_SCORE, Subject.FACE) for box in boxes]

    @staticmethod
    def _boxes(cascade: cv2.CascadeClassifier, grey: cv2.typing.MatLike) -> list[Box]:
        found = cascade.detectMultiScale(grey, _STEP, _NEIGHBOURS, minSize=(_SMALLEST_PX, _SMALLEST_PX))
        return [Box(float(x), float(y), float(x + w), float(y + h)) for x, y, w, h in found]


class PlateTexture:
    """Everything that looks like a plate."""

    subject = Subject.PLATE

    def __init__(self) -> None:
        self.identity = Identity("plate-texture-1", "")

    def find(self, picture: Picture) -> list[Found]:
        try:
            boxes = plate_like(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))
        except cv2.error as error:
            raise BadInputError(f"the plate texture failed ({error.err})") from None
        return [Found(box, _TEXTURE_SCORE, Subject.PLATE) for box in boxes]
