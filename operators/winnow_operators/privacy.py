"""What may show a person (vehicle document 6.4)."""

import re

from winnow_schemas.settings.topics import Kind

_PICTURES = re.compile(r"(^|[./])(Compressed)?(Image|Video|Theora\w*|H26[45]\w*)$|RawImage$", re.IGNORECASE)
"""Schema names that carry pictures: sensor_msgs/msg/CompressedImage, foxglove.CompressedVideo, RawImage, ..."""
_PICTURE_ENCODINGS = frozenset({"jpeg", "png", "h264", "h265", "hevc", "mjpeg"})


def shows_people(kind: Kind, schema_name: str, encoding: str) -> bool:
    """Whether a topic's payloads may show people: by its declared kind, or by what its schema says.

    Both, because a settings file that calls a camera `other` must not open a door.
    """
    return kind.shows_people or bool(_PICTURES.search(schema_name)) or encoding.lower() in _PICTURE_ENCODINGS
