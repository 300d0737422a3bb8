"""The document's link pattern (5.1, 5.2): drive on cellular, charge on Wi-Fi, spend the night on Ethernet."""

from bisect import bisect_right
from dataclasses import dataclass

from winnow_operators.rehearsal.script import DAY_NS, HOUR_NS, Script
from winnow_operators.sim.noise import generator
from winnow_operators.upload.link import Link
from winnow_schemas.settings.upload import LinkMode

MBIT = 1e6 / 8
SHIFT_H = (5.0, 21.0)
"""16 hours of operation a day (5.1), the 8 hours of night lie around midnight UTC."""
CHARGING_H = (9.5, 14.0, 18.0)
"""Three breaks a day (5.2)..."""
CHARGING_LENGTH_H = 0.5
"""...of 30 minutes."""
CELLULAR_MBPS = (20.0, 80.0)
"""Uplink per vehicle (5.1)."""
WIFI_MBPS = (200.0, 500.0)
"""At the depot (5.1)."""
ETHERNET_MBPS = 1000.0
COVERAGE = 0.97
"""95 to 99 % of the airside (5.1)."""
CELL_S = (120.0, 1200.0)
"""How long the uplink stays as it is."""
HOLE_S = (20.0, 240.0)
"""A dead zone near a hangar, driven through."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """``[start_ns, end_ns)`` on one link."""

    start_ns: int
    end_ns: int
    mode: LinkMode
    capacity_bytes_per_s: float

    @property
    def link(self) -> Link:
        """As the uploader sees it: a shared uplink is measured, the depot's are not."""
        measured = self.capacity_bytes_per_s if self.mode is LinkMode.CELLULAR_5G else None
        return Link(self.mode, measured)


class Links:
    """All stretches of a script, without gaps."""

    def __init__(self, stretches: list[Stretch]) -> None:
        self.stretches = stretches
        self._starts = [one.start_ns for one in stretches]

    def at(self, t_ns: int) -> Stretch:
        """The stretch that a moment lies in; before the first and after the last, those."""
        return self.stretches[max(bisect_right(self._starts, t_ns) - 1, 0)]


def make_links(script: Script) -> Links:
    """Draw the stretches."""
    random = generator(script.seed, "links")
    edges: list[Stretch] = []

    def add(start_ns: int, end_ns: int, mode: LinkMode, mbps: float) -> None:
        if end_ns > start_ns:
            edges.append(Stretch(start_ns, end_ns, mode, mbps * MBIT))

    def drive(start_ns: int, end_ns: int) -> None:
        at = start_ns
        while at < end_ns:
            cell_end = min(at + int(random.uniform(*CELL_S) * 1e9), end_ns)
            add(at, cell_end, LinkMode.CELLULAR_5G, random.uniform(*CELLULAR_MBPS))
            at = cell_end
            mean_s = sum(CELL_S) / 2 * (1 - COVERAGE) / COVERAGE
            if random.random() < mean_s / (sum(HOLE_S) / 2):
                hole_end = min(at + int(random.uniform(*HOLE_S) * 1e9), end_ns)
                add(at, hole_end, LinkMode.DISCONNECTED, 0.0)
                at = hole_end

    for day in range(script.days):
        midnight = script.start_ns + day * DAY_NS
        begin, end = (midnight + int(hour * HOUR_NS) for hour in SHIFT_H)
        add(midnight, begin, LinkMode.ETHERNET_DEPOT, ETHERNET_MBPS)
        at = begin
        for hour in CHARGING_H:
            plugged = midnight + int(hour * HOUR_NS)
            drive(at, plugged)
            at = plugged + int(CHARGING_LENGTH_H * HOUR_NS)
            add(plugged, at, LinkMode.WIFI_DEPOT, random.uniform(*WIFI_MBPS))
        drive(at, end)
        add(end, midnight + DAY_NS, LinkMode.ETHERNET_DEPOT, ETHERNET_MBPS)
    return Links(_with_outage(edges, script))


def _with_outage(stretches: list[Stretch], script: Script) -> list[Stretch]:
    first = script.start_ns + int(script.outage_from_h * HOUR_NS)
    last = min(first + int(script.outage_h * HOUR_NS), script.end_ns)
    if last <= first:
        return stretches
    before = [
        Stretch(one.start_ns, min(one.end_ns, first), one.mode, one.capacity_bytes_per_s)
        for one in stretches
        if one.start_ns < first
    ]
    after = [
        Stretch(max(one.start_ns, last), one.end_ns, one.mode, one.capacity_bytes_per_s)
        for one in stretches
        if one.end_ns > last
    ]
    return [*before, Stretch(first, last, LinkMode.DISCONNECTED, 0.0), *after]
