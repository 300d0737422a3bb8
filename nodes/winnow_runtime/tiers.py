"""Hot and warm tier behind one interface: a time window, each message exactly once, in time order.

A plan names every message of the window and where it can be had; reading streams them. What the window
should have held and does not is said with the reason, never papered over.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow_runtime.holes import KNOWN, Circumstances, Missing, find_holes
from winnow_runtime.ring.board import Channels
from winnow_runtime.ring.copies import Large, copies_of
from winnow_runtime.ring.layout import NO_TIME
from winnow_runtime.ring.reader import Entries, RingReader
from winnow_runtime.ring.view import RingView
from winnow_runtime.warm.index import Rows, Segment
from winnow_runtime.warm.reader import WarmReader
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError

PLAN = np.dtype(
    [
        ("t_ns", "<i8"),
        ("rank", "<u4"),
        ("seq", "<u8"),
        ("pub_ns", "<i8"),
        ("length", "<u4"),
        ("channel", "<u4"),
        ("epoch", "<u4"),
        ("hot", "<i8"),
        ("vpos", "<u8"),
        ("segment", "<i4"),
        ("chunk", "<u8"),
        ("offset", "<u4"),
    ]
)
"""``rank``: place of the topic in alphabetical order; ``hot``: entry number in the ring, -1 when only on
disk, and ``vpos`` where its payload lies there; ``segment``: index into the plan's segments, -1 when only in memory."""

_NEAR = np.dtype([("t_ns", "<i8"), ("rank", "<u4"), ("seq", "<u8")])
"""What is on disk around a window, of which only the numbers are of interest."""
_ROWS_AT_ONCE = 4096
_NEAR_NS = 120_000_000_000
"""How far around a window messages are looked for on disk before everything is: two segments."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Every message of a window, in the order ``(t_ns, topic, seq)``."""

    start_ns: int
    end_ns: int
    rows: NDArray[np.void]
    ports: tuple[str, ...]
    """By rank."""
    topics: tuple[str, ...]
    """By rank."""
    segments: tuple[Segment, ...]
    missing: tuple[Missing, ...]

    @property
    def payload_bytes(self) -> int:
        return int(self.rows["length"].sum(dtype=np.int64))

    def without(self, topics: Collection[str]) -> "Plan":
        """The same plan, some topics left out."""
        ranks = [rank for rank, topic in enumerate(self.topics) if topic in topics]
        keep = ~np.isin(self.rows["rank"], ranks)
        missing = tuple(item for item in self.missing if item.topic not in topics)
        return Plan(
            self.start_ns, self.end_ns, self.rows[keep], self.ports, self.topics, self.segments, missing
        )


class Taken(NamedTuple):
    """One message read; ``data`` is valid until the next one is read."""

    t_ns: int
    pub_ns: int
    seq: int
    channel: int
    topic: str
    data: memoryview


