"""Short films in which faces or plates move over a busy background, with where they are in every frame.

They turn, tilt, blur with their speed, get brighter and darker, come nearer, and pass behind things: what makes a
detector miss some frames of something that it finds in others.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow_operators.privacy.boxes import Box
from winnow_operators.privacy.trial.faces import draw_face
from winnow_operators.privacy.trial.plates import draw_plate
from winnow_schemas.settings.redaction import Subject

TEST_SET = "moving-1"
"""Its name in records. Whatever changes a pixel of it gives it another name: recalls are not comparable then."""
WIDTH, HEIGHT, RATE_HZ = 1280, 720, 20
SEED = 20_260_411

Patch = tuple[NDArray[np.uint8], Box]
"""A picture with opacity, and where the subject is in it, in parts of its width and height."""
Draw = Callable[[np.random.Generator], Patch]
DRAWN: dict[Subject, Draw] = {Subject.FACE: draw_face, Subject.PLATE: draw_plate}


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a film."""

    t_ns: int
    image: NDArray[np.uint8]
    """Shape ``(720, 1280, 3)``, BGR."""
    truth: tuple[Box, ...]
    """What of the subjects is visible by more than half."""


@dataclass(frozen=True, slots=True)
class _Mover:
    patch: Patch
    size_px: float
    start: tuple[float, float]
    speed: tuple[float, float]
    """Pixels per frame."""
    growth: float
    """Per frame."""
    tilt_deg: float
    sway_deg: float
    phase: float


def films(
    subject: Subject, count: int, frames: int, *, seed: int = SEED, draw: Draw | None = None, step: int = 1
) -> Iterator[list[Frame]]:
    """Give ``count`` films; the same seed gives the same pixels.

    ``draw``: other patches, such as photos of the user's own; ``step``: only every so many-th frame is painted.
    """
    for number in range(count):
        generator = np.random.default_rng([seed, number, list(Subject).index(subject)])
        background = _background(generator)
        movers = [_mover(generator, draw or DRAWN[subject], subject) for _ in range(4)]
        light = 0.55 + 0.6 * generator.random()
        pole = int(generator.integers(200, WIDTH - 200))
        yield [_frame(frame, background, movers, light, pole) for frame in range(0, frames * step, step)]


def _mover(generator: np.random.Generator, draw: Draw, subject: Subject) -> _Mover:
    small, large = (40, 200) if subject is Subject.FACE else (50, 220)
    return _Mover(
        draw(generator),
        float(np.exp(generator.uniform(np.log(small), np.log(large)))),
        (float(generator.uniform(60, WIDTH - 300)), float(generator.uniform(40, HEIGHT - 260))),
        (float(generator.normal(0, 9)), float(generator.normal(0, 2))),
        float(generator.uniform(0.995, 1.012)),
        float(generator.normal(0, 8)),
        float(generator.uniform(0, 14)),
        float(generator.uniform(0, 2 * math.pi)),
    )


def _background(generator: np.random.Generator) -> NDArray[np.uint8]:
    """Sky, apron, boxes and lines, wider than the picture, because the camera pans."""
    image = np.full((HEIGHT, WIDTH + 400, 3), (165, 160, 155), np.uint8)
    image[: HEIGHT // 3] = (210, 190, 170)
    for _ in range(60):
        x, y = int(generator.integers(0, WIDTH + 400)), int(generator.integers(HEIGHT // 5, HEIGHT))
        wide, high = (int(each) for each in generator.integers(10, 220, size=2))
        colour = tuple(int(each) for each in generator.integers(30, 225, size=3))
        if generator.random() < 0.7:
            cv2.rectangle(image, (x, y), (x + wide, y + high), colour, -1)
        else:
            cv2.line(image, (x, y), (x + wide, y - high), colour, int(generator.integers(1, 6)))
    rough = cv2.GaussianBlur(generator.normal(0, 22, image.shape).astype(np.float32), (0, 0), 1.2)
    painted: NDArray[np.uint8] = np.clip(image + rough, 0, 255).astype(np.uint8)
    return painted


def _frame(
    number: int, background: NDArray[np.uint8], movers: Sequence[_Mover], light: float, pole: int
) -> Frame:
    shift = int(200 + 150 * math.sin(number / 25))
    image = background[:, shift : shift + WIDTH].copy()
    truth = [box for mover in movers if (box := _paint(image, mover, number)) is not None]
    pole_box = (pole - 14, pole + 14)
    image[:, pole_box[0] : pole_box[1]] = (70, 75, 80)
    lit = light * (1.0 + 0.15 * math.sin(number / 9))
    noise = np.random.default_rng([number, pole]).normal(0, 4, (HEIGHT, WIDTH, 1))
    image = np.clip(image * lit + noise, 0, 255).astype(np.uint8)
    seen = tuple(box for box in truth if _hidden(box, pole_box) <= 0.5)
    return Frame(number * 1_000_000_000 // RATE_HZ, image, seen)


def _hidden(box: Box, pole: tuple[int, int]) -> float:
    return max(0.0, min(box.x1, pole[1]) - max(box.x0, pole[0])) / max(box.width, 1e-6)


def _paint(image: NDArray[np.uint8], mover: _Mover, number: int) -> Box | None:
    """Paint a patch; where its subject is, when more than half of it is in the picture."""
    picture, part = mover.patch
    scale = (
        mover.size_px * mover.growth**number / picture.shape[0 if picture.shape[0] > picture.shape[1] else 1]
    )
    angle = mover.tilt_deg + mover.sway_deg * math.sin(mover.phase + number / 7)
    x, y = mover.start[0] + mover.speed[0] * number, mover.start[1] + mover.speed[1] * number
    high, wide = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((wide / 2, high / 2), angle, scale)
    matrix[:, 2] += (x - wide / 2, y - high / 2)
    box = _around(part, matrix, wide, high)
    inside = Box(max(box.x0, 0), max(box.y0, 0), min(box.x1, WIDTH), min(box.y1, HEIGHT))
    if inside.width <= 0 or inside.height <= 0:
        return None
    flat = cv2.warpAffine(
        picture, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
    )
    reach = min(15, int(abs(mover.speed[0]) * 0.5))
    if reach > 1:
        flat = cv2.blur(flat, (reach, 1))
    left, right = max(0, int(x - high * scale * 3)), min(WIDTH, int(x + high * scale * 3 + wide * scale))
    cut = flat[:, left:right]
    alpha = cut[..., 3:].astype(np.float32) / 255.0
    image[:, left:right] = (image[:, left:right] * (1 - alpha) + cut[..., :3] * alpha).astype(np.uint8)
    return inside if inside.area > 0.5 * box.area else None


def _around(part: Box, matrix: NDArray[np.float64], wide: int, high: int) -> Box:
    corners = np.array([(x * wide, y * high, 1.0) for x in (part.x0, part.x1) for y in (part.y0, part.y1)])
    moved = corners @ matrix.T
    low, top = moved.min(axis=0), moved.max(axis=0)
    return Box(float(low[0]), float(low[1]), float(top[0]), float(top[1]))
