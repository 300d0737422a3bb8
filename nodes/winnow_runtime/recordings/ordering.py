"""Plays blocks of messages in time order with bounded memory.

A *block* is a stretch of a file that is read at once: a chunk, or a run of records outside chunks. Blocks
say their time range, so one is read only when its first message is due. Blocks that overlap in time are
open together.

Memory: 16 bytes per message of the open blocks, plus their decompressed bytes up to ``cache_bytes`` (but
always the one block in use); a block that does not fit is read again when its next message is due, and the
one that waits longest makes room. Equal times keep the order of the file.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from winnow_schemas.channel import Message

_BATCH = 65_536
"""Messages ordered at once; bounds the temporary lists."""


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a file with a known time range."""

    order: int
    """Its place in the file: decides between equal times."""
    start_ns: int
    end_ns: int
    """Time of its last message, inclusive."""
    messages: int | None
    """How many messages it should hold, where something says so."""
    channels: frozenset[int] | None
    """Numbers of the channels in it, where something says so."""


AnyBlock = TypeVar("AnyBlock", bound=Block)
AnyBlock_contra = TypeVar("AnyBlock_contra", bound=Block, contravariant=True)


class Scan(NamedTuple):
    """Where the messages of a block are, in the order of the file."""

    raw: bytes
    times_ns: NDArray[np.int64]
    offsets: NDArray[np.int64]


class BlockStore(Protocol[AnyBlock_contra]):
    """A file format that keeps messages in blocks."""

    def scan(self, block: AnyBlock_contra, wanted: frozenset[int] | None) -> Scan | None:
        """Read a block and find its messages; None when it is unreadable (a problem has been noted)."""

    def read(self, block: AnyBlock_contra) -> bytes:
        """The bytes that ``scan`` returned, again; empty if the file cannot give them any more."""

    def emit(self, raw: bytes, offsets: list[int]) -> Iterator[Message]:
        """The messages at these offsets of a block's bytes."""

    def misplaced(self, block: AnyBlock_contra, first_ns: int) -> None:
        """Note that a block holds a message from before the start it claims, so that it is played late."""


class _Run(Generic[AnyBlock]):
    """An open block: its messages by time, and how far they have been played."""

    __slots__ = ("block", "next", "offsets", "raw", "times")

    def __init__(self, block: AnyBlock, scan: Scan, *, start_ns: int | None, end_ns: int | None) -> None:
        times, offsets = scan.times_ns, scan.offsets
        if len(times) > 1 and bool(np.any(times[1:] < times[:-1])):
            order = np.argsort(times, kind="stable")
            times, offsets = times[order], offsets[order]
        first = 0 if start_ns is None else int(np.searchsorted(times, start_ns, "left"))
        last = len(times) if end_ns is None else int(np.searchsorted(times, end_ns, "left"))
        self.block = block
        self.raw: bytes | None = scan.raw
        self.times = times[first:last]
        self.offsets = offsets[first:last]
        self.next = 0

    @property
    def exhausted(self) -> bool:
        return self.next >= len(self.times)

    @property
    def next_ns(self) -> int:
        return int(self.times[self.next])

    def until(self, horizon_ns: int | None, at_most: int) -> int:
        """Index of the first message that is not due before the horizon."""
        due = len(self.times) if horizon_ns is None else int(np.searchsorted(self.times, horizon_ns, "left"))
        return min(due, self.next + at_most)


