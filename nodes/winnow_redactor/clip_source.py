"""Reads a clip: which topics may show people, and its messages, channels and extras."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from mcap.reader import McapReader, make_reader
from mcap.records import Channel as ChannelRecord
from mcap.records import Message, Schema

from winnow_operators.privacy import holds_picture, why_withheld
from winnow_redactor.withhold import ATTACHMENTS, CLOUD_ENCODINGS, METADATA
from winnow_runtime.mcapfile.records import channel_of
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.topics import Kind
from winnow_schemas.sidecar import Sidecar


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

    def pictures(self) -> dict[str, str]:
        """Topic -> why it may show people: by its channels, and by its payloads where those say no."""
        found: dict[str, str] = {}
        looked_at: set[str] = set()
        for record in self._summary.channels.values():
            channel = channel_of(self._summary.schemas.get(record.schema_id), record)
            kind = self._kind(channel.topic)
            why = why_withheld(kind, channel)
            if why:
                found.setdefault(channel.topic, why)
            # A cloud in a message of a known form is no picture, and in its random bytes anything can be found.
            if kind is not Kind.LIDAR or channel.encoding not in CLOUD_ENCODINGS:
                looked_at.add(channel.topic)
        topics = sorted(looked_at - found.keys())
        for _, channel_record, message in self.messages(topics) if topics else ():
            if channel_record.topic not in found and holds_picture(message.data):
                found[channel_record.topic] = "a payload of it is a picture"
        return dict(sorted(found.items()))

    def _kind(self, topic: str) -> Kind:
        """What the settings call the topic now, or called it when the clip was cut: the more careful of both."""
        now = self._settings.topic(topic).kind
        then = self._declared.get(topic, now.value)
        if now.shows_people or then not in set(Kind):
            return now if now.shows_people else Kind.CAMERA
        return Kind(then) if Kind(then).shows_people else now

    def kind(self, topic: str) -> Kind:
        """What kind of pictures a topic has."""
        return self._kind(topic)

    def numbers(self, topic: str) -> list[int]:
        """The file's numbers of a topic's channels."""
        return sorted(number for number, record in self._summary.channels.items() if record.topic == topic)

    def channel(self, number: int) -> Channel:
        """A channel by the file's number."""
        record = self._summary.channels[number]
        return channel_of(self._summary.schemas.get(record.schema_id), record)

    def messages(self, topics: list[str]) -> Iterator[tuple[Schema | None, ChannelRecord, Message]]:
        """The messages of some topics, in time order."""
        found = self._reader.iter_messages(topics=topics, log_time_order=True)
        while (item := self._guard(lambda: next(found, None))) is not None:
            yield item

    def channels(self, topics: list[str]) -> list[Channel]:
        """Channels of these topics."""
        schemas = self._summary.schemas
        return [
            channel_of(schemas.get(record.schema_id), record)
            for record in self._summary.channels.values()
            if record.topic in topics
        ]

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

    def _guard(self, read: Any) -> Any:
        try:
            return read()
        except Exception as error:  # noqa: BLE001 - decompressors and parsers have errors of many kinds
            what = str(error) or type(error).__name__
            raise BadInputError(f"{self._name} cannot be read ({what}); nothing of it leaves.") from None
