"""Takes one chunk of a damaged file: as it is where its CRC is right, in pieces where it is not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from winnow_runtime.salvage import content, finder, messages, shapes
from winnow_runtime.salvage.content import Content
from winnow_runtime.salvage.definitions import Section
from winnow_runtime.salvage.emission import Emission, Stretch
from winnow_runtime.salvage.finder import Finder, Surroundings
from winnow_runtime.salvage.medium import Medium
from winnow_runtime.salvage.messages import Found
from winnow_runtime.salvage.pointers import Pointers, pointers_at
from winnow_runtime.salvage.report import IN_DAMAGE, NO_CHECKSUM, LostRange, Report
from winnow_runtime.salvage.shapes import ChunkShape
from winnow_runtime.salvage.target import Stored, Target

Known = Callable[[int, ChunkShape], Found | None]
"""Position and head of a chunk -> its messages, where somebody knows them."""
_EFFORT = 16
"""Bytes that may be read and decompressed for each byte of the file: chunks that overlap by the thousand
are an attack, and are passed over once this is used up."""
_EFFORT_FLOOR_BYTES = 1024 * 1024 * 1024


class Chunks:
    """The chunks of one file."""

    def __init__(
        self,
        medium: Medium,
        target: Target,
        report: Report,
        emission: Emission,
        *,
        scratch: Path,
        start: Callable[[], None],
        known: Known | None,
        is_certain: bool,
    ) -> None:
        """``start`` is called before anything is given out; ``is_certain``: the whole file has its CRC."""
        self._medium = medium
        self._target = target
        self._report = report
        self._emission = emission
        self._scratch = scratch
        self._start = start
        self._known = known
        self._is_certain = is_certain
        self._effort = _EFFORT * medium.size + _EFFORT_FLOOR_BYTES

    def take(self, section: Section, position: int, head: bytes, length: int) -> int | None:
        """Give out the chunk at ``position``; where it ends, or None when its sizes contradict each other.

        Raises:
            OSError: the target or the scratch folder refuses.

        """
        medium = self._medium
        best: tuple[ChunkShape, Content] | None = None
        for shape in shapes.chunk_shapes(head, length):
            if self._known is not None and (found := self._known(position, shape)) is not None:
                return self._untouched(section, position, shape, found)
            stored = min(shape.data_size, medium.size - position)
            if stored < 0 or self._effort < stored:
                continue
            loaded = content.load(medium, position, shape, medium.size, self._scratch)
            self._effort -= stored + len(loaded.raw)
            if loaded.is_verified and (loaded.is_sound or self._goes_on(position + shape.record_bytes)):
                return self._intact(section, position, shape, loaded, "")
            if best is None:
                best = shape, loaded
        if best is None or not shapes.is_chunk(head, length):
            return None
        shape, loaded = best
        end = position + shape.record_bytes
        goes_on = self._goes_on(end)
        if loaded.is_whole and (self._is_certain or not shape.crc) and goes_on:
            return self._intact(section, position, shape, loaded, "" if self._is_certain else NO_CHECKSUM)
        self._target.damaged(position)
        if goes_on:
            return self._broken(section, position, shape, loaded, end)
        reach = min(end, medium.size)
        around = Surroundings((), None)
        inner = Finder(medium, finder.CERTAIN, around).find(position + shape.data_at, reach)
        if inner < reach:
            loaded = content.load(medium, position, shape, inner, self._scratch)
        return self._broken(section, position, shape, loaded, inner)

    def _goes_on(self, position: int) -> bool:
        return position <= self._medium.size and shapes.can_start(self._medium, position, finder.OUTSIDE)

    def _intact(
        self, section: Section, position: int, shape: ChunkShape, loaded: Content, unverified: str
    ) -> int:
        """A chunk whose content is as its writer made it."""
        raw = loaded.raw
        behind = position + shape.record_bytes
        pointers = pointers_at(self._medium, behind, len(raw))
        found = messages.hinted(raw, pointers.offsets)
        if found is None:
            found = messages.walk(raw, 0, inside=True)
        if found.end < len(raw) and len(found.offsets) < messages.BATCH_MESSAGES:
            self._target.damaged(position)
            return self._broken(section, position, shape, loaded, behind)
        is_one = found.end == len(raw) and loaded.is_sound
        stored = self._stored(position, shape, found)

        self._start()
        crc = shape.crc if loaded.is_verified else 0
        while True:
            self._emission.define(section, raw, found.definitions, certain=not unverified)
            stretch = Stretch(raw, found, shape.compression, unverified, crc, stored if is_one else None)
            self._emission.messages(section, stretch)
            if found.end >= len(raw):
                break
            found = messages.walk(raw, found.end, inside=True)
        self._target.good_until(behind)
        self._target.good_until(pointers.end)
        return pointers.end

    def _untouched(self, section: Section, position: int, shape: ChunkShape, found: Found) -> int:
        """A chunk that is known."""
        stored = self._stored(position, shape, found)
        empty = memoryview(b"")
        self._emission.messages(
            section, Stretch(empty, found, shape.compression, "", shape.crc, stored, shape.size)
        )
        end = pointers_at(self._medium, position + shape.record_bytes, shape.size).end
        self._target.good_until(end)
        return end

    def _stored(self, position: int, shape: ChunkShape, found: Found) -> Callable[[], Stored]:
        start, end = position + shape.data_at, position + shape.record_bytes
        size = _index_bytes(found)  # not later: `found` goes on to the next batch

        def stored() -> Stored:
            index = self._medium.read(end, size)
            return Stored(position, shape.record_bytes, self._medium.pieces(start, end), end - start, index)

        return stored

    def _broken(self, section: Section, position: int, shape: ChunkShape, loaded: Content, end: int) -> int:
        """A damaged chunk that ends at ``end`` at the latest: what can be found in it, as unverified."""
        raw = loaded.raw
        pointers = pointers_at(self._medium, end, max(len(raw), shape.size))
        inside = shape.start_ns <= shape.end_ns < 1 << 63
        times = (shape.start_ns, shape.end_ns) if inside else self._emission.times_ns
        around = Surroundings([*section.channels(), *pointers.times], times)
        saved: dict[int, list[int]] = {}
        at = gaps = 0
        self._start()
        while at < len(raw):
            found = messages.over_damage(raw, at, around)
            at = found.end
            gaps += sum(last - first for first, last in found.gaps)
            near = around.is_near(found.heads["t_ns"])  # a definition can become a message of the year 1970
            gaps += int((found.ends - found.offsets)[~near].sum())
            found.offsets, found.heads = found.offsets[near], found.heads[near]
            self._emission.define(section, raw, found.definitions, certain=False)
            self._emission.messages(section, Stretch(raw, found, shape.compression, IN_DAMAGE))
            for number in pointers.times:
                saved.setdefault(number, []).extend(
                    found.heads["t_ns"][found.heads["channel"] == number].tolist()
                )
        self._lament(section, position, shape, loaded, pointers, saved, gaps)
        return pointers.end

    def _lament(
        self,
        section: Section,
        position: int,
        shape: ChunkShape,
        loaded: Content,
        pointers: Pointers,
        saved: dict[int, list[int]],
        gaps: int,
    ) -> None:
        reason = loaded.problem if not loaded.is_verified else "its records contradict each other"
        report = self._report
        report.is_damaged = True
        if gaps or not loaded.is_whole:
            lost = shape.data_size if not len(loaded.raw) else gaps + max(0, shape.size - len(loaded.raw))
            lost = max(1, min(lost, self._medium.size - position))
            report.skip(position, lost, f"in the chunk there, {reason}")
        if not pointers.times:
            if gaps or not loaded.is_whole:
                end_ns = max(shape.start_ns, shape.end_ns) + 1
                report.lose(LostRange(None, shape.start_ns, end_ns, None, position, reason))
            return
        for number, times in pointers.times.items():
            missing = _without(times, saved.get(number, []))
            if missing:
                channel = section.look(number).channel
                topic = channel.topic if channel is not None else None
                report.lose(LostRange(topic, missing[0], missing[-1] + 1, len(missing), position, reason))


def _index_bytes(found: Found) -> int:
    return 15 * len(np.unique(found.heads["channel"])) + 16 * len(found.heads)


def _without(times: list[int], saved: list[int]) -> list[int]:
    """The times that were not saved, in order; equal ones are counted."""
    values, counts = np.unique(np.array(times, np.uint64), return_counts=True)
    there, given = np.unique(np.array(saved, np.uint64), return_counts=True)
    counts = counts.astype(np.int64)
    place = np.searchsorted(there, values)
    for index, (value, at) in enumerate(zip(values, place, strict=True)):
        if at < len(there) and there[at] == value:
            counts[index] -= given[at]
    return [int(value) for value, left in zip(values, counts, strict=True) for _ in range(max(0, left))]