class TimeOrder(Generic[AnyBlock]):
    """One playing of some blocks of a store."""

    def __init__(
        self,
        store: BlockStore[AnyBlock],
        blocks: Sequence[AnyBlock],
        *,
        cache_bytes: int,
        wanted: frozenset[int] | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> None:
        self._store = store
        self._cache_bytes = cache_bytes
        self._wanted = wanted
        self._start_ns, self._end_ns = start_ns, end_ns
        self._waiting = sorted(
            (block for block in blocks if self._concerns(block)),
            key=lambda block: (block.start_ns, block.order),
            reverse=True,
        )
        self._open: list[_Run[AnyBlock]] = []

    def __iter__(self) -> Iterator[Message]:
        while self._open or self._waiting:
            self._open_due()
            if not self._open:
                continue
            horizon_ns = self._waiting[-1].start_ns if self._waiting else None
            if len(self._open) == 1:
                yield from self._play_alone(self._open[0], horizon_ns)
            else:
                yield from self._play_together(horizon_ns)
            self._open = [run for run in self._open if not run.exhausted]

    def _concerns(self, block: AnyBlock) -> bool:
        start_ns, end_ns = self._start_ns, self._end_ns
        in_time = (start_ns is None or block.end_ns >= start_ns) and (
            end_ns is None or block.start_ns < end_ns
        )
        return in_time and (
            self._wanted is None or block.channels is None or bool(block.channels & self._wanted)
        )

    def _open_due(self) -> None:
        """Open every block that starts no later than the next message that could be played."""
        low_ns = min((run.next_ns for run in self._open), default=None)
        while self._waiting and (low_ns is None or self._waiting[-1].start_ns <= low_ns):
            block = self._waiting.pop()
            scan = self._store.scan(block, self._wanted)
            if scan is None:
                continue
            run = _Run(block, scan, start_ns=self._start_ns, end_ns=self._end_ns)
            if run.exhausted:
                continue
            if run.next_ns < block.start_ns:
                self._store.misplaced(block, run.next_ns)
            low_ns = run.next_ns if low_ns is None else min(low_ns, run.next_ns)
            self._open.append(run)
            self._open.sort(key=lambda run: run.block.order)
            self._make_room(run)

    def _play_alone(self, run: _Run[AnyBlock], horizon_ns: int | None) -> Iterator[Message]:
        raw = self._bytes_of(run)
        last = run.until(horizon_ns, _BATCH)
        offsets = run.offsets[run.next : last].tolist()
        run.next = last
        yield from self._store.emit(raw, offsets)

    def _play_together(self, horizon_ns: int | None) -> Iterator[Message]:
        """Play what is due before the horizon, from several runs; every run gets as far as the others."""
        if horizon_ns is None or any(
            run.until(horizon_ns, _BATCH + 1) - run.next > _BATCH for run in self._open
        ):
            # Too much for one batch: the earliest of the runs' batch ends becomes the horizon.
            ends = [
                int(run.times[run.next + _BATCH]) for run in self._open if run.next + _BATCH < len(run.times)
            ]
            horizon_ns = min([*ends, *([] if horizon_ns is None else [horizon_ns])], default=None)
        spans = [(run, run.next, run.until(horizon_ns, len(run.times))) for run in self._open]
        times = np.concatenate([run.times[first:last] for run, first, last in spans])
        if len(times) == 0:  # many equal times: one batch cannot end between them
            run = min(self._open, key=lambda run: (run.next_ns, run.block.order))
            tied = int(np.searchsorted(run.times, run.next_ns, "right"))
            spans, times = [(run, run.next, tied)], run.times[run.next : tied]
        offsets = np.concatenate([run.offsets[first:last] for run, first, last in spans])
        owners = np.repeat(np.arange(len(spans)), [last - first for _, first, last in spans])
        order = np.argsort(times, kind="stable")
        offsets, owners = offsets[order], owners[order]
        for run, _, last in spans:
            run.next = last
        borders = [0, *(np.flatnonzero(np.diff(owners)) + 1).tolist(), len(owners)]
        for first, last in itertools.pairwise(borders):
            run = spans[int(owners[first])][0]
            yield from self._store.emit(self._bytes_of(run), offsets[first:last].tolist())

    def _bytes_of(self, run: _Run[AnyBlock]) -> bytes:
        if run.raw is None:
            run.raw = self._store.read(run.block)
            self._make_room(run)
        return run.raw

    def _make_room(self, keep: _Run[AnyBlock]) -> None:
        """Let go of the bytes that are needed last until the rest fits; never of those in use."""
        held = sum(len(run.raw) for run in self._open if run.raw is not None)
        others = [run for run in self._open if run.raw is not None and run is not keep]
        others.sort(key=lambda run: -1 if run.exhausted else run.next_ns)
        while held > self._cache_bytes and others:
            run = others.pop()
            held -= len(run.raw or b"")
            run.raw = None
