"""Goes through a damaged MCAP file once, from the first byte to the last, and gives out what is in it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from winnow_runtime.recordings import mcap_records as records
from winnow_runtime.salvage import content, finder, messages, shapes
from winnow_runtime.salvage.closing import closing_at, crc32
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
Progress = Callable[[float], None]
"""Called with the part done, 0 to 1."""
_LOOSE_BYTES = 1024 * 1024
"""Messages outside chunks are taken in stretches of this size."""
_PIECE_BYTES = 1024 * 1024
_EFFORT = 16
"""Bytes that may be read and decompressed for each byte of the file: chunks that overlap by the thousand
are an attack, and are passed over once this is used up."""
_EFFORT_FLOOR_BYTES = 1024 * 1024 * 1024
_FOOTER_FROM_END = 37
_INDEX_KINDS = frozenset((records.DATA_END, records.MESSAGE_INDEX)) | records.SUMMARY_ONLY


class Walk:
    """One reading of one file."""

    def __init__(
        self,
        medium: Medium,
        target: Target,
        report: Report,
        *,
        scratch: Path,
        strict: bool = False,
        prior: list[Section] | None = None,
        begin: Callable[[str, str], None] | None = None,
        progress: Progress | None = None,
        known: Known | None = None,
        trusted: bool = False,
    ) -> None:
        """``prior``: what an earlier reading learned; ``begin`` is told profile and library first of all.

        ``known`` may say what a chunk holds, which then is neither read nor checked. ``trusted``: definitions
        are believed without a checksum, because what depends on them is known otherwise.
        """
        self._medium = medium
        self._target = target
        self._report = report
        self._scratch = scratch
        self._prior = prior or []
        self._begin = begin
        self._progress = progress
        self._known = known
        self._is_trusted = trusted
        self._emission = Emission(target, report, strict=strict)
        self.sections: list[Section] = []
        self._section_at = 0
        self._in_data = True
        self._effort = _EFFORT * medium.size + _EFFORT_FLOOR_BYTES
        self._closing = closing_at(medium, 0, medium.size - _FOOTER_FROM_END)
        self._is_certain = self._data_crc_is_right()

    def run(self) -> None:
        """Read everything.

        Raises:
            OSError: the target or the scratch folder refuses.

        """
        medium, position = self._medium, self._opening()
        while position < medium.size:
            position = self._step(position)
            if self._progress is not None:
                self._progress(position / medium.size)
        self._start("", "")
        for section in self.sections:
            self._emission.rest(section)
        self._report.sections = len(self.sections)
        self._report.is_finished = not self._in_data
        if self._in_data:
            self._report.note(
                "The file has no end mark: what its writer had not written yet when it stopped, nobody can know."
            )

    def knows_more(self) -> bool:
        """Whether another reading, with what this one learned, would name messages better."""
        return not self._prior and any(section.knows_more() for section in self.sections)

    # --- sections -----------------------------------------------------------------------------------------

    @property
    def _section(self) -> Section:
        if not self.sections:
            self._open_section(0)
        return self.sections[-1]

    def _open_section(self, position: int) -> None:
        number = len(self.sections)
        section = Section(self._prior[number] if number < len(self._prior) else None)
        self.sections.append(section)
        self._section_at = position
        self._in_data = True
        if number == 0 and self._closing is not None:
            for record in self._closing.definitions:
                section.learn(record, certain=True)

    def _opening(self) -> int:
        """Where the first record is: behind the first eight bytes, even if they are damaged."""
        medium, behind = self._medium, len(records.MAGIC)
        head = medium.read(0, behind + records.HEAD.size)
        if head.startswith(records.MAGIC) or len(head) < behind + records.HEAD.size:
            return 0
        opcode, length = records.HEAD.unpack_from(head, behind)
        if opcode != records.HEADER or not shapes.has_shape(medium, behind, opcode, length):
            return 0
        self._open_section(0)
        self._report.skip(0, behind, "these are not the first bytes of an MCAP file", harmless=True)
        self._target.damaged(0)
        return behind

    def _start(self, profile: str, library: str) -> None:
        if self._begin is not None:
            self._begin(profile, library)
            self._begin = None

    def _data_crc_is_right(self) -> bool:
        closing = self._closing
        if closing is None or not closing.data_crc:
            return False
        if crc32(self._medium, 0, closing.data_end) == closing.data_crc:
            return True
        self._report.is_damaged = True
        self._report.note(
            "The checksum of the whole file is wrong: something in it is not as it was written."
        )
        return False

    # --- one record ---------------------------------------------------------------------------------------

    def _step(self, position: int) -> int:
        head = self._medium.head(position, shapes.HEAD_BYTES)
        if head.startswith(records.MAGIC):
            return self._mark(position)
        if len(head) < records.HEAD.size:
            return self._damage(position, "the head of a record is cut off")
        opcode, length = records.HEAD.unpack_from(head)
        if opcode == records.CHUNK or (opcode != 0 and shapes.is_chunk(head, length)):
            return self._chunk(position, head, length)
        if opcode == records.MESSAGE:
            return self._loose(position, length)
        end: int = position + records.HEAD.size + length
        if opcode not in records.RECORD_NAMES:
            return self._stranger(position, head, end)
        if not shapes.has_shape(self._medium, position, opcode, length):
            what = "is cut off" if end > self._medium.size else "contradicts itself"
            return self._damage(position, f"the {records.RECORD_NAMES[opcode]} record there {what}")
        self._other(opcode, position, length)
        if self._in_data:
            self._target.good_until(end)
        return end

    def _stranger(self, position: int, head: bytes, end: int) -> int:
        if not any(head[: records.HEAD.size]):
            return self._damage(position, "it is filled with zeros")
        if head[0] >= 0x80 and shapes.can_start(self._medium, end, finder.OUTSIDE):
            self._report.skip(
                position, end - position, f"a private record of kind {head[0]:#04x}", harmless=True
            )
            self._target.good_until(end)
            return end
        return self._damage(position, f"there is no record of kind {head[0]:#04x}")

    def _mark(self, position: int) -> int:
        """A file's first or last eight bytes."""
        behind = position + len(records.MAGIC)
        head = self._medium.head(behind, records.HEAD.size)
        if len(head) == records.HEAD.size:
            opcode, length = records.HEAD.unpack_from(head)
            is_header = opcode == records.HEADER and shapes.has_shape(self._medium, behind, opcode, length)
            if is_header or position == 0:
                if self.sections:
                    self._report.note(f"Another MCAP file begins at byte {position:,}.")
                self._open_section(position)
        return behind

    def _other(self, opcode: int, position: int, length: int) -> None:
        if opcode == records.ATTACHMENT:
            self._attachment(position, length)
        elif opcode == records.FOOTER:
            self._footer(position)
        elif opcode == records.DATA_END:
            self._in_data = False
        elif opcode not in _INDEX_KINDS:
            self._text(opcode, self._medium.read(position + records.HEAD.size, length))

    def _text(self, opcode: int, body: bytes) -> None:
        if opcode == records.HEADER:
            parsed = shapes.header_of(body)
            if parsed is not None:
                self._start(*parsed)
        elif opcode == records.METADATA:
            metadata = shapes.metadata_of(body)
            if metadata is not None:
                self._start("", "")
                self._target.metadata(*metadata)
                self._report.metadata += 1
        else:
            # Copies in the summary agree with those in the data, or one of them is damaged.
            record = records.parse_schema(body) if opcode == records.SCHEMA else records.parse_channel(body)
            self._section.learn(record, certain=self._is_certain or self._is_trusted)

    def _footer(self, position: int) -> None:
        self._in_data = False
        closing = closing_at(self._medium, self._section_at, position)
        if closing is None:
            self._report.note(
                f"The index that ends at byte {position:,} is damaged or empty; it was made anew."
            )
            return
        for record in closing.definitions:
            self._section.learn(record, certain=True)
        self._emission.state(self._section, closing.counts)

    def _attachment(self, position: int, length: int) -> None:
        shape = shapes.attachment_shape(self._medium, position, length)
        if shape is None:
            return
        end = position + shape.record_bytes
        crc = int.from_bytes(self._medium.read(end - 4, 4), "little")
        if crc and crc32(self._medium, position + records.HEAD.size, end - 4) != crc:
            self._report.skip(position, end - position, f"the attachment {shape.name!r} fails its CRC")
            return
        self._start("", "")
        self._target.attachment(shape, self._pieces(position, end))
        self._report.attachments += 1

    def _pieces(self, start: int, end: int) -> Iterator[bytes]:
        for at in range(start, end, _PIECE_BYTES):
            yield self._medium.read(at, min(_PIECE_BYTES, end - at))

    # --- damage -------------------------------------------------------------------------------------------

    def _damage(self, position: int, what: str) -> int:
        """Note what is wrong and find the place where records go on."""
        around = Surroundings(self._section.channels(), self._emission.times_ns)
        end = Finder(self._medium, finder.OUTSIDE, around).find(position + 1, self._medium.size)
        self._report.skip(position, end - position, what, harmless=not self._in_data)
        self._target.damaged(position)
        return end

    # --- messages outside chunks --------------------------------------------------------------------------

    def _loose(self, position: int, length: int) -> int:
        medium = self._medium
        end = position + records.HEAD.size + length
        if length < records.MESSAGE_BODY_BYTES or end > medium.size:
            what = "is cut off" if end > medium.size else "is shorter than its own head"
            return self._damage(position, f"the message record there {what}")
        size = max(_LOOSE_BYTES, end - position)
        shape = ChunkShape("", 0, size, 0, 0, size, 0)
        raw = content.load(medium, position, shape, medium.size, self._scratch).raw
        found = messages.walk(raw, 0, inside=False)
        behind = position + found.end
        if not shapes.can_start(medium, behind, finder.OUTSIDE):
            # The length of the last one may be what is damaged: do records go on before its end?
            last = position + int(found.offsets[-1])
            around = Surroundings(self._section.channels(), self._emission.times_ns)
            goes_on = Finder(medium, finder.OUTSIDE, around).find(last + 1, behind)
            if goes_on < behind:
                found.offsets, found.heads = found.offsets[:-1], found.heads[:-1]
                self._report.skip(last, goes_on - last, "the length of the message there is damaged")
                self._target.damaged(last)
                behind = goes_on
        self._start("", "")
        unverified = "" if self._is_certain else NO_CHECKSUM
        self._emission.messages(self._section, Stretch(raw, found, "", unverified))
        return behind

    # --- chunks -------------------------------------------------------------------------------------------

    def _chunk(self, position: int, head: bytes, length: int) -> int:
        medium = self._medium
        best: tuple[ChunkShape, Content] | None = None
        for shape in shapes.chunk_shapes(head, length):
            if self._known is not None and (found := self._known(position, shape)) is not None:
                return self._untouched(position, shape, found)
            stored = min(shape.data_size, medium.size - position)
            if stored < 0 or self._effort < stored:
                continue
            loaded = content.load(medium, position, shape, medium.size, self._scratch)
            self._effort -= stored + len(loaded.raw)
            if loaded.is_verified and (loaded.is_sound or self._goes_on(position + shape.record_bytes)):
                return self._intact(position, shape, loaded, "")
            if best is None:
                best = shape, loaded
        if best is None or not shapes.is_chunk(head, length):
            return self._damage(position, "the sizes of the chunk there contradict each other")
        shape, loaded = best
        end = position + shape.record_bytes
        goes_on = self._goes_on(end)
        if loaded.is_whole and (self._is_certain or not shape.crc) and goes_on:
            return self._intact(position, shape, loaded, "" if self._is_certain else NO_CHECKSUM)
        self._target.damaged(position)
        if goes_on:
            return self._broken(position, shape, loaded, end)
        reach = min(end, medium.size)
        around = Surroundings((), None)
        inner = Finder(medium, finder.CERTAIN, around).find(position + shape.data_at, reach)
        if inner < reach:
            loaded = content.load(medium, position, shape, inner, self._scratch)
        return self._broken(position, shape, loaded, inner)

    def _goes_on(self, position: int) -> bool:
        return position <= self._medium.size and shapes.can_start(self._medium, position, finder.OUTSIDE)

    def _intact(self, position: int, shape: ChunkShape, loaded: Content, unverified: str) -> int:
        """A chunk whose content is as its writer made it."""
        raw = loaded.raw
        behind = position + shape.record_bytes
        pointers = pointers_at(self._medium, behind, len(raw))
        found = messages.hinted(raw, pointers.offsets)
        if found is None:
            found = messages.walk(raw, 0, inside=True)
        if found.end < len(raw) and len(found.offsets) < messages.BATCH_MESSAGES:
            self._target.damaged(position)
            return self._broken(position, shape, loaded, behind)
        is_one = found.end == len(raw) and loaded.is_sound
        stored = self._stored(position, shape, found)

        self._start("", "")
        crc = shape.crc if loaded.is_verified else 0
        while True:
            self._emission.define(self._section, raw, found.definitions, certain=not unverified)
            stretch = Stretch(raw, found, shape.compression, unverified, crc, stored if is_one else None)
            self._emission.messages(self._section, stretch)
            if found.end >= len(raw):
                break
            found = messages.walk(raw, found.end, inside=True)
        self._target.good_until(behind)
        self._target.good_until(pointers.end)
        return pointers.end

    def _untouched(self, position: int, shape: ChunkShape, found: Found) -> int:
        """A chunk that is known."""
        stored = self._stored(position, shape, found)
        empty = memoryview(b"")
        self._emission.messages(
            self._section, Stretch(empty, found, shape.compression, "", shape.crc, stored, shape.size)
        )
        end = pointers_at(self._medium, position + shape.record_bytes, shape.size).end
        self._target.good_until(end)
        return end

    def _stored(self, position: int, shape: ChunkShape, found: Found) -> Callable[[], Stored]:
        start, end = position + shape.data_at, position + shape.record_bytes
        size = _index_bytes(found)  # not later: `found` goes on to the next batch

        def stored() -> Stored:
            index = self._medium.read(end, size)
            return Stored(position, shape.record_bytes, self._pieces(start, end), end - start, index)

        return stored

    def _broken(self, position: int, shape: ChunkShape, loaded: Content, end: int) -> int:
        """A damaged chunk that ends at ``end`` at the latest: what can be found in it, as unverified."""
        raw = loaded.raw
        pointers = pointers_at(self._medium, end, max(len(raw), shape.size))
        inside = shape.start_ns <= shape.end_ns < 1 << 63
        times = (shape.start_ns, shape.end_ns) if inside else self._emission.times_ns
        around = Surroundings([*self._section.channels(), *pointers.times], times)
        saved: dict[int, list[int]] = {}
        at = gaps = 0
        self._start("", "")
        while at < len(raw):
            found = messages.over_damage(raw, at, around)
            at = found.end
            gaps += sum(last - first for first, last in found.gaps)
            self._emission.define(self._section, raw, found.definitions, certain=False)
            self._emission.messages(self._section, Stretch(raw, found, shape.compression, IN_DAMAGE))
            for number in pointers.times:
                saved.setdefault(number, []).extend(
                    found.heads["t_ns"][found.heads["channel"] == number].tolist()
                )
        self._lament(position, shape, loaded, pointers, saved, gaps)
        return pointers.end

    def _lament(
        self,
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
                channel = self._section.look(number).channel
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
