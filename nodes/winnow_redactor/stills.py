"""Single pictures: JPEG, PNG and raw pixels, to an array and back in the same form."""

import struct
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow_operators.privacy.covering import Pixels
from winnow_redactor.envelope import Wrapped
from winnow_schemas.errors import BadInputError

MAX_PIXELS = 64_000_000
"""Of a picture, looked at before anything is decoded."""
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
"""JPEG frame headers of the kinds that are decoded: baseline, extended, progressive."""
_PLAIN: dict[str, tuple[str, int, int | None]] = {
    # ROS and Foxglove pixel encoding: type, channels, conversion to BGR for the detectors.
    "rgb8": ("u1", 3, cv2.COLOR_RGB2BGR),
    "bgr8": ("u1", 3, None),
    "8UC3": ("u1", 3, None),
    "rgba8": ("u1", 4, cv2.COLOR_RGBA2BGR),
    "bgra8": ("u1", 4, cv2.COLOR_BGRA2BGR),
    "8UC4": ("u1", 4, cv2.COLOR_BGRA2BGR),
    "mono8": ("u1", 1, cv2.COLOR_GRAY2BGR),
    "8UC1": ("u1", 1, cv2.COLOR_GRAY2BGR),
    "mono16": ("u2", 1, cv2.COLOR_GRAY2BGR),
    "16UC1": ("u2", 1, cv2.COLOR_GRAY2BGR),
    "bayer_rggb8": ("u1", 1, cv2.COLOR_BayerRGGB2BGR),
    "bayer_bggr8": ("u1", 1, cv2.COLOR_BayerBGGR2BGR),
    "bayer_gbrg8": ("u1", 1, cv2.COLOR_BayerGBRG2BGR),
    "bayer_grbg8": ("u1", 1, cv2.COLOR_BayerGRBG2BGR),
    "yuv422": ("u1", 2, cv2.COLOR_YUV2BGR_UYVY),
    "uyvy": ("u1", 2, cv2.COLOR_YUV2BGR_UYVY),
    "yuv422_yuy2": ("u1", 2, cv2.COLOR_YUV2BGR_YUY2),
    "yuyv": ("u1", 2, cv2.COLOR_YUV2BGR_YUY2),
}


@dataclass(frozen=True, slots=True)
class Still:
    """A decoded picture."""

    pixels: Pixels
    """As it is encoded; covers are drawn here."""
    form: str
    """``jpeg``, ``png``, or the raw pixel encoding."""
    padding: int = 0
    """Bytes behind each row of a raw picture."""

    @property
    def bgr(self) -> NDArray[np.uint8]:
        """What detectors look at, shape ``(height, width, 3)``."""
        pixels = self.pixels
        if pixels.dtype != np.uint8:
            top = max(1.0, float(pixels.max()))
            pixels = (pixels.astype(np.float32) * (255.0 / top)).astype(np.uint8)
        conversion = _PLAIN[self.form][2] if self.form in _PLAIN else _CONVERSIONS.get(_channels(pixels))
        done: Any = pixels if conversion is None else cv2.cvtColor(pixels, conversion)
        return np.asarray(done, np.uint8)

    def encode(self, quality: int) -> bytes:
        """The picture in its form again, without anything beside the pixels (no thumbnail, no comment)."""
        if self.form == "jpeg":
            done, data = cv2.imencode(".jpg", self.pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        elif self.form == "png":
            done, data = cv2.imencode(".png", self.pixels, [cv2.IMWRITE_PNG_COMPRESSION, 3])
        else:
            rows = self.pixels.reshape(self.pixels.shape[0], -1).view(np.uint8)
            return np.pad(rows, ((0, 0), (0, self.padding))).tobytes()
        if not done:
            raise BadInputError(f"the picture could not be encoded as {self.form} again")
        return bytes(data)


_CONVERSIONS = {1: cv2.COLOR_GRAY2BGR, 4: cv2.COLOR_BGRA2BGR}


def _channels(pixels: Pixels) -> int:
    return 1 if pixels.ndim == 2 else int(pixels.shape[2])


def decode(wrapped: Wrapped) -> Still:
    """Decode a single picture.

    Raises:
        BadInputError: it is damaged, too large, or of a form that is not known.

    """
    if wrapped.raw is not None:
        return _raw(wrapped)
    data = wrapped.data
    if data.startswith(_JPEG):
        form, size = "jpeg", jpeg_size(data)
    elif data.startswith(_PNG):
        form, size = "png", _png_size(data)
    else:
        raise BadInputError(f"{wrapped.form[:40]!r} is no picture that can be decoded")
    if size is None or not 0 < size[0] * size[1] <= MAX_PIXELS:
        raise BadInputError(f"the {form.upper()} has no size, or more than {MAX_PIXELS} pixels")
    if form == "jpeg" and not _complete(data):
        raise BadInputError("the JPEG is cut off")
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        pixels = None
    if pixels is None or pixels.shape[:2] != (size[1], size[0]):
        raise BadInputError(f"the {form.upper()} is damaged")
    return Still(pixels, form)


def _complete(data: bytes) -> bool:
    """Whether the end marker is there: OpenCV paints what is missing grey, and says nothing."""
    return b"\xff\xd9" in data[-4096:]


def _raw(wrapped: Wrapped) -> Still:
    assert wrapped.raw is not None
    width, height, step, big_endian = wrapped.raw
    if wrapped.form not in _PLAIN:
        raise BadInputError(f"nobody can read the pixel encoding {wrapped.form[:40]!r}")
    code, channels, _ = _PLAIN[wrapped.form]
    dtype = np.dtype((">" if big_endian else "<") + code)
    row = width * channels * dtype.itemsize
    if not 0 < width * height <= MAX_PIXELS or step < row or len(wrapped.data) != step * height:
        raise BadInputError(
            f"a picture of {width} x {height} in {wrapped.form} with rows of {step} bytes does not have {len(wrapped.data)} bytes"
        )
    rows = np.frombuffer(wrapped.data, np.uint8).reshape(height, step)[:, :row]
    pixels = np.ascontiguousarray(rows).view(dtype).reshape(height, width, channels)
    return Still(pixels[..., 0] if channels == 1 else pixels, wrapped.form, step - row)


def _png_size(data: bytes) -> tuple[int, int] | None:
    return struct.unpack(">II", data[16:24]) if data[12:16] == b"IHDR" and len(data) > 24 else None


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height as the frame header says; None without one."""
    at = 2
    while at + 9 < len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        if marker in (0xDA, 0xD9):
            return None
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None
