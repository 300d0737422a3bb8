"""Whether a topic may leave: by what the settings call it, and by what its schema and encoding say.

Both, because a settings file that calls a camera `other` must not open a door. A topic that nobody has
named a kind for leaves only when its schema shows that no picture fits into it.
"""

from winnow_operators.privacy.pictures import names_picture
from winnow_operators.privacy.schemas import NOT_PICTURES, contents_of, plain_name
from winnow_schemas.channel import Channel
from winnow_schemas.settings.topics import Kind

_PICTURE_ENCODINGS = frozenset(
    {
        *("jpeg", "jpg", "jp2", "jxl", "png", "gif", "bmp", "tiff", "webp", "heic", "avif"),
        *(
            "h261",
            "h263",
            "h264",
            "h265",
            "h266",
            "avc",
            "avc1",
            "hevc",
            "hvc1",
            "vvc",
            "mjpeg",
            "mpeg",
            "mp4",
        ),
        *("vp8", "vp9", "av1", "theora", "yuv", "yuyv", "uyvy", "yuv422", "nv12", "i420", "mono8", "mono16"),
        *("rgb8", "bgr8", "rgba8", "bgra8", "bayer", "image", "video"),
    }
)
_STRUCTURED = frozenset({"cdr", "ros1", "protobuf", "json"})
"""Encodings whose payloads are what their schema says."""


def shows_people(kind: Kind, schema_name: str, encoding: str) -> bool:
    """Whether a topic's payloads may show people, by its declared kind and by its names alone."""
    return (
        kind.shows_people
        or names_picture(schema_name)
        or encoding.lower() in _PICTURE_ENCODINGS
        or names_picture(encoding)
    )


def why_withheld(kind: Kind, channel: Channel) -> str:
    """Why a topic may show people, a clause for a sentence; empty when it cannot."""
    if kind.shows_people:
        return f"it is a {kind.value} topic"
    if shows_people(kind, channel.schema_name, channel.encoding):
        return f"{channel.schema_name or channel.encoding} is a type of picture"
    contents = contents_of(channel)
    pictures = sorted(name for name in (contents.types if contents else ()) if names_picture(name))
    if pictures:
        return f"its messages contain {pictures[0]}"
    if kind is not Kind.OTHER:
        return ""
    if contents is None or channel.encoding.lower() not in _STRUCTURED:
        return "nobody can tell what its payloads are; name its kind under `topics`"
    unknown = sorted(name for name in contents.bytes_in if plain_name(name) not in NOT_PICTURES)
    return f"anything fits into the bytes of {unknown[0]}; name its kind under `topics`" if unknown else ""
