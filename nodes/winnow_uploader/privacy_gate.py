"""The last gate: a clip with pictures in it and no redaction record of them is not sent, whoever announced it."""

from collections.abc import Callable
from pathlib import Path

from mcap.reader import make_reader

from winnow_operators.privacy import holds_picture, why_withheld
from winnow_operators.upload.sidecar import Sidecar
from winnow_runtime.mcapfile.records import channels_of
from winnow_runtime.packing.origin import origin_of
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.packing import Codec
from winnow_schemas.settings.topics import Kind

KindOf = Callable[[str], Kind]
_MAGIC = b"\x89MCAP0\r\n"
_LOOKED_AT = 512


def check_redacted(path: Path, sidecar: Sidecar, kind_of: KindOf) -> None:
    """Compare what the sidecar and the file itself say that there is with what the redactor covered.

    Raises:
        BadInputError: something may show people, and no record says that it was covered.

    """
    redacted = sidecar.redaction.topics.keys() if sidecar.redaction is not None else frozenset()
    for channel in [*_named(sidecar), *_inside(path)]:
        declared = (sidecar.topic_contents or {}).get(channel.topic)
        why = (
            ""
            if channel.topic in redacted
            else why_withheld(_kind(channel.topic, declared.kind if declared else None, kind_of), channel)
        )
        if why:
            raise BadInputError(
                f"{path.name} has {channel.topic}, and {why}; there is no record that it was redacted, so the clip was "
                "not queued. Send it through winnow-redactor."
            )


def _named(sidecar: Sidecar) -> list[Channel]:
    """Topics whose names in the sidecar speak of pictures; their schemas are in the file."""
    return [
        Channel(topic, content.encoding, content.schema_name)
        for topic, content in (sidecar.topic_contents or {}).items()
        if why_withheld(Kind.STATUS, Channel(topic, content.encoding, content.schema_name))
        or content.kind in (Kind.CAMERA, Kind.THERMAL)
    ]


def _kind(topic: str, declared: str | None, kind_of: KindOf) -> Kind:
    """The more careful of what the settings say now and what they said when the clip was cut."""
    now = kind_of(topic)
    then = Kind(declared) if declared in set(Kind) else None
    if now.shows_people or then is None:
        return now
    return then if then.shows_people or now is Kind.OTHER else now


def _judged(channel: Channel) -> list[Channel]:
    """What a channel is judged by: a packed one by what it was made from, packed video by that and by itself."""
    origin = origin_of(channel)
    if origin is None:
        return [channel]
    return [origin.channel, channel] if origin.codec is Codec.VIDEO else [origin.channel]


def _inside(path: Path) -> list[Channel]:
    """The channels that the file has."""
    try:
        with path.open("rb") as file:
            head = file.read(_LOOKED_AT)
            if head.startswith(_MAGIC):
                file.seek(0)
                return [each for channel in channels_of(make_reader(file)) for each in _judged(channel)]
    except FileNotFoundError:
        return []  # gone since it was announced: sending says so
    except Exception as error:  # noqa: BLE001 - damaged files bring errors of many kinds
        raise BadInputError(
            f"The channels of {path.name} cannot be read ({type(error).__name__}), so nobody knows whether it shows "
            "people; it was not queued."
        ) from None
    if holds_picture(head):
        raise BadInputError(f"{path.name} is a picture or video and no MCAP file; it was not queued.")
    return []  # no recording: its hash and sidecar must speak for it
