"""From one profile of a clip to another: streaming, verified while it is made, appearing whole.

A packed clip gives back the very file that it was made from, SHA-256 included; what was lossy stays marked.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mcap.records import Attachment

from winnow_operators.packing.block import Timed
from winnow_runtime import atomic
from winnow_runtime.hashed_file import HashedFile
from winnow_runtime.mcapfile.profile import profile_of
from winnow_runtime.mcapfile.writer import McapWriter
from winnow_runtime.packing.contents import ClipContents, Restored
from winnow_runtime.packing.origin import Origin
from winnow_runtime.packing.packer import ChannelPacker, codec_of
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.packing import Codec, Profile
from winnow_schemas.sidecar import Packing, Sidecar, TopicPacking, read_sidecar

SIDECAR = "sidecar.json"
PLAIN_SIDECAR = "plain.sidecar.json"
"""The sidecar of the plain clip as it stood inside of it: what restoring puts back."""
WAITING_BYTES = 32 * 1024 * 1024
"""Messages of all channels that wait for their blocks; beyond it all blocks are closed."""
Progress = Callable[[int], None]
"""Called with the messages done so far, at least every :data:`PROGRESS_EVERY` and :data:`PROGRESS_BYTES`."""
PROGRESS_EVERY = 2048
PROGRESS_BYTES = 4 * 1024 * 1024
"""Draco takes an eighth of a second for so much: whoever must answer others meanwhile does so in time."""


def repack(
    clip: Path, target: Path, profile: Profile, settings: DeviceSettings, progress: Progress = lambda _: None
) -> Sidecar:
    """Write ``clip`` in another profile to ``target``, with its sidecar; the sidecar.

    Raises:
        BadInputError: the clip or its sidecar cannot be read, or has that profile already.
        UnavailableError: a codec needs what is not installed.
        OSError: the disk refuses; nothing half-made remains.

    """
    sidecar = read_sidecar(clip.with_suffix(".json"))
    if target.resolve() == clip.resolve():
        raise BadInputError(f"{target} is the clip itself; nothing was written. Name another file.")
    if sidecar.profile == profile.value and profile is not Profile.UPLOAD:
        raise BadInputError(f"{clip.name} is {profile.value} already; nothing was written.")
    with _opened(clip) as file:
        contents = ClipContents(clip, file, sidecar)
        target.parent.mkdir(parents=True, exist_ok=True)
        out = HashedFile(target)
        try:
            if profile is Profile.PLAIN:
                result, digest = _restore(contents, out, progress)
            else:
                result, digest = _pack(contents, out, profile, settings, progress)
        except BaseException:
            out.discard()
            raise
    atomic.write_json(target.with_suffix(".json"), result.to_json())
    assert result.sha256 == digest
    return result


def _opened(clip: Path) -> Any:
    try:
        return clip.open("rb")
    except OSError as error:
        raise BadInputError(f"{clip} cannot be read ({error.strerror}); nothing was written.") from None


# --- packing ----------------------------------------------------------------------------------------------


class _Lanes:
    """The packers of a file's channels, and the numbers and streams of what they write."""

    def __init__(
        self, writer: McapWriter, contents: ClipContents, profile: Profile, settings: DeviceSettings
    ) -> None:
        self._writer = writer
        self._contents = contents
        self._profile = profile
        self._settings = settings
        self._packers: dict[int, ChannelPacker] = {}
        self._numbers: dict[int, int] = {}
        self._waiting_bytes = 0
        packing = contents.sidecar.packing
        self._before = packing.lossy if packing is not None else {}

    def add(self, message: Restored) -> None:
        packer = self._packers.get(message.number) or self._declare(message)
        before = packer.waiting_bytes
        self._write(message.number, packer.add(Timed(*message[1:])))
        self._waiting_bytes += packer.waiting_bytes - before
        if self._waiting_bytes > WAITING_BYTES:
            self.flush()

    def flush(self) -> None:
        for number, packer in self._packers.items():
            self._write(number, packer.flush())
        self._waiting_bytes = 0

    def topics(self) -> dict[str, TopicPacking]:
        """What became of each topic; a loss that the source already had stays stated."""
        result: dict[str, TopicPacking] = {}
        for packer in self._packers.values():
            topic = packer.channel.topic
            result[topic] = _joined(result.get(topic), packer.packing())
        for topic, old in self._before.items():
            if topic in result:
                result[topic] = _with_loss(result[topic], old)
        return dict(sorted(result.items()))

    def _declare(self, message: Restored) -> ChannelPacker:
        origin = self._contents.origins[message.number]
        topic = self._settings.topic(origin.channel.topic)
        before = self._before.get(origin.channel.topic)
        codec = codec_of(origin.channel, message.data, self._profile, topic)
        if before is not None and before.bound_psnr_db is not None:
            codec = Codec.BLOCK  # it was video once; a second time would lose more than is stated
        # What is on a grid already goes onto the same one again, and loses nothing more.
        tolerance_m = before.bound_m if before is not None and before.bound_m else topic.error_m
        packer = ChannelPacker(origin.channel, codec, self._settings.clips.packing, tolerance_m)
        packed = Origin(origin.channel, origin.stream, codec, packer.tolerance_m).packed_channel()
        name = f"{codec.value}"
        self._writer.stream(name, "")  # the codecs have compressed already
        self._packers[message.number] = packer
        self._numbers[message.number] = self._writer.channel(packed, name)
        return packer

    def _write(self, number: int, messages: Iterator[Timed]) -> None:
        for message in messages:
            self._writer.message(
                self._numbers[number], message.t_ns, message.pub_ns, message.sequence, message.data
            )


