"""Upload settings: where to, how fast, how much (vehicle document 5, 7.1)."""

import ipaddress
from enum import IntEnum, StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from winnow_schemas.priority import Priority
from winnow_schemas.settings.packing import Profile
from winnow_schemas.settings.triggers import PriorityName
from winnow_schemas.validation import Strict


class LinkMode(IntEnum):
    """Connectivity (5.3)."""

    DISCONNECTED = 0
    CELLULAR_5G = 1
    WIFI_DEPOT = 2
    ETHERNET_DEPOT = 3


def _mode(value: Any) -> Any:
    if isinstance(value, LinkMode):
        return value
    if isinstance(value, str) and value.upper() in LinkMode.__members__:
        return LinkMode[value.upper()]
    raise ValueError("allowed: disconnected, cellular_5g, wifi_depot, ethernet_depot")


LinkModeName = Annotated[LinkMode, BeforeValidator(_mode)]
"""A link mode by name, any case."""


def _without_p4(value: dict[Priority, float]) -> dict[Priority, float]:
    if Priority.P4 in value:
        raise ValueError("P4 has none of its own, it uses P1's; set P1")
    return value


Share = Annotated[float, Field(ge=0, le=1)]
LinkShares = Annotated[dict[PriorityName, Share], AfterValidator(_without_p4)]
"""Part of a link's limit that each priority may use; what is not named may not use it."""


class Encryption(StrEnum):
    """Server-side encryption that is asked for."""

    NONE = ""
    """What the bucket does by itself."""
    AES256 = "AES256"
    """Keys of the store."""
    KMS = "aws:kms"
    """Keys of a key service."""


def _network(value: str) -> str:
    if value:
        ipaddress.ip_network(value)
    return value


class LinkInterface(Strict):
    """A network interface, and the link that it means when it is up."""

    name: str = Field(min_length=1, max_length=64)
    """Its name; `*` and `?` stand for others (`wwan*`)."""
    mode: LinkModeName
    """The link."""
    network: Annotated[str, AfterValidator(_network)] = ""
    """Only with an address in here, such as 10.20.0.0/16: tells the depot's Wi-Fi from others; empty = any."""


class LinkSettings(Strict):
    """The link: which one it is, and its limits in megabits per second (5.3, 7.1)."""

    mode: LinkModeName = LinkMode.ETHERNET_DEPOT
    """The mode that holds while nothing else says which it is."""
    interfaces: list[LinkInterface] = Field(default_factory=list, max_length=64)
    """The first of these that is up decides; none is up: disconnected. Empty = interfaces are not looked at."""
    probe: str = Field(default="", pattern=r"^(|[^\s/@]+:[0-9]{1,5})$")
    """HOST:PORT that has to take a TCP connection, else there is no link; empty = no probe."""
    probe_every_s: float = Field(default=10.0, ge=0.1, le=3600)
    """How often it is asked."""
    probe_timeout_s: float = Field(default=3.0, gt=0, le=60)
    """How long it may take."""
    probe_failures: int = Field(default=2, ge=1, le=100)
    """Failures in a row that mean that there is no link."""
    look_every_s: float = Field(default=1.0, ge=0.05, le=60)
    """How often interfaces are looked at."""
    stated_holds_s: float = Field(default=60.0, gt=0)
    """How long a word on the input `link` holds."""
    cellular_max_mbps: float = Field(default=20.0, ge=0)
    """Conservative limit while operating."""
    wifi_max_mbps: float = Field(default=150.0, ge=0)
    """Depot Wi-Fi."""
    ethernet_max_mbps: float = Field(default=500.0, ge=0)
    """Depot Ethernet."""
    cellular_share: LinkShares = Field(default_factory=lambda: {Priority.P0: 1.0, Priority.P1: 0.5})
    """Part of cellular_max_mbps per priority (5.3: P0 20 Mbit/s, P1 10, the others wait for Wi-Fi)."""
    wifi_share: LinkShares = Field(
        default_factory=lambda: {
            Priority.P0: 1.0,
            Priority.P1: 1.0,
            Priority.P2: 2 / 3,
            Priority.P3: 2 / 3,
            Priority.P5: 1 / 3,
        }
    )
    """Part of wifi_max_mbps per priority (5.3: P0 and P1 150 Mbit/s, P2 and P3 100, P5 50)."""
    ethernet_share: LinkShares = Field(
        default_factory=lambda: dict.fromkeys(
            (Priority.P0, Priority.P1, Priority.P2, Priority.P3, Priority.P5), 1.0
        )
    )
    """Part of ethernet_max_mbps per priority (5.3: 500 Mbit/s for all)."""
    v2x_reserve_fraction: float = Field(default=0.20, ge=0, lt=1)
    """Part of the measured uplink that is never used (V2X safety and telemetry)."""
    dscp: int = Field(default=8, ge=0, le=63)
    """Mark of every packet, for the network's queues: 8 is CS1, behind everything else (RFC 8325); 0 = none."""
    measurement_holds_s: float = Field(default=300.0, gt=0)
    """How long an uplink measured by the uploader itself holds; then one part measures it anew."""


def _inside(value: str) -> str:
    parts = value.split("/")
    if not value or value.startswith(("/", "~")) or ".." in parts or parts[0] in ("*", "**"):
        raise ValueError("must begin with a folder of the run, such as logs/*.jsonl, and not leave it")
    return value


