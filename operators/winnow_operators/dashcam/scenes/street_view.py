"""A street as a pinhole camera sees it: everything is a polygon at real measures, drawn from far to near."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from winnow_operators.dashcam.scenes.drive_plan import EYE_M, FOCAL_PX, HEIGHT_PX, WIDTH_PX
from winnow_operators.dashcam.text.finding import Floats, Image

Colour = tuple[int, int, int]
Point = tuple[float, float, float]
"""Metres to the right, above the road, and in front of the lens."""
_SHIFT = 4
"""Polygons are drawn to a sixteenth of a pixel: without that, slow things jump."""
NEAR_M = 1.2
_FAR_M = 130.0
_SHOPS = ("BAKERY", "CAFE", "HOTEL", "OPEN", "PARKING", "TAXI", "FLOWERS", "EXIT")
"""Words only: a sign of letters and digits that could be a plate is one to anybody who only reads."""
_FONT = cv2.FONT_HERSHEY_SIMPLEX


class View(NamedTuple):
    """Where the camera looks from."""

    camera_m: float
    """Along the street."""
    pitch_px: float
    """How far the horizon lies below the middle of the picture."""

    def pixels(self, points: Sequence[Point]) -> Floats:
        """Project points, shape ``(n, 2)``; all must be in front of the lens."""
        x, y, z = np.array(points, np.float64).T
        scale = FOCAL_PX / np.maximum(z, 0.1)
        return np.stack(
            [WIDTH_PX / 2 + x * scale, HEIGHT_PX * 0.46 + self.pitch_px - (y - EYE_M) * scale], axis=1
        ).astype(np.float32)


class House(NamedTuple):
    """A block beside the street."""

    side: int
    begin_m: float
    end_m: float
    height_m: float
    colour: Colour
    shop: str


class Scenery:
    """What stands along the street."""

    SIDE_M = 7.5

    def __init__(self, length_m: float, seed: int) -> None:
        generator = np.random.default_rng(seed)
        self.houses: list[House] = []
        for side in (-1, 1):
            at = -20.0
            while at < length_m + 140:
                wide = float(generator.uniform(9, 17))
                colour = _colour(generator, 90, 215)
                shop = _SHOPS[int(generator.integers(len(_SHOPS)))] if generator.random() < 0.3 else ""
                self.houses.append(House(side, at, at + wide, float(generator.uniform(6, 13)), colour, shop))
                at += wide + float(generator.uniform(0.5, 7))
        self.trees = [
            (float(side * generator.uniform(5.2, 6)), float(z))
            for z in np.arange(8, length_m + 140, 19)
            for side in (-1, 1)
        ]
        cracks = generator.uniform([-3.4, -20], [3.4, length_m + 140], (round(length_m * 2.5), 2))
        self.cracks = cracks[np.argsort(-cracks[:, 1])]
        self._hills = [
            (float(x), float(high)) for x, high in zip(range(0, WIDTH_PX + 240, 120), generator.uniform(20, 110, 19), strict=False)
        ]  # fmt: skip

    def draw(self, image: Image, view: View) -> None:
        """Sky, hills, road; then houses and trees, far ones first."""
        horizon = round(HEIGHT_PX * 0.46 + view.pitch_px)
        image[: max(0, horizon)] = (226, 200, 168)
        image[max(0, horizon) :] = (104, 112, 112)
        hills = [(x, horizon - high) for x, high in self._hills]
        _fill(image, np.array([*hills, (WIDTH_PX + 240, horizon), (0, horizon)]), (120, 140, 112))
        self._road(image, view)
        things: list[tuple[float, House | tuple[float, float]]] = [
            (house.begin_m, house) for house in self.houses
        ]
        things += [(z, (x, z)) for x, z in self.trees]
        for z, thing in sorted(things, key=lambda each: -each[0]):
            if z - view.camera_m > _FAR_M:
                continue
            if isinstance(thing, House):
                _house(image, view, thing)
            elif z - view.camera_m > NEAR_M:
                _tree(image, view, thing)

    def _road(self, image: Image, view: View) -> None:
        near, far = NEAR_M, 400.0
        _fill(
            image, view.pixels([(-4.6, 0, near), (-4.6, 0, far), (4.6, 0, far), (4.6, 0, near)]), (88, 88, 90)
        )
        for x in (-4.6, 4.4):
            kerb = [(x, 0.0, near), (x, 0.0, far), (x + 0.2, 0.0, far), (x + 0.2, 0.0, near)]
            _fill(image, view.pixels(kerb), (150, 152, 154))
        first = int(view.camera_m // 6) * 6
        for at in range(first + 120, first - 6, -6):
            begin, end = at - view.camera_m, at + 3 - view.camera_m
            if end > near:
                begin = max(begin, near)
                dash = [(-1.76, 0, begin), (-1.76, 0, end), (-1.62, 0, end), (-1.62, 0, begin)]
                _fill(image, view.pixels(dash), (225, 228, 228))
        for x, z in self.cracks:
            ahead = float(z) - view.camera_m
            if NEAR_M + 0.5 < ahead < 45:
                patch = [
                    (x, 0, ahead),
                    (x + 0.1, 0, ahead + 0.5),
                    (x + 0.5, 0, ahead + 0.4),
                    (x + 0.4, 0, ahead - 0.1),
                ]
                _fill(image, view.pixels(patch), (70, 70, 72))


def _house(image: Image, view: View, house: House) -> None:
    begin, end = house.begin_m - view.camera_m, house.end_m - view.camera_m
    if end <= NEAR_M:
        return
    x, deep, high = house.side * Scenery.SIDE_M, house.side * (Scenery.SIDE_M + 8), house.height_m
    if begin > NEAR_M:
        front = [(x, 0.0, begin), (x, high, begin), (deep, high, begin), (deep, 0.0, begin)]
        _fill(image, view.pixels(front), _shaded(house.colour, 0.75))
    begin_seen = max(begin, NEAR_M)
    wall = [(x, 0.0, begin_seen), (x, high, begin_seen), (x, high, end), (x, 0.0, end)]
    _fill(image, view.pixels(wall), house.colour)
    for floor in np.arange(1.0, high - 1.6, 2.8):
        for at in np.arange(begin + 1.2, end - 1.4, 2.4):
            if at > NEAR_M:
                window = [
                    (x, floor, at),
                    (x, floor + 1.5, at),
                    (x, floor + 1.5, at + 1.1),
                    (x, floor, at + 1.1),
                ]
                _fill(image, view.pixels(window), (72, 60, 52))
    if house.shop and begin > NEAR_M + 2:
        _sign(image, view, house.shop, x, begin - 0.3)


def _sign(image: Image, view: View, text: str, x_m: float, ahead_m: float) -> None:
    """A shop's sign that stands out over the pavement, towards the traffic."""
    inner = x_m - np.sign(x_m) * 1.5
    left, right = sorted((x_m, inner))
    corners = view.pixels(
        [(left, 3.1, ahead_m), (right, 3.1, ahead_m), (right, 2.6, ahead_m), (left, 2.6, ahead_m)]
    )
    _fill(image, corners, (235, 240, 240))
    high = float(corners[3, 1] - corners[0, 1])
    if high < 6:
        return
    (wide, tall), _ = cv2.getTextSize(text, _FONT, 1.0, 2)
    scale = min(high * 0.6 / tall, float(corners[1, 0] - corners[0, 0]) * 0.9 / wide)
    place = (int(corners[0, 0] + 0.05 * wide * scale), int(corners[3, 1] - high * 0.22))
    cv2.putText(image, text, place, _FONT, scale, (40, 40, 160), max(1, round(scale * 2)), cv2.LINE_AA)


