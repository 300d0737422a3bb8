"""Where the pixels stand in an encoded ``sensor_msgs/Image``."""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from winnow_operators.packing.ros_cursor import RosCursor
from winnow_schemas.channel import Channel

SIDE_MAX = 16_384
"""Pixels; H.265 ends at 8192, sensors below that."""
_SIDE_MIN = 16


@dataclass(frozen=True, slots=True)
class PixelForm:
    """How a pixel is stored."""

    channels: int
    dtype: np.dtype[np.generic]
    frame_format: str
    """FFmpeg's name of its 8-bit form."""


FORMS: dict[str, PixelForm] = {
    "rgb8": PixelForm(3, np.dtype("|u1"), "rgb24"),
    "bgr8": PixelForm(3, np.dtype("|u1"), "bgr24"),
    "8UC3": PixelForm(3, np.dtype("|u1"), "bgr24"),
    "mono8": PixelForm(1, np.dtype("|u1"), "gray"),
    "8UC1": PixelForm(1, np.dtype("|u1"), "gray"),
    "mono16": PixelForm(1, np.dtype("<u2"), "gray"),
    "16UC1": PixelForm(1, np.dtype("<u2"), "gray"),
}
"""What becomes video; Bayer patterns, alpha and depth in floats do not."""


@dataclass(frozen=True, slots=True)
class ImageLayout:
    """An image's payload is ``payload[:begin]``, the pixels, ``payload[end:]``."""

    begin: int
    end: int
    width: int
    height: int
    encoding: str
    stamp_ns: int
    frame_id: str

    @property
    def form(self) -> PixelForm:
        return FORMS[self.encoding]

    def pixels(self, payload: bytes | memoryview) -> NDArray[np.generic]:
        """Shape (height, width) or (height, width, 3)."""
        form = self.form
        count = self.width * self.height * form.channels
        flat = np.frombuffer(payload, form.dtype, count, self.begin)
        return flat.reshape((self.height, self.width, 3) if form.channels == 3 else (self.height, self.width))


def image_layout_of(channel: Channel, payload: bytes | memoryview) -> ImageLayout | None:
    """The layout; None for a payload that cannot become video: another encoding, odd sides, padded rows."""
    try:
        cursor = RosCursor(payload, channel.encoding)
        stamp_ns, frame_id = cursor.header()
        height, width = cursor.limited(SIDE_MAX), cursor.limited(SIDE_MAX)
        encoding = cursor.text()
        big_endian, step, size = cursor.byte(), cursor.number(), cursor.number()
    except (struct.error, ValueError, IndexError):
        return None
    form = FORMS.get(encoding)
    if form is None or min(width, height) < _SIDE_MIN or width % 2 or height % 2:
        return None
    row_bytes = width * form.channels * form.dtype.itemsize
    whole = step == row_bytes and size == row_bytes * height and cursor.at + size <= len(cursor.data)
    if not whole or (big_endian and form.dtype.itemsize > 1):
        return None
    return ImageLayout(cursor.at, cursor.at + size, width, height, encoding, stamp_ns, frame_id)
