"""A camera's messages as pictures: looked at in a first pass, written anew in a second."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from winnow_operators.privacy.covering import Pixels, cover_whole
from winnow_redactor.detectors.detector import Picture
from winnow_redactor.envelope import Wrapped, unwrap
from winnow_redactor.stills import Still, decode, jpeg_size
from winnow_redactor.video import Decoder, Encoder, codec_of
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.redaction import RedactorSettings

UNKNOWN_SIZE = (64, 64)
"""Of a frame covered whole whose size nobody knows."""
Draw = Callable[[Pixels], None]
"""Covers what is to be covered."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a first look at a message gave."""

    picture: Picture | None
    size: tuple[int, int] | None
    """Width and height, also of a picture that cannot be decoded, where they are known."""
    problem: str = ""
    """Why there is no picture."""
    stuck: bool = False
    """Not even a covered picture can be put in its place: the topic cannot leave."""


class Stream(Protocol):
    """The messages of one channel, in order; one object per pass."""

    def look(self, payload: bytes) -> Seen:
        """Decode the next message."""

    def rewrite(self, payload: bytes, draw: Draw | None, size: tuple[int, int] | None) -> bytes:
        """The next message with its picture drawn over; ``draw=None`` covers it whole, ``size`` is used where it cannot be decoded.

        Raises:
            BadInputError: it cannot be done.

        """


class StillStream:
    """JPEG, PNG and raw pictures: every message for itself."""

    def __init__(self, channel: Channel, settings: RedactorSettings) -> None:
        self._channel, self._settings = channel, settings

    def look(self, payload: bytes) -> Seen:
        try:
            wrapped = unwrap(self._channel, payload)
        except BadInputError as error:
            return Seen(None, None, str(error), stuck=True)
        try:
            picture = decode(wrapped).bgr
        except BadInputError as error:
            return Seen(None, _size(wrapped), str(error), stuck=_form(wrapped) is None)
        return Seen(picture, (picture.shape[1], picture.shape[0]))

    def rewrite(self, payload: bytes, draw: Draw | None, size: tuple[int, int] | None) -> bytes:
        wrapped = unwrap(self._channel, payload)
        try:
            still = decode(wrapped)
        except BadInputError:
            if draw is not None:
                raise
            return wrapped.rebuild(self._blank(wrapped, size or _size(wrapped) or UNKNOWN_SIZE))
        if not still.pixels.flags.writeable:
            still = Still(still.pixels.copy(), still.form, still.padding)
        (draw or cover_whole)(still.pixels)
        return wrapped.rebuild(still.encode(self._settings.jpeg_quality))

    def _blank(self, wrapped: Wrapped, size: tuple[int, int]) -> bytes:
        form = _form(wrapped)
        if form is None:
            raise BadInputError(f"{wrapped.form[:40]!r} cannot be covered")
        if form == "raw":
            return bytes(len(wrapped.data))
        pixels = np.zeros((size[1], size[0], 3), np.uint8)
        cover_whole(pixels)
        return Still(pixels, form).encode(self._settings.jpeg_quality)


def _size(wrapped: Wrapped) -> tuple[int, int] | None:
    size = jpeg_size(wrapped.data)
    return size if size is not None and 0 < size[0] * size[1] <= 64_000_000 else None


def _form(wrapped: Wrapped) -> str | None:
    """In which form a covered picture can take this one's place."""
    if wrapped.raw is not None:
        return "raw"
    words = wrapped.form.lower()
    if "depth" in words:
        return None  # its PNG begins behind a header of its own
    if wrapped.data.startswith(b"\x89PNG") or "png" in words:
        return "png"
    return "jpeg" if wrapped.data.startswith(b"\xff\xd8") or "jpeg" in words or "jpg" in words else None


class VideoStream:
    """H.264 and H.265: every picture depends on those before."""

    def __init__(self, channel: Channel, settings: RedactorSettings, codec: str) -> None:
        self._channel = channel
        self._decoder, self._encoder = Decoder(codec), Encoder(codec, settings.video_crf)

    def look(self, payload: bytes) -> Seen:
        try:
            wrapped = unwrap(self._channel, payload)
        except BadInputError as error:
            return Seen(None, None, str(error), stuck=True)
        try:
            picture, _ = self._decoder.picture(wrapped.data)
        except BadInputError as error:
            return Seen(None, self._decoder.size, str(error))
        return Seen(picture, (picture.shape[1], picture.shape[0]))

    def rewrite(self, payload: bytes, draw: Draw | None, size: tuple[int, int] | None) -> bytes:
        wrapped = unwrap(self._channel, payload)
        try:
            picture, key = self._decoder.picture(wrapped.data)
        except BadInputError:
            if draw is not None:
                raise
            wide, high = self._decoder.size or size or UNKNOWN_SIZE
            picture, key = np.zeros((high, wide, 3), np.uint8), False
        (draw or cover_whole)(picture)
        return wrapped.rebuild(self._encoder.unit(picture, key=key))


def stream_of(channel: Channel, first: bytes, settings: RedactorSettings) -> Stream:
    """The kind of stream that a channel's first payload shows."""
    try:
        wrapped = unwrap(channel, first)
    except BadInputError:
        return StillStream(channel, settings)
    codec = codec_of(wrapped.form) if wrapped.raw is None else None
    if codec is None or wrapped.data.startswith((b"\xff\xd8\xff", b"\x89PNG")):
        return StillStream(channel, settings)
    return VideoStream(channel, settings, codec)
