"""Thermal cameras: H.264 or H.265 streams of the scene in shades of heat, a key frame every second."""

import math
from enum import StrEnum
from fractions import Fraction

import av
import numpy as np

from winnow_operators.sim.noise import generator
from winnow_operators.sim.render.markings import Ink
from winnow_operators.sim.render.mounts import THERMALS
from winnow_operators.sim.render.painter import Boxes, Image, Stage, paint_boxes, paint_markings
from winnow_operators.sim.render.projection import View, view
from winnow_operators.sim.scene.bodies import Surface
from winnow_operators.sim.tick import Tick

RATE_HZ = 30
GOP_FRAMES = 30
"""A key frame every second; each group of pictures is encoded on its own, so that one can begin at any."""
PATTERN = 3.0
"""Fixed-pattern noise of the microbolometer, grey levels: the same in every frame."""
FLICKER = 1.75
"""Temporal noise, grey levels."""
VARIANTS = 8
"""Noisy backgrounds that take turns."""


class Codec(StrEnum):
    """How thermal streams are encoded; also the ``format`` of their messages."""

    H264 = "h264"
    """About an eighth of the other's work at the same size (measured): the default."""
    H265 = "h265"
    """What the vehicle document names."""


QUANTISER: dict[Codec, int] = {Codec.H264: 20, Codec.H265: 20}
"""With the noise above a frame has 8 kB in the mean (vehicle document 1.3; measured)."""
SKY, GROUND = 22.0, 92.0

GREYS: dict[Surface, float] = {
    Surface.PAINT_WHITE: 84.0,
    Surface.PAINT_YELLOW: 96.0,
    Surface.PAINT_BLUE: 100.0,
    Surface.PAINT_RED: 98.0,
    Surface.METAL: 66.0,
    Surface.RUBBER: 124.0,
    Surface.GLASS: 58.0,
    Surface.ENGINE: 190.0,
    Surface.SKIN: 232.0,
    Surface.VEST: 196.0,
    Surface.TROUSERS: 178.0,
    Surface.FUR: 205.0,
    Surface.PLASTIC: 88.0,
    Surface.LIVERY: 82.0,
    Surface.CONCRETE: 104.0,
    Surface.STEEL_WALL: 72.0,
}
"""Apparent temperature as a grey level."""
WARMTH = 42.0
"""On top for parts with an engine or a body inside."""
INK_GREYS: dict[Ink, float] = {Ink.WHITE: 84.0, Ink.YELLOW: 88.0, Ink.RED: 90.0}


class ThermalSuite:
    """Encodes the two streams. Frames of a camera must be asked for in order, from a key frame on."""

    def __init__(self, seed: int, scale: float, codec: Codec = Codec.H264) -> None:
        self._scale = math.sqrt(scale)
        self._codec = codec
        self._stage = Stage()
        self._random = generator(seed, "thermal/noise")
        self._backgrounds: list[Image] = []
        self._boxes: tuple[int, Boxes | None] = (-1, None)
        self._images: dict[int, tuple[int, Image]] = {}
        self._encoders: dict[int, _Encoder] = {}

    def frame(self, number: int, frame: int, tick: Tick) -> bytes:
        """Encoded frame ``frame`` (counted from 0) of camera ``number``."""
        image = self.image(number, tick)
        if frame % GOP_FRAMES == 0:
            height, width = image.shape
            self._encoders[number] = _Encoder(self._codec, width, height)
        return self._encoders[number].encode(image)

    def image(self, number: int, tick: Tick) -> Image:
        """The picture before encoding, shape ``(height, width)``; one per tick."""
        known = self._images.get(number)
        if known is not None and known[0] == tick.index:
            return known[1]
        camera = view(THERMALS[number], tick.motion.pose, self._scale)
        image = self._paint(camera, tick)
        self._images[number] = (tick.index, image)
        return image

    def _paint(self, camera: View, tick: Tick) -> Image:
        image = self._background(camera, tick.index)
        # Long-wave infrared sees about four times as far through fog as light does.
        reach_m = 4.0 * tick.weather.visibility_m

        def seen(grey: float, away: float) -> tuple[float, float, float]:
            clear = math.exp(-3.0 * away / reach_m)
            value = grey * clear + GROUND * (1.0 - clear)
            return value, value, value

        paint_markings(image, camera, lambda ink, away: seen(INK_GREYS[ink], away))
        if self._boxes[0] != tick.index:
            self._boxes = (tick.index, self._stage.at(tick))
        boxes = self._boxes[1]
        assert boxes is not None
        greys = [
            GREYS[surface] + (WARMTH if warm and surface is not Surface.ENGINE else 0.0)
            for surface, warm in zip(boxes.surfaces, boxes.warm, strict=True)
        ]
        paint_boxes(
            image, camera, boxes, lambda box, shade, away: seen(greys[box] * (0.9 + 0.1 * shade), away)
        )
        return image

    def _background(self, camera: View, index: int) -> Image:
        if not self._backgrounds:
            shape = (camera.height, camera.width)
            horizon = min(max(round(camera.horizon_px), 0), camera.height)
            still = np.full(shape, GROUND) + PATTERN * self._random.standard_normal(shape)
            still[:horizon] += SKY - GROUND
            for _ in range(VARIANTS):
                noisy = still + FLICKER * self._random.standard_normal(shape)
                self._backgrounds.append(np.clip(noisy, 0, 255).astype(np.uint8))
        return self._backgrounds[index % VARIANTS].copy()


_SINGLE_THREAD: dict[Codec, dict[str, str]] = {
    Codec.H264: {"threads": "1"},
    Codec.H265: {
        "pools": "none",
        "frame-threads": "1",
        "log-level": "none",
        "rc-lookahead": "0",
        "bframes": "0",
    },
}


class _Encoder:
    """One group of pictures: the first frame is a key frame, each frame gives its packet at once."""

    def __init__(self, codec: Codec, width: int, height: int) -> None:
        context = av.CodecContext.create("libx264" if codec is Codec.H264 else "libx265", "w")
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base = Fraction(1, RATE_HZ)
        context.framerate = Fraction(RATE_HZ)
        context.thread_count = 1
        # One thread and no look-ahead: the same pictures give the same bytes, without delay.
        parameters = {
            "keyint": str(GOP_FRAMES),
            "min-keyint": str(GOP_FRAMES),
            "scenecut": "0",
            "qp": str(QUANTISER[codec]),
            "repeat-headers": "1",
            **_SINGLE_THREAD[codec],
        }
        joined = ":".join(f"{key}={value}" for key, value in parameters.items())
        context.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "x264-params" if codec is Codec.H264 else "x265-params": joined,
        }
        self._context = context
        self._chroma = b"\x80" * (width * height // 4)
        self._count = 0

    def encode(self, image: Image) -> bytes:
        height, width = image.shape
        frame = av.VideoFrame.from_ndarray(
            np.vstack([image, np.full((height // 2, width), 128, np.uint8)]), "yuv420p"
        )
        frame.pts = self._count
        self._count += 1
        packets = self._context.encode(frame)
        return b"".join(bytes(packet) for packet in packets)
