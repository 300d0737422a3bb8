"""Reads a clip: which topics may show people, its chunks as they are stored, and its messages one by one."""

from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

from mcap.reader import McapReader, make_reader
from mcap.records import Channel as ChannelRecord
from mcap.records import Message, Schema

from winnow_operators.privacy import holds_picture, why_withheld
from winnow_redactor.chunks import Chunks, Loaded
from winnow_runtime.mcapfile.records import channel_of
from winnow_runtime.salvage.target import OutChunk
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.topics import Kind
from winnow_schemas.sidecar import Sidecar

ATTACHMENTS = frozenset(
    {"sidecar.json", "settings.yml", "calibration.yml", "calibration.yaml", "calibration.json"}
)
"""What the extractor attaches; anything else may be a picture and stays."""
CLOUD_ENCODINGS = frozenset({"cdr", "ros1", "protobuf"})
METADATA = "winnow."
"""How the names of the extractor's metadata begin."""


class ClipSource:
    """A clip that is read; whatever is wrong with it is one kind of error, so that nothing of it leaves."""

    def __init__(self, clip: Path, file: IO[bytes], settings: DeviceSettings, sidecar: Sidecar) -> None:
        self._name = clip.name
        self._settings = settings
        self._declared = {topic: content.kind for topic, content in sidecar.topic_contents.items()}
        self._reader: McapReader = self._guard(lambda: make_reader(file, validate_crcs=True))
        summary = self._guard(self._reader.get_summary)
        if summary is None:
            raise BadInputError(f"{clip.name} has no summary; nothing of it leaves.")
        self._summary = summary
        self._chunks: Chunks = self._guard(lambda: Chunks(clip, summary.chunk_indexes, summary.channels))

    def close(self) -> None:
        """Let go of the clip."""
        self._chunks.close()

    def pictures(self) -> dict[str, str]:
        """Topic -> why it may show people: by its channels, and by its payloads where those say no."""
        found: dict[str, str] = {}
        looked_at: set[str] = set()
        for record in self._summary.channels.values():
            channel = channel_of(self._summary.schemas.get(record.schema_id), record)
            kind = self.kind(channel.topic)
            why = why_withheld(kind, channel)
            if why:
                found.setdefault(channel.topic, why)
            # A cloud in a message of a known form is no picture, and in its random bytes anything can be found.
            if kind is not Kind.LIDAR or channel.encoding not in CLOUD_ENCODINGS:
                looked_at.add(channel.topic)
        topics = {
            number: self._summary.channels[number].topic for number in self.numbers(looked_at - found.keys())
        }
        for number, data in self._payloads(topics) if topics else ():
            if topics[number] not in found and holds_picture(data):
                found[topics[number]] = "a payload of it is a picture"
        return dict(sorted(found.items()))

    def kind(self, topic: str) -> Kind:
        """What the settings call the topic now, or called it when the clip was cut: the more careful of both."""
        now = self._settings.topic(topic).kind
        then = self._declared.get(topic, now.value)
        if now.shows_people or then not in set(Kind):
            return now if now.shows_people else Kind.CAMERA
        return Kind(then) if Kind(then).shows_people else now

    def _payloads(self, numbers: Collection[int]) -> Iterator[tuple[int, memoryview]]:
        for loaded in self._each(self._chunks.holding(numbers)):
            yield from self._chunks.payloads(loaded, numbers)

    def passing(self, topics: Collection[str]) -> Iterator[OutChunk]:
        """What the chunks hold of some topics, in the order of the file."""
        numbers = self.numbers(topics)
        for loaded in self._each(self._chunks.holding(numbers)):
            chunk = self._guard(partial(self._chunks.passing, loaded, numbers))
            if chunk is not None:
                yield chunk

    def numbers(self, topics: Collection[str]) -> list[int]:
        """The channels of some topics."""
        return sorted(number for number, record in self._summary.channels.items() if record.topic in topics)

    def definitions(self, topics: Collection[str]) -> Iterator[tuple[Schema | None, ChannelRecord]]:
        """Schema and channel of each of these channels."""
        for number in self.numbers(topics):
            record = self._summary.channels[number]
            yield self._summary.schemas.get(record.schema_id), record

    def channel(self, number: int) -> Channel:
        """A channel by the file's number."""
        record = self._summary.channels[number]
        return channel_of(self._summary.schemas.get(record.schema_id), record)

    def messages(self, topics: list[str]) -> Iterator[tuple[Schema | None, ChannelRecord, Message]]:
        """The messages of some topics, in time order: for those whose pictures are written anew."""
        found = self._reader.iter_messages(topics=topics, log_time_order=True)
        while (item := self._guard(lambda: next(found, None))) is not None:
            yield item

    @property
    def topics(self) -> set[str]:
        return {record.topic for record in self._summary.channels.values()}

    @property
    def strange_extras(self) -> bool:
        """Whether there are attachments or metadata that the extractor does not write."""
        return any(index.name not in ATTACHMENTS for index in self._summary.attachment_indexes) or any(
            not index.name.startswith(METADATA) for index in self._summary.metadata_indexes
        )

    def attachments(self) -> list[Any]:
        """Those that may leave."""
        found = self._guard(lambda: list(self._reader.iter_attachments()))
        return [attachment for attachment in found if attachment.name in ATTACHMENTS]

    def metadata(self) -> list[Any]:
        """Those that may leave."""
        found = self._guard(lambda: list(self._reader.iter_metadata()))
        return [metadata for metadata in found if metadata.name.startswith(METADATA)]

    def _each(self, found: Iterator[Loaded]) -> Iterator[Loaded]:
        while (item := self._guard(lambda: next(found, None))) is not None:
            yield item

    def _guard(self, read: Callable[[], Any]) -> Any:
        try:
            return read()
        except BadInputError:
            raise
        except Exception as error:  # noqa: BLE001 - decompressors and parsers have errors of many kinds
            what = str(error) or type(error).__name__
            raise BadInputError(f"{self._name} cannot be read ({what}); nothing of it leaves.") from None
