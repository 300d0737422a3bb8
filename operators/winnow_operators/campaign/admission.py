"""Whether a campaign is for this vehicle, now, and newer than what it has seen."""

import hashlib
from typing import NamedTuple

from winnow_schemas.campaign import Campaign, CampaignRefusedError, Refusal
from winnow_schemas.campaign.reading import UNTOUCHED
from winnow_schemas.campaign.version import version_key


class Vehicle(NamedTuple):
    """Who is asked."""

    id: str
    airport: str


def in_canary(name: str, vehicle_id: str, share: float) -> bool:
    """Whether a vehicle is among the share of a campaign's canaries.

    The first 64 bits of BLAKE2b over both names, as a part of one, are below the share: about ``share`` of all
    vehicles are, the same ones every time, others for another campaign, and a larger share only adds some.
    """
    digest = hashlib.blake2b(f"{name}\0{vehicle_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) < share * 2**64


def admit(campaign: Campaign, vehicle: Vehicle, now_ns: int, newest: str = "") -> None:
    """Let a campaign pass that this vehicle may take at ``now_ns``; ``newest`` is the newest version it ever took.

    Raises:
        CampaignRefusedError: it is over, not begun, for others, or not newer.

    """
    head = f"Campaign {campaign.version}"
    _in_its_time(campaign, head, now_ns)
    if campaign.vehicles and vehicle.id not in campaign.vehicles:
        _refuse(
            Refusal.OTHER_VEHICLE,
            f"{head} is for {len(campaign.vehicles)} vehicles, {vehicle.id} is none of them.",
        )
    if campaign.airports and vehicle.airport not in campaign.airports:
        named = ", ".join(campaign.airports[:5])
        _refuse(Refusal.OTHER_VEHICLE, f"{head} is for {named}, this vehicle is at {vehicle.airport}.")
    if campaign.canary is not None and not in_canary(campaign.name or "", vehicle.id, campaign.canary.share):
        _refuse(
            Refusal.NOT_IN_CANARY,
            f"{head} is for {campaign.canary.share:.3g} of the fleet first, {vehicle.id} is not part of it.",
        )
    if newest and campaign.key <= version_key(newest):
        _refuse(
            Refusal.REPLAYED,
            f"{head} is not newer than {newest}, which this vehicle took before; versions only grow.",
        )


def _in_its_time(campaign: Campaign, head: str, now_ns: int) -> None:
    start_ns, end_ns = campaign.not_before_ns, campaign.expires_ns
    if end_ns is not None and now_ns >= end_ns:
        _refuse(
            Refusal.EXPIRED,
            f"{head} expired {campaign.expires}, {_ago(now_ns - end_ns)} ago by this vehicle's clock.",
        )
    if start_ns is not None and now_ns < start_ns:
        _refuse(
            Refusal.NOT_YET_VALID,
            f"{head} holds from {campaign.not_before} on, in {_ago(start_ns - now_ns)} by this vehicle's clock.",
        )


def _ago(span_ns: int) -> str:
    seconds = span_ns / 1e9
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _refuse(refusal: Refusal, sentence: str) -> None:
    raise CampaignRefusedError(refusal, f"{sentence} {UNTOUCHED}")
