"""The settings of one device, and loading them."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from winnow_schemas.settings.campaign import CampaignSettings
from winnow_schemas.settings.dashcam import DashcamSettings
from winnow_schemas.settings.redaction import RedactorSettings
from winnow_schemas.settings.ros2 import Ros2Settings
from winnow_schemas.settings.server import ServerSettings, TaskSettings
from winnow_schemas.settings.signals import SignalSettings
from winnow_schemas.settings.stages import (
    ClassifierSettings,
    ClipSettings,
    MonitorSettings,
    RetentionSettings,
)
from winnow_schemas.settings.topics import TopicSettings
from winnow_schemas.settings.triggers import TriggersSettings
from winnow_schemas.settings.upload import UploadSettings
from winnow_schemas.validation import Strict, validate
from winnow_schemas.yaml_source import YamlDocument, load_file

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""A name that may become part of a file name or an object key."""
SignalName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
"""A name that conditions may use."""
Topic = Annotated[str, StringConstraints(min_length=1, max_length=255)]
"""A topic as recorded."""

POSITION_ROLES = ("latitude_deg", "longitude_deg", "x_m", "y_m")
"""What a position consists of: either pair, or both."""


class VehicleSettings(Strict):
    """Who this is; goes into every sidecar and object key."""

    id: Name = "unknown"
    """Vehicle id."""
    airport: Name = "unknown"
    """Airport or site code."""
    software: str = ""
    """Version of the software that drives it."""


class RingSettings(Strict):
    """The hot tier (2)."""

    memory_mib: float = Field(default=6144.0, gt=0)
    """All rings together may not be larger (2.2)."""
    shm_dir: str = "/dev/shm"  # noqa: S108 - shared memory is what is meant
    """Where the shared memory files live."""
    heartbeat_ms: float = Field(default=50.0, ge=1, le=1000)
    """How often readers are told what is new: each beat wakes all of them."""
    lateness_ms: float = Field(default=200.0, ge=0, le=60_000)
    """Live: how late a message may come and still be decided in order."""
    crc: bool = False
    """CRC-32C per message (always on where the processor does not order stores)."""
    prefault: bool = True
    """Touch all memory at start, so that no page fault comes later."""


class RecorderSettings(Strict):
    """The warm tier (2.3, 2.8, 7.2)."""

    enabled: bool = True
    """Off: only the hot tier."""
    folder: str = ""
    """Where segments are written; empty = `warm` in the run's folder."""
    limit_gb: float = Field(default=500.0, gt=0)
    """Room for segments."""
    segment_s: float = Field(default=60.0, gt=0, le=3600)
    """Length of a segment in message time."""
    min_retention_s: float = Field(default=900.0, ge=0)
    """Kept where space allows."""
    evict_at: float = Field(default=0.90, gt=0, le=1)
    """Eviction starts at this part of limit_gb..."""
    evict_to: float = Field(default=0.80, gt=0, le=1)
    """...and goes down to this."""
    fsync_s: float = Field(default=0.5, gt=0, le=60)
    """Longest time between fsyncs: what a power cut may cost."""
    free_floor_gb: float = Field(default=1.0, ge=0)
    """Free space of the file system that is never used."""
    priority: int = Field(default=10, ge=0, le=20)
    """By how much ring and recorder go before everything else when processors are short (niceness taken away); the
    system allows it to root and to services with CAP_SYS_NICE, elsewhere it changes nothing."""


class DeviceSettings(Strict):
    """Everything that one device's graph needs to know beside its wiring."""

    vehicle: VehicleSettings = VehicleSettings()
    """Who this is."""
    out: str = ""
    """The run's folder when WINNOW_OUT is not set: clips, segments, state, ledger."""
    ros2: Ros2Settings = Ros2Settings()
    """A live ROS 2 system as the source."""
    ring: RingSettings = RingSettings()
    """Hot tier."""
    recorder: RecorderSettings = RecorderSettings()
    """Warm tier."""
    topics: dict[Topic, TopicSettings] = Field(default_factory=dict)
    """Topics that need something other than the defaults; others are recorded all the same."""
    default_topic: TopicSettings = TopicSettings()
    """What applies to topics that are not named."""
    suite: str = Field(default="none", pattern=r"^(standard|none)$")
    """`standard`: the signals, the position and the zones of the suite in `docs/topics.md`, where the settings below
    do not say otherwise."""
    signals: dict[SignalName, SignalSettings] = Field(default_factory=dict)
    """What triggers can look at."""
    position: dict[str, SignalName] = Field(default_factory=dict)
    """Which signals are `latitude_deg` and `longitude_deg`, for sidecars and manifests, and `x_m` and `y_m` on the
    map, for distances and zones."""
    zones: str = ""
    """Topic with the zones of the map (`winnow_msgs/msg/ZoneArray`), for `in_zone(...)`; empty = none."""
    triggers: TriggersSettings = TriggersSettings()
    """What fires."""
    campaign: CampaignSettings = CampaignSettings()
    """What may change that from afar."""
    clips: ClipSettings = ClipSettings()
    """What is cut."""
    classifier: ClassifierSettings = ClassifierSettings()
    """How clips are scored."""
    redactor: RedactorSettings = RedactorSettings()
    """What may leave."""
    upload: UploadSettings = UploadSettings()
    """Where it goes."""
    retention: RetentionSettings = RetentionSettings()
    """What stays."""
    dashcam: DashcamSettings = DashcamSettings()
    """How videos are gone through (the dashcam graphs)."""
    monitor: MonitorSettings = MonitorSettings()
    """What is watched."""
    server: ServerSettings = ServerSettings()
    """The main server: task queue and review pages."""
    tasks: TaskSettings = TaskSettings()
    """Where a device that works on videos gets its tasks from."""

    def topic(self, name: str) -> TopicSettings:
        """The settings of a topic, named or default."""
        return self.topics.get(name, self.default_topic)

    @model_validator(mode="before")
    @classmethod
    def _fill_from_suite(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("suite") != "standard":
            return data
        from winnow_schemas.library import standard_suite

        suite = standard_suite().model_dump(exclude_unset=True)
        own = data.get("signals", {})
        signals = {**suite["signals"], **own} if isinstance(own, dict) else own
        return {"position": suite["position"], "zones": suite["zones"], **data, "signals": signals}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for key, signal in self.position.items():
            if key not in POSITION_ROLES:
                raise ValueError(f"position.{key}: allowed: {', '.join(POSITION_ROLES)}")
            if signal not in self.signals:
                raise ValueError(f"position.{key}: there is no signal {signal!r}; define it under 'signals'")
        for pair in (POSITION_ROLES[:2], POSITION_ROLES[2:]):
            if len(self.position.keys() & set(pair)) == 1:
                raise ValueError(f"position: {pair[0]} and {pair[1]} come together; one of them is missing")
        return self


def load_settings(path: Path) -> tuple[DeviceSettings, YamlDocument]:
    """Read and validate a settings file; the document tells where things stand, for later checks.

    Raises:
        BadInputError: the file cannot be read.
        FileProblemsError: with all problems.

    """
    document = load_file(path)
    return validate(DeviceSettings, document), document
