"""Settings of the stages behind the triggers: clips, classifier, monitor, ledger, retention."""

from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from winnow_schemas.priority import Priority
from winnow_schemas.settings.packing import PackingSettings, Profile
from winnow_schemas.settings.triggers import PriorityName
from winnow_schemas.validation import Strict


class ClipSettings(Strict):
    """Cutting (vehicle document 3.3-3.6)."""

    profile: Literal[Profile.PLAIN] = Profile.PLAIN
    """How payloads are stored: clips are cut `plain`; `upload.profile` says how they are sent."""
    packing: PackingSettings = PackingSettings()
    """Codecs of the profiles that `winnow clips repack` and `upload.profile` make."""
    max_length_s: float = Field(default=180.0, gt=0, le=3600)
    """Overlapping windows merge up to this length, then split without a gap."""
    budget_gb_per_day: dict[PriorityName, float] = Field(
        default_factory=lambda: {Priority.P1: 15.0, Priority.P2: 8.0, Priority.P3: 5.0, Priority.P5: 7.0}
    )
    """Extraction budget per priority and day of message time (3.5), in charged bytes; P0 and P4 have none."""
    max_size_gb: dict[PriorityName, float] = Field(
        default_factory=lambda: {
            Priority.P1: 3.0,
            Priority.P2: 2.0,
            Priority.P3: 1.5,
            Priority.P4: 3.0,
            Priority.P5: 0.5,
        }
    )
    """Size cap per priority (3.3, errata): over it, topics are left out by `drop_order`; never for P0."""
    calibration: str = Field(default="", max_length=4096)
    """A YAML or JSON file that is attached to every clip, relative to this file."""
    nice: int = Field(default=19, ge=0, le=19)
    """Scheduling niceness of extractor, classifier, redactor, uploader and retention: recording comes first."""


class ClassifierMode(StrEnum):
    """Which classifier speaks."""

    RULES = "rules"
    """The document's bootstrap rules (4.4)."""
    MODEL = "model"
    """A trained network; the rules where it cannot speak."""


class Provider(StrEnum):
    """Where a model runs."""

    CPU = "cpu"
    CUDA = "cuda"
    TENSORRT = "tensorrt"


class ClassifierSettings(Strict):
    """Edge classification (4)."""

    mode: ClassifierMode = ClassifierMode.RULES
    """Rules need nothing; a model has to be trained on clips that people have named."""
    model: str = ""
    """ONNX file, relative to this file; empty = the small one that ships with Winnow, trained on a simulated fleet."""
    provider: Provider = Provider.CPU
    """Where the model runs; one that does not come up is said, and the rules speak."""
    history: int = Field(default=100, ge=1, le=10_000)
    """With how many earlier clips diversity compares (4.3)."""


class MonitorSettings(Strict):
    """Metrics and diagnostics (10.3)."""

    address: str = "127.0.0.1"
    """Where the Prometheus endpoint listens."""
    port: int = Field(default=9464, ge=0, le=65_535)
    """Its port; 0 = any free one (written to `monitor.json` in the run's folder)."""
    every_s: float = Field(default=10.0, ge=0.1, le=3600)
    """How often diagnostics are published."""
    dropped_warn: int = Field(default=100, ge=0)
    """Messages lost above which the ring is in warning (10.3)."""
    disk_warn_fraction: float = Field(default=0.90, gt=0, le=1)
    """Disk use for a warning (10.3)."""
    disk_error_fraction: float = Field(default=0.95, gt=0, le=1)
    """Disk use for an error (10.3)."""
    budget_warn_gb: float = Field(default=5.0, ge=0)
    """Remaining daily upload budget for a warning (10.3)."""


class Unverified(StrEnum):
    """What becomes of clips that are not verified as uploaded when space is short."""

    KEEP = "keep"
    """They stay; without proof nothing is deleted."""
    LAST_RESORT = "last_resort"
    """When nothing verified is left to delete they go, P0 never: a device without a link goes on cutting clips."""


class CloudSettings(Strict):
    """How long objects stay in the bucket (6.2), for `winnow retention lifecycle`."""

    infrequent_after_days: int = Field(default=90, ge=30)
    """From the hot to the warm class (S3 Standard-IA takes objects from 30 days on)."""
    cold_after_days: int = Field(default=365, ge=31)
    """To Glacier Instant Retrieval."""
    archive_after_days: int = Field(default=1095, ge=32)
    """Safety clips: to Glacier Deep Archive, for good. The others end here, unless `expire_after_days` says later."""
    expire_after_days: int = Field(default=1095, ge=0)
    """Clips that are no safety events are deleted; 0 = never."""
    camera_days: int = Field(default=90, ge=1)
    """Clips that may show people are deleted (6.4); safety events stay."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        steps = (self.infrequent_after_days, self.cold_after_days, self.archive_after_days)
        if sorted(set(steps)) != list(steps):
            raise ValueError(
                f"infrequent_after_days, cold_after_days and archive_after_days must grow, they are {steps}"
            )
        if 0 < self.expire_after_days <= self.cold_after_days:
            raise ValueError(
                f"expire_after_days ({self.expire_after_days}) must come after cold_after_days "
                f"({self.cold_after_days}), or be 0"
            )
        return self


class RetentionSettings(Strict):
    """On-vehicle retention (6.1)."""

    apply: bool = False
    """Off: retention only plans and says what it would do."""
    p0_days: float = Field(default=30.0, ge=0)
    """P0 clips: days kept after verified upload."""
    p1_p4_days: float = Field(default=7.0, ge=0)
    """P1-P4 clips: days kept after verified upload."""
    p5_days: float = Field(default=0.0, ge=0)
    """P5 clips: days kept after verified upload."""
    sidecar_days: float = Field(default=365.0, ge=0)
    """How much longer than its clip a sidecar stays: small, and proof of what there was."""
    camera_days: float = Field(default=90.0, gt=0)
    """Clips with camera pictures, P0 apart: days since recording after which they go once verified (6.4)."""
    camera_needs_proof: bool = True
    """Off: they go at `camera_days` even when they were never uploaded."""
    clips_gb: float = Field(default=1100.0, gt=0)
    """Room for clips (10.2); above `high_fraction` of it uploaded clips go early."""
    high_fraction: float = Field(default=0.90, gt=0, le=1)
    """Upper watermark."""
    low_fraction: float = Field(default=0.80, gt=0, le=1)
    """Down to which space is freed."""
    free_floor_gb: float = Field(default=0.5, ge=0)
    """The room also ends where the file system has only this left; less than recorder.free_floor_gb, so that old
    segments go before clips do."""
    unverified: Unverified = Unverified.KEEP
    """When space is short and nothing verified is left."""
    cloud: CloudSettings = CloudSettings()
    """The bucket's side."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.low_fraction > self.high_fraction:
            raise ValueError(
                f"low_fraction ({self.low_fraction:g}) is above high_fraction ({self.high_fraction:g})"
            )
        return self
