"""Pictures out of camera messages: JPEG, PNG, raw, and H.264 or H.265 frame after frame."""

import re
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow_tools.convert.transcoding import PayloadError

Picture = NDArray[np.uint8]
"""(height, width, 3), BGR."""
PIXELS_MAX = 100_000_000
"""Of one picture: the largest camera modules have 64 million."""
PAYLOAD_MAX_BYTES = 256 * 1024 * 1024
_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_VIDEO = re.compile(r"h\.?26[45]|hevc|avc", re.IGNORECASE)
_BAYER = {
    "bayer_rggb8": cv2.COLOR_BayerBG2BGR,
    "bayer_bggr8": cv2.COLOR_BayerRG2BGR,
    "bayer_gbrg8": cv2.COLOR_BayerGR2BGR,
    "bayer_grbg8": cv2.COLOR_BayerGB2BGR,
}
_PLAIN: dict[str, tuple[str, int, int | None]] = {
    "rgb8": ("u1", 3, cv2.COLOR_RGB2BGR),
    "bgr8": ("u1", 3, None),
    "8uc3": ("u1", 3, None),
    "rgba8": ("u1", 4, cv2.COLOR_RGBA2BGR),
    "bgra8": ("u1", 4, cv2.COLOR_BGRA2BGR),
    "mono8": ("u1", 1, cv2.COLOR_GRAY2BGR),
    "8uc1": ("u1", 1, cv2.COLOR_GRAY2BGR),
    "mono16": ("u2", 1, cv2.COLOR_GRAY2BGR),
    "16uc1": ("u2", 1, cv2.COLOR_GRAY2BGR),
    "32fc1": ("f4", 1, cv2.COLOR_GRAY2BGR),
    "yuv422": ("u1", 2, cv2.COLOR_YUV2BGR_UYVY),
    "uyvy": ("u1", 2, cv2.COLOR_YUV2BGR_UYVY),
    "yuv422_yuy2": ("u1", 2, cv2.COLOR_YUV2BGR_YUY2),
    "yuyv": ("u1", 2, cv2.COLOR_YUV2BGR_YUY2),
    **{name: ("u1", 1, code) for name, code in _BAYER.items()},
}
"""Encoding of a raw image -> type of a value, values per pixel, and OpenCV's conversion."""


class Video:
    """One camera's decoder of H.264 or H.265: frames need those before them."""

    def __init__(self, video_format: str) -> None:
        """Prepare for the format that the messages name."""
        import av

        name = "hevc" if "265" in video_format or "hevc" in video_format.lower() else "h264"
        self._context = av.CodecContext.create(name, "r")
        self._packet = av.Packet
        self._error = av.FFmpegError
        self._begun = False

    def frame(self, data: bytes) -> Picture | None:
        """The newest picture after one more message; None when there is none yet."""
        try:
            frames = [frame for packet in self._context.parse(data) for frame in self._context.decode(packet)]
            frames += [frame for packet in self._context.parse(b"") for frame in self._context.decode(packet)]
        except (self._error, ValueError) as error:
            if not self._begun:
                return None  # before its first key frame a video is noise
            raise PayloadError(str(error)[:120]) from None
        if not frames:
            return None
        self._begun = True
        last = frames[-1]
        if last.width * last.height > PIXELS_MAX:
            raise PayloadError(f"{last.width} x {last.height} pixels, the limit is {PIXELS_MAX:,}")
        return np.asarray(last.to_ndarray(format="bgr24"), np.uint8)


def is_video(message: Any, data: bytes) -> bool:
    """Whether a message of a compressed image is a frame of a video."""
    return not data.startswith((_JPEG, _PNG)) and bool(_VIDEO.search(str(message.format)))


def payload(message: Any) -> bytes:
    """The encoded picture of a message."""
    if len(message.data) > PAYLOAD_MAX_BYTES:
        raise PayloadError(f"{len(message.data):,} bytes, the limit is {PAYLOAD_MAX_BYTES:,}")
    return bytes(message.data)


def still(data: bytes) -> Picture:
    """Decode JPEG, PNG and whatever else OpenCV knows.

    Raises:
        PayloadError: it is none of them, damaged, or too large.

    """
    width, height = _size(data)
    if width * height > PIXELS_MAX:
        raise PayloadError(f"{width} x {height} pixels, the limit is {PIXELS_MAX:,}")
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise PayloadError(str(error).splitlines()[0][:120]) from None
    if picture is None:
        raise PayloadError("no picture in a known format")
    return np.asarray(picture, np.uint8)


def raw(message: Any) -> Picture:
    """A raw image.

    Raises:
        PayloadError: its encoding is unknown, or its size and its data disagree.

    """
    encoding = str(message.encoding).lower()
    if encoding not in _PLAIN:
        raise PayloadError(f"the encoding {str(message.encoding)[:40]!r} is not drawn")
    kind, channels, conversion = _PLAIN[encoding]
    height, width, step = int(message.height), int(message.width), int(message.step)
    dtype = np.dtype((">" if getattr(message, "is_bigendian", 0) else "<") + kind)
    row = width * channels * dtype.itemsize
    if not 0 < height * width <= PIXELS_MAX or step < row or height * step > len(message.data):
        raise PayloadError(
            f"{width} x {height} {encoding} with {step} bytes per row, and {len(message.data):,} bytes in all"
        )
    lines = np.frombuffer(bytes(message.data), np.uint8, height * step).reshape(height, step)[:, :row]
    values = np.ascontiguousarray(lines).view(dtype).reshape(height, width, channels)
    return _as_bgr(values, conversion)


def _as_bgr(values: NDArray[Any], conversion: int | None) -> Picture:
    if values.dtype.itemsize > 1:  # depth, thermal: what there is from the coldest to the warmest
        numbers = values.astype(np.float32)
        finite = numbers[np.isfinite(numbers)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
        scaled = (np.nan_to_num(numbers, nan=low, posinf=high, neginf=low) - low) * (
            255.0 / ((high - low) or 1.0)
        )
        values = scaled.astype(np.uint8)
    if conversion is None:
        return np.ascontiguousarray(values)
    try:
        return np.asarray(cv2.cvtColor(values, conversion), np.uint8)
    except cv2.error as error:
        raise PayloadError(str(error).splitlines()[0][:120]) from None


def _size(data: bytes) -> tuple[int, int]:
    """Width and height as the head of a JPEG or PNG says, before anything is decoded."""
    if data.startswith(_PNG) and len(data) >= 24:
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if not data.startswith(_JPEG):
        raise PayloadError("neither JPEG nor PNG")
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        mark = data[place + 1]
        if 0xC0 <= mark <= 0xCF and mark not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[place + 7 : place + 9], "big"), int.from_bytes(
                data[place + 5 : place + 7], "big"
            )
        place += 1 if mark == 0xFF else 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    raise PayloadError("a JPEG without a size")
