"""Recall of a detector with and without track-and-hold, and what it costs."""

from dataclasses import dataclass
from pathlib import Path

from winnow_operators.privacy.boxes import Box, Found, usable
from winnow_operators.privacy.holding import hold
from winnow_operators.privacy.trial.recall import NOTHING, Recall, covered_part, recall_of
from winnow_operators.privacy.trial.scenes import HEIGHT, WIDTH, Draw, films
from winnow_redactor.detectors.detector import Detector, Picture
from winnow_redactor.detectors.inside_opencv import FaceCascades, PlateTexture
from winnow_redactor.detectors.object_model import PersonModel
from winnow_redactor.detectors.yunet import YuNet
from winnow_runtime.clock import Clock
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.redaction import RedactorSettings, Subject
from winnow_tools.redaction.photos import labelled_photos


@dataclass(frozen=True, slots=True)
class Measurement:
    """What came out."""

    plain: Recall
    """Frame by frame."""
    held: Recall
    """With track-and-hold, as clips are redacted."""
    covered_part: float
    """Of all pixels, with track-and-hold: what the detector costs in pictures."""
    ms_per_frame: float
    frames: int


def detector_for(subject: Subject, model: Path | None, settings: RedactorSettings) -> Detector:
    """The detector that the redactor would use.

    Raises:
        BadInputError: a person detector needs a model.

    """
    if subject is Subject.PLATE:
        return PlateTexture()
    if subject is Subject.FACE:
        return FaceCascades() if model is None else YuNet(model, settings.min_score)
    if model is None:
        raise BadInputError("A person detector needs --model; nothing was measured.")
    return PersonModel(model, settings.min_score)


def on_films(
    detector: Detector,
    settings: RedactorSettings,
    clock: Clock,
    count: int,
    frames: int,
    draw: Draw | None = None,
    seed: int | None = None,
) -> Measurement:
    """Measure on generated films, with drawn subjects or with ``draw``'s."""
    plain = held = NOTHING
    spent_ns = pixels = 0
    whole = count * frames * WIDTH * HEIGHT
    for film in films(detector.subject, count, frames, draw=draw, **({} if seed is None else {"seed": seed})):
        found: list[list[Found]] = []
        for frame in film:
            begun = clock.monotonic_ns()
            found.append(usable(detector.find(frame.image), WIDTH, HEIGHT) or [])
            spent_ns += clock.monotonic_ns() - begun
        truths = [frame.truth for frame in film]
        times = [frame.t_ns for frame in film]
        for tracked in (False, True):
            covers = hold(
                found,
                times,
                (WIDTH, HEIGHT),
                int(settings.hold_s * 1e9),
                settings.margin_fraction,
                track=tracked,
            )
            boxes = [[each.box for each in row] for row in covers.frames]
            if tracked:
                held += recall_of(truths, boxes)
                pixels += sum(_pixels(row) for row in boxes)
            else:
                plain += recall_of(truths, boxes)
    return Measurement(plain, held, pixels / whole, spent_ns / 1e6 / (count * frames), count * frames)


def _pixels(boxes: list[Box]) -> int:
    return round(covered_part(Box(0, 0, WIDTH, HEIGHT), boxes) * WIDTH * HEIGHT)


def on_photos(detector: Detector, settings: RedactorSettings, folder: Path) -> Recall:
    """Measure on labelled photos: no time, so nothing is held.

    Raises:
        BadInputError: the photos cannot be used.

    """
    total = NOTHING
    for image, truth in labelled_photos(folder):
        found = usable(_find(detector, image), image.shape[1], image.shape[0]) or []
        total += recall_of([truth], [[each.box.grown(settings.margin_fraction) for each in found]])
    return total


def _find(detector: Detector, image: Picture) -> list[Found]:
    try:
        return detector.find(image)
    except BadInputError:
        return []
