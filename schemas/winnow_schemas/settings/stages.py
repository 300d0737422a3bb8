"""Settings of the stages behind the triggers: clips, classifier, redactor, monitor, ledger, retention."""

from enum import StrEnum

from pydantic import Field

from winnow_schemas.priority import Priority
from winnow_schemas.settings.triggers import PriorityName
from winnow_schemas.validation import Strict


class Profile(StrEnum):
    """How a clip's payloads are stored."""

    PLAIN = "plain"
    """Original bytes, standard chunk compression; opens anywhere."""


class ClipSettings(Strict):
    """Cutting (vehicle document 3.3-3.6)."""

    profile: Profile = Profile.PLAIN
    """How payloads are stored."""
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
    nice: int = Field(default=10, ge=0, le=19)
    """Scheduling niceness of extractor, classifier, redactor, uploader and retention: recording comes first."""


class ClassifierMode(StrEnum):
    """Which classifier speaks."""

    RULES = "rules"


class ClassifierSettings(Strict):
    """Edge classification (4)."""

    mode: ClassifierMode = ClassifierMode.RULES
    """The document's bootstrap rules."""
    history: int = Field(default=100, ge=1, le=10_000)
    """With how many earlier clips diversity compares (4.3)."""


class CameraPolicy(StrEnum):
    """What happens to camera topics before a clip leaves."""

    WITHHOLD = "withhold"
    """Camera and thermal topics are left out of what is sent, and the sidecar says so."""


class RedactorSettings(Strict):
    """Privacy before upload (6.4)."""

    cameras: CameraPolicy = CameraPolicy.WITHHOLD
    """What happens to camera topics."""
    purpose: str = "autonomous driving perception"
    """GDPR purpose tag."""
    controller: str = "airport operator"
    """GDPR data controller."""


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
    clips_gb: float = Field(default=1100.0, gt=0)
    """Room for clips (10.2); above `high_fraction` of it uploaded clips go early."""
    high_fraction: float = Field(default=0.90, gt=0, le=1)
    """Upper watermark."""
    low_fraction: float = Field(default=0.80, gt=0, le=1)
    """Down to which space is freed."""
