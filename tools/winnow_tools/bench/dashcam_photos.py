"""Plates in photos with labels, as `winnow plates read` reads them."""

import csv
from pathlib import Path

import cv2
import numpy as np

from winnow_operators.dashcam.plates.formats import Formats
from winnow_operators.dashcam.plates.reader import PlateReader
from winnow_operators.dashcam.scenes.photos import plate_photos
from winnow_operators.dashcam.text.finding import Image
from winnow_operators.dashcam.tracks.alignment import distance
from winnow_runtime.inference.text import OnnxText
from winnow_schemas.library.plate_formats import plate_formats
from winnow_tools.bench.load import Say
from winnow_tools.bench.rows import Row

_GENERATED, _SEED = 40, 23


def photo_rows(folder: Path | None, say: Say) -> list[Row]:
    """Labelled photos of ``manifest.csv``, and generated ones whose formats and signs nobody tuned for."""
    reader = PlateReader(OnnxText(), Formats(plate_formats()))
    rows = []
    say(f"{_GENERATED} generated photos")
    made = [(photo.image, photo.text) for photo in plate_photos(plate_formats(), _GENERATED, _SEED)]
    exact, near, false = _read(reader, made)
    beside = {"within one character": near, "false plates": false, "of": _GENERATED}
    rows.append(Row("generated photos: best text exact", exact / _GENERATED, "ratio", "", beside))
    if folder is None:
        note = "no --recordings with plates/manifest.csv"
        return [*rows, Row("labelled photos: best text exact", None, "photos", ">= 57", note=note)]
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        listed = [
            (folder / row["file"], row["text"]) for row in csv.DictReader(file) if row["w"] not in {"", "0"}
        ]
    say(f"{len(listed)} labelled photos")
    photos = [(np.asarray(cv2.imread(str(path)), np.uint8), text) for path, text in listed]
    exact, near, false = _read(reader, photos)
    return [
        *rows,
        Row("labelled photos: best text exact", exact, "photos", ">= 57", {"of": len(photos)}),
        Row("labelled photos: within one character", near, "photos", ">= 62", {"of": len(photos)}),
        Row("labelled photos: false plates per photo", false / len(photos), "plates", "<= 0.5"),
    ]


def _read(reader: PlateReader, photos: list[tuple[Image, str]]) -> tuple[int, int, int]:
    """Photos whose best text is exact, and within one character; plates that say something else."""
    exact = near = false = 0
    for image, text in photos:
        found = [look.text for look in reader.read(image)]
        off = distance(found[0], text) if found else len(text)
        exact += off == 0
        near += off <= 1
        false += sum(distance(each, text) > 1 for each in found)
    return exact, near, false
