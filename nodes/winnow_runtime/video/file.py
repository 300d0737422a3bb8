"""One video file, decoded by PyAV."""

import contextlib
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import av
import cv2
import numpy as np
import numpy.typing as npt

from winnow_operators.dashcam.text.finding import Image
from winnow_schemas.errors import BadInputError

MOST_PIXELS = 8192 * 4320
"""8K; a header that asks for more asks for gigabytes per frame."""
MOST_FRAMES = 2_000_000
"""Nine hours at 60 frames per second: longer recordings come in files."""
GRAY_WIDTH_PX = 320
"""Width of the reduced picture that the gate looks at."""
SUFFIXES = frozenset(
    {".mp4", ".mov", ".mkv", ".avi", ".ts", ".m4v", ".mpg", ".mpeg", ".webm", ".3gp", ".mts"}
)


class SmallFrame(NamedTuple):
    """A frame as the gate sees it."""

    number: int
    """Place in the order of presentation, from 0."""
    t_ns: int
    """Time since the first frame."""
    gray: npt.NDArray[np.uint8]
    """Shape ``(height, 320)`` or smaller: brightness, not turned."""
    picture: Any
    """The decoded frame; valid until the next one is asked for."""


class Video:
    """A video that can be decoded; a context manager."""

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        """Open and check.

        Raises:
            BadInputError: there is no video that can be decoded.

        """
        self.path = path
        try:
            if not path.stat().st_size:
                raise BadInputError(f"{path.name} is empty (0 bytes); no frame was looked at.")
            self._container = av.open(str(path), metadata_errors="ignore")
        except (OSError, av.FFmpegError) as error:
            raise BadInputError(
                f"{path.name} is not a video that can be opened ({_cause(error)}; perhaps cut short or another kind of "
                "file); no frame was looked at."
            ) from None
        streams = self._container.streams.video
        if not streams:
            self._container.close()
            raise BadInputError(f"{path.name} has no video track; no frame was looked at.")
        self._stream = streams[0]
        self._stream.thread_type = "AUTO"
        self._stream.thread_count = threads
        context = self._stream.codec_context
        self.codec = str(context.name)
        self.coded_width_px, self.coded_height_px = int(context.width), int(context.height)
        if not 0 < self.coded_width_px * self.coded_height_px <= MOST_PIXELS:
            self._container.close()
            raise BadInputError(
                f"{path.name} has frames of {self.coded_width_px} x {self.coded_height_px} pixels, allowed are 1 to "
                f"{MOST_PIXELS} in all; no frame was looked at."
            )
        rate = self._stream.average_rate or self._stream.guessed_rate or Fraction(25)
        self.fps = float(rate) if 0 < rate < 1000 else 25.0
        self._base = self._stream.time_base or Fraction(1, 90000)
        self.turned_deg = 0
        self.problem = ""
        """Why decoding ended before the file did; empty when all is well."""
        self._first: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    @property
    def expected_frames(self) -> int:
        """As far as the container tells; 0 when it does not."""
        frames = int(self._stream.frames or 0)
        if not frames and self._stream.duration:
            frames = round(float(self._stream.duration * self._base) * self.fps)
        return min(max(frames, 0), MOST_FRAMES)

    @property
    def created(self) -> str:
        """When the camera says that it began, as it writes it; empty when it does not."""
        return str(self._container.metadata.get("creation_time", ""))

    def _decoded(self, from_pts: int | None = None) -> Iterator[tuple[Any, int]]:
        if from_pts is not None:
            self._container.seek(from_pts, stream=self._stream, backward=True, any_frame=False)
        last = -1
        try:
            for frame in self._container.decode(self._stream):
                pts = frame.pts if frame.pts is not None else last + 1
                if self._first is None:
                    self._first = pts
                    self.turned_deg = int(getattr(frame, "rotation", 0) or 0) % 360
                last = pts
                yield frame, round((pts - self._first) * self._base * 1_000_000_000)
        except (av.FFmpegError, OSError, ValueError) as error:
            self.problem = f"decoding stopped after {max(0, last)} ticks: {_cause(error)}"

    def small(self) -> Iterator[SmallFrame]:
        """All frames, reduced; ends early, with :attr:`problem` set, where the file is damaged.

        Raises:
            BadInputError: it has more frames than a video may have.

        """
        for number, (frame, t_ns) in enumerate(self._decoded()):
            if number >= MOST_FRAMES:
                raise BadInputError(
                    f"{self.path.name} has more than {MOST_FRAMES} frames; the rest was not looked at."
                )
            yield SmallFrame(number, t_ns, reduced(frame), frame)

    def picture(self, frame: Any) -> Image:
        """A decoded frame whole and upright, shape ``(height, width, 3)``, blue, green, red."""
        image = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
        return upright(image, self.turned_deg)

    def pictures(self, times_ns: list[int]) -> Iterator[tuple[int, Image]]:
        """The frames shown at given times, whole; seeks where that saves decoding. Times ascend."""
        if self._first is None:
            next(self._decoded(0), None)
        wanted = sorted(set(times_ns))
        while wanted:
            start = (self._first or 0) + math.floor(wanted[0] / 1e9 / self._base)
            count = len(wanted)
            yield from self._run(start, wanted)
            if len(wanted) == count:
                return

    def _run(self, start: int, wanted: list[int]) -> Iterator[tuple[int, Image]]:
        """Decode from a key frame on, taking from ``wanted`` what was found or passed, until a seek pays."""
        for frame, t_ns in self._decoded(start):
            found = False
            while wanted and wanted[0] <= t_ns + _SAME_NS:
                found = found or wanted[0] >= t_ns - _SAME_NS
                wanted.pop(0)
            if found:
                yield t_ns, self.picture(frame)
                # Only after a frame that was wanted: key frames may lie far before the next one.
                if wanted and wanted[0] - t_ns > _SEEK_PAYS_NS:
                    return
            if not wanted:
                return


