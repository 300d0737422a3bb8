"""RGB cameras: JPEG frames of the scene in daylight, at night, in rain and in fog."""

import math

import cv2
import numpy as np

from winnow_operators.sim.geometry import Array
from winnow_operators.sim.noise import generator
from winnow_operators.sim.render.markings import Ink
from winnow_operators.sim.render.mounts import CAMERAS
from winnow_operators.sim.render.painter import Boxes, Colour, Image, Stage, paint_boxes, paint_markings
from winnow_operators.sim.render.projection import View, view
from winnow_operators.sim.scene.bodies import Surface
from winnow_operators.sim.scene.weather import Weather
from winnow_operators.sim.tick import Tick

JPEG_QUALITY = 44
"""With the ground's grain of ``GRAIN`` a frame of the apron has 30 kB (vehicle document 1.3; measured)."""
GRAIN = 3.8
"""Standard deviation of the ground's texture, grey levels."""
FULL_DAYLIGHT_LUX = 20_000.0
RAIN_FRAMES = 6
BACKDROPS = 48
"""Backdrops kept: four cameras under slowly changing light."""

COLOURS: dict[Surface, Colour] = {
    Surface.PAINT_WHITE: (232, 234, 236),
    Surface.PAINT_YELLOW: (40, 190, 235),
    Surface.PAINT_BLUE: (170, 95, 30),
    Surface.PAINT_RED: (45, 40, 190),
    Surface.METAL: (170, 168, 162),
    Surface.RUBBER: (38, 38, 40),
    Surface.GLASS: (110, 88, 62),
    Surface.ENGINE: (140, 136, 130),
    Surface.SKIN: (130, 160, 205),
    Surface.VEST: (30, 225, 215),
    Surface.TROUSERS: (90, 60, 45),
    Surface.FUR: (60, 90, 130),
    Surface.PLASTIC: (190, 186, 176),
    Surface.LIVERY: (150, 60, 35),
    Surface.CONCRETE: (168, 172, 176),
    Surface.STEEL_WALL: (120, 70, 40),
}
INKS: dict[Ink, Colour] = {Ink.WHITE: (225, 225, 225), Ink.YELLOW: (40, 190, 230), Ink.RED: (50, 50, 200)}
SKY_HIGH: Colour = (215, 165, 110)
SKY_LOW: Colour = (232, 220, 205)
GROUND_FAR: Colour = (150, 152, 152)
GROUND_NEAR: Colour = (112, 114, 116)
MIST: Colour = (205, 203, 200)


