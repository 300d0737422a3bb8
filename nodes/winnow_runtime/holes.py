"""What a window should have held and does not: from sequence numbers, never from rates.

A source numbers the messages of a topic from 1, so a number that no tier has is a message that is not there.
Where its stamp was can only be bounded: by the stamps of the messages around it, the lateness that the
topic has shown, and its clock's epochs.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow_runtime.ring.reader import Epoch

KNOWN = np.dtype([("seq", "<u8"), ("t_ns", "<i8"), ("epoch", "<u4"), ("hot", "<i8")])
"""A message that some tier has; ``hot``: its entry number in the ring, -1 when it is only on disk."""

OVERWRITTEN = "overwritten in memory and not on disk"
NEVER = "never arrived"
OVERSIZE = "larger than the ring of its topic"
NOT_RECORDED = "not recorded before the run ended"
_ALWAYS = 2**62
"""A stamp that nothing bounds."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Messages that the window should hold and does not."""

    topic: str
    count: int | None
    """How many; None when nobody can know."""
    start_ns: int
    end_ns: int
    reason: str


class Circumstances(NamedTuple):
    """What is known of a topic beside its messages."""

    epochs: tuple[Epoch, ...]
    """As far as they are remembered; empty when only segments are left."""
    late_ns: int
    accounted_seq: int
    """Every number up to this one was given to a message."""
    overwrites: bool
    """Whether anything was overwritten in memory."""
    in_memory: bool
    lost: bool
    """Whether numbers are known to have never arrived."""
    oversize: bool

    @property
    def never_kept(self) -> str:
        """Why a number may be absent that was never in memory."""
        parts = [NEVER] if self.lost or not self.oversize else []
        return " or ".join([*parts, *([OVERSIZE] if self.oversize else [])])

    @property
    def gone(self) -> str:
        """Why a number may be absent at all."""
        if not self.in_memory:
            return f"{NEVER} or {NOT_RECORDED}"
        if not self.overwrites:
            return self.never_kept
        parts = [OVERWRITTEN, *([NEVER] if self.lost else []), *([OVERSIZE] if self.oversize else [])]
        return " or ".join(parts)


class _Range(NamedTuple):
    """Stamps from ``low_ns`` to ``high_ns``, both possible: equal stamps are nothing special."""

    low_ns: int
    high_ns: int


def find_holes(
    topic: str, known: NDArray[np.void], about: Circumstances, start_ns: int, end_ns: int
) -> list[Missing]:
    """Holes of one topic that may lie in ``[start_ns, end_ns)``, in the order of their numbers.

    ``known``: every message that some tier has, dtype KNOWN, by ``seq``, each once.
    """
    if not len(known):
        if not about.accounted_seq:
            return []
        return [Missing(topic, None, start_ns, end_ns, about.gone)]
    found = [_before(topic, known[0], about, start_ns, end_ns)]
    steps = np.diff(known["seq"].astype(np.int64))
    found += [
        _between(topic, known[place], known[place + 1], about, start_ns, end_ns)
        for place in np.flatnonzero(steps > 1)
    ]
    if about.accounted_seq > int(known[-1]["seq"]):
        after = [_Range(int(known[-1]["t_ns"]) - about.late_ns, _ALWAYS)]
        found.append(_clipped(topic, None, after, about.never_kept, start_ns, end_ns))
    return [hole for hole in found if hole is not None]


def _before(topic: str, first: np.void, about: Circumstances, start_ns: int, end_ns: int) -> Missing | None:
    """Numbers below the smallest that is left."""
    if int(first["seq"]) <= 1:
        return None
    t_ns, epoch = int(first["t_ns"]), int(first["epoch"])
    ranges = [
        _Range(each.first_ns - about.late_ns, each.newest_ns) for each in about.epochs if each.number < epoch
    ]
    begun = [each.first_ns - about.late_ns for each in about.epochs if each.number == epoch]
    ranges.append(_Range(begun[0] if begun else -_ALWAYS, t_ns + about.late_ns))
    reason = about.never_kept if int(first["hot"]) == 0 else about.gone
    return _clipped(topic, None, ranges, reason, start_ns, end_ns)


def _between(
    topic: str, one: np.void, other: np.void, about: Circumstances, start_ns: int, end_ns: int
) -> Missing | None:
    """Numbers between two that are there."""
    absent = int(other["seq"]) - int(one["seq"]) - 1
    neighbours = int(one["hot"]) >= 0 and int(other["hot"]) == int(one["hot"]) + 1
    reason = about.never_kept if neighbours else about.gone
    low, high = int(one["t_ns"]), int(other["t_ns"])
    if int(one["epoch"]) == int(other["epoch"]):
        inside = start_ns <= low < end_ns and start_ns <= high < end_ns
        ranges = [_Range(low - about.late_ns, high + about.late_ns)]
        return _clipped(topic, absent if inside else None, ranges, reason, start_ns, end_ns)
    ends = {each.number: each for each in about.epochs}
    first, last = ends.get(int(one["epoch"])), ends.get(int(other["epoch"]))
    ranges = [_Range(low - about.late_ns, first.newest_ns if first else _ALWAYS)]
    ranges += [
        _Range(each.first_ns - about.late_ns, each.newest_ns)
        for each in about.epochs
        if int(one["epoch"]) < each.number < int(other["epoch"])
    ]
    ranges.append(_Range((last.first_ns if last else -_ALWAYS) - about.late_ns, high + about.late_ns))
    return _clipped(topic, None, ranges, reason, start_ns, end_ns)


def _meet(part: _Range, start_ns: int, end_ns: int) -> bool:
    return part.low_ns < end_ns and part.high_ns >= start_ns


def _clipped(
    topic: str, count: int | None, ranges: list[_Range], reason: str, start_ns: int, end_ns: int
) -> Missing | None:
    """The part of the window in which the hole may lie; None when it lies elsewhere."""
    inside = [part for part in ranges if _meet(part, start_ns, end_ns)]
    if not inside:
        return None
    low = max(start_ns, min(part.low_ns for part in inside))
    high = min(end_ns, max(part.high_ns for part in inside) + 1)
    return Missing(topic, count, low, high, reason)
