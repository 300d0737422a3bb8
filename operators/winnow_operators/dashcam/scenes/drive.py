"""The pictures of a generated drive, one after the other."""

from collections.abc import Iterator

import cv2
import numpy as np

from winnow_operators.dashcam.scenes.drive_plan import (
    BUMP_S,
    CROSSING_S,
    EXPOSURE_DAY_S,
    EXPOSURE_NIGHT_S,
    FOCAL_PX,
    FPS,
    HEIGHT_PX,
    WIDTH_PX,
    Car,
    DrivePlan,
)
from winnow_operators.dashcam.scenes.photos import paste
from winnow_operators.dashcam.scenes.plates import STYLES, plate_picture
from winnow_operators.dashcam.scenes.street_view import (
    NEAR_M,
    Colour,
    Scenery,
    View,
    box_face,
    polygon,
)
from winnow_operators.dashcam.text.finding import Floats, Image

_NOISES = 4
_NOISE_DAY, _NOISE_NIGHT = 3.0, 6.0
"""Standard deviation in grey levels: a phone's sensor by day, and with its gain turned up."""
_AMBIENT_NIGHT, _AMBIENT_TUNNEL = 0.16, 0.015
_PLATE_LIGHT = 0.75
"""Plates throw headlights back; a whole street of them would not be seen without."""