class CameraSuite:
    """Renders the four cameras at a scale of their area; a pure function of seed and tick."""

    def __init__(self, seed: int, scale: float) -> None:
        self._scale = math.sqrt(scale)
        self._stage = Stage()
        self._grain = generator(seed, "camera/grain")
        self._backdrops: dict[tuple[int, int, int], Image] = {}
        self._views: dict[int, View] = {}
        self._rain: list[Image] = []
        self._boxes: tuple[int, Boxes | None] = (-1, None)
        self._texture: Array | None = None
        self._streaks = generator(seed, "camera/rain")

    def jpeg(self, number: int, tick: Tick) -> bytes:
        """One frame of camera ``number`` (front, left, right, rear)."""
        image = self.image(number, tick)
        done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        assert done
        return bytes(data)

    def image(self, number: int, tick: Tick) -> Image:
        """The same before encoding, shape ``(height, width, 3)``, BGR."""
        camera = view(CAMERAS[number], tick.motion.pose, self._scale)
        weather = tick.weather
        light = brightness(weather.light_lux)
        mist = tuple(channel * light for channel in MIST)
        image = self._backdrop(number, camera, weather)

        def seen(colour: Colour, shade: float, distance_m: float) -> Colour:
            clear = math.exp(-3.0 * distance_m / weather.visibility_m)
            bright, hazy = shade * light * clear, 1.0 - clear
            return (
                min(255.0, colour[0] * bright + mist[0] * hazy),
                min(255.0, colour[1] * bright + mist[1] * hazy),
                min(255.0, colour[2] * bright + mist[2] * hazy),
            )

        paint_markings(image, camera, lambda ink, away: seen(INKS[ink], 0.9, away))
        if self._boxes[0] != tick.index:
            self._boxes = (tick.index, self._stage.at(tick))
        boxes = self._boxes[1]
        assert boxes is not None
        surfaces = boxes.surfaces
        paint_boxes(image, camera, boxes, lambda box, shade, away: seen(COLOURS[surfaces[box]], shade, away))
        if weather.rain_mm_h > 0.2:
            self._add_rain(image, tick.index + number, weather.rain_mm_h)
        return image

    def _backdrop(self, number: int, camera: View, weather: Weather) -> Image:
        """Sky and ground; the same while the light stays about the same, so it is remembered."""
        light = round(brightness(weather.light_lux) * 24)
        clear = round(min(weather.visibility_m, 12_000.0) ** 0.25 * 6)
        key = (number, light, clear)
        known = self._backdrops.get(key)
        if known is None:
            if len(self._backdrops) >= BACKDROPS:
                self._backdrops.clear()
            known = self._paint_backdrop(camera, light / 24, (clear / 6) ** 4)
            self._backdrops[key] = known
        return known.copy()

    def _paint_backdrop(self, camera: View, light: float, visibility_m: float) -> Image:
        rows = np.arange(camera.height)[:, None]
        horizon = camera.horizon_px
        up = np.clip((horizon - rows) / max(horizon, 1.0), 0.0, 1.0)
        down = np.clip((rows - horizon) / max(camera.height - horizon, 1.0), 0.0, 1.0)
        sky = np.array(SKY_LOW) * (1 - up) + np.array(SKY_HIGH) * up
        ground = np.array(GROUND_FAR) * (1 - down) + np.array(GROUND_NEAR) * down
        with np.errstate(divide="ignore"):
            distance = np.where(
                rows > horizon, 1.75 * camera.focal_px / np.maximum(rows - horizon, 1e-6), 1e6
            )
        clear = np.exp(-3.0 * np.minimum(distance, 2500.0) / visibility_m)
        colour = np.where(rows > horizon, ground, sky)
        colour = light * (colour * clear + np.array(MIST) * (1 - clear))
        image = np.repeat(colour[:, None, :], camera.width, axis=1)
        grain = GRAIN * light * np.sqrt(down)[:, :, None] * self._grained(camera)
        painted: Image = np.clip(image + grain, 0, 255).astype(np.uint8)
        return painted

    def _grained(self, camera: View) -> Array:
        if self._texture is None or self._texture.shape[:2] != (camera.height, camera.width):
            rough = self._grain.standard_normal((camera.height, camera.width))
            smooth = np.asarray(cv2.GaussianBlur(rough, (0, 0), 1.0) * 3.0)
            self._texture = smooth[:, :, None]
        return self._texture

    def _add_rain(self, image: Image, index: int, rain_mm_h: float) -> None:
        """Streaks of drops near the lens."""
        if not self._rain:
            for _ in range(RAIN_FRAMES):
                layer = np.zeros(image.shape, np.uint8)
                height, width = image.shape[:2]
                for x, y, length in self._streaks.random((90, 3)).tolist():
                    start = (int(x * width), int(y * height))
                    end = (start[0] + int(0.004 * width), start[1] + int((0.01 + 0.02 * length) * height))
                    cv2.line(layer, start, end, (70, 70, 70), 1)
                self._rain.append(layer)
        strength = min(1.0, rain_mm_h / 8.0)
        cv2.addWeighted(image, 1.0, self._rain[index % RAIN_FRAMES], strength, 0.0, dst=image)


def brightness(light_lux: float) -> float:
    """How bright the picture is, 0.28-1: exposure control evens out most of it."""
    return min(
        1.0,
        max(
            0.28, 0.28 + 0.72 * math.log10(max(light_lux, 1.0) / 30.0) / math.log10(FULL_DAYLIGHT_LUX / 30.0)
        ),
    )
