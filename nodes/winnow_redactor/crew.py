"""The detectors that settings ask for, and which of them are good enough."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2

from winnow_operators.privacy.boxes import Found, usable
from winnow_redactor.detectors.detector import Detector, Picture
from winnow_redactor.detectors.inside_opencv import FaceCascades, PlateTexture
from winnow_redactor.detectors.object_model import PersonModel
from winnow_redactor.detectors.yunet import YuNet
from winnow_redactor.qualification import Qualified, recall_of_detector, sentence
from winnow_schemas.errors import WinnowError
from winnow_schemas.settings.redaction import RedactorSettings, Subject


@dataclass(slots=True)
class Crew:
    """Who looks for what."""

    detectors: dict[Subject, Detector]
    records: dict[Subject, Qualified]
    min_recall: float
    width_px: int
    problems: dict[Subject, str] = field(default_factory=dict)
    """Subject -> why nobody looks for it."""

    @property
    def missing(self) -> dict[Subject, str]:
        """Subjects that no good detector covers, and why."""
        weak = {
            subject: sentence(record, self.min_recall)
            for subject, record in self.records.items()
            if not record.of or record.recall.value < self.min_recall
        }
        return {**self.problems, **weak}

    def find(self, picture: Picture) -> list[Found] | None:
        """Everything in a picture, in its pixels; None when there is more than anybody believes.

        Raises:
            BadInputError: a detector failed; the picture must be taken for unseen.

        """
        height, width = picture.shape[:2]
        scale = min(1.0, self.width_px / width)
        small = (
            cv2.resize(picture, (self.width_px, max(1, round(height * scale))), interpolation=cv2.INTER_AREA)
            if scale < 1
            else picture
        )
        found: list[Found] = []
        for detector in self.detectors.values():
            found += detector.find(small)
        if scale < 1:
            found = [each._replace(box=each.box.scaled(1 / scale)) for each in found]
        return usable(found, width, height)

    def to_json(self) -> dict[str, Any]:
        """For the record of a redaction."""
        return {subject.value: record.to_json() for subject, record in sorted(self.records.items())}


def assemble(
    settings: RedactorSettings, base: Path, folder: Path, breathe: Callable[[], None] = lambda: None
) -> Crew:
    """Load and measure what the settings name; paths are relative to ``base``, ``folder`` remembers recalls."""
    crew = Crew({}, {}, settings.min_recall, settings.detect_width_px)
    for subject in settings.subjects:
        model = {Subject.FACE: settings.face_model, Subject.PERSON: settings.person_model}.get(subject, "")
        path = (base / model) if model else None
        try:
            detector = _detector(subject, path, settings.min_score)
        except WinnowError as error:
            crew.problems[subject] = str(error)
            continue
        crew.records[subject] = recall_of_detector(detector, settings.margin_fraction, folder, path, breathe)
        crew.detectors[subject] = detector
    return crew


def _detector(subject: Subject, path: Path | None, min_score: float) -> Detector:
    if subject is Subject.PLATE:
        return PlateTexture()
    if subject is Subject.FACE:
        return FaceCascades() if path is None else YuNet(path, min_score)
    if path is None:
        raise _NoModelError("no person model is named (redactor.person_model)")
    return PersonModel(path, min_score)


class _NoModelError(WinnowError):
    """The settings ask for a subject and name no model."""
