"""What a channel of a packed clip says about the channel that it was made from."""

import base64
from dataclasses import dataclass, replace

from winnow_operators.packing import PackingError, foxglove
from winnow_schemas.channel import Channel
from winnow_schemas.settings.packing import Codec

ENCODING = "winnow"
"""Message encoding of blocks and of clouds in columns."""
_PREFIX = "winnow."
_SCHEMA_MAX_BYTES = 8 * 1024 * 1024
_STREAMS = ("", "lz4", "zstd")


@dataclass(frozen=True, slots=True)
class Origin:
    """The original channel, where its messages stood in the plain file, and what was done to them."""

    channel: Channel
    stream: str
    """Chunk stream of the plain file: `bulk` or `signals`, a colon, the compression; or just the compression."""
    codec: Codec
    tolerance_m: float = 0.0

    @property
    def compression(self) -> str:
        """Of the plain file's chunks."""
        return self.stream.rpartition(":")[2]

    def packed_channel(self) -> Channel:
        """The channel that stands in the packed file."""
        notes = {
            "codec": self.codec.value,
            "stream": self.stream,
            "encoding": self.channel.encoding,
        }
        if self.tolerance_m:
            notes["tolerance_m"] = repr(self.tolerance_m)
        own = tuple((_PREFIX + key, value) for key, value in notes.items())
        metadata = tuple(sorted((*self.channel.metadata, *own)))
        if self.codec is Codec.PASSTHROUGH:
            return replace(self.channel, metadata=metadata)
        if self.codec in (Codec.DRACO, Codec.VIDEO):
            make = foxglove.cloud_channel if self.codec is Codec.DRACO else foxglove.video_channel
            return make(self.channel.topic, tuple(sorted((*metadata, *_schema_notes(self.channel)))))
        return replace(self.channel, encoding=ENCODING, metadata=metadata)


def origin_of(channel: Channel) -> Origin | None:
    """What a channel was made from; None for a channel of a plain file.

    Raises:
        PackingError: what it says is not possible.

    """
    notes = {key[len(_PREFIX) :]: value for key, value in channel.metadata if key.startswith(_PREFIX)}
    if "codec" not in notes:
        return None
    metadata = tuple(pair for pair in channel.metadata if not pair[0].startswith(_PREFIX))
    try:
        codec = Codec(notes["codec"])
        tolerance = float(notes.get("tolerance_m", "0"))
        if codec in (Codec.DRACO, Codec.VIDEO):
            original = _from_notes(channel.topic, notes, metadata)
        else:
            original = replace(channel, encoding=notes["encoding"], metadata=metadata)
    except (KeyError, ValueError) as error:
        raise PackingError(
            f"The channel of {channel.topic} does not say what it was made from ({error}); nothing of it was unpacked."
        ) from None
    stream = notes.get("stream", "")
    if stream.rpartition(":")[2] not in _STREAMS or not 0 <= tolerance <= 1e6:
        raise PackingError(
            f"The channel of {channel.topic} names the stream {stream[:40]!r}; nothing of it was unpacked."
        )
    return Origin(original, stream, codec, tolerance)


def refuse_notes(channel: Channel) -> None:
    """A plain channel must not look like a packed one.

    Raises:
        PackingError: it does.

    """
    odd = [key for key, _ in channel.metadata if key.startswith(_PREFIX)]
    if odd:
        raise PackingError(
            f"The channel of {channel.topic} has metadata {odd[0]!r}, which packed clips use; nothing was packed."
        )


def _schema_notes(channel: Channel) -> list[tuple[str, str]]:
    return [
        (_PREFIX + "schema_name", channel.schema_name),
        (_PREFIX + "schema_encoding", channel.schema_encoding),
        (_PREFIX + "schema", base64.b64encode(channel.schema_data).decode()),
    ]


def _from_notes(topic: str, notes: dict[str, str], metadata: tuple[tuple[str, str], ...]) -> Channel:
    text = notes["schema"]
    if len(text) > _SCHEMA_MAX_BYTES:
        raise ValueError(f"a schema of {len(text):,} characters, at most {_SCHEMA_MAX_BYTES:,}")
    return Channel(
        topic,
        notes["encoding"],
        notes["schema_name"],
        notes["schema_encoding"],
        base64.b64decode(text, validate=True),
        metadata,
    )
