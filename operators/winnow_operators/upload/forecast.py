"""When everything of each class will have gone, if nothing changes. Pure: queue, link and time come in."""

from collections.abc import Mapping
from dataclasses import dataclass

from winnow_operators.upload.budget import DailyBudget, next_midnight_ns
from winnow_operators.upload.link import Link, allowed_bytes_per_s
from winnow_schemas.priority import UploadClass
from winnow_schemas.settings.upload import LinkMode, LinkSettings

MAX_DAYS = 366
"""Further than this nobody plans; the budget lets so little go that it is said instead."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is to be expected of one class."""

    upload_class: UploadClass
    left_bytes: int
    done_ns: int | None
    """Wall time at which its last byte has gone; None = not on this link, or not within a year."""
    rate_bytes_per_s: float
    """At which it goes while it goes; 0 = not on this link."""
    waits_for: LinkMode | None = None
    """The first mode on which it may go, when it may not on this one; None = on none, or it may."""
    over_midnight: bool = False
    """Today's budget does not suffice."""


def forecast(
    settings: LinkSettings,
    budget: DailyBudget,
    link: Link,
    left: Mapping[UploadClass, int],
    spent: Mapping[UploadClass, int],
    now_ns: int,
) -> list[Outlook]:
    """Send the classes one after the other, most urgent first, at what the link carries and the table allows.

    ``left`` is in bytes; classes without any are left out. Clips on hold and failures are not foreseen.
    """
    at_ns, day_spent, outlooks = now_ns, dict(spent), []
    for one in sorted(UploadClass):
        todo = left.get(one, 0)
        if todo <= 0:
            continue
        rate = allowed_bytes_per_s(settings, one, link)
        if link.uplink_bytes_per_s is not None:
            rate = min(rate, link.uplink_bytes_per_s)
        if rate <= 0:
            outlooks.append(Outlook(one, todo, None, 0.0, _waits_for(settings, one, link.mode)))
            continue
        done_ns, day_spent, waited = _send(budget, one, todo, rate, day_spent, at_ns)
        outlooks.append(Outlook(one, todo, done_ns, rate, over_midnight=waited))
        if done_ns is not None and not waited:
            at_ns = done_ns  # while a class waits for midnight, the next one goes
    return outlooks


def _send(
    budget: DailyBudget,
    one: UploadClass,
    todo: int,
    rate: float,
    spent: Mapping[UploadClass, int],
    at_ns: int,
) -> tuple[int | None, dict[UploadClass, int], bool]:
    """When so many bytes have gone, what was spent on the day of the start then, and whether it took longer."""
    today, first_day, waited = dict(spent), None, False
    for _ in range(MAX_DAYS):
        midnight_ns = next_midnight_ns(at_ns)
        allowed = budget.remaining_bytes(one, today)
        size = min(todo, int(rate * (midnight_ns - at_ns) / 1e9))
        size = size if allowed is None else min(size, allowed)
        todo -= size
        today[one] = today.get(one, 0) + size
        first_day = first_day or today
        if todo <= 0:
            return at_ns + int(size / rate * 1e9), first_day, waited
        at_ns, today, waited = midnight_ns, {}, True
    return None, first_day or today, waited


def _waits_for(settings: LinkSettings, one: UploadClass, now: LinkMode) -> LinkMode | None:
    modes = (mode for mode in LinkMode if mode is not now)
    return next((mode for mode in modes if allowed_bytes_per_s(settings, one, Link(mode)) > 0), None)
