"""Which messages of a numbered port are new, repeated, or show a gap."""

from enum import Enum
from typing import NamedTuple


class Arrival(Enum):
    """What to do with a message."""

    NEW = "new"
    """Keep it."""
    REPEATED = "repeated"
    """It is here already."""
    TOO_EARLY = "too early"
    """Something before it is missing and will be sent again: refuse it, it will come again too."""


class Judged(NamedTuple):
    """The verdict on one message."""

    arrival: Arrival
    lost: int
    """Messages before it that are gone for good."""


class PortNumbering:
    """The sequence numbers of one port, counted from 1."""

    __slots__ = ("last",)

    def __init__(self, last: int = 0) -> None:
        self.last = last
        """Every message up to this number is accounted for."""

    def judge(self, seq: int, *, resends: bool) -> Judged:
        """Judge the next arrival and count it if it is new.

        ``resends``: the source keeps what was not acknowledged, so a gap is no loss yet (go-back-N).
        """
        if seq <= self.last:
            return Judged(Arrival.REPEATED, 0)
        lost = seq - self.last - 1
        if lost and resends:
            return Judged(Arrival.TOO_EARLY, 0)
        self.last = seq
        return Judged(Arrival.NEW, lost)
