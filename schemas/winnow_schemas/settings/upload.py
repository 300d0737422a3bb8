"""Upload settings: where to, how fast, how much (vehicle document 5, 7.1)."""

from enum import IntEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from winnow_schemas.priority import Priority
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


class LinkSettings(Strict):
    """Limits of the link in megabits per second (5.3, 7.1)."""

    mode: LinkModeName = LinkMode.ETHERNET_DEPOT
    """The mode that holds while nothing measures it."""
    cellular_max_mbps: float = Field(default=20.0, ge=0)
    """Conservative limit while operating."""
    wifi_max_mbps: float = Field(default=150.0, ge=0)
    """Depot Wi-Fi."""
    ethernet_max_mbps: float = Field(default=500.0, ge=0)
    """Depot Ethernet."""
    v2x_reserve_fraction: float = Field(default=0.20, ge=0, lt=1)
    """Part of the uplink that is never used (V2X safety and telemetry)."""


class UploadSettings(Strict):
    """The uploader."""

    enabled: bool = True
    """Off: clips stay on the device, nothing is queued."""
    endpoint_url: str = ""
    """S3 endpoint; empty = AWS."""
    region: str = "us-east-1"
    """S3 region."""
    bucket: str = Field(default="fleet-data-raw", pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    """The bucket."""
    create_bucket: bool = False
    """Make the bucket when it is missing (local stores)."""
    credentials_file: str = ""
    """JSON with access_key and secret_key as `winnow store start` writes it; empty = environment or AWS chain."""
    ca_file: str = ""
    """Certificate authority for TLS; empty = the system's."""
    storage_class: str = ""
    """For example INTELLIGENT_TIERING; empty = the bucket's default."""
    part_mib: int = Field(default=10, ge=5, le=5120)
    """Size of a part (5.5)."""
    multipart_from_mib: int = Field(default=20, ge=5)
    """From this size on an object goes up in parts (errata 5.5)."""
    daily_budget_gb: float = Field(default=50.0, gt=0)
    """Bytes on the wire per UTC day (5.3)."""
    priority_budget_gb: dict[PriorityName, float] = Field(
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
    max_backoff_s: float = Field(default=300.0, gt=0)
    """Longest wait between retries."""
    abort_parts_after_days: float = Field(default=7.0, gt=0)
    """Unfinished uploads older than this start again (5.5)."""
    drain_s: float = Field(default=600.0, ge=0)
    """At the end of a finite run: how long uploading may go on before the rest waits for the next run."""
