"""Which topics are kept in memory, and how (vehicle document 2.3, 5.4, 7.1)."""

from enum import StrEnum

from pydantic import Field

from winnow_schemas.validation import Strict


class Kind(StrEnum):
    """What kind of data a topic carries; decides defaults for compression and for size limits."""

    LIDAR = "lidar"
    CAMERA = "camera"
    THERMAL = "thermal"
    IMU = "imu"
    POSE = "pose"
    CAN = "can"
    PERCEPTION = "perception"
    PLANNING = "planning"
    STATUS = "status"
    OTHER = "other"

    @property
    def shows_people(self) -> bool:
        """Whether a person may be recognised in it, so that it may not leave unredacted (6.4)."""
        return self in (Kind.CAMERA, Kind.THERMAL)


class Compression(StrEnum):
    """How MCAP chunks of a topic are compressed in a clip."""

    NONE = "none"
    LZ4 = "lz4"
    ZSTD = "zstd"
    PASSTHROUGH = "passthrough"
    """Already compressed by its encoder (H.265, JPEG): stored as it is."""


DEFAULT_COMPRESSION: dict[Kind, Compression] = {
    # Table 5.4 of the vehicle document; live recording takes the fast column.
    Kind.LIDAR: Compression.LZ4,
    Kind.CAMERA: Compression.PASSTHROUGH,
    Kind.THERMAL: Compression.PASSTHROUGH,
    Kind.IMU: Compression.ZSTD,
    Kind.POSE: Compression.ZSTD,
    Kind.CAN: Compression.LZ4,
    Kind.PERCEPTION: Compression.ZSTD,
    Kind.PLANNING: Compression.ZSTD,
    Kind.STATUS: Compression.NONE,
    Kind.OTHER: Compression.LZ4,
}

DEFAULT_RATIO: dict[Kind, float] = {
    # Stored bytes per payload byte that the extraction budget charges: fixed, so that a what-if run and
    # the vehicle charge the same. From the document's clip table 5.4 (580/870, 0.24/0.96, ...).
    Kind.LIDAR: 0.67,
    Kind.CAMERA: 1.0,
    Kind.THERMAL: 1.0,
    Kind.IMU: 0.25,
    Kind.POSE: 0.2,
    Kind.CAN: 0.43,
    Kind.PERCEPTION: 0.1,
    Kind.PLANNING: 0.1,
    Kind.STATUS: 1.0,
    Kind.OTHER: 0.67,
}


BYTES_PER_ENTRY: dict[Kind, int] = {Kind.LIDAR: 8192, Kind.CAMERA: 1024, Kind.THERMAL: 512}
"""Payload bytes per entry of the time index, where `max_messages` does not say; others 256. Smaller messages
than this fill the index before the memory."""


class UploadCodec(StrEnum):
    """What a topic becomes in the upload profile."""

    LOSSLESS = "lossless"
    """As in packed."""
    DRACO = "draco"
    """Clouds: smallest; clouds with more columns than position and intensity become `ordered`."""
    ORDERED = "ordered"
    """Clouds: points keep their order, other columns are exact."""
    VIDEO = "video"
    """Raw images as H.264 or H.265."""


class TopicSettings(Strict):
    """One topic: a ring of its own in shared memory."""

    kind: Kind = Kind.OTHER
    """What the topic carries."""
    ring_mib: float = Field(default=16.0, gt=0, le=262_144)
    """Memory of its ring (payloads; the index comes on top)."""
    max_messages: int = Field(default=0, ge=0, le=100_000_000)
    """Entries of its time index; 0 = computed from ring_mib."""
    compression: Compression | None = None
    """In clips; by default what table 5.4 gives for the kind."""
    latched: bool | None = None
    """Pinned and put into every clip (static transforms, calibration, maps); by default as the publisher says."""
    latched_depth: int = Field(default=64, ge=1, le=4096)
    """How many distinct pinned messages are kept."""
    ratio: float | None = Field(default=None, gt=0, le=1.0)
    """Stored bytes per payload byte that the extraction budget charges; by default from the kind."""
    expected_mb_s: float = Field(default=0.0, ge=0)
    """Rate to expect, as measured or from the data sheet; `winnow check` computes hot seconds from it; 0 = unknown."""
    upload_codec: UploadCodec | None = None
    """What it becomes in the upload profile; by default what its schema allows: Draco for clouds, video for raw
    images, everything else without loss."""
    error_m: float = Field(default=0.01, ge=0.0001, le=1.0)
    """Largest error of a coordinate, per axis in metres, of lossy clouds; LiDARs have 0.02 to 0.03 of noise (5.4)."""
    drop_order: int = Field(default=0, ge=0, le=100)
    """When a clip is over its size cap: topics with a higher number are left out first; 0 = never."""

    @property
    def chunk_compression(self) -> Compression:
        """The compression that applies."""
        return self.compression or DEFAULT_COMPRESSION[self.kind]

    @property
    def charge_ratio(self) -> float:
        """The ratio that applies."""
        return self.ratio if self.ratio is not None else DEFAULT_RATIO[self.kind]

    @property
    def index_entries(self) -> int:
        """Entries of the ring's time index."""
        return self.max_messages or max(256, self.ring_bytes // BYTES_PER_ENTRY.get(self.kind, 256))

    @property
    def ring_bytes(self) -> int:
        """Capacity of the ring in bytes, a multiple of 4096."""
        return max(4096, int(self.ring_mib * 1024 * 1024) // 4096 * 4096)
