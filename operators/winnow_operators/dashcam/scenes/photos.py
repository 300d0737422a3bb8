"""Photos of cars with a plate, and with what is no plate: badges, signs, telephone numbers, time stamps."""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from winnow_operators.dashcam.boxes import Box
from winnow_operators.dashcam.scenes.plates import STYLES, plate_picture, plate_texts
from winnow_operators.dashcam.text.finding import Image
from winnow_schemas.library.plate_formats import PlateFormats

SIZE_PX = (960, 540)
_SIGNS = (
    "PARKING", "EXIT ONLY", "CAFE MILANO", "0800 555 123", "TAXI", "SALE 50%", "OPEN", "NO ENTRY", "HOTEL",
    "www.motors.example", "BUS STOP", "TURBO", "DIESEL", "4x4", "12 MILES", "ROUTE 66",
)  # fmt: skip
_FONT = cv2.FONT_HERSHEY_SIMPLEX


class PlatePhoto(NamedTuple):
    """A photo and what is on it."""

    image: Image
    text: str
    box_xyxy: Box


def plate_photos(data: PlateFormats, count: int, seed: int) -> Iterator[PlatePhoto]:
    """Photos with one plate of 70 to 260 px each."""
    generator = np.random.default_rng(seed)
    for text, _ in plate_texts(data, count, seed):
        yield _photo(text, generator)


def _photo(text: str, generator: np.random.Generator) -> PlatePhoto:
    width, height = SIZE_PX
    image = street(generator)
    plate = plate_picture(text, STYLES[int(generator.integers(len(STYLES)))])
    wide = float(generator.uniform(70, 260))
    high = wide * plate.shape[0] / plate.shape[1]
    x, y = generator.uniform([140, 260], [width - 140 - wide, height - 60 - high])
    _car(image, float(x), float(y), wide, generator)
    jitter = generator.uniform(-0.06, 0.06, (4, 2)) * high
    corners = np.array([[x, y], [x + wide, y], [x + wide, y + high], [x, y + high]]) + jitter
    paste(image, plate, corners)
    if generator.random() < 0.5:
        day = f"2026-{generator.integers(1, 13):02d}-{generator.integers(1, 29):02d} {generator.integers(24):02d}:15:09"
        cv2.putText(image, day, (10, 28), _FONT, 0.7, (255, 255, 255), 2, cv2.LINE_AA)
    blur = float(generator.uniform(0.2, 1.1))
    light = float(generator.uniform(0.5, 1.05))
    noise = generator.normal(0, 5, image.shape)
    shot = cv2.GaussianBlur(image, (0, 0), blur).astype(np.float64) * light + noise
    box = Box(*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())
    return PlatePhoto(np.clip(shot, 0, 255).astype(np.uint8), text, box)


def street(generator: np.random.Generator) -> Image:
    """Sky, road, houses and signs."""
    width, height = SIZE_PX
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2] = (200, 180, 150)
    image[height // 2 :] = (92, 92, 96)
    for _ in range(5):
        left = int(generator.integers(0, width - 150))
        top = int(generator.integers(20, 150))
        right = left + int(generator.integers(100, 300))
        colour = tuple(int(each) for each in generator.integers(60, 200, 3))
        cv2.rectangle(image, (left, top), (right, height // 2), colour, -1)
        for x in range(left + 10, right - 20, 40):
            cv2.rectangle(image, (x, top + 20), (x + 20, top + 50), (60, 50, 40), -1)
    for _ in range(int(generator.integers(1, 4))):
        sign = _SIGNS[int(generator.integers(len(_SIGNS)))]
        x, y = generator.integers([10, 60], [width - 260, 220])
        (wide, high), _base = cv2.getTextSize(sign, _FONT, 0.8, 2)
        cv2.rectangle(
            image, (int(x) - 6, int(y) - high - 8), (int(x) + wide + 6, int(y) + 8), (240, 240, 240), -1
        )
        cv2.putText(image, sign, (int(x), int(y)), _FONT, 0.8, (150, 30, 30), 2, cv2.LINE_AA)
    return image


def _car(image: Image, x: float, y: float, wide: float, generator: np.random.Generator) -> None:
    """The rear of a car around a plate of the given width: 520 mm of 1,800."""
    unit = wide / 520
    colour = tuple(int(each) for each in generator.integers(30, 220, 3))
    left, right = int(x - 640 * unit), int(x + wide + 640 * unit)
    top, bottom = int(y - 700 * unit), int(y + 420 * unit)
    cv2.rectangle(image, (left, top + int(450 * unit)), (right, bottom), colour, -1)
    cv2.rectangle(
        image,
        (left + int(200 * unit), top),
        (right - int(200 * unit), top + int(460 * unit)),
        (70, 60, 50),
        -1,
    )
    for lamp in (left + int(40 * unit), right - int(240 * unit)):
        cv2.rectangle(
            image,
            (lamp, top + int(500 * unit)),
            (lamp + int(200 * unit), top + int(640 * unit)),
            (30, 30, 200),
            -1,
        )
    cv2.putText(
        image,
        "TURBO",
        (left + int(120 * unit), bottom - int(330 * unit)),
        _FONT,
        max(0.3, unit),
        (230, 230, 230),
        1,
        cv2.LINE_AA,
    )


def paste(image: Image, picture: Image, corners: np.ndarray) -> None:
    """Put a picture into a quadrilateral (top left, top right, bottom right, bottom left) of an image, in place.

    The picture is first brought to the size that it will have, so that small ones are smooth as a lens makes them.
    """
    height = max(1.0, float(np.linalg.norm(corners[3] - corners[0])))
    width = max(1.0, float(np.linalg.norm(corners[1] - corners[0])))
    scale = min(1.0, 2 * max(width / picture.shape[1], height / picture.shape[0]))
    if scale < 1:
        size = (max(2, round(picture.shape[1] * scale)), max(2, round(picture.shape[0] * scale)))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    high, wide = picture.shape[:2]
    source = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
    low = np.floor(corners.min(axis=0)).astype(int) - 1
    top = np.ceil(corners.max(axis=0)).astype(int) + 1
    low = np.maximum(low, 0)
    top = np.minimum(top, [image.shape[1], image.shape[0]])
    if (top - low < 2).any():
        return
    matrix = cv2.getPerspectiveTransform(source, (corners - low).astype(np.float32))
    size = (int(top[0] - low[0]), int(top[1] - low[1]))
    warped = cv2.warpPerspective(picture, matrix, size, flags=cv2.INTER_AREA)
    mask = cv2.warpPerspective(np.full((high, wide), 255, np.uint8), matrix, size, flags=cv2.INTER_LINEAR)
    alpha = (mask.astype(np.float32) / 255)[..., None]
    part = image[low[1] : top[1], low[0] : top[0]]
    part[:] = (warped * alpha + part * (1 - alpha)).astype(np.uint8)
