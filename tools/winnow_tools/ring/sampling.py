"""Looks at rings again and again: what they hold now, and what has moved within the last second."""

import bisect
from collections import deque
from typing import NamedTuple

from winnow_runtime.clock import Clock
from winnow_runtime.ring.board import Beat, Cell, CellState, End
from winnow_runtime.ring.layout import NO_TIME
from winnow_runtime.ring.reader import RingReader, Stats
from winnow_runtime.ring.view import RingView
from winnow_tools.ring.state import ReaderLag, RingState, RunState, TopicRing

RATE_OVER_NS = 1_000_000_000
"""Rates are of the last second."""
BEATS_REMEMBERED = 6_000
"""Heartbeats with their times, for lags: minutes at the rate at which anybody looks."""
_ALL_TIME = 2**63 - 1


class _Moment(NamedTuple):
    at_ns: int
    counts: dict[str, tuple[int, int]]
    """Port -> messages and bytes so far."""


class _Heard(NamedTuple):
    number: int
    at_ns: int
    messages: int


class Sampler:
    """Reads one run's rings; it maps them read-only and has no cell, so nobody waits for it."""

    def __init__(self, view: RingView, clock: Clock) -> None:
        self._view = view
        self._clock = clock
        self._moments: deque[_Moment] = deque()
        self._heard: deque[_Heard] = deque(maxlen=BEATS_REMEMBERED)
        self._out = view.folder.owner()[1]

    def listen(self) -> None:
        """Note the newest heartbeat; the more often, the finer the lags."""
        beat = self._view.beat()
        if not self._heard or beat.number > self._heard[-1].number:
            self._heard.append(_Heard(beat.number, self._clock.monotonic_ns(), beat.messages))

    def look(self) -> RingState:
        """How things stand now."""
        self.listen()
        beat = self._view.beat()
        now = self._clock.monotonic_ns()
        stats = {port: ring.stats() for port, ring in self._view.rings().items()}
        self._moments.append(
            _Moment(now, {port: (each.messages, each.bytes) for port, each in stats.items()})
        )
        while len(self._moments) > 2 and self._moments[1].at_ns <= now - RATE_OVER_NS:
            self._moments.popleft()
        topics = self._view.topics()
        rows = [
            self._topic(topics.get(port, port), self._view.ring(port), each, now)
            for port, each in stats.items()
        ]
        return RingState(
            run_id=self._view.folder.run_id,
            out=self._out,
            state=self._state(beat),
            beat=beat.number,
            watermark_ns=_time(beat.watermark_ns),
            newest_ns=_time(beat.newest_ns),
            messages=beat.messages,
            bytes=beat.bytes,
            lost=beat.lost,
            over_s=(now - self._moments[0].at_ns) / 1e9,
            topics=tuple(sorted(rows, key=lambda row: (row.topic, row.port))),
            readers=tuple(self._readers(beat, now)),
        )

    def _state(self, beat: Beat) -> RunState:
        folder = self._view.folder
        if not folder.path.exists():
            return RunState.GONE
        if folder.abandoned:
            return RunState.DEAD
        if beat.end is not End.RUNNING:
            return RunState.ENDED if beat.end is End.ENDED else RunState.STOPPED
        return RunState.RUNNING if self._view.writer_lives else RunState.RING_DOWN

    def _topic(self, topic: str, ring: RingReader, stats: Stats, now: int) -> TopicRing:
        rate_hz, rate_mb_s = self._rates(ring.port, stats, now)
        hot_s = stats.held_ns / 1e9
        return TopicRing(
            topic=topic,
            port=ring.port,
            messages=stats.messages,
            bytes=stats.bytes,
            in_ring=stats.in_ring,
            capacity_bytes=ring.geometry.data_capacity,
            index_capacity=ring.geometry.index_capacity,
            fill=round(stats.fill, 4),
            index_fill=round(stats.index_fill, 4),
            rate_hz=rate_hz,
            rate_mb_s=rate_mb_s,
            hot_s=hot_s,
            hot_when_full_s=hot_s / stats.fullness if stats.fullness else None,
            lost=stats.lost,
            oversize=stats.oversize,
            duplicates=stats.duplicates,
            largest_bytes=stats.largest,
            oldest_ns=stats.oldest_ns,
            newest_ns=stats.newest_ns,
        )

    def _rates(self, port: str, stats: Stats, now: int) -> tuple[float | None, float | None]:
        """Against the oldest moment remembered; a ring that is newer than it began with nothing."""
        first = self._moments[0]
        over_s = (now - first.at_ns) / 1e9
        if over_s <= 0:
            return None, None
        messages, size = first.counts.get(port, (0, 0))
        return (stats.messages - messages) / over_s, (stats.bytes - size) / over_s / 1e6

    def _readers(self, beat: Beat, now: int) -> list[ReaderLag]:
        lags = []
        for name in self._view.folder.readers():
            cell = self._view.cell(name)
            if cell is not None:
                lags.append(self._lag(name, cell, beat, now))
        return lags

    def _lag(self, name: str, cell: CellState, beat: Beat, now: int) -> ReaderLag:
        behind = max(0, beat.number - cell.done)
        messages, seconds = self._behind(cell.done, beat, now) if behind else (0, 0.0)
        return ReaderLag(
            reader=name,
            pid=cell.owner.pid,
            alive=cell.owner.alive,
            idle=cell.idle,
            finished=cell.finished,
            beats=behind,
            messages=messages,
            seconds=seconds,
            hold_ns=None if cell.hold_ns == Cell.FREE else _time(cell.hold_ns),
            keep_ns=None if cell.keep_ns == Cell.FREE else _time(cell.keep_ns),
        )

    def _behind(self, done: int, beat: Beat, now: int) -> tuple[int | None, float]:
        """Messages and seconds since a heartbeat that was heard; the first look is as far back as anybody knows."""
        numbers = [heard.number for heard in self._heard]
        place = bisect.bisect_right(numbers, done)
        if place == 0:
            return None, (now - self._heard[0].at_ns) / 1e9
        passed = self._heard[place] if place < len(numbers) else self._heard[-1]
        return max(0, beat.messages - self._heard[place - 1].messages), (now - passed.at_ns) / 1e9


def _time(t_ns: int) -> int | None:
    return None if t_ns in (NO_TIME, _ALL_TIME) else t_ns