_SAME_NS = 1_000_000
"""Times of one frame, computed twice, differ by less than a millisecond."""
_SEEK_PAYS_NS = 4_000_000_000
"""Key frames are one or two seconds apart: over a longer gap, a seek is cheaper than decoding on."""


def reduced(frame: Any) -> npt.NDArray[np.uint8]:
    """Brightness of a decoded frame, 320 pixels wide; from the luma plane without conversion where there is one."""
    name = frame.format.name
    if "yuv" not in name or "le" in name or "be" in name:
        return _small(frame.to_ndarray(format="gray"))
    plane = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
    full = name.startswith("yuvj") or int(frame.color_range or 0) == _FULL_RANGE
    return _small(rows) if full else np.asarray(cv2.LUT(_small(rows), _WIDENED), np.uint8)


_FULL_RANGE = 2
"""FFmpeg's AVCOL_RANGE_JPEG; everything else, and what is not said, is limited."""
_WIDENED = np.clip(np.round((np.arange(256) - 16) * 255 / 219), 0, 255).astype(np.uint8)
"""Limited luma goes from 16 to 235 (ITU-R BT.601 and BT.709): a lens cap is 16, not 0."""


def _small(rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    height, width = rows.shape
    if width <= GRAY_WIDTH_PX:
        return np.ascontiguousarray(rows)
    # Every n-th row and column first: averaging 2 megapixels costs as much as a third of decoding them.
    step = max(1, width // (2 * GRAY_WIDTH_PX))
    size = (GRAY_WIDTH_PX, max(1, round(height * GRAY_WIDTH_PX / width)))
    return np.asarray(cv2.resize(rows[::step, ::step], size, interpolation=cv2.INTER_AREA), np.uint8)


def upright(image: npt.NDArray[np.uint8], turned_deg: int) -> npt.NDArray[np.uint8]:
    """A picture turned as the container says; PyAV counts counter-clockwise."""
    codes = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}
    if turned_deg not in codes:
        return image
    return np.asarray(cv2.rotate(image, codes[turned_deg]), np.uint8)


def _cause(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    with contextlib.suppress(AttributeError):
        text = text.strip()
    return (text or type(error).__name__)[:160]
