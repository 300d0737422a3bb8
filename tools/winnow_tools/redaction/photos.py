"""Labelled photos: a folder with ``manifest.csv`` (``file,x,y,w,h``, pixels), as users have them or can make them."""

import csv
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow_operators.privacy.boxes import Box
from winnow_schemas.errors import BadInputError

MANIFEST = "manifest.csv"
MAX_PHOTOS = 10_000


def labelled_photos(folder: Path) -> Iterator[tuple[NDArray[np.uint8], list[Box]]]:
    """Pictures with the boxes that lie in them; rows without a box are passed over.

    Raises:
        BadInputError: there is no manifest, a row is not what it should be, or a picture cannot be read.

    """
    for name, boxes in _rows(folder).items():
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise BadInputError(
                f"{name[:100]!r} in {folder / MANIFEST} leads out of the folder; nothing was measured."
            )
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            raise BadInputError(f"{path} is no picture that can be read; nothing was measured.")
        yield np.asarray(image, np.uint8), boxes


def _rows(folder: Path) -> dict[str, list[Box]]:
    found: dict[str, list[Box]] = {}
    try:
        with (folder / MANIFEST).open(encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), start=2):
                if not row.get("x"):
                    continue
                x, y, w, h = (float(row[key]) for key in ("x", "y", "w", "h"))
                found.setdefault(row["file"], []).append(Box(x, y, x + w, y + h))
                if number > MAX_PHOTOS:
                    raise BadInputError(
                        f"{folder / MANIFEST} has more than {MAX_PHOTOS} rows; nothing was measured."
                    )
    except OSError as error:
        raise BadInputError(
            f"{folder / MANIFEST} cannot be read ({error.strerror}); nothing was measured."
        ) from None
    except (KeyError, TypeError, ValueError) as error:
        raise BadInputError(
            f"{folder / MANIFEST} needs the columns file,x,y,w,h ({error}); nothing was measured."
        ) from None
    return found
