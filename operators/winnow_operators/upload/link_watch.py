"""Which link this is, from what was seen of it (vehicle document 5.1, 5.2). Pure: what was seen comes in."""

import fnmatch
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from winnow_operators.upload.link import BYTES_PER_MEGABIT, Link
from winnow_schemas.settings.upload import LinkInterface, LinkMode, LinkSettings


@dataclass(frozen=True, slots=True)
class Stated:
    """What another node said of the link."""

    mode: LinkMode
    uplink_mbps: float | None
    at_ns: int
    """Monotonic time at which it said so."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that is known at a moment."""

    interfaces: Mapping[str, Sequence[str]]
    """Name -> addresses, of every interface that has a carrier and an address."""
    probe_failures: int
    """How often in a row the probe got no connection; 0 when the last one did, or there is none."""
    stated: Stated | None
    now_ns: int
    """Monotonic."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The link, and why it is held to be this one."""

    link: Link
    reason: str


def judge(settings: LinkSettings, seen: Seen) -> Verdict:
    """Name the link.

    What another node stated holds for ``stated_holds_s``; after that the first interface of the list that is
    up decides; without a list it is ``mode``. A probe that fails too often means that there is none, whatever
    the rest says.
    """
    verdict = _stated(settings, seen) or _by_interface(settings, seen)
    if verdict is None:
        verdict = Verdict(Link(settings.mode), "upload.link.mode says so")
    if settings.probe and seen.probe_failures >= settings.probe_failures:
        why = f"{settings.probe} took no connection {seen.probe_failures} times in a row"
        return Verdict(Link(LinkMode.DISCONNECTED), why)
    return verdict


def _stated(settings: LinkSettings, seen: Seen) -> Verdict | None:
    stated = seen.stated
    if stated is None or seen.now_ns - stated.at_ns > settings.stated_holds_s * 1e9:
        return None
    uplink = None if stated.uplink_mbps is None else stated.uplink_mbps * BYTES_PER_MEGABIT
    return Verdict(Link(stated.mode, uplink), "the input `link` says so")


def _by_interface(settings: LinkSettings, seen: Seen) -> Verdict | None:
    if not settings.interfaces:
        return None
    for wanted in settings.interfaces:
        for name in sorted(seen.interfaces):
            if fnmatch.fnmatchcase(name, wanted.name) and _within(wanted, seen.interfaces[name]):
                where = f" in {wanted.network}" if wanted.network else ""
                return Verdict(Link(wanted.mode), f"{name} is up{where}")
    return Verdict(Link(LinkMode.DISCONNECTED), "no interface of upload.link.interfaces is up")


def _within(wanted: LinkInterface, addresses: Sequence[str]) -> bool:
    if not wanted.network:
        return True
    network = ipaddress.ip_network(wanted.network)
    return any(ipaddress.ip_address(address) in network for address in addresses)
