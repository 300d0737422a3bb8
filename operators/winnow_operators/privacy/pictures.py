"""Pictures and video, told by the name of a type, by an encoding, or by how the bytes begin."""

import re

_NAMES = re.compile(
    r"image|video|picture|photo|jpe?g|theora|hevc|h26[345]|webp|png|webcam|camera_?frame|(?<![a-z])(av1|vp[89])",
    re.IGNORECASE,
)
"""In names of types and packages: sensor_msgs/msg/CompressedImage, foxglove.CompressedVideo,
theora_image_transport/Packet, stereo_msgs/DisparityImage, ffmpeg_image_transport_msgs/FFMPEGPacket, ..."""
_DRAWN = re.compile(r"(^|[./:])Image(Annotations?|Markers?|MarkerArray)$")
"""Shapes that are drawn over a picture, without it: foxglove.ImageAnnotations, visualization_msgs/ImageMarker."""
_LOOKED_AT = 512
"""Bytes at the start of a payload: behind the header of any message that wraps a picture."""
_MARKS = re.compile(
    rb"\xff\xd8\xff(\xe0..JFIF|\xe1..Exif|\xdb\x00[\x43\x84]|[\xe2-\xef\xfe\xc0-\xc4]\x00)"  # JPEG
    rb"|\x89PNG\r\n\x1a\n"
    rb"|GIF8[79]a"
    rb"|RIFF....(WEBP|AVI )"
    rb"|ftyp(isom|iso[2-9]|mp4[12]|avc1|hvc1|heic|avif|qt  )"
    rb"|\x1aE\xdf\xa3",  # Matroska, WebM
    re.DOTALL,
)
_ANNEX_B = re.compile(rb"\x00\x00(\x00)?\x01[\x09\x27\x47\x67\x26\x46\x06\x40\x42\x44\x65\x41\x61\x01\x02]")
"""The start of an H.264 or H.265 access unit: delimiter, parameter sets, slices."""


def names_picture(name: str) -> bool:
    """Whether a type of this name carries pictures."""
    return bool(_NAMES.search(name)) and not _DRAWN.search(name)


def holds_picture(data: bytes | memoryview) -> bool:
    """Whether a payload is, or soon after its start contains, a picture or video in a common format."""
    head = bytes(data[:_LOOKED_AT])
    return bool(_MARKS.search(head) or _ANNEX_B.match(head))
