"""Makes the copy of a clip that may leave: what may show people left out, everything else byte for byte."""

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from mcap.reader import McapReader, make_reader
from mcap.records import Attachment, Schema
from mcap.records import Channel as ChannelRecord

from winnow_operators.privacy import holds_picture, why_withheld
from winnow_redactor.chunks import Chunks, Loaded
from winnow_runtime import atomic
from winnow_runtime.hashed_file import HashedFile
from winnow_runtime.mcapfile.profile import profile_of
from winnow_runtime.mcapfile.records import channel_of
from winnow_runtime.mcapfile.summary import serialised
from winnow_runtime.mcapfile.writer import LIBRARY
from winnow_runtime.packing.repack import repack
from winnow_runtime.recordings import mcap_records
from winnow_runtime.recordings.mcap_records import SchemaRecord
from winnow_runtime.salvage.shapes import AttachmentShape
from winnow_runtime.salvage.target import NewFile, OutChunk
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.packing import Profile
from winnow_schemas.settings.topics import Kind
from winnow_schemas.sidecar import Sidecar, read_sidecar

ATTACHMENTS = frozenset(
    {"sidecar.json", "settings.yml", "calibration.yml", "calibration.yaml", "calibration.json"}
)
"""What the extractor attaches; anything else may be a picture and stays."""
CLOUD_ENCODINGS = frozenset({"cdr", "ros1", "protobuf"})
REDACTED = ".redacted.mcap"
"""What a copy is called until it is repacked."""
METADATA = "winnow."
"""How the names of the extractor's metadata begin."""


@dataclass(frozen=True, slots=True)
class Made:
    """What may be sent for a clip."""

    path: Path
    sidecar: Sidecar
    withheld: tuple[str, ...]
    """Topics that stay; empty when the clip itself may go."""
    reasons: dict[str, str]
    """Topic -> why it stays."""


class Source:
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

    def withheld(self) -> dict[str, str]:
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
        topics = {
            number: self._summary.channels[number].topic for number in self.numbers(looked_at - found.keys())
        }
        for number, data in self._payloads(topics) if topics else ():
            if topics[number] not in found and holds_picture(data):
                found[topics[number]] = "a payload of it is a picture"
        return dict(sorted(found.items()))

    def _kind(self, topic: str) -> Kind:
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


def make_outgoing(clip: Path, out: Path, settings: DeviceSettings, is_alive: Callable[[], None]) -> Made:
    """The file that may leave for ``clip``: without what may show people, in the profile that is sent.

    The clip itself when nothing in it can show people and it is sent plain.

    ``is_alive`` is called with every chunk: a clip takes minutes where there is little time for it.

    Raises:
        BadInputError: the clip or its sidecar cannot be read; then nothing may leave.
        UnavailableError: the profile needs what is not installed.
        OSError: the disk refuses.

    """
    if not clip.resolve().is_relative_to((out / "clips").resolve()):
        raise BadInputError(f"{clip} is not one of the clips in {out}; nothing of it leaves.")
    sidecar = read_sidecar(clip.with_suffix(".json"))
    try:
        file = clip.open("rb")
    except OSError as error:
        raise BadInputError(f"{clip.name} cannot be read ({error.strerror}); nothing of it leaves.") from None
    with file, closing(Source(clip, file, settings, sidecar)) as source:
        reasons = source.withheld()
        withheld = tuple(reasons)
        profile = settings.upload.profile
        is_copied = bool(withheld) or source.strange_extras
        if not is_copied and profile is Profile.PLAIN:
            return Made(clip, sidecar, (), {})
        target = out / "outgoing" / clip.parent.name / clip.name
        done = _already(target, sidecar, withheld, profile)
        if done is None:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.with_suffix(".json").unlink(missing_ok=True)
            described = _describe(sidecar, withheld, settings)
            if profile is Profile.PLAIN:
                done = _copy(source, target, described, is_alive)
            else:
                done = _repacked(source if is_copied else None, clip, target, described, settings, is_alive)
        return Made(target, done, withheld, reasons)


def remove_leftovers(outgoing: Path) -> None:
    """Delete what a crash left half-made."""
    atomic.remove_temporary(outgoing)
    for path in sorted(outgoing.rglob(f"*{REDACTED}.json")):
        path.unlink(missing_ok=True)


