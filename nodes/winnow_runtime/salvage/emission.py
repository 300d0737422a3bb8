"""Gives messages out: names their channels, keeps what may be kept, counts what is certain."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from winnow_runtime.recordings import mcap_records as records
from winnow_runtime.recordings.faults import DamageError
from winnow_runtime.salvage.content import IN_MEMORY_BYTES
from winnow_runtime.salvage.definitions import Meaning, Numbering, Section, unknown
from winnow_runtime.salvage.messages import Definition, Found, compact, renumber
from winnow_runtime.salvage.report import NO_DEFINITION, Report
from winnow_runtime.salvage.shapes import DEFINITION_MAX_BYTES
from winnow_runtime.salvage.target import OutChunk, Stored, Target


@dataclass(frozen=True, slots=True)
class Stretch:
    """Messages found in a row, with what is known of their bytes."""

    raw: memoryview
    found: Found
    compression: str
    unverified: str
    """Why their bytes are not certain; empty when they are."""
    crc: int = 0
    """Of ``raw``; 0 when it is not verified."""
    stored: Callable[[], Stored] | None = None
    """The input's own bytes, where this is a whole chunk."""
    size: int = 0
    """Of the content of a chunk that is taken as it is without looking into it (``raw`` is empty)."""


class Emission:
    """Everything that goes from one input to one target."""

    def __init__(self, target: Target, report: Report, *, strict: bool) -> None:
        self._target = target
        self._report = report
        self._strict = strict
        self._numbering = Numbering()
        self._written = [0, 0]
        self.times_ns: tuple[int, int] | None = None
        """From the first to the last message so far."""

    def define(
        self, section: Section, raw: memoryview, definitions: list[Definition], *, certain: bool
    ) -> None:
        """Take note of definitions between messages."""
        for item in definitions:
            record = _parsed(raw, item)
            if record is not None:
                section.learn(record, certain=certain)

    def messages(self, section: Section, stretch: Stretch) -> None:
        """Give out a stretch, as the input's own chunk where nothing in it has to change."""
        heads = stretch.found.heads
        if not len(heads):
            return
        if not stretch.unverified:
            self.times_ns = _wider(self.times_ns, heads["t_ns"])
        numbers = np.unique(heads["channel"]).tolist()
        meanings = {number: section.meaning(number) for number in numbers}
        keep = np.ones(len(heads), np.bool_)
        if self._strict:
            doubtful = [
                number for number, meaning in meanings.items() if stretch.unverified or not meaning.is_certain
            ]
            keep = ~np.isin(heads["channel"], doubtful)
        out = {number: self._number(number, meaning) for number, meaning in meanings.items()}
        same = keep.all() and all(number == new for number, new in out.items())
        same = same and stretch.stored is not None and self._agree(section, stretch)
        self._publish()
        self._count(stretch, meanings, out, keep)
        if not keep.any():
            return
        chunks: Iterable[OutChunk] = [self._as_stored(stretch)] if same else self._rebuilt(stretch, out, keep)
        for chunk in chunks:
            self._report.passed(chunk.start_ns, chunk.end_ns)
            self._target.chunk(chunk)

    def rest(self, section: Section) -> None:
        """Channels and schemas without messages are not lost either."""
        for meaning in section.all_meanings():
            if meaning.channel is not None and meaning.channel.id not in section.used:
                self._numbering.channel(meaning.channel, meaning.schema)
                self._report.topic(meaning.channel.topic)
        for schema in section.all_schemas():
            self._numbering.schema(schema)
        self._publish()

    def state(self, section: Section, counts: dict[int, int]) -> None:
        """What the file says how many messages it holds."""
        for number, messages in counts.items():
            channel = section.look(number).channel
            topic = self._report.topic((channel or unknown(number)).topic)
            topic.stated = (topic.stated or 0) + messages

    # --- numbers ------------------------------------------------------------------------------------------

    def _number(self, number: int, meaning: Meaning) -> int:
        channel = meaning.channel
        if channel is None:
            self._report.note(
                f"The record of channel {number} is lost: its messages are in the topic {unknown(number).topic}."
            )
            channel = unknown(number)
        elif channel.schema_id and meaning.schema is None:
            self._report.note(
                f"The schema of {channel.topic} is lost: its messages are kept but do not say how to decode them."
            )
        return self._numbering.channel(channel, meaning.schema)

    def _agree(self, section: Section, stretch: Stretch) -> bool:
        """Whether the definitions inside a chunk keep their numbers, so that it may stay as it is."""
        for item in stretch.found.definitions:
            record = _parsed(stretch.raw, item)
            if record is None:
                return False
            if isinstance(record, records.SchemaRecord):
                if self._numbering.schema(record) != record.id:
                    return False
                continue
            meaning = section.look(record.id)
            if meaning.channel != record or self._numbering.channel(record, meaning.schema) != record.id:
                return False
            if self._numbering.channels[record.id].schema_id != record.schema_id:
                return False
        return True

    def _publish(self) -> None:
        """Write definitions that are new, before the first message that needs them."""
        schemas, channels = self._numbering.schemas, self._numbering.channels
        if len(schemas) > self._written[0]:
            for schema in list(schemas.values())[self._written[0] :]:
                self._target.schema(schema)
        if len(channels) > self._written[1]:
            for channel in list(channels.values())[self._written[1] :]:
                self._target.channel(channel)
        self._written = [len(schemas), len(channels)]

    # --- chunks -------------------------------------------------------------------------------------------

    def _as_stored(self, stretch: Stretch) -> OutChunk:
        assert stretch.stored is not None
        found = stretch.found
        return OutChunk(
            stretch.raw,
            stretch.size or len(stretch.raw),
            stretch.crc,
            stretch.compression,
            found.offsets,
            found.heads,
            stretch.stored(),
        )

    def _rebuilt(self, stretch: Stretch, out: dict[int, int], keep: NDArray[np.bool_]) -> Iterator[OutChunk]:
        table = np.zeros(65536, np.uint16)
        table[list(out)] = list(out.values())
        for old, ends, heads in stretch.found.parts(keep, IN_MEMORY_BYTES):
            raw, offsets = compact(stretch.raw, old, ends)
            numbers = table[heads["channel"]]
            renumbered = heads.copy()
            if (numbers != heads["channel"]).any():
                renumbered["channel"] = numbers
                raw = raw if isinstance(raw, bytearray) else bytearray(raw)
                renumber(raw, offsets, numbers)
            compression = stretch.compression if len(raw) <= IN_MEMORY_BYTES else ""
            crc = 0 if stretch.unverified else zlib.crc32(raw)
            yield OutChunk(raw, len(raw), crc, compression, offsets, renumbered, None)

    # --- counting -----------------------------------------------------------------------------------------

    def _count(
        self, stretch: Stretch, meanings: dict[int, Meaning], out: dict[int, int], keep: NDArray[np.bool_]
    ) -> None:
        heads = stretch.found.heads
        for number, meaning in meanings.items():
            mine = heads["channel"] == number
            kept = mine & keep
            total, given = int(mine.sum()), int(kept.sum())
            topic = self._report.topic(self._numbering.channels[out[number]].topic)
            topic.left_out += total - given
            if not given:
                continue
            times = heads["t_ns"][kept]
            first, last = int(times.min()), int(times.max())
            topic.first_ns = min(topic.first_ns, first) if topic.messages else first
            topic.last_ns = max(topic.last_ns, last) if topic.messages else last
            topic.messages += given
            topic.payload_bytes += int(heads["length"][kept].sum()) - given * records.MESSAGE_BODY_BYTES
            reason = stretch.unverified or ("" if meaning.is_certain else NO_DEFINITION)
            if reason:
                topic.unverified += given
                self._report.unverified[reason] = self._report.unverified.get(reason, 0) + given


def _parsed(raw: memoryview, item: Definition) -> records.SchemaRecord | records.ChannelRecord | None:
    if item.end - item.start > DEFINITION_MAX_BYTES:
        return None
    body = bytes(raw[item.start : item.end])
    try:
        record = records.parse_schema(body) if item.opcode == records.SCHEMA else records.parse_channel(body)
    except DamageError:
        return None
    return None if isinstance(record, records.SchemaRecord) and record.id == 0 else record


def _wider(times_ns: tuple[int, int] | None, more: NDArray[np.uint64]) -> tuple[int, int]:
    first, last = int(more.min()), int(more.max())
    return (first, last) if times_ns is None else (min(first, times_ns[0]), max(last, times_ns[1]))
