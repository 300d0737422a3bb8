"""Raw images as H.264 or H.265 through PyAV: one message, one packet, each frame looked at after decoding.

A frame that is worse than the stated PSNR begins a new stream with a lower rate factor; where that ends, the
frame is stored without loss. 16-bit images (thermal) are put on 8 bits first; the range that is in the
message is widened when a frame leaves it.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from winnow_operators.packing import PackingError, foxglove
from winnow_operators.packing.image_layout import FORMS, SIDE_MAX, ImageLayout
from winnow_operators.packing.wire import PackedReader, PackedWriter
from winnow_schemas.errors import UnavailableError
from winnow_schemas.settings.packing import PackingSettings, VideoEncoder

VIDEO = 4
"""Its codec number."""
_CRF_STEP = 6
_ENCODINGS = tuple(FORMS)
_DECODERS = {"h264": "h264", "h265": "hevc"}
_MARGIN = 0.1
"""A 16-bit range is widened by this part more than a frame needs, so that not every frame begins a stream."""
_PIXELS_MAX = 64_000_000


@dataclass(frozen=True, slots=True)
class Encoded:
    """A frame as a message, and how good it is."""

    message: bytes
    psnr_db: float


class FrameEncoder:
    """Frames of one channel in order."""

    def __init__(self, settings: PackingSettings) -> None:
        self._settings = settings
        self._crf = settings.video_crf
        self._stream: _Stream | None = None
        self._range = (0, 0)

    def encode(self, payload: bytes | memoryview, layout: ImageLayout) -> Encoded | None:
        """The frame's message; None when no rate factor is good enough: the next frame begins a new stream.

        Raises:
            UnavailableError: the encoder that the settings name is not there.

        """
        pixels = layout.pixels(payload)
        low, high = self._span(pixels)
        shown = _to_8_bits(pixels, low, high)
        crf = self._crf
        while crf >= 0:
            if self._stream is None or not self._stream.fits(layout, crf):
                self._stream = _Stream(layout, crf, self._settings)
            packet = self._stream.encode(shown)
            found = self._stream.decode(packet)
            psnr = _psnr(pixels, _from_8_bits(found, pixels.dtype, low, high), high - low)
            if psnr >= self._settings.video_min_psnr_db:
                self._crf = crf
                return Encoded(self._message(payload, layout, packet, low, high), psnr)
            self._stream = None
            crf = crf - _CRF_STEP if crf >= _CRF_STEP or crf == 0 else 0
        return None

    def _span(self, pixels: NDArray[np.generic]) -> tuple[int, int]:
        if pixels.dtype.itemsize == 1:
            return 0, 255
        low, high = int(pixels.min()), int(pixels.max())
        if low < self._range[0] or high > self._range[1] or self._range == (0, 0):
            room = int((high - low) * _MARGIN) + 1
            self._range = max(0, low - room), min(0xFFFF, high + room)
            self._stream = None
        return self._range

    def _message(
        self, payload: bytes | memoryview, layout: ImageLayout, packet: bytes, low: int, high: int
    ) -> bytes:
        writer = PackedWriter(VIDEO)
        view = memoryview(payload)
        writer.data(view[: layout.begin])
        writer.data(view[layout.end :])
        for number in (layout.width, layout.height, _ENCODINGS.index(layout.encoding), low, high):
            writer.number(number)
        form = self._settings.encoder.form
        return foxglove.video_message(layout.stamp_ns, layout.frame_id, packet, form, writer.whole())


class FrameDecoder:
    """Messages of one channel in order."""

    def __init__(self) -> None:
        self._codec: Any = None
        self._name = ""

    def decode(self, message: bytes | memoryview) -> bytes:
        """The image's payload, pixels as the video has them.

        Raises:
            PackingError: it is damaged, or not in its order.

        """
        fields = foxglove.bytes_fields(message)
        reader = PackedReader(fields.get(foxglove.RESTORE_FIELD, memoryview(b"")))
        head, tail = reader.data(), reader.data()
        width, height = reader.number(SIDE_MAX), reader.number(SIDE_MAX)
        form = FORMS[_ENCODINGS[reader.number(len(_ENCODINGS) - 1)]]
        low, high = reader.number(0xFFFF), reader.number(0xFFFF)
        reader.end()
        if width * height > _PIXELS_MAX:
            raise PackingError(
                f"A video frame says {width} x {height} pixels, at most {_PIXELS_MAX:,}; it was not unpacked."
            )
        name = _DECODERS.get(bytes(fields.get(4, b"")).decode("ascii", "replace"), "")
        if not name:
            raise PackingError("A video frame is of an unknown format; it was not unpacked.")
        if name != self._name:
            self._codec, self._name = _decoder(name), name
        shown = _one_frame(self._codec, bytes(fields.get(3, b"")), form.frame_format)
        if shown.shape[:2] != (height, width):
            raise PackingError(
                f"A video frame has {shown.shape[1]} x {shown.shape[0]} pixels and says {width} x {height}; it was not unpacked."
            )
        return b"".join((head, _from_8_bits(shown, form.dtype, low, high).tobytes(), tail))


class _Stream:
    """An encoder that begins with a key frame, and the decoder that looks at what it makes."""

    def __init__(self, layout: ImageLayout, crf: int, settings: PackingSettings) -> None:
        self._key = (layout.width, layout.height, layout.encoding, crf)
        self._format = layout.form.frame_format
        self._number = 0
        self._encoder = _encoder(layout, crf, settings)
        self._decoder = _decoder(_DECODERS[settings.encoder.form])

    def fits(self, layout: ImageLayout, crf: int) -> bool:
        return self._key == (layout.width, layout.height, layout.encoding, crf)

    def encode(self, shown: NDArray[np.uint8]) -> bytes:
        import av

        frame = av.VideoFrame.from_ndarray(shown, format=self._format).reformat(format="yuv420p")
        frame.pts = self._number
        self._number += 1
        packets = self._encoder.encode(frame)
        if len(packets) != 1:
            raise UnavailableError(
                f"The encoder {self._encoder.name} keeps frames back, which video in a clip cannot have; nothing was "
                "written. Set clips.packing.encoder to libx264 or libx265."
            )
        return bytes(packets[0])

    def decode(self, packet: bytes) -> NDArray[np.uint8]:
        return _one_frame(self._decoder, packet, self._format)


def _encoder(layout: ImageLayout, crf: int, settings: PackingSettings) -> Any:
    import av

    name = settings.encoder
    try:
        codec: Any = av.CodecContext.create(name.value, "w")
        codec.width, codec.height, codec.pix_fmt = layout.width, layout.height, "yuv420p"
        codec.time_base, codec.framerate = Fraction(1, 30), Fraction(30, 1)
        codec.gop_size, codec.max_b_frames, codec.thread_count = settings.video_gop, 0, 1
        codec.options = _options(name, crf, settings.video_gop)
        codec.open()
    except (av.FFmpegError, ValueError) as error:
        raise UnavailableError(
            f"The video encoder {name.value} cannot be used here ({error}); nothing was written. Set "
            "clips.packing.encoder to libx264 or libx265, or the topic's upload_codec to lossless."
        ) from None
    return codec


def _options(name: VideoEncoder, crf: int, gop: int) -> dict[str, str]:
    """One packet per frame, parameters before each key frame, one thread: the same bytes everywhere."""
    shared = f"keyint={gop}:bframes=0:repeat-headers=1:annexb=1"
    if name is VideoEncoder.LIBX264:
        more = f"{shared}:threads=1:sliced-threads=0"
        return {"crf": str(crf), "preset": "veryfast", "tune": "zerolatency", "x264-params": more}
    if name is VideoEncoder.LIBX265:
        more = f"{shared}:pools=none:frame-threads=1:log-level=none"
        return {"crf": str(crf), "preset": "veryfast", "tune": "zerolatency", "x265-params": more}
    if name.value.endswith("nvenc"):
        return {
            "rc": "vbr",
            "cq": str(crf),
            "tune": "ull",
            "zerolatency": "1",
            "delay": "0",
            "forced-idr": "1",
        }
    if name.value.endswith("vaapi"):
        return {"rc_mode": "CQP", "qp": str(crf), "async_depth": "1"}
    return {}


def _decoder(name: str) -> Any:
    import av

    codec: Any = av.CodecContext.create(name, "r")
    codec.thread_count = 1
    codec.flags |= av.codec.context.Flags.low_delay
    return codec


def _one_frame(decoder: Any, packet: bytes, form: str) -> NDArray[np.uint8]:
    import av

    try:
        frames = decoder.decode(av.Packet(packet)) if packet else []
    except (av.FFmpegError, ValueError) as error:
        raise PackingError(f"A video frame is damaged ({error}); it was not unpacked.") from None
    if len(frames) != 1:
        raise PackingError(f"A video packet gave {len(frames)} frames instead of one; it was not unpacked.")
    if frames[0].width * frames[0].height > _PIXELS_MAX:
        raise PackingError(
            f"A video frame has {frames[0].width} x {frames[0].height} pixels; it was not unpacked."
        )
    found: NDArray[np.uint8] = frames[0].to_ndarray(format=form)
    return found


def _to_8_bits(pixels: NDArray[np.generic], low: int, high: int) -> NDArray[np.uint8]:
    if pixels.dtype.itemsize == 1:
        return np.ascontiguousarray(pixels).view(np.uint8)
    scaled = (pixels.astype(np.float32) - low) * (255.0 / max(1, high - low))
    result: NDArray[np.uint8] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return result


def _from_8_bits(
    shown: NDArray[np.uint8], dtype: np.dtype[np.generic], low: int, high: int
) -> NDArray[np.generic]:
    if dtype.itemsize == 1:
        return shown
    result: NDArray[np.generic] = np.rint(
        low + shown.astype(np.float32) * (max(1, high - low) / 255.0)
    ).astype(dtype)
    return result


def _psnr(one: NDArray[np.generic], other: NDArray[np.generic], peak: int) -> float:
    """Over all pixels and channels, in dB; of 16-bit images relative to the range that 8 bits span."""
    difference = one.astype(np.float32) - other.astype(np.float32)
    error = float(np.mean(np.square(difference), dtype=np.float64))
    return 99.0 if error == 0 else min(99.0, 10 * float(np.log10(max(1, peak) ** 2 / error)))
