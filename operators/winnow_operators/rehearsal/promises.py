"""What uploading promises, checked at every step of a rehearsal against the document's tables, not the scheduler."""

from collections.abc import Mapping
from itertools import islice

from winnow_operators.rehearsal.script import Rehearsal
from winnow_operators.upload.budget import DailyBudget
from winnow_operators.upload.link import BYTES_PER_MEGABIT, Link
from winnow_operators.upload.schedule import QueueItem, Scheduler, Send, Stage
from winnow_schemas.priority import Priority, UploadClass
from winnow_schemas.settings.upload import LinkMode, LinkSettings

MOST_TOLD = 100
"""Broken promises that are told; one is too many already."""


def check_choice(
    result: Rehearsal,
    scheduler: Scheduler,
    send: Send,
    views: Mapping[str, QueueItem],
    link: Link,
    now_ns: int,
) -> None:
    """The rate is the table's, the link is one, and no safety clip was passed over for data of another."""
    chosen = views[send.clip_id]
    most = _most_bytes_per_s(scheduler.link_settings, chosen.upload_class, send.stage, link)
    if send.rate_bytes_per_s > most * (1 + 1e-9):
        _tell(
            result, f"{send.clip_id} was to go at {send.rate_bytes_per_s:.0f} B/s, the limit is {most:.0f}."
        )
    if send.stage is Stage.DATA and chosen.upload_class is not UploadClass.SAFETY:
        for other in views.values():
            waits = other.not_before_ns > now_ns
            if other.upload_class is UploadClass.SAFETY and not waits:
                _tell(result, f"{send.clip_id} went before the safety clip {other.clip_id}.")


def check_idle(
    result: Rehearsal,
    scheduler: Scheduler,
    views: Mapping[str, QueueItem],
    link: Link,
    spent: Mapping[UploadClass, int],
    now_ns: int,
) -> None:
    """Nothing goes: then nothing may go on its own either."""
    for view in islice(views.values(), 20):
        if scheduler.plan([view], link, spent, now_ns).send is not None:
            _tell(result, f"{view.clip_id} might have gone at {now_ns}, and nothing did.")


def check_budgets(result: Rehearsal, budget: DailyBudget) -> None:
    """Every UTC day: no class over its share, all together over the whole only by what P0 took."""
    for day, spent in sorted(result.spent.items()):
        for one, used in spent.items():
            share = budget.shares_bytes.get(UploadClass(one))
            if one != UploadClass.SAFETY and share is not None and used > share:
                _tell(result, f"Class {one} sent {used} bytes on day {day}, its share is {share}.")
        others = sum(used for one, used in spent.items() if one != UploadClass.SAFETY)
        if others > budget.total_bytes:
            _tell(
                result,
                f"{others} bytes that are not P0's went on day {day}, the limit is {budget.total_bytes}.",
            )


def _most_bytes_per_s(settings: LinkSettings, upload_class: UploadClass, stage: Stage, link: Link) -> float:
    """Table 5.3, and what the reserve leaves of a measured uplink."""
    limits = {
        LinkMode.DISCONNECTED: (0.0, {}),
        LinkMode.CELLULAR_5G: (settings.cellular_max_mbps, settings.cellular_share),
        LinkMode.WIFI_DEPOT: (settings.wifi_max_mbps, settings.wifi_share),
        LinkMode.ETHERNET_DEPOT: (settings.ethernet_max_mbps, settings.ethernet_share),
    }
    mbps, shares = limits[link.mode]
    share = shares.get(Priority(int(upload_class)), 0.0)
    if stage is not Stage.DATA:
        share = max(share, shares.get(Priority.P1, 0.0))
    most = mbps * share * BYTES_PER_MEGABIT
    if link.uplink_bytes_per_s is not None:
        most = min(most, link.uplink_bytes_per_s * (1.0 - settings.v2x_reserve_fraction))
    return most


def _tell(result: Rehearsal, sentence: str) -> None:
    if len(result.violations) < MOST_TOLD:
        result.violations.append(sentence)
