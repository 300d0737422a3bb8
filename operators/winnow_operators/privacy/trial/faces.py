"""Draws faces: skin, hair, eyes, nose and mouth with light from one side; different ones, none of anybody."""

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow_operators.privacy.boxes import Box

Values = NDArray[np.float32]
SIDE_PX = 160
SKINS = ((150, 180, 225), (120, 150, 200), (90, 120, 170), (60, 85, 130), (45, 60, 95), (165, 195, 235))
HAIRS = ((20, 20, 25), (40, 60, 90), (70, 120, 170), (120, 120, 125))
"""Blue, green, red."""
_CENTRE = (0.5, 0.53)


class _Canvas:
    """Colours and opacity; everything is an ellipse in parts of the side."""

    def __init__(self) -> None:
        rows, columns = np.mgrid[0:SIDE_PX, 0:SIDE_PX].astype(np.float32) / SIDE_PX
        self.rows: Values = rows
        self.columns: Values = columns
        self.image: Values = np.zeros((SIDE_PX, SIDE_PX, 3), np.float32)
        self.alpha: Values = np.zeros((SIDE_PX, SIDE_PX), np.float32)

    def ellipse(self, x: float, y: float, half_width: float, half_height: float) -> Values:
        inside: Values = np.clip(
            (1 - ((self.columns - x) / half_width) ** 2 - ((self.rows - y) / half_height) ** 2) * 12, 0, 1
        )
        return inside

    def put(self, mask: Values, colour: Values, *, opaque: bool = False) -> None:
        self.image = self.image * (1 - mask[..., None]) + colour * mask[..., None]
        if opaque:
            self.alpha = np.maximum(self.alpha, mask)

    def soft(self, mask: Values, strength: float, reach_px: float) -> Values:
        blurred: Values = np.asarray(
            cv2.GaussianBlur(mask * np.float32(strength), (0, 0), reach_px), np.float32
        )
        return blurred


def draw_face(generator: np.random.Generator) -> tuple[NDArray[np.uint8], Box]:
    """A face with its opacity, shape ``(160, 160, 4)``, and where the face is in it, in parts of the side."""
    canvas = _Canvas()
    skin = np.array(SKINS[int(generator.integers(len(SKINS)))], np.float32)
    hair = np.array(HAIRS[int(generator.integers(len(HAIRS)))], np.float32)
    (x, y), half = _CENTRE, (0.31 + 0.03 * generator.random(), 0.40 + 0.03 * generator.random())
    canvas.put(canvas.ellipse(x, y - 0.06, half[0] + 0.06, half[1] + 0.04), hair, opaque=True)
    for side in (-1, 1):
        canvas.put(
            canvas.ellipse(x + side * (half[0] + 0.005), y + 0.02, 0.05, 0.085), skin * 0.9, opaque=True
        )
    fringe = y - half[1] * (0.72 + 0.1 * generator.random())
    shape = canvas.soft(canvas.ellipse(x, y, *half) * (canvas.rows > fringe), 1.0, 1.2)
    light_from = x + 0.10 * (generator.random() - 0.5)
    light = (
        1.0
        - 0.45 * np.abs((canvas.columns - light_from) / half[0]) ** 2
        - 0.10 * ((canvas.rows - y) / half[1])
    )
    canvas.put(shape, skin * light[..., None].astype(np.float32), opaque=True)
    for side in (-1, 1):
        _eye(canvas, x + side * 0.135, y - 0.07, skin, hair)
    _nose_and_mouth(canvas, x, y, skin)
    picture = np.dstack([cv2.GaussianBlur(canvas.image, (0, 0), 0.8), canvas.alpha * 255])
    return np.clip(picture, 0, 255).astype(np.uint8), Box(x - half[0], y - half[1], x + half[0], y + half[1])


def _eye(canvas: _Canvas, x: float, y: float, skin: Values, hair: Values) -> None:
    white, dark = np.full(3, 235, np.float32), np.array((40, 45, 50), np.float32)
    canvas.put(canvas.soft(canvas.ellipse(x, y, 0.10, 0.075), 0.35, 3), skin * 0.55)
    canvas.put(canvas.ellipse(x, y, 0.062, 0.03), white)
    canvas.put(canvas.ellipse(x, y, 0.028, 0.03), dark)
    canvas.put(canvas.ellipse(x, y - 0.028, 0.07, 0.012), skin * 0.35)
    canvas.put(canvas.ellipse(x, y - 0.085, 0.085, 0.02), hair * 0.8 + skin * 0.1)
    canvas.put(canvas.ellipse(x - 0.008, y - 0.008, 0.008, 0.008), np.full(3, 255, np.float32))


def _nose_and_mouth(canvas: _Canvas, x: float, y: float, skin: Values) -> None:
    canvas.put(canvas.soft(canvas.ellipse(x + 0.02, y + 0.06, 0.035, 0.11), 0.35, 3), skin * 0.6)
    canvas.put(
        canvas.soft(canvas.ellipse(x - 0.012, y + 0.04, 0.02, 0.10), 0.35, 2), np.minimum(skin * 1.15, 255)
    )
    for side in (-1, 1):
        canvas.put(canvas.ellipse(x + side * 0.03, y + 0.135, 0.022, 0.012), skin * 0.4)
    lips = np.array((40, 40, 85), np.float32) + skin * 0.4
    canvas.put(canvas.ellipse(x, y + 0.235, 0.105, 0.035), lips)
    canvas.put(canvas.ellipse(x, y + 0.232, 0.10, 0.007), skin * 0.3)
    canvas.put(canvas.soft(canvas.ellipse(x, y + 0.29, 0.07, 0.02), 0.4, 2), skin * 0.6)