def _repacked(
    source: Source | None,
    clip: Path,
    target: Path,
    described: Sidecar,
    settings: DeviceSettings,
    is_alive: Callable[[], None],
) -> Sidecar:
    """The clip, or first a copy without what stays, in the profile that is sent."""
    profile = settings.upload.profile
    if source is None:
        return repack(clip, target, profile, settings, lambda _: is_alive())
    between = target.with_name(
        target.stem + REDACTED + atomic.TEMPORARY
    )  # a crash's leftovers go at the start
    try:
        _copy(source, between, described, is_alive)
        return repack(between, target, profile, settings, lambda _: is_alive())
    finally:
        between.unlink(missing_ok=True)
        between.with_suffix(".json").unlink(missing_ok=True)


def _already(target: Path, sidecar: Sidecar, withheld: tuple[str, ...], profile: Profile) -> Sidecar | None:
    """A copy made before a crash, if it is of this clip, leaves out the same and has the profile."""
    try:
        done = read_sidecar(target.with_suffix(".json"))
    except BadInputError:
        return None
    wanted = (sidecar.sha256 or "", list(withheld), profile.value)
    same = (done.derived_from, done.withheld_topics, done.profile) == wanted
    return done if same and target.exists() and target.stat().st_size == done.size_bytes else None


def _copy(source: Source, target: Path, described: Sidecar, is_alive: Callable[[], None]) -> Sidecar:
    file = HashedFile(target)
    try:
        topics = source.topics - set(described.withheld_topics)
        copy = NewFile(file)
        channels = [channel_of(schema, record) for schema, record in source.definitions(topics)]
        copy.begin(profile_of(channels), LIBRARY)
        _define(source, topics, copy)
        for chunk in source.passing(topics):
            copy.chunk(chunk)
            is_alive()
        for attachment in source.attachments():
            data = attachment.data
            if attachment.name == "sidecar.json":
                data = json.dumps(described.to_json(), indent=2, ensure_ascii=False).encode()
            _attach(copy, attachment, data)
        for metadata in source.metadata():
            copy.metadata(metadata.name, metadata.metadata)
        copy.finish()
        digest = file.publish()
    except BaseException:
        file.discard()
        raise
    described = described.completed(file.size_bytes, digest)
    atomic.write_json(target.with_suffix(".json"), described.to_json())
    return described


def _define(source: Source, topics: set[str], copy: NewFile) -> None:
    """Schemas and channels keep their numbers: the chunks name them."""
    known: set[int] = set()
    for schema, record in source.definitions(topics):
        if schema is not None and schema.id not in known:
            known.add(schema.id)
            copy.schema(SchemaRecord(schema.id, schema.name, schema.encoding, schema.data))
        metadata = tuple(sorted(record.metadata.items()))
        copy.channel(
            mcap_records.ChannelRecord(
                record.id, record.schema_id, record.topic, record.message_encoding, metadata
            )
        )


def _attach(copy: NewFile, attachment: Attachment, data: bytes) -> None:
    at_ns = attachment.log_time
    record = serialised(Attachment(at_ns, at_ns, attachment.name, attachment.media_type, data))
    shape = AttachmentShape(attachment.name, attachment.media_type, at_ns, at_ns, len(data), len(record))
    copy.attachment(shape, (record,))


def _describe(sidecar: Sidecar, withheld: tuple[str, ...], settings: DeviceSettings) -> Sidecar:
    contents = {topic: content for topic, content in sidecar.topic_contents.items() if topic not in withheld}
    messages = sum(content.messages for content in contents.values())
    return sidecar.model_copy(
        update={
            "topics": sorted(contents),
            "topic_contents": contents,
            "messages": messages,
            "total_messages": messages,
            "payload_bytes": sum(content.payload_bytes for content in contents.values()),
            "latched": [item for item in sidecar.latched if item.topic not in withheld],
            "derived_from": sidecar.sha256 or "",
            "withheld_topics": list(withheld),
            "privacy": {
                "cameras": settings.redactor.cameras.value,
                "purpose": settings.redactor.purpose,
                "controller": settings.redactor.controller,
            },
            "size_bytes": None,
            "sha256": None,
            "bag_size_bytes": None,
            "bag_size_gb": None,
        }
    )
