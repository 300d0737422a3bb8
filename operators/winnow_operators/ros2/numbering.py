"""What of each publisher's numbered messages has come: new, late, repeated, or never.

A publisher counts its messages on a topic from 1. Order holds per publisher in practice, but a cache that is
asked again repeats, and a message that took another way is late: it is taken out of the loss again.
"""

from collections import OrderedDict
from enum import Enum
from typing import NamedTuple

MAX_PUBLISHERS = 10_000
"""Publishers that are remembered; beyond it the one that was silent longest is forgotten."""
MAX_HOLES = 256
"""Gaps per publisher in which a late message is recognised; older ones stay lost."""
MAX_GAP = 100_000_000
"""A larger step is a publisher that counts anew: at 1 kHz it would be a gap of a day."""


class Verdict(Enum):
    """What to do with a message."""

    NEW = "new"
    LATE = "late"
    """It was missing: keep it, it is not lost after all."""
    REPEATED = "repeated"
    """It is here already: drop it."""
    ANEW = "anew"
    """Its publisher counts from the start again: keep it."""
    UNNUMBERED = "unnumbered"
    """It carries no number that could be counted: keep it."""


class Judged(NamedTuple):
    """The verdict, and the numbers ``[first, last]`` that are missing directly before it."""

    verdict: Verdict
    first: int = 0
    last: int = -1
    while_down: bool = False
    """Some of them may have come before the process that counted then was gone: at most this many are lost."""

    @property
    def lost(self) -> int:
        return self.last - self.first + 1


class _Hole(NamedTuple):
    first: int
    last: int
    counted: bool
    """False for numbers from before the first message that was heard."""


class PublisherNumbering:
    """One publisher on one topic."""

    __slots__ = ("_first", "_holes", "_newest_ns", "_restored", "last")

    def __init__(self, last: int = 0, newest_ns: int = 0) -> None:
        """``last`` and ``newest_ns`` as an earlier process left them; 0: nothing is known."""
        self.last = last
        self._first = 1 if last else 0
        self._newest_ns = newest_ns
        self._restored = last > 0
        self._holes: list[_Hole] = []

    @property
    def newest_ns(self) -> int:
        """The newest source stamp."""
        return self._newest_ns

    def judge(self, sequence: int, source_ns: int) -> Judged:
        """Judge the next arrival."""
        if sequence < 1:
            return Judged(Verdict.UNNUMBERED)
        if self.last == 0 or self._is_anew(sequence, source_ns):
            verdict = Verdict.ANEW if self.last else Verdict.NEW
            self._first = self.last = sequence
            self._newest_ns = source_ns
            self._holes.clear()
            return Judged(verdict)
        if sequence > self.last:
            return self._ahead(sequence, source_ns)
        if sequence < self._first:
            self._open(_Hole(sequence + 1, self._first - 1, counted=False))
            self._first = sequence
            return Judged(Verdict.UNNUMBERED)
        return self._behind(sequence)

    def _is_anew(self, sequence: int, source_ns: int) -> bool:
        """A number that went back while the source's clock went on; a repetition brings its old stamp."""
        return sequence > self.last + MAX_GAP or (sequence <= self.last and source_ns > self._newest_ns)

    def _ahead(self, sequence: int, source_ns: int) -> Judged:
        gap = Judged(Verdict.NEW, self.last + 1, sequence - 1, self._restored)
        self._restored = False
        self._open(_Hole(gap.first, gap.last, counted=True))
        self.last = sequence
        self._newest_ns = max(self._newest_ns, source_ns)
        return gap

    def _behind(self, sequence: int) -> Judged:
        for place, hole in enumerate(self._holes):
            if hole.first <= sequence <= hole.last:
                del self._holes[place]
                self._open(_Hole(hole.first, sequence - 1, hole.counted))
                self._open(_Hole(sequence + 1, hole.last, hole.counted))
                return Judged(Verdict.LATE if hole.counted else Verdict.UNNUMBERED)
        return Judged(Verdict.REPEATED)

    def _open(self, hole: _Hole) -> None:
        if hole.first <= hole.last:
            self._holes.append(hole)
            if len(self._holes) > MAX_HOLES:
                del self._holes[0]


class Numbering:
    """All publishers, by topic and GID."""

    def __init__(self) -> None:
        self._publishers: OrderedDict[tuple[str, bytes], PublisherNumbering] = OrderedDict()
        self.forgotten = 0
        """Publishers that had to be forgotten for room."""

    def __len__(self) -> int:
        return len(self._publishers)

    def judge(self, topic: str, gid: bytes, sequence: int, source_ns: int) -> Judged:
        """Judge a message of a publisher."""
        publisher = self._publishers.get((topic, gid))
        if publisher is None:
            publisher = self.remember(topic, gid, PublisherNumbering())
        else:
            self._publishers.move_to_end((topic, gid))
        return publisher.judge(sequence, source_ns)

    def remember(self, topic: str, gid: bytes, publisher: PublisherNumbering) -> PublisherNumbering:
        """Take a publisher in, as an earlier process left it."""
        self._publishers[topic, gid] = publisher
        if len(self._publishers) > MAX_PUBLISHERS:
            self._publishers.popitem(last=False)
            self.forgotten += 1
        return publisher

    def snapshot(self) -> list[tuple[str, bytes, int, int]]:
        """(topic, GID, last number, newest source stamp) of every publisher, for a checkpoint."""
        return [
            (topic, gid, each.last, each.newest_ns)
            for (topic, gid), each in self._publishers.items()
            if each.last
        ]
