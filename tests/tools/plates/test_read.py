import csv
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from winnow_operators.dashcam.plates.formats import Formats
from winnow_operators.dashcam.plates.reader import PlateReader
from winnow_operators.dashcam.scenes.photos import plate_photos
from winnow_runtime.inference.text import OnnxText
from winnow_schemas.library.plate_formats import plate_formats
from winnow_tools.cli import app

SHARED = Path(os.environ.get("WINNOW_SHARED", Path(__file__).parents[4] / "shared")) / "data" / "plates"


@pytest.fixture(scope="module")
def reader():
    return PlateReader(OnnxText(), Formats(plate_formats()))


def distance(one, other):
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def test_generated_photos_are_read_and_their_signs_are_not(reader):
    exact = close = false = 0
    photos = list(plate_photos(plate_formats(), 12, seed=5))
    for photo in photos:
        looks = reader.read(photo.image)
        exact += bool(looks) and looks[0].text == photo.text
        close += bool(looks) and distance(looks[0].text, photo.text) <= 1
        false += sum(distance(look.text, photo.text) > 1 for look in looks)
    assert exact >= 9  # measured: 92 of 100; what is missed are O for 0 where no format helps
    assert close >= 11
    assert false <= 1


def test_the_command_prints_one_line_per_photo_best_first_and_goes_on_after_a_bad_one(tmp_path):
    (photo,) = plate_photos(plate_formats(), 1, seed=5)
    good, bad, empty = tmp_path / "a.png", tmp_path / "b.jpg", tmp_path / "c.png"
    cv2.imwrite(str(good), photo.image)
    bad.write_bytes(b"not a picture")
    cv2.imwrite(str(empty), np.full((80, 120, 3), 90, np.uint8))
    result = CliRunner().invoke(app, ["plates", "read", str(good), str(bad), str(empty), "--json"])
    assert result.exit_code == 2
    first, second, third = [json.loads(line) for line in result.stdout.splitlines()]
    assert first["file"] == str(good)
    best = first["plates"][0]
    assert best["text"] == photo.text
    assert 0.5 <= best["confidence"] <= 1
    assert abs(best["box_xyxy"][0] - photo.box_xyxy.x1) < 40
    assert second["plates"] == []
    assert "is not a picture" in result.stderr
    assert third == {"file": str(empty), "plates": []}


def test_an_unknown_country_is_named(tmp_path):
    result = CliRunner().invoke(app, ["plates", "read", str(tmp_path), "--country", "XX"])
    assert result.exit_code == 2
    assert "no plate format of 'XX'" in result.stderr


@pytest.mark.shared
@pytest.mark.timeout(600)
@pytest.mark.storm
def test_the_labelled_photos(reader):
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not there")
    exact = close = false = 0
    rows = [row for row in csv.DictReader((SHARED / "manifest.csv").open()) if row["x"]]
    for row in rows:
        looks = reader.read(cv2.imread(str(SHARED / row["file"])))
        exact += bool(looks) and looks[0].text == row["text"]
        close += bool(looks) and distance(looks[0].text, row["text"]) <= 1
        false += sum(distance(look.text, row["text"]) > 1 for look in looks)
    assert len(rows) == 64
    assert exact >= 57
    assert close >= 62
    assert false <= 32