def _pack(
    contents: ClipContents, out: HashedFile, profile: Profile, settings: DeviceSettings, progress: Progress
) -> tuple[Sidecar, str]:
    source = contents.sidecar
    writer = McapWriter(out.write)
    lanes = _Lanes(writer, contents, profile, settings)
    in_window = False
    for message in _watched(contents, progress):
        if not in_window and message.t_ns >= source.start_ns:
            lanes.flush()  # no block holds both latched messages and some of the window
            in_window = True
        lanes.add(message)
    lanes.flush()
    writer.flush()
    plain = source.packing
    described = _described(
        source,
        profile,
        Packing(
            source_sha256=plain.source_sha256 if plain else source.sha256 or "",
            source_bytes=plain.source_bytes if plain else source.size_bytes or 0,
            topics=lanes.topics(),
        ),
    )
    for attachment in contents.attachments():
        if attachment.name == PLAIN_SIDECAR:
            continue
        if attachment.name == SIDECAR:
            _attach(writer, attachment, SIDECAR, _json(described))
            _attach(writer, attachment, PLAIN_SIDECAR, _plain_sidecar(contents) or attachment.data)
        else:
            _attach(writer, attachment, attachment.name, attachment.data)
    return _finished(writer, out, contents, described)


def _joined(one: TopicPacking | None, other: TopicPacking) -> TopicPacking:
    """Several channels of one topic."""
    if one is None:
        return other
    return other.model_copy(
        update={
            "payload_bytes": one.payload_bytes + other.payload_bytes,
            "stored_bytes": one.stored_bytes + other.stored_bytes,
            **_losses(one, other),
        }
    )


def _with_loss(packing: TopicPacking, before: TopicPacking) -> TopicPacking:
    """What an earlier codec lost stays stated; of two, the one that says less about the order of points."""
    codecs = {before.lossy_codec or before.codec, *([packing.codec] if packing.is_lossy else [])}
    stated = {"bound_m", "intensity_bits", "bound_psnr_db", "psnr_db"}
    return packing.model_copy(
        update={
            **before.model_dump(include=stated),
            **_losses(packing, before),
            "lossy_codec": min(codecs),  # draco before ordered
        }
    )


def _losses(one: TopicPacking, other: TopicPacking) -> dict[str, float | None]:
    result: dict[str, float | None] = {}
    for name in ("bound_m", "error_m", "intensity_error"):
        values = [value for value in (getattr(one, name), getattr(other, name)) if value is not None]
        result[name] = max(values, default=None)
    return result


# --- restoring --------------------------------------------------------------------------------------------


def _restore(contents: ClipContents, out: HashedFile, progress: Progress) -> tuple[Sidecar, str]:
    source = contents.sidecar
    channels: list[Channel] = [origin.channel for origin in contents.origins.values()]
    writer = McapWriter(out.write, profile=profile_of(channels))
    numbers: dict[int, int] = {}
    for message in _watched(contents, progress):
        own = numbers.get(message.number)
        if own is None:
            origin = contents.origins[message.number]
            writer.stream(origin.stream, origin.compression)
            own = numbers[message.number] = writer.channel(origin.channel, origin.stream)
        writer.message(own, message.t_ns, message.pub_ns, message.sequence, message.data)
    writer.flush()
    lossy = source.packing.lossy if source.packing is not None else {}
    original = _plain_sidecar(contents)
    if original is None:
        raise BadInputError(
            f"{contents.path.name} carries no sidecar of the plain clip; nothing was written."
        )
    described = _read_inside(original, contents.path.name)
    if lossy and source.packing is not None:
        packing = source.packing.model_copy(update={"topics": lossy})
        described = _described(described, Profile.PLAIN, packing)
        described = described.model_copy(update={"derived_from": source.derived_from})
        original = _json(described)
    for attachment in contents.attachments():
        if attachment.name != PLAIN_SIDECAR:
            data = original if attachment.name == SIDECAR else attachment.data
            _attach(writer, attachment, attachment.name, data)
    return _finished(writer, out, contents, described)


def _watched(contents: ClipContents, progress: Progress) -> Iterator[Restored]:
    said_at = waiting = 0
    for number, message in enumerate(contents.messages()):
        yield message
        waiting += len(message.data)
        if waiting >= PROGRESS_BYTES or number - said_at >= PROGRESS_EVERY:
            progress(number)
            said_at, waiting = number, 0


def _plain_sidecar(contents: ClipContents) -> bytes | None:
    return next((each.data for each in contents.attachments() if each.name == PLAIN_SIDECAR), None)


def _read_inside(data: bytes, name: str) -> Sidecar:
    try:
        return Sidecar.model_validate_json(data)
    except ValueError:
        raise BadInputError(
            f"{name} carries a damaged sidecar of the plain clip; nothing was written."
        ) from None


# --- both -------------------------------------------------------------------------------------------------


def _described(source: Sidecar, profile: Profile, packing: Packing) -> Sidecar:
    return source.model_copy(
        update={
            "profile": profile.value,
            "packing": packing,
            "derived_from": source.derived_from or source.sha256 or "",
            "size_bytes": None,
            "sha256": None,
            "bag_size_bytes": None,
            "bag_size_gb": None,
        }
    )


def _json(sidecar: Sidecar) -> bytes:
    return json.dumps(sidecar.to_json(), indent=2, ensure_ascii=False).encode()


def _attach(writer: McapWriter, like: Attachment, name: str, data: bytes) -> None:
    writer.attachment(name, like.media_type, data, like.log_time)


def _finished(
    writer: McapWriter, out: HashedFile, contents: ClipContents, described: Sidecar
) -> tuple[Sidecar, str]:
    for metadata in contents.metadata():
        writer.metadata(metadata.name, metadata.metadata)
    writer.finish()
    digest = out.publish()
    return described.completed(out.size_bytes, digest), digest