class TierReader:
    """Reads windows; the memory it holds is one message and a few chunks."""

    def __init__(self, channels: Channels, rings: RingView | None, warm: WarmReader | None) -> None:
        """``rings`` is None for a run that is over: then only its segments are left."""
        self._channels = channels
        self._rings = rings
        self._warm = warm
        self._large = Large()
        self.from_memory = 0
        self.from_disk = 0
        """Messages read from each tier so far."""

    def plan(self, start_ns: int, end_ns: int, topics: Collection[str] = ()) -> Plan:
        """Find every message of ``[start_ns, end_ns)``; ``topics`` empty = all."""
        chosen = [(topic, port) for topic, port, _ in self.all_topics() if not topics or topic in topics]
        ranks = {port: rank for rank, (_, port) in enumerate(chosen)}
        # Memory first: what is overwritten after that look was recorded before the look at the disk.
        hot = [self._hot_rows(port, rank, start_ns, end_ns) for port, rank in ranks.items()]
        wide = self._warm.window(start_ns - _NEAR_NS, end_ns + _NEAR_NS) if self._warm else []
        cold, near = self._warm_rows(wide, ranks, start_ns, end_ns)
        parts = [_merge(hot[rank], cold[cold["rank"] == rank]) for rank in ranks.values()]
        missing = []
        for (topic, port), rows in zip(chosen, parts, strict=True):
            missing += self._missing(topic, port, rows, near[near["rank"] == ranks[port]], start_ns, end_ns)
        rows = np.concatenate(parts) if parts else np.empty(0, PLAN)
        rows = rows[np.lexsort((rows["seq"], rows["rank"], rows["t_ns"]))]
        return Plan(
            start_ns,
            end_ns,
            rows,
            tuple(port for _, port in chosen),
            tuple(topic for topic, _ in chosen),
            tuple(segment for segment, _ in wide),
            tuple(missing),
        )

    def _hot_rows(self, port: str, rank: int, start_ns: int, end_ns: int) -> NDArray[np.void]:
        ring = self._ring(port)
        return _hot_rows(ring.window(start_ns, end_ns), rank) if ring else np.empty(0, PLAN)

    def _warm_rows(
        self, warm: list[tuple[Segment, Rows]], ranks: dict[str, int], start_ns: int, end_ns: int
    ) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """What is on disk in the window, and the numbers of what is there around it."""
        by_channel = {
            number: ranks[port]
            for port, channels in self._channels.by_port().items()
            if port in ranks
            for number, _ in channels
        }
        rank_of = np.zeros(max(by_channel, default=0) + 1, np.uint32)
        rank_of[list(by_channel)] = list(by_channel.values())
        parts, near = [np.empty(0, PLAN)], [np.empty(0, _NEAR)]
        for index, (_, all_rows) in enumerate(warm):
            rows = all_rows[np.isin(all_rows["channel"], list(by_channel))]
            around = np.empty(len(rows), _NEAR)
            around["t_ns"], around["seq"], around["rank"] = (
                rows["t_ns"],
                rows["seq"],
                rank_of[rows["channel"]],
            )
            near.append(around)
            rows = rows[(rows["t_ns"] >= start_ns) & (rows["t_ns"] < end_ns)]
            part = np.zeros(len(rows), PLAN)
            for name in ("t_ns", "seq", "pub_ns", "length", "channel", "epoch", "chunk", "offset"):
                part[name] = rows[name]
            part["rank"], part["hot"], part["segment"] = rank_of[rows["channel"]], -1, index
            parts.append(part)
        return np.concatenate(parts), np.concatenate(near)

    # --- what is not there --------------------------------------------------------------------------------

    def _missing(
        self,
        topic: str,
        port: str,
        rows: NDArray[np.void],
        near: NDArray[np.void],
        start_ns: int,
        end_ns: int,
    ) -> list[Missing]:
        """What the window should hold of a topic; ``near``: what is on disk around it."""
        ring = self._ring(port)
        about = _circumstances(ring)
        if ring is not None and len(rows) and len(about.epochs) <= 1:
            around = ring.window(start_ns - about.late_ns, end_ns + about.late_ns)
            close = (near["t_ns"] >= start_ns - about.late_ns) & (near["t_ns"] < end_ns + about.late_ns)
            seqs = np.unique(np.concatenate([around["seq"], near["seq"][close]]))
            if self._continuous(ring, around, seqs, near, about):
                return []
        return find_holes(topic, self._known(port, rows), about, start_ns, end_ns)

    @staticmethod
    def _continuous(
        ring: RingReader,
        around: Entries,
        seqs: NDArray[np.uint64],
        near: NDArray[np.void],
        about: Circumstances,
    ) -> bool:
        """Whether these numbers follow each other, and those before and behind them are there too."""
        first, last = int(seqs[0]), int(seqs[-1])
        if last - first + 1 != len(seqs):
            return False
        if len(around):
            low, high = int(around["n"].min()), int(around["n"].max())
            beside = np.concatenate([ring.between(low - 1, low), ring.between(high + 1, high + 2)])["seq"]
        else:
            beside = ring.between(ring.tail, ring.tail + 1)["seq"]
        there = {0, about.accounted_seq + 1, *beside.tolist()}
        there.update(near["seq"][(near["seq"] == first - 1) | (near["seq"] == last + 1)].tolist())
        return first - 1 in there and last + 1 in there

    def _known(self, port: str, rows: NDArray[np.void]) -> NDArray[np.void]:
        """Every message of a port that some tier has, by number, each once.

        ``rows``: those of the plan, which may be overwritten by now; reading them will say so.
        """
        ring = self._ring(port)
        parts = [_as_known(rows, rows["hot"])]
        if ring is not None:
            hot = ring.between(ring.tail, ring.head)
            parts.append(_as_known(hot, hot["n"].astype(np.int64)))
        cold = self._warm.rows_of(self._numbers(port)) if self._warm is not None else ()
        parts.extend(_as_known(each, np.full(len(each), -1, np.int64)) for each in cold)
        everything = np.concatenate(parts)
        _, first = np.unique(everything["seq"], return_index=True)
        return everything[first]

    def _numbers(self, port: str) -> list[int]:
        return [number for number, _ in self._channels.by_port().get(port, [])]

    def _ring(self, port: str) -> RingReader | None:
        return self._rings.rings().get(port) if self._rings is not None else None

    # --- reading ------------------------------------------------------------------------------------------

    def read(self, plan: Plan, lost: list[Missing]) -> Iterator[Taken]:
        """Stream the plan's messages; what turns out to be unreadable is appended to ``lost``."""
        rings = [self._ring(port) for port in plan.ports]
        takes = [copies_of(ring, self._large).take if ring is not None else None for ring in rings]
        topics, place = plan.topics, -1
        for t_ns, pub_ns, seq, channel, rank, number, vpos, length in _columns(plan.rows):
            place += 1
            take = takes[rank]
            data = take(number, vpos, length) if number >= 0 and take is not None else None
            if data is not None:
                self.from_memory += 1
            else:
                data, reason = self._cold(plan, plan.rows[place])
                if data is None:
                    lost.append(Missing(topics[rank], 1, t_ns, t_ns + 1, reason))
                    continue
                self.from_disk += 1
            yield Taken(t_ns, pub_ns, seq, channel, topics[rank], data)

    def _cold(self, plan: Plan, row: Any) -> tuple[memoryview | None, str]:
        """A message from disk; else why there is none."""
        reason = "overwritten while it was read, and not on disk"
        if self._warm is None:
            return None, reason
        if row["segment"] < 0:
            return self._late(row), reason
        try:
            return self._warm.payload(plan.segments[int(row["segment"])], row), ""
        except BadInputError as error:
            return None, str(error)

    def _late(self, row: Any) -> memoryview | None:
        """A message that was only in memory when the plan was made: the recorder may have it by now."""
        assert self._warm is not None
        t_ns = int(row["t_ns"])
        for segment, rows in self._warm.window(t_ns, t_ns + 1):
            same = rows[(rows["seq"] == row["seq"]) & (rows["channel"] == row["channel"])]
            if len(same):
                try:
                    return self._warm.payload(segment, same[0])
                except BadInputError:
                    return None
        return None

    def newest_ns(self) -> int:
        """Time of the newest message that any tier has; NO_TIME when there is none."""
        times = [self._rings.beat().newest_ns] if self._rings is not None else []
        if self._warm is not None:
            times.append(self._warm.newest_ns())
        return max(times, default=NO_TIME)

    def channel(self, number: int) -> Channel:
        return self._channels.get(number)

    def all_topics(self) -> list[tuple[str, str, Channel]]:
        """(topic, port, channel announced last) of every port, by topic."""
        channels = self._channels.by_port()
        return sorted(
            ((known[-1][1].topic, port, known[-1][1]) for port, known in channels.items()),
            key=lambda item: item[:2],
        )

    def latched(self, port: str, before_ns: int, depth: int) -> list[tuple[Any, bytes]]:
        """The newest ``depth`` distinct messages of a latched topic from before a time, oldest first."""
        ring = self._ring(port)
        if ring is None:
            return []
        entries = ring.between(ring.tail, ring.head)
        seen: dict[bytes, Any] = {}
        for entry in entries[entries["t_ns"] < before_ns][::-1]:
            data = ring.copy(entry)
            if data is not None and data not in seen:
                seen[data] = entry
                if len(seen) == depth:
                    break
        return [(entry, data) for data, entry in reversed(seen.items())]