class Drive:
    """Renders a plan; frames in order, since the camera's shaking goes on from one to the next."""

    def __init__(self, plan: DrivePlan) -> None:
        self.plan = plan
        self._scenery = Scenery(plan.camera_m(plan.frames / FPS), plan.seed)
        self._plates = {car.text: plate_picture(car.text, STYLES[car.style]) for car in plan.cars}
        generator = np.random.default_rng(plan.seed + 2)
        shape = (HEIGHT_PX + 64, WIDTH_PX + 64)
        self._noises = [generator.normal(0, 1, shape).astype(np.float32) for _ in range(_NOISES)]
        self._places = generator.integers(0, 64, (plan.frames, 3))
        self._shaking = generator.normal(0, 1, plan.frames)
        self._headlights = _headlights()

    def frames(self, first: int = 0, count: int | None = None) -> Iterator[Image]:
        """Pictures, shape ``(1080, 1920, 3)``, blue, green, red."""
        last = self.plan.frames if count is None else min(self.plan.frames, first + count)
        for number in range(first, last):
            yield self._frame(number)

    def _frame(self, number: int) -> Image:
        t_s = number / FPS
        plan = self.plan
        recent = self._shaking[max(0, number - 5) : number + 1]
        shake = float(recent.mean()) * 2.5 * min(1.0, plan.speed_mps(t_s) / 5)
        bump = BUMP_S[0] <= t_s < BUMP_S[1]
        view = View(plan.camera_m(t_s), shake + (25 * np.sin((t_s - BUMP_S[0]) * 25) if bump else 0.0))
        image = np.empty((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
        self._scenery.draw(image, view)
        self._crossing(image, view, t_s)
        lit = []
        for car in sorted(plan.cars, key=lambda each: -plan.ahead_m(each, t_s)):
            ahead = plan.ahead_m(car, t_s)
            if NEAR_M + 0.3 < ahead < 90:
                lit.append(self._car(image, view, car, ahead, t_s))
        if bump:
            image = np.asarray(cv2.filter2D(image, -1, _jolt()), np.uint8)
        return self._exposed(image, number, t_s, lit)

    def _car(self, image: Image, view: View, car: Car, ahead_m: float, t_s: float) -> Floats:
        """Draw a car; the corners of its plate."""
        _car_body(image, view, car, ahead_m)
        plate = self._plates[car.text]
        half = plate.shape[1] / 2000
        low, high = 0.62, 0.73
        corners = view.pixels(
            [
                (car.x_m - half, high, ahead_m),
                (car.x_m + half, high, ahead_m),
                (car.x_m + half, low, ahead_m),
                (car.x_m - half, low, ahead_m),
            ]
        )
        paste(image, plate, corners)
        self._smear(image, view, car, ahead_m, t_s)
        return corners

    def _smear(self, image: Image, view: View, car: Car, ahead_m: float, t_s: float) -> None:
        """Motion during the exposure, sideways: what passes close by is blurred."""
        exposure = EXPOSURE_NIGHT_S if self.plan.night(t_s) else EXPOSURE_DAY_S
        closing = (self.plan.ahead_m(car, t_s - 0.02) - ahead_m) / 0.02
        blur = round(FOCAL_PX * abs(car.x_m) / ahead_m**2 * closing * exposure)
        if blur < 2:
            return
        corners = view.pixels([(car.x_m - 1, 1.5, ahead_m), (car.x_m + 1, 0, ahead_m)]).astype(int)
        left, top = np.maximum(corners.min(axis=0), 0)
        right, bottom = np.minimum(corners.max(axis=0), (WIDTH_PX, HEIGHT_PX))
        if right - left > blur and bottom - top > 1:
            image[top:bottom, left:right] = cv2.blur(image[top:bottom, left:right], (blur, 1))

    @staticmethod
    def _crossing(image: Image, view: View, t_s: float) -> None:
        """A lorry that crosses behind the light, seen from its side."""
        begin, end = CROSSING_S
        if not begin <= t_s < end:
            return
        x, z = -16 + 32 * (t_s - begin) / (end - begin), 17.0
        box_face(image, view, (x, x + 6), (0.5, 2.8), z, (70, 90, 190))
        box_face(image, view, (x + 6.1, x + 7.8), (0.5, 2.2), z, (190, 190, 190))
        box_face(image, view, (x + 6.6, x + 7.6), (1.4, 2.0), z - 0.01, (70, 58, 50))
        for wheel in (0.6, 4.4, 6.4):
            box_face(image, view, (x + wheel, x + wheel + 0.9), (0.0, 0.9), z - 0.02, (32, 32, 34))

    def _exposed(self, image: Image, number: int, t_s: float, lit: list[Floats]) -> Image:
        """Light and sensor."""
        night, dark = self.plan.night(t_s), self.plan.dark(t_s)
        if night or dark:
            gain = (
                self._headlights.copy()
                if night
                else np.full((HEIGHT_PX, WIDTH_PX), _AMBIENT_TUNNEL, np.float32)
            )
            if night:
                for corners in lit:
                    cv2.fillConvexPoly(gain, np.round(corners).astype(np.int32), _PLATE_LIGHT)
            image = np.asarray(cv2.multiply(image, cv2.merge([gain] * 3), dtype=cv2.CV_8U), np.uint8)
        kind, x, y = (int(each) for each in self._places[number])
        noise = self._noises[kind % _NOISES][y : y + HEIGHT_PX, x : x + WIDTH_PX]
        grey = cv2.merge([noise * (_NOISE_NIGHT if night else _NOISE_DAY)] * 3)
        return np.asarray(cv2.add(image, grey, dtype=cv2.CV_8U), np.uint8)


def _car_body(image: Image, view: View, car: Car, ahead_m: float) -> None:
    x, z = car.x_m, ahead_m
    inner = x - np.sign(x) * 0.88
    dull: Colour = (car.colour_bgr[0] * 2 // 3, car.colour_bgr[1] * 2 // 3, car.colour_bgr[2] * 2 // 3)
    polygon(
        image, view, [(x - 1, 0, z), (x - 1, 0, z + 4.3), (x + 1, 0, z + 4.3), (x + 1, 0, z)], (52, 52, 54)
    )
    flank = [(inner, 0.35, z), (inner, 0.95, z), (inner, 0.95, z + 4.2), (inner, 0.35, z + 4.2)]
    polygon(image, view, flank, dull)
    roof = [(inner, 0.95, z + 0.3), (inner, 1.42, z + 0.9), (inner, 1.42, z + 2.8), (inner, 0.95, z + 3.6)]
    polygon(image, view, roof, (64, 54, 48))
    for wheel in (0.5, 3.1):
        rim = [
            (inner, 0, z + wheel),
            (inner, 0.62, z + wheel),
            (inner, 0.62, z + wheel + 0.62),
            (inner, 0, z + wheel + 0.62),
        ]
        polygon(image, view, rim, (34, 34, 36))
    for side in (-1, 1):
        middle = x + side * 0.73
        box_face(image, view, (middle - 0.12, middle + 0.12), (0.0, 0.4), z + 0.02, (30, 30, 32))
    box_face(image, view, (x - 0.88, x + 0.88), (0.3, 0.98), z, car.colour_bgr)
    cabin = [(x - 0.84, 0.98, z), (x - 0.62, 1.45, z), (x + 0.62, 1.45, z), (x + 0.84, 0.98, z)]
    polygon(image, view, cabin, dull)
    glass = [(x - 0.7, 1.02, z), (x - 0.54, 1.38, z), (x + 0.54, 1.38, z), (x + 0.7, 1.02, z)]
    polygon(image, view, glass, (74, 62, 54))
    lamp: Colour = (220, 230, 235) if x < -1 else (36, 36, 190)
    for side in (-1, 1):
        middle = x + side * 0.72
        box_face(image, view, (middle - 0.12, middle + 0.12), (0.72, 0.88), z, lamp)
    box_face(image, view, (x - 0.88, x + 0.88), (0.3, 0.42), z, (60, 60, 62))


def _jolt() -> Floats:
    """What a wheel in a pot hole does to a picture: up, down and over, along a bow of 60 pixels."""
    kernel = np.zeros((61, 61), np.float32)
    cv2.ellipse(kernel, (30, 30), (26, 28), 0, 20, 200, 1.0, 2)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _headlights() -> Floats:
    """How bright the night is, per pixel: a pool of light on the road, and what lamps leave for the rest."""
    rows, columns = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float32)
    across = (columns - WIDTH_PX / 2) / (WIDTH_PX * 0.42)
    along = (rows - HEIGHT_PX * 0.62) / (HEIGHT_PX * 0.28)
    pool = 0.55 * np.exp(-(across**2) - along**2)
    return np.asarray(_AMBIENT_NIGHT + pool, np.float32)
