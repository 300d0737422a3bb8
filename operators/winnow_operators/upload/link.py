"""How fast each class may send on which link (vehicle document 5.1, 5.3)."""

from collections.abc import Mapping
from dataclasses import dataclass

from winnow_schemas.priority import Priority, UploadClass
from winnow_schemas.settings.upload import LinkMode, LinkSettings

BYTES_PER_MEGABIT = 1e6 / 8
LEAST_BYTES_PER_S = 1000.0
"""A slower link is none: a request's headers alone would take a second, a part most of three hours."""


@dataclass(frozen=True, slots=True)
class Link:
    """The link as it is now."""

    mode: LinkMode
    uplink_bytes_per_s: float | None = None
    """What was measured, all users of the link together; None while nothing has measured it."""


def allowed_bytes_per_s(settings: LinkSettings, upload_class: UploadClass, link: Link) -> float:
    """The rate at which data of a class may go; 0 when it has to wait for another link.

    The table's limit, and never more than what the reserve leaves of a measured uplink.
    """
    limit_mbps, shares = _of(settings, link.mode)
    rate = limit_mbps * BYTES_PER_MEGABIT * shares.get(Priority(int(upload_class)), 0.0)
    if link.uplink_bytes_per_s is not None:
        rate = min(rate, link.uplink_bytes_per_s * (1.0 - settings.v2x_reserve_fraction))
    return rate if rate >= LEAST_BYTES_PER_S else 0.0


def allowed_small_bytes_per_s(settings: LinkSettings, upload_class: UploadClass, link: Link) -> float:
    """The rate for sidecars and requests without data, which go in every class wherever P1 may send (5.2)."""
    return max(
        allowed_bytes_per_s(settings, upload_class, link),
        allowed_bytes_per_s(settings, UploadClass.PERCEPTION, link),
    )


def _of(settings: LinkSettings, mode: LinkMode) -> tuple[float, Mapping[Priority, float]]:
    if mode is LinkMode.CELLULAR_5G:
        return settings.cellular_max_mbps, settings.cellular_share
    if mode is LinkMode.WIFI_DEPOT:
        return settings.wifi_max_mbps, settings.wifi_share
    if mode is LinkMode.ETHERNET_DEPOT:
        return settings.ethernet_max_mbps, settings.ethernet_share
    return 0.0, {}
