"""Packs the messages of one channel: decides the codec, collects blocks, counts what comes of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from winnow_operators.packing.block import BLOCK_BYTES, BLOCK_MESSAGES, Timed, pack_block
from winnow_operators.packing.cloud import pack_cloud
from winnow_operators.packing.cloud_layout import is_cloud, layout_of
from winnow_operators.packing.draco import draco_fields, pack_draco
from winnow_operators.packing.entropy import Squeezer
from winnow_operators.packing.foxglove import cloud_message, video_message
from winnow_operators.packing.image_layout import image_layout_of
from winnow_operators.packing.pictures import is_encoded_picture, is_raw_image
from winnow_runtime.packing.video import FrameEncoder
from winnow_schemas.channel import Channel
from winnow_schemas.settings.packing import Codec, PackingSettings, Profile
from winnow_schemas.settings.topics import TopicSettings, UploadCodec
from winnow_schemas.sidecar import TopicPacking


@dataclass(slots=True)
class Tally:
    """What became of a topic so far."""

    payload_bytes: int = 0
    stored_bytes: int = 0
    error_m: float = 0.0
    intensity_error: float = 0.0
    psnr_db: float = 99.0

    def packing(self, codec: Codec, tolerance_m: float, settings: PackingSettings) -> TopicPacking:
        """As the sidecar says it."""
        if codec is Codec.VIDEO:
            return TopicPacking(
                codec=codec.value,
                payload_bytes=self.payload_bytes,
                stored_bytes=self.stored_bytes,
                bound_psnr_db=settings.video_min_psnr_db,
                psnr_db=self.psnr_db,
            )
        lossy = codec.is_lossy
        return TopicPacking(
            codec=codec.value,
            payload_bytes=self.payload_bytes,
            stored_bytes=self.stored_bytes,
            bound_m=tolerance_m if lossy else None,
            error_m=self.error_m if lossy else None,
            intensity_bits=settings.intensity_bits if codec is Codec.DRACO else None,
            intensity_error=self.intensity_error if codec is Codec.DRACO else None,
        )


def codec_of(channel: Channel, first: bytes | memoryview, profile: Profile, settings: TopicSettings) -> Codec:
    """The codec of a channel, by its schema, its first message, and what the settings say of its topic."""
    if is_encoded_picture(channel):
        return Codec.PASSTHROUGH
    if is_raw_image(channel):
        allowed = settings.upload_codec in (None, UploadCodec.VIDEO) and profile is Profile.UPLOAD
        return Codec.VIDEO if allowed and image_layout_of(channel, first) is not None else Codec.BLOCK
    if not is_cloud(channel):
        return Codec.BLOCK
    wanted = settings.upload_codec or UploadCodec.DRACO
    if profile is not Profile.UPLOAD or wanted in (UploadCodec.LOSSLESS, UploadCodec.VIDEO):
        return Codec.CLOUD
    layout = layout_of(channel, first)
    if wanted is UploadCodec.DRACO and layout is not None and draco_fields(layout) is not None:
        return Codec.DRACO
    return Codec.ORDERED


class ChannelPacker:
    """Messages of one channel in, messages of the packed file out, in order."""

    def __init__(self, channel: Channel, codec: Codec, settings: PackingSettings, tolerance_m: float) -> None:
        self.channel = channel
        self.codec = codec
        self.tolerance_m = tolerance_m if codec in (Codec.DRACO, Codec.ORDERED) else 0.0
        self._frames = FrameEncoder(settings) if codec is Codec.VIDEO else None
        self.tally = Tally()
        self._settings = settings
        self._squeezer = Squeezer(settings.entropy, settings.zstd_level)
        self._waiting: list[Timed] = []
        self.waiting_bytes = 0

    def packing(self) -> TopicPacking:
        """What became of the channel so far."""
        return self.tally.packing(self.codec, self.tolerance_m, self._settings)

    def add(self, message: Timed) -> Iterator[Timed]:
        """Take a message (its bytes are copied); what is ready comes out."""
        self.tally.payload_bytes += len(message.data)
        if self.codec is not Codec.BLOCK:
            yield self._stored(message._replace(data=self._one(message)))
            return
        if self._waiting and (
            self.waiting_bytes + len(message.data) > BLOCK_BYTES or len(self._waiting) == BLOCK_MESSAGES
        ):
            yield from self.flush()
        self._waiting.append(message._replace(data=bytes(message.data)))
        self.waiting_bytes += len(message.data)

    def flush(self) -> Iterator[Timed]:
        """What was collected."""
        if self._waiting:
            waiting, self._waiting, self.waiting_bytes = self._waiting, [], 0
            first = min(waiting, key=lambda message: message.t_ns)
            yield self._stored(first._replace(data=pack_block(waiting, self._squeezer)))

    def _stored(self, message: Timed) -> Timed:
        self.tally.stored_bytes += len(message.data)
        return message

    def _one(self, message: Timed) -> bytes | memoryview:
        if self.codec is Codec.PASSTHROUGH:
            return message.data
        if self._frames is not None:
            return self._frame(message, self._frames)
        layout = layout_of(self.channel, message.data)
        packed: bytes
        if layout is None:  # malformed, big-endian, padded rows: as it is
            packed = pack_block([message], self._squeezer)
        elif self.codec is Codec.DRACO:
            made = pack_draco(
                message.data,
                layout,
                self._squeezer,
                self.tolerance_m,
                level=self._settings.draco_level,
                intensity_bits=self._settings.intensity_bits,
            )
            if made is not None:
                self._note(made[1], made[2])
                return made[0]
            packed, error = pack_cloud(message.data, layout, self._squeezer, self.tolerance_m)
            self._note(error)
        else:
            packed, error = pack_cloud(message.data, layout, self._squeezer, self.tolerance_m)
            self._note(error)
        if self.codec is not Codec.DRACO:
            return packed
        stamp, frame = (layout.stamp_ns, layout.frame_id) if layout else (message.t_ns, "")
        return cloud_message(stamp, frame, b"", packed)

    def _frame(self, message: Timed, frames: FrameEncoder) -> bytes:
        layout = image_layout_of(self.channel, message.data)
        made = frames.encode(message.data, layout) if layout is not None else None
        if made is not None:
            self.tally.psnr_db = min(self.tally.psnr_db, made.psnr_db)
            return made.message
        stamp, frame = (layout.stamp_ns, layout.frame_id) if layout else (message.t_ns, "")
        packed = pack_block([message], self._squeezer)
        return video_message(stamp, frame, b"", self._settings.encoder.form, packed)

    def _note(self, error_m: float, intensity_error: float = 0.0) -> None:
        self.tally.error_m = max(self.tally.error_m, error_m)
        self.tally.intensity_error = max(self.tally.intensity_error, intensity_error)