TagText = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9 +\-=._:/@]+$")]
"""What S3 allows in a tag, of the letters that every store understands."""


class UploadFiles(Strict):
    """Files that are no clips and go in the same queue: diagnostic logs, scans for the map (5.2)."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    """Becomes part of the key."""
    glob: Annotated[str, AfterValidator(_inside)]
    """Which, below the run's folder: `logs/*.jsonl`, `scans/**/*.pcd`."""
    priority: PriorityName = Priority.P5
    """Rate, budget and order are those of this priority."""
    links: list[LinkModeName] = Field(
        default_factory=lambda: [LinkMode.ETHERNET_DEPOT], min_length=1, max_length=4
    )
    """The links on which they may go: overnight is Ethernet."""
    settle_s: float = Field(default=60.0, ge=0)
    """So long nobody may have written to a file."""


class UploadSettings(Strict):
    """The uploader."""

    enabled: bool = True
    """Off: clips stay on the device, nothing is queued."""
    profile: Profile = Profile.PLAIN
    """How clips are sent: `packed` and `upload` are made beside the clip as cut, under `outgoing/`."""
    endpoint_url: str = ""
    """S3 endpoint; empty = the one in `credentials_file`, and without it AWS."""
    region: str = "us-east-1"
    """S3 region."""
    bucket: str = Field(default="fleet-data-raw", pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    """The bucket."""
    create_bucket: bool = False
    """Make the bucket when it is missing (local stores)."""
    credentials_file: str = ""
    """JSON with access_key and secret_key as `winnow store start` writes it; empty = environment or AWS chain."""
    ca_file: str = ""
    """Certificate authority for TLS; empty = the one in `credentials_file`, and without it the system's."""
    storage_class: str = ""
    """For example INTELLIGENT_TIERING; empty = the bucket's default."""
    tags: dict[TagText, TagText] = Field(default_factory=dict, max_length=10)
    """Tags of every object, at most ten (S3's limit)."""
    lifecycle_tags: bool = False
    """Tag every object with tier, retention and persons, by which `winnow retention lifecycle` decides."""
    files: list[UploadFiles] = Field(default_factory=list, max_length=32)
    """What goes beside clips."""
    encryption: Encryption = Encryption.NONE
    """Server-side encryption to ask for."""
    kms_key_id: str = ""
    """The key for `aws:kms`; empty = the account's default."""
    verify_download: bool = False
    """Read every finished object back and compare its SHA-256, beside its size, ETag and metadata."""
    early_sidecars: bool = True
    """On a cellular link the sidecars of all clips go ahead as NAME.meta.json (5.2)."""
    part_mib: int = Field(default=10, ge=5, le=5120)
    """Size of a part (5.5)."""
    multipart_from_mib: int = Field(default=20, ge=5)
    """From this size on an object goes up in parts (errata 5.5)."""
    daily_budget_gb: float = Field(default=50.0, gt=0)
    """Bytes on the wire per UTC day (5.3)."""
    priority_budget_gb: Annotated[
        dict[PriorityName, Annotated[float, Field(ge=0)]], AfterValidator(_without_p4)
    ] = Field(
        default_factory=lambda: {
            Priority.P0: 15.0,
            Priority.P1: 15.0,
            Priority.P2: 8.0,
            Priority.P3: 5.0,
            Priority.P5: 7.0,
        }
    )
    """Shares of it (3.5); P0 is a minimum, not a cap; P4 uses P1's."""
    link: LinkSettings = LinkSettings()
    """The link."""
    connect_timeout_s: float = Field(default=10.0, gt=0)
    """To connect."""
    read_timeout_s: float = Field(default=60.0, gt=0)
    """Without a byte."""
    first_backoff_s: float = Field(default=1.0, gt=0)
    """Wait before the first retry; it doubles from one to the next."""
    max_backoff_s: float = Field(default=300.0, gt=0)
    """Longest wait between retries."""
    max_attempts: int = Field(default=20, ge=1)
    """Failures in a row of one clip after which it is set aside for `set_aside_s`; never a P0."""
    set_aside_s: float = Field(default=3600.0, gt=0)
    """So long, or until the next start, after which it is tried again."""
    approval_wait_s: float = Field(default=0.0, ge=0, le=30 * 86_400)
    """How long a clip waits for the fleet's approval before it goes without; 0 = none is needed. Never a P0."""
    ageing_points_per_h: float = Field(default=25.0, ge=0)
    """How fast a waiting clip gains on newer ones: 100 points are one priority (8.3)."""
    abort_parts_after_days: float = Field(default=7.0, gt=0)
    """Unfinished uploads older than this start again (5.5)."""
    drain_s: float = Field(default=600.0, ge=0)
    """At the end of a finite run: how long uploading may go on before the rest waits for the next run."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.first_backoff_s > self.max_backoff_s:
            raise ValueError(
                f"first_backoff_s ({self.first_backoff_s:g}) is longer than max_backoff_s "
                f"({self.max_backoff_s:g})"
            )
        if self.lifecycle_tags and len(self.tags) > 7:
            raise ValueError(f"{len(self.tags)} tags and the three of lifecycle_tags are more than ten")
        names = [one.name for one in self.files]
        if len(set(names)) < len(names):
            raise ValueError("two entries of files have the same name; give each its own")
        if self.kms_key_id and self.encryption is not Encryption.KMS:
            raise ValueError("kms_key_id needs encryption: aws:kms")
        return self
