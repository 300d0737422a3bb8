"""Makes the copy of a clip that may leave: what may show people left out, everything else byte for byte."""

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mcap.records import Attachment

from winnow_redactor.clip_source import ClipSource
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
from winnow_runtime.salvage.target import NewFile
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.packing import Profile
from winnow_schemas.sidecar import Sidecar, read_sidecar

REDACTED = ".redacted.mcap"
"""What a copy is called until it is repacked."""


@dataclass(frozen=True, slots=True)
class Made:
    """What may be sent for a clip."""

    path: Path
    sidecar: Sidecar
    withheld: tuple[str, ...]
    """Topics that stay; empty when the clip itself may go."""
    reasons: dict[str, str]
    """Topic -> why it stays."""


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
    with file, closing(ClipSource(clip, file, settings, sidecar)) as source:
        reasons = source.pictures()
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
    source: ClipSource | None,
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


def _copy(source: ClipSource, target: Path, described: Sidecar, is_alive: Callable[[], None]) -> Sidecar:
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


def _define(source: ClipSource, topics: set[str], copy: NewFile) -> None:
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
