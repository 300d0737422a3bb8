"""Short drives with one plate, as files: the smallest videos that the dashcam stages have something to do with."""

import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from winnow_operators.dashcam.scenes.photos import paste, street
from winnow_operators.dashcam.scenes.plates import STYLES, plate_picture
from winnow_operators.dashcam.text.finding import Image

FPS = 20
_TICKS = 90_000


def small_drive(text: str, frames: int, seed: int) -> Iterator[Image]:
    """Drive up to a car with a plate, 960 x 540; houses without signs, so nothing else could be one."""
    generator = np.random.default_rng(seed)
    scene = street(generator)
    scene[:270] = cv2.resize(generator.integers(40, 220, (14, 48, 3), np.uint8), (960, 270))
    plate = plate_picture(text, STYLES[1])
    for i in range(frames):
        image = np.roll(scene, -4 * i, axis=1).copy()
        part = 40 * i / frames
        wide, x, y = 120 + 2 * part, 300 + part, 350.0
        high = wide * plate.shape[0] / plate.shape[1]
        paste(image, plate, np.array([[x, y], [x + wide, y], [x + wide, y + high], [x, y + high]]))
        yield image


def write_small_drive(
    path: Path,
    text: str = "RK891AU",
    *,
    frames: int = 40,
    seed: int = 4,
    codec: str = "libx264",
    every: int = 1,
    time_s: Callable[[int], float] = lambda number: number / FPS,
    created: str = "",
    turned: bool = False,
) -> Path:
    """Encode a small drive.

    ``every``: only each n-th frame, at its own time; ``time_s``: when a frame was taken; ``turned``: as a phone that is
    held upright records it, on its side and with a note of that.
    """
    with av.open(str(path), "w") as sink:
        if created:
            sink.metadata["creation_time"] = created
        stream = sink.add_stream(codec, rate=Fraction(FPS))
        stream.width, stream.height = (540, 960) if turned else (960, 540)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, FPS) if codec == "mpeg4" else Fraction(1, _TICKS)
        if codec == "mpeg4":
            stream.bit_rate = 8_000_000
        for number, image in enumerate(small_drive(text, frames, seed)):
            if number % every:
                continue
            upright = cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE) if turned else image
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(upright), format="bgr24")
            frame.time_base = stream.codec_context.time_base
            frame.pts = round(time_s(number) / frame.time_base)
            sink.mux(stream.encode(frame))
        sink.mux(stream.encode(None))
    if turned:
        path.write_bytes(_quarter_turn(path.read_bytes()))
    return path


def _quarter_turn(data: bytes) -> bytes:
    """Set the matrix of the track header (ISO 14496-12, 8.3.2) to a quarter turn clockwise."""
    at = data.index(b"tkhd")
    matrix = at + 4 + 4 + 20 + 8 + 8  # after version and flags, five words, two reserved, layer to reserved
    turn = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 540 << 16, 0, 1 << 30)
    return data[:matrix] + turn + data[matrix + len(turn) :]