def _columns(rows: NDArray[np.void]) -> Iterator[tuple[int, int, int, int, int, int, int, int]]:
    """Rows as plain integers, some at a time: taking a field of a numpy row costs more than reading a message."""
    names = ("t_ns", "pub_ns", "seq", "channel", "rank", "hot", "vpos", "length")
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        part = rows[first : first + _ROWS_AT_ONCE]
        yield from zip(*(part[name].tolist() for name in names), strict=True)


def _circumstances(ring: RingReader | None) -> Circumstances:
    if ring is None:
        return Circumstances((), 0, 0, overwrites=True, in_memory=False, lost=True, oversize=False)
    stats = ring.stats()
    return Circumstances(
        tuple(ring.epochs()),
        ring.late_ns,
        ring.accounted_seq,
        overwrites=ring.tail > 0,
        in_memory=True,
        lost=stats.lost > 0,
        oversize=stats.oversize > 0,
    )


def _as_known(rows: NDArray[np.void], hot: NDArray[np.int64]) -> NDArray[np.void]:
    known = np.empty(len(rows), KNOWN)
    for name in ("seq", "t_ns", "epoch"):
        known[name] = rows[name]
    known["hot"] = hot
    return known


def _hot_rows(entries: Entries, rank: int) -> NDArray[np.void]:
    rows = np.zeros(len(entries), PLAN)
    for name in ("t_ns", "seq", "pub_ns", "length", "channel", "epoch", "vpos"):
        rows[name] = entries[name]
    rows["rank"] = rank
    rows["hot"] = entries["n"]
    rows["segment"] = -1
    return rows


def _merge(hot: NDArray[np.void], warm: NDArray[np.void]) -> NDArray[np.void]:
    """One row per sequence number; a message in both tiers keeps both addresses."""
    if not len(warm):
        return hot
    _, first = np.unique(warm["seq"], return_index=True)
    warm = warm[np.sort(first)]
    if not len(hot):
        return warm
    order = np.argsort(hot["seq"], kind="stable")
    place = np.searchsorted(hot["seq"][order], warm["seq"])
    place = np.minimum(place, len(hot) - 1)
    target = order[place]
    both = hot["seq"][target] == warm["seq"]
    for name in ("segment", "chunk", "offset"):
        hot[name][target[both]] = warm[name][both]
    return np.concatenate([hot, warm[~both]])