def _tree(image: Image, view: View, tree: tuple[float, float]) -> None:
    x, z = tree[0], tree[1] - view.camera_m
    trunk = [(x - 0.12, 0.0, z), (x - 0.12, 2.6, z), (x + 0.12, 2.6, z), (x + 0.12, 0.0, z)]
    _fill(image, view.pixels(trunk), (40, 62, 86))
    crown = view.pixels([(x, 3.6, z)])[0]
    radius = 1.3 * FOCAL_PX / z
    if abs(crown[0]) < 5000:
        centre = (round(float(crown[0]) * 16), round(float(crown[1]) * 16))
        cv2.circle(image, centre, round(radius * 16), (60, 110, 62), -1, cv2.LINE_AA, _SHIFT)
        spot = (centre[0] - round(radius * 6), centre[1] - round(radius * 6))
        cv2.circle(image, spot, round(radius * 7), (76, 132, 80), -1, cv2.LINE_AA, _SHIFT)


def _fill(image: Image, corners: Floats, colour: Colour) -> None:
    """Fill a convex polygon; far outside of the picture, coordinates are cut to what OpenCV can count."""
    fixed = np.clip(np.round(corners * (1 << _SHIFT)), -400_000, 400_000).astype(np.int32)
    cv2.fillConvexPoly(image, fixed, colour, cv2.LINE_AA, _SHIFT)


def box_face(
    image: Image, view: View, x_m: tuple[float, float], y_m: tuple[float, float], z_m: float, colour: Colour
) -> None:
    """A rectangle across the street."""
    left, right = x_m
    low, high = y_m
    _fill(
        image,
        view.pixels([(left, low, z_m), (left, high, z_m), (right, high, z_m), (right, low, z_m)]),
        colour,
    )


def polygon(image: Image, view: View, points: Sequence[Point], colour: Colour) -> None:
    """A polygon at real measures."""
    _fill(image, view.pixels(points), colour)


def _shaded(colour: Colour, by: float) -> Colour:
    return (round(colour[0] * by), round(colour[1] * by), round(colour[2] * by))


def _colour(generator: np.random.Generator, low: int, high: int) -> Colour:
    one, two, three = (int(each) for each in generator.integers(low, high, 3))
    return one, two, three
