"""What a dashcam graph writes about a video (``records/ID.json``), for programs that read it: checked, with limits."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

RECORD_MAX_BYTES = 64 * 1024 * 1024
"""A day of dense traffic has a few thousand plates of some kilobytes each."""
PLATES_MAX = 50_000
TEXT_MAX = 32
Identity = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}$")]
PlateText = Annotated[str, Meta(min_length=1, max_length=TEXT_MAX)]
PicturePath = Annotated[str, Meta(max_length=300, pattern=r"^$|^crops/[0-9a-f]{16}/[^/\\\x00-\x1f]+\.jpg$")]
Nanoseconds = Annotated[int, Meta(ge=0, le=2**62)]


class PlacedAt(msgspec.Struct, frozen=True):
    """Where the camera was."""

    latitude_deg: Annotated[float, Meta(ge=-90, le=90)]
    longitude_deg: Annotated[float, Meta(ge=-180, le=180)]
    uncertainty_m: Annotated[float, Meta(ge=0)] | None = None


class LosingRead(msgspec.Struct, frozen=True):
    """A reading that did not win the vote."""

    text: Annotated[str, Meta(max_length=TEXT_MAX)]
    frames: int
    weight: float


class Votes(msgspec.Struct, frozen=True):
    """How a text was voted."""

    agreeing: int = 0
    shares: Annotated[list[float], Meta(max_length=TEXT_MAX)] = []
    losers: Annotated[list[LosingRead], Meta(max_length=10_000)] = []


class Reading(msgspec.Struct, frozen=True):
    """One frame's reading."""

    t_ns: Nanoseconds
    text: Annotated[str, Meta(max_length=TEXT_MAX)]
    confidence: float
    position: PlacedAt | None = None


class PlateRecord(msgspec.Struct, frozen=True):
    """A pass of a plate."""

    id: Identity
    text: PlateText
    confidence: float
    country: Annotated[str, Meta(max_length=16)]
    frames: int
    first_ns: Nanoseconds
    last_ns: Nanoseconds
    position: PlacedAt | None = None
    crop: PicturePath | None = None
    frame_picture: PicturePath | None = None
    votes: Votes = Votes()
    timeline: Annotated[list[Reading], Meta(max_length=100_000)] = []


class VideoRecord(msgspec.Struct, frozen=True):
    """A video that was read."""

    video: Annotated[str, Meta(max_length=4096)]
    video_id: Identity
    frames: int
    kept: int
    duration_ns: Nanoseconds
    plates: Annotated[list[PlateRecord], Meta(max_length=PLATES_MAX)]
    created: Annotated[str, Meta(max_length=64)] = ""
    reasons: dict[str, int] = {}
    gps: dict[str, Any] | None = None


def track_of(record: VideoRecord) -> list[tuple[float, float]]:
    """Latitude and longitude of the drive, in order, degrees; empty where there was no GPS log."""
    path = (record.gps or {}).get("path")
    found: list[tuple[float, float]] = []
    for each in path if isinstance(path, list) else []:
        good = isinstance(each, list) and len(each) == 2 and all(isinstance(v, int | float) for v in each)
        if good and -90 <= each[0] <= 90 and -180 <= each[1] <= 180:
            found.append((float(each[0]), float(each[1])))
    return found
