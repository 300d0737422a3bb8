"""Short drives with one plate, as files: the smallest videos that the dashcam stages have something to do with."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from winnow_operators.dashcam.scenes.photos import paste, street
from winnow_operators.dashcam.scenes.plates import STYLES, plate_picture

FPS = 20


def write_small_drive(path: Path, text: str = "RK891AU", *, frames: int = 40, seed: int = 4) -> Path:
    """Drive up to a car with a plate, 960 x 540; houses without signs, so nothing else could be one."""
    generator = np.random.default_rng(seed)
    scene = street(generator)
    scene[:270] = cv2.resize(generator.integers(40, 220, (14, 48, 3), np.uint8), (960, 270))
    plate = plate_picture(text, STYLES[1])
    with av.open(str(path), "w") as sink:
        stream = sink.add_stream("libx264", rate=Fraction(FPS))
        stream.width, stream.height, stream.pix_fmt = 960, 540, "yuv420p"
        for i in range(frames):
            image = np.roll(scene, -4 * i, axis=1).copy()
            part = 40 * i / frames
            wide, x, y = 120 + 2 * part, 300 + part, 350.0
            high = wide * plate.shape[0] / plate.shape[1]
            paste(image, plate, np.array([[x, y], [x + wide, y], [x + wide, y + high], [x, y + high]]))
            sink.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        sink.mux(stream.encode(None))
    return path
