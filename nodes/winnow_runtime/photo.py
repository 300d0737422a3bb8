"""Photos from disk, with limits."""

from pathlib import Path

import cv2
import numpy as np

from winnow_operators.dashcam.plates.reader import MOST_PIXELS
from winnow_operators.dashcam.text.finding import Image
from winnow_schemas.errors import BadInputError

MOST_PHOTO_BYTES = 200 * 1024 * 1024
"""A raw-sized PNG of 100 megapixels; more is not read into memory."""
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})


def read_photo(path: Path) -> Image:
    """A photo, turned as its EXIF says, shape ``(height, width, 3)``, blue, green, red.

    Raises:
        BadInputError: it cannot be read, is too large, or is no picture.

    """
    try:
        size = path.stat().st_size
        if size > MOST_PHOTO_BYTES:
            raise BadInputError(
                f"{path} has {size} bytes, more than the {MOST_PHOTO_BYTES} that a photo may have; it was not read."
            )
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise BadInputError(f"{path} cannot be read ({error.strerror}); no plate was looked for.") from None
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    except cv2.error:
        image = None  # OpenCV's own limits on sides and pixels raise
    if image is None:
        raise BadInputError(
            f"{path} is not a picture that can be decoded ({size} bytes); no plate was looked for."
        )
    if image.shape[0] * image.shape[1] > MOST_PIXELS:
        raise BadInputError(
            f"{path} has {image.shape[1]} x {image.shape[0]} pixels, more than {MOST_PIXELS} in all; it was not read."
        )
    return np.asarray(image, np.uint8)
