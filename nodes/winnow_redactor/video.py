"""H.264 and H.265, one access unit per message: pictures out of it, and a new stream with as many access units.

The stream is read without reordering, so it must have no B-frames (Foxglove asks for the same); what comes out
begins with a key frame and has one where the source had one.
"""

from typing import Any

import av
import numpy as np
from av.video.frame import PictureType
from numpy.typing import NDArray

from winnow_redactor.stills import MAX_PIXELS
from winnow_schemas.errors import BadInputError

ENCODERS = {"h264": "libx264", "h265": "libx265"}
DECODERS = {"h264": "h264", "h265": "hevc"}
_LOW_DELAY = 0x0008_0000
_RATE = 30
"""Only for the encoder's rate control; a message's time is the time of its frame."""


def codec_of(form: str) -> str | None:
    """``h264``, ``h265``, or None when a format text names neither."""
    words = form.lower()
    if "h264" in words or "avc" in words:
        return "h264"
    return "h265" if "h265" in words or "hevc" in words else None


class Decoder:
    """Gives the picture of each access unit."""

    def __init__(self, codec: str) -> None:
        self._context: Any = av.CodecContext.create(DECODERS[codec], "r")
        self._context.thread_count = 1
        self._context.flags |= _LOW_DELAY
        self.size: tuple[int, int] | None = None

    def picture(self, data: bytes) -> tuple[NDArray[np.uint8], bool]:
        """The picture as BGR, and whether it is a key frame.

        Raises:
            BadInputError: this access unit gives none (damaged, or before the first key frame), or none that can be
                trusted.

        """
        try:
            frames = self._context.decode(av.Packet(data)) if data else []
        except (av.FFmpegError, ValueError) as error:
            raise BadInputError(f"the video is damaged ({type(error).__name__})") from None
        if not frames:
            raise BadInputError("the video has no picture here: damaged, or before its first key frame")
        frame = frames[-1]
        if len(frames) > 1 or frame.pict_type == PictureType.B:
            raise BadInputError(
                "the video has B-frames, so its pictures come in another order than its messages"
            )
        if frame.width * frame.height > MAX_PIXELS:
            raise BadInputError(
                f"the video has {frame.width} x {frame.height} pixels, the limit is {MAX_PIXELS}"
            )
        self.size = frame.width, frame.height
        if frame.is_corrupt:
            raise BadInputError("the picture is damaged")
        return frame.to_ndarray(format="bgr24"), bool(frame.key_frame)


class Encoder:
    """One access unit per picture, at once."""

    def __init__(self, codec: str, crf: int) -> None:
        self._codec, self._crf = codec, crf
        self._context: Any = None
        self._size: tuple[int, int] = (0, 0)
        self._count = 0

    def unit(self, image: NDArray[np.uint8], *, key: bool) -> bytes:
        """Encode a picture, shape ``(height, width, 3)``, BGR.

        Raises:
            BadInputError: the encoder does not take pictures of this size, or is not there.

        """
        size = image.shape[1], image.shape[0]
        try:
            if self._context is None or size != self._size:
                self._open(size)
                key = True
            frame: Any = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format="yuv420p")
            frame.pts = self._count
            frame.pict_type = PictureType.I if key else PictureType.NONE
            self._count += 1
            packets = [bytes(packet) for packet in self._context.encode(frame)]
        except (av.FFmpegError, ValueError) as error:
            raise BadInputError(
                f"{ENCODERS[self._codec]} cannot encode {size[0]} x {size[1]} ({error})"
            ) from None
        if len(packets) != 1:
            raise BadInputError(f"{ENCODERS[self._codec]} gave {len(packets)} access units for one picture")
        return packets[0]

    def _open(self, size: tuple[int, int]) -> None:
        context: Any = av.CodecContext.create(ENCODERS[self._codec], "w")
        context.width, context.height = self._size = size
        context.pix_fmt = "yuv420p"
        context.framerate = _RATE
        context.thread_count = 1
        context.max_b_frames = 0
        options = {"preset": "veryfast", "tune": "zerolatency", "crf": str(self._crf)}
        if self._codec == "h264":
            options["forced-idr"] = "1"
        else:
            options["preset"] = "ultrafast"
            options["x265-params"] = "log-level=none:bframes=0:repeat-headers=1:pools=1:frame-threads=1"
        context.options = options
        self._context = context
