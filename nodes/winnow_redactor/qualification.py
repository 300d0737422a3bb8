"""How good a detector is: measured here on the generated test set, remembered for exactly this detector."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import msgspec

from winnow_operators.privacy.boxes import Found, usable
from winnow_operators.privacy.trial.recall import NOTHING, Recall, recall_of
from winnow_operators.privacy.trial.scenes import HEIGHT, TEST_SET, WIDTH, films
from winnow_redactor.detectors.detector import Detector, Identity, label
from winnow_runtime import atomic
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.redaction import Subject

FILMS, FRAMES = 6, 8
"""Pictures with up to four subjects each: about 190, which tells 0.9 from 0.96."""
RECORD = ".recall.json"
"""``MODEL.onnx.recall.json`` beside a model: what `winnow redactor qualify` measured on labelled photos."""


class Qualified(msgspec.Struct, frozen=True, kw_only=True):
    """A detector's recall."""

    name: str
    sha256: str
    subject: str
    test_set: str
    opencv: str
    margin: float
    covered: int
    of: int

    @property
    def recall(self) -> Recall:
        return Recall(self.covered, self.of)

    def belongs_to(self, identity: Identity, subject: Subject, margin: float) -> bool:
        """Whether it was measured with the same detector, OpenCV and margin."""
        mine = (self.name, self.sha256, self.subject, self.opencv, self.margin)
        return (
            mine == (identity.name, identity.sha256, subject.value, cv2.__version__, margin)
            and 0 <= self.covered <= self.of
        )

    def to_json(self) -> dict[str, Any]:
        return {**msgspec.structs.asdict(self), "recall": round(self.recall.value, 4)}


def measure(detector: Detector, margin: float, breathe: Callable[[], None] = lambda: None) -> Qualified:
    """Recall on the generated test set, frame by frame, without track-and-hold."""
    total = NOTHING
    if detector.subject is not Subject.PERSON:  # nobody has drawn a person that object models take for one
        for frames in films(detector.subject, FILMS, FRAMES, step=3):
            covers = []
            for frame in frames:
                breathe()
                covers.append([each.box.grown(margin) for each in _find(detector, frame.image)])
            total += recall_of([frame.truth for frame in frames], covers)
    return record_of(detector, margin, TEST_SET, total)


def record_of(detector: Detector, margin: float, test_set: str, recall: Recall) -> Qualified:
    """A record to remember."""
    return Qualified(
        name=detector.identity.name,
        sha256=detector.identity.sha256,
        subject=detector.subject.value,
        test_set=test_set,
        opencv=cv2.__version__,
        margin=margin,
        covered=recall.covered,
        of=recall.of,
    )


def _find(detector: Detector, image: Any) -> list[Found]:
    try:
        return usable(detector.find(image), WIDTH, HEIGHT) or []
    except BadInputError:
        return []  # a detector that fails has found nothing


def recall_of_detector(
    detector: Detector,
    margin: float,
    folder: Path,
    model: Path | None = None,
    breathe: Callable[[], None] = lambda: None,
) -> Qualified:
    """What was measured before, beside the model or in ``folder``; else measure now and remember."""
    name = f"{detector.subject.value}-{detector.identity.sha256[:16] or detector.identity.name}.json"
    places = [folder / name] if model is None else [model.with_name(model.name + RECORD), folder / name]
    for place in places:
        known = read_record(place)
        if known is not None and known.belongs_to(detector.identity, detector.subject, margin):
            return known
    measured = measure(detector, margin, breathe)
    folder.mkdir(parents=True, exist_ok=True)
    atomic.write_json(folder / name, measured.to_json())
    return measured


def read_record(path: Path) -> Qualified | None:
    """A record; None when there is none, or none that can be used."""
    value = atomic.read_json(path)
    try:
        return msgspec.convert(value, Qualified) if value is not None else None
    except msgspec.ValidationError:
        return None


def sentence(record: Qualified, min_recall: float) -> str:
    """What a record means for redaction."""
    name = label(Identity(record.name, record.sha256))
    if not record.of:
        return f"{name} was never measured on {record.subject}s, so it counts as no detector"
    low, high = record.recall.interval
    found = f"{name} covers {record.recall.value:.3f} ({low:.3f} to {high:.3f}) of the {record.subject}s of {record.test_set}"
    return (
        found
        if record.recall.value >= min_recall
        else f"{found}, below {min_recall:g}, so it counts as no detector"
    )
