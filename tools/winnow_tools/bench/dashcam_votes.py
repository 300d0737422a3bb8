"""Votes beside the single best frame, on generated tracks whose truth is known."""

from collections.abc import Iterator

import cv2
import numpy as np

from winnow_operators.dashcam.boxes import Box
from winnow_operators.dashcam.scenes.photos import paste
from winnow_operators.dashcam.scenes.plates import STYLES, plate_picture, plate_texts
from winnow_operators.dashcam.text.finding import Image
from winnow_operators.dashcam.tracks.passes import passes_of
from winnow_operators.dashcam.tracks.sighting import Sighting
from winnow_plates.reading import RegionReader
from winnow_plates.stage import sightings_of
from winnow_schemas.library.plate_formats import plate_formats
from winnow_schemas.settings.dashcam import PlateSettings
from winnow_tools.bench.load import Say
from winnow_tools.bench.rows import Row

TRACKS, FRAMES = 40, 6
_SEED = 31
_STEP_NS = 300_000_000
"""The gate's shortest interval."""
_SIZE_PX = (420, 200)


def voting_row(say: Say) -> Row:
    """Tracks with a wrong text, by votes and by the reading that was most certain of itself."""
    say(f"{TRACKS} generated tracks of {FRAMES} frames")
    reader = RegionReader(PlateSettings())
    voted = single = unread = 0
    wrong_readings = readings = 0
    for text, frames in tracks():
        sightings = [
            each for number, image in enumerate(frames) for each in _sightings(number, image, reader)
        ]
        if not sightings:
            unread += 1
            continue
        passes = passes_of(sightings, reader.formats, most_gap_ns=3_000_000_000)
        longest = max(passes, key=lambda pair: (len(pair[0].sightings), pair[1].confidence))
        best = max(sightings, key=lambda each: (each.confidence, each.key))
        voted += longest[1].text != text
        single += best.text != text
        readings += len(sightings)
        wrong_readings += sum(each.text != text for each in sightings)
    beside = {
        "by the single best frame": single,
        "tracks": TRACKS,
        "without any reading": unread,
        "single readings wrong": f"{wrong_readings} of {readings}",
    }
    return Row("voting on generated tracks: tracks wrong", voted, "tracks", f"<= {single}", beside)


def tracks() -> Iterator[tuple[str, list[Image]]]:
    """Plates of 10 to 20 pixels that come nearer, smeared, noisy and seen from the side."""
    generator = np.random.default_rng(_SEED)
    for text, _ in plate_texts(plate_formats(), TRACKS, _SEED):
        plate = plate_picture(text, STYLES[int(generator.integers(len(STYLES)))])
        ground = generator.integers(40, 200, 3)
        yield text, [_frame(plate, ground, number, generator) for number in range(FRAMES)]


def _frame(plate: Image, ground: np.ndarray, number: int, generator: np.random.Generator) -> Image:
    width, height = _SIZE_PX
    image = np.full((height, width, 3), ground, np.uint8)
    high = 10 + 2 * number + float(generator.uniform(-1, 1))
    wide = high * plate.shape[1] / plate.shape[0] * float(generator.uniform(0.8, 1.0))
    x, y = float(generator.uniform(60, width - 60 - wide)), float(generator.uniform(50, height - 70))
    lean = float(generator.uniform(-0.15, 0.15)) * high
    corners = np.array([[x, y], [x + wide, y + lean], [x + wide, y + high + lean], [x, y + high]])
    paste(image, plate, corners)
    blur = int(generator.integers(1, 4))
    smeared = cv2.GaussianBlur(cv2.blur(image, (blur, 1)), (0, 0), float(generator.uniform(0.3, 0.9)))
    light = float(generator.uniform(0.4, 1.0))
    noisy = smeared.astype(np.float64) * light + generator.normal(0, 7, image.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def _sightings(number: int, image: Image, reader: RegionReader) -> Iterator[Sighting]:
    whole = Box(0.0, 0.0, float(image.shape[1]), float(image.shape[0]))
    yield from sightings_of(number * _STEP_NS, image, [whole], reader)
