"""How clips are made smaller: profiles, codecs, and their bounds (vehicle document 5.4)."""

from enum import StrEnum

from pydantic import Field

from winnow_schemas.validation import Strict


class Profile(StrEnum):
    """How a clip's payloads are stored."""

    PLAIN = "plain"
    """Original bytes, standard chunk compression; opens anywhere."""
    PACKED = "packed"
    """Lossless and smaller: columns, differences, zstd or lz4; winnow restores it."""
    UPLOAD = "upload"
    """As packed, but clouds and raw images with a stated error."""


class Entropy(StrEnum):
    """The general compressor behind the columns."""

    ZSTD = "zstd"
    """Smaller."""
    LZ4 = "lz4"
    """Three times as fast."""


class Codec(StrEnum):
    """What becomes of a topic's payloads."""

    PASSTHROUGH = "passthrough"
    """They stay as they are."""
    BLOCK = "block"
    """Lossless: many messages column by column."""
    CLOUD = "cloud"
    """Lossless: a cloud's columns shuffled."""
    ORDERED = "ordered"
    """Lossy: coordinates on a grid; the order of points and all other columns exact."""
    DRACO = "draco"
    """Lossy: `foxglove.CompressedPointCloud`; the order of points is lost."""
    VIDEO = "video"
    """Lossy: `foxglove.CompressedVideo`."""

    @property
    def is_lossy(self) -> bool:
        return self in (Codec.ORDERED, Codec.DRACO, Codec.VIDEO)


class VideoEncoder(StrEnum):
    """Encoders of FFmpeg that make H.264 or H.265 in Annex B."""

    LIBX264 = "libx264"
    LIBX265 = "libx265"
    H264_NVENC = "h264_nvenc"
    HEVC_NVENC = "hevc_nvenc"
    H264_VAAPI = "h264_vaapi"
    HEVC_VAAPI = "hevc_vaapi"
    H264_V4L2M2M = "h264_v4l2m2m"
    HEVC_V4L2M2M = "hevc_v4l2m2m"

    @property
    def form(self) -> str:
        """As `foxglove.CompressedVideo` calls it."""
        return "h264" if "264" in self.value else "h265"


class PackingSettings(Strict):
    """Codecs of the packed and upload profiles."""

    entropy: Entropy = Entropy.ZSTD
    """The general compressor behind the columns."""
    zstd_level: int = Field(default=3, ge=1, le=19)
    """Table 5.4: 3 for clouds; 6 gains a few percent for twice the time."""
    draco_level: int = Field(default=7, ge=0, le=10)
    """Draco's own effort; above 7 nothing is gained."""
    intensity_bits: int = Field(default=8, ge=1, le=16)
    """Bits of an intensity with more than 256 different values in Draco; fewer values are stored exactly."""
    encoder: VideoEncoder = VideoEncoder.LIBX265
    """For raw images; an encoder of the graphics card where there is one."""
    video_crf: int = Field(default=20, ge=0, le=51)
    """Constant rate factor to begin with; lowered in steps of 6 where `video_min_psnr_db` is not met."""
    video_min_psnr_db: float = Field(default=32.0, ge=20, le=80)
    """Stated bound of video; a frame that cannot meet it is stored without loss."""
    video_gop: int = Field(default=30, ge=1, le=1000)
    """Frames between key frames."""
