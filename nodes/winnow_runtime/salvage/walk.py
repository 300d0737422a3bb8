"""Goes through a damaged MCAP file once, from the first byte to the last, and gives out what is in it."""

from collections.abc import Callable
from pathlib import Path

from winnow_runtime.recordings import mcap_records as records
from winnow_runtime.salvage import content, finder, messages, shapes
from winnow_runtime.salvage.chunks import Chunks, Known
from winnow_runtime.salvage.closing import closing_at, crc32
from winnow_runtime.salvage.definitions import Section
from winnow_runtime.salvage.emission import Emission, Stretch
from winnow_runtime.salvage.finder import Finder, Surroundings
from winnow_runtime.salvage.medium import Medium, MemoryBytes
from winnow_runtime.salvage.report import NO_CHECKSUM, Report
from winnow_runtime.salvage.shapes import ChunkShape
from winnow_runtime.salvage.target import Target

Progress = Callable[[float], None]
"""Called with the part done, 0 to 1."""
_LOOSE_BYTES = 1024 * 1024
"""Messages outside chunks are taken in stretches of this size."""
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
        self._is_trusted = trusted
        self._emission = Emission(target, report, strict=strict)
        self.sections: list[Section] = []
        self._section_at = 0
        self._in_data = True
        self._closing = closing_at(medium, 0, medium.size - _FOOTER_FROM_END)
        self._is_certain = self._data_crc_is_right()
        self._chunks = Chunks(
            medium,
            target,
            report,
            self._emission,
            scratch=scratch,
            start=lambda: self._start("", ""),
            known=known,
            is_certain=self._is_certain,
        )

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
            behind = self._chunks.take(self._section, position, head, length)
            if behind is None:
                return self._damage(position, "the sizes of the chunk there contradict each other")
            return behind
        if opcode == records.MESSAGE and (self._in_data or self._is_likely(head)):
            return self._loose(position, length)
        end: int = position + records.HEAD.size + length
        if opcode not in records.RECORD_NAMES:
            return self._stranger(position, head, end)
        if opcode == records.MESSAGE or not shapes.has_shape(self._medium, position, opcode, length):
            what = "is cut off" if end > self._medium.size else "contradicts itself"
            return self._damage(position, f"the {records.RECORD_NAMES[opcode]} record there {what}")
        self._other(opcode, position, length)
        if self._in_data:
            self._target.good_until(end)
        return end

    def _is_likely(self, head: bytes) -> bool:
        """Whether a message behind the end of the data is one: an end mark may be damage, too."""
        around = Surroundings(self._section.channels(), self._emission.times_ns)
        return Finder(MemoryBytes(memoryview(head)), finder.OUTSIDE, around).is_likely_at(0)

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
        medium = self._medium
        shape = shapes.attachment_shape(medium, position, length)
        if shape is None:
            return
        end = position + shape.record_bytes
        crc = int.from_bytes(medium.read(end - 4, 4), "little")
        if crc and crc32(medium, position + records.HEAD.size, end - 4) != crc:
            self._report.skip(position, end - position, f"the attachment {shape.name!r} fails its CRC")
            return
        self._start("", "")
        self._target.attachment(shape, medium.pieces(position, end))
        self._report.attachments += 1

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
