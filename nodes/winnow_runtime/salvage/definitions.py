"""Which schema and channel a number means, how certain that is, and the number it gets in the output.

A definition is certain when a checksum covers it, or when two copies of it agree. Files that were glued
together use the same numbers for different channels, so every file is a *section* with numbers of its own.
"""

from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

from winnow_runtime.recordings.mcap_records import ChannelRecord, SchemaRecord
from winnow_schemas.errors import BadInputError

Record = TypeVar("Record", SchemaRecord, ChannelRecord)
NUMBERS = 65_536
"""Numbers of channels and schemas have 16 bits."""
VERSIONS_MAX = 64
"""Different definitions of one number in one section; more are noise."""


class _Versions(Generic[Record]):
    """What was said about the numbers of one kind in one section."""

    def __init__(self) -> None:
        self.copies: dict[int, dict[Record, int]] = {}
        """Number -> what it was defined as -> copies seen; a certain one counts two."""
        self.current: dict[int, Record] = {}

    def add(self, record: Record, *, certain: bool, counts: bool) -> None:
        known = self.copies.setdefault(record.id, {})
        if counts and (record in known or len(known) < VERSIONS_MAX):
            known[record] = known.get(record, 0) + (2 if certain else 1)
        best = self.current.get(record.id)
        if best is None or known.get(record, 0) >= min(2, known.get(best, 0)):
            self.current[record.id] = record

    def get(self, number: int) -> Record | None:
        if number in self.current:
            return self.current[number]
        known = self.copies.get(number)
        return max(known, key=lambda record: known[record]) if known else None

    def is_certain(self, record: Record) -> bool:
        return self.copies.get(record.id, {}).get(record, 0) >= 2


class Meaning(NamedTuple):
    """What a channel number means at a place of the file."""

    channel: ChannelRecord | None
    schema: SchemaRecord | None
    is_certain: bool


class Section:
    """One file, or one of several that were glued together."""

    def __init__(self, prior: "Section | None" = None) -> None:
        """``prior``: the same section as an earlier reading of the file came to know it."""
        self._schemas: _Versions[SchemaRecord] = _Versions()
        self._channels: _Versions[ChannelRecord] = _Versions()
        self._counts = prior is None
        self.used: dict[int, Meaning] = {}
        """What messages were given out as."""
        if prior is not None:
            self._schemas.copies = prior._schemas.copies
            self._channels.copies = prior._channels.copies

    def learn(self, record: SchemaRecord | ChannelRecord, *, certain: bool) -> None:
        """Take note of a definition."""
        if isinstance(record, SchemaRecord):
            self._schemas.add(record, certain=certain, counts=self._counts)
        else:
            self._channels.add(record, certain=certain, counts=self._counts)

    def meaning(self, number: int) -> Meaning:
        """What this channel number means here."""
        meaning = self.used[number] = self.look(number)
        return meaning

    def look(self, number: int) -> Meaning:
        """The same, without having used it."""
        return self._meaning_of(self._channels.get(number))

    def knows_more(self) -> bool:
        """Whether reading again, with what is known now, would name a message better."""
        again = Section(self)
        return any(again.look(number) != used for number, used in self.used.items())

    def channels(self) -> list[int]:
        """All numbers that something defines."""
        return sorted(self._channels.copies)

    def all_meanings(self) -> Iterator[Meaning]:
        """Every channel that is defined for certain, or the likeliest of a number."""
        for number, known in sorted(self._channels.copies.items()):
            certain = [record for record in known if self._channels.is_certain(record)]
            likeliest = self._channels.get(number)
            for record in certain or ([likeliest] if likeliest is not None else []):
                yield self._meaning_of(record)

    def all_schemas(self) -> Iterator[SchemaRecord]:
        """The same for schemas."""
        for number in sorted(self._schemas.copies):
            record = self._schemas.get(number)
            if record is not None:
                yield record

    def _meaning_of(self, channel: ChannelRecord | None) -> Meaning:
        if channel is None:
            return Meaning(None, None, is_certain=False)
        schema = self._schemas.get(channel.schema_id) if channel.schema_id else None
        certain = self._channels.is_certain(channel) and (schema is None or self._schemas.is_certain(schema))
        return Meaning(channel, schema, certain)


class Numbering:
    """Numbers in the output: the original ones as long as they are free."""

    def __init__(self) -> None:
        self.schemas: dict[int, SchemaRecord] = {}
        self.channels: dict[int, ChannelRecord] = {}
        self._schema_numbers: dict[SchemaRecord, int] = {}
        self._channel_numbers: dict[tuple[ChannelRecord, int], int] = {}

    def schema(self, record: SchemaRecord) -> int:
        """The output's number of a schema."""
        number = self._schema_numbers.get(record)
        if number is None:
            number = _free(record.id, self.schemas, "schemas")
            self._schema_numbers[record] = number
            self.schemas[number] = record._replace(id=number)
        return number

    def channel(self, record: ChannelRecord, schema: SchemaRecord | None) -> int:
        """The output's number of a channel; without its schema it says that it has none."""
        schema_id = self.schema(schema) if schema is not None else 0
        key = (record, schema_id)
        number = self._channel_numbers.get(key)
        if number is None:
            number = _free(record.id, self.channels, "channels")
            self._channel_numbers[key] = number
            self.channels[number] = record._replace(id=number, schema_id=schema_id)
        return number


def unknown(number: int) -> ChannelRecord:
    """What stands for a channel that nothing defines: its messages are not thrown away."""
    return ChannelRecord(
        number, 0, f"unknown_channel_{number}", "", (("winnow.recovered", "the channel's record is lost"),)
    )


def _free(wanted: int, taken: dict[int, Record], what: str) -> int:
    if wanted not in taken and wanted:
        return wanted
    # The lowest free number: 0 is not a schema's, and readers take it badly for channels.
    number = next((number for number in range(1, NUMBERS) if number not in taken), None)
    if number is None:
        raise BadInputError(
            f"The parts of this file define more than {NUMBERS - 1:,} {what}; nothing was written."
        )
    return number
