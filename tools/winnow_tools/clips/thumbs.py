"""A contact sheet: a row of small pictures per camera, and clouds from above."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mcap.exceptions import McapError
from mcap.reader import make_reader
from numpy.typing import NDArray

from winnow_runtime import atomic
from winnow_runtime.mcapfile.records import channel_of
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_tools.clips.birdseye import birds_eye, coordinates
from winnow_tools.clips.collection import Clip
from winnow_tools.clips.frames import Picture, Video, is_video, payload, raw, still
from winnow_tools.clips.payloads import Drawable, Drawn, drawable
from winnow_tools.clips.times import message_times
from winnow_tools.convert.transcoding import PayloadError

THUMB_PX = 240
"""Width of a picture, and side of a cloud."""
CAPTION_PX = 22
COLUMNS_MAX = 12
_PAPER, _INK, _FAINT = (250, 250, 250), (40, 40, 40), (130, 130, 130)
_TRIGGER = (40, 40, 220)


@dataclass(slots=True)
class Row:
    """The pictures of one topic."""

    topic: str
    wanted: set[int]
    """Places in the topic's sequence."""
    pictures: list[tuple[int, Picture]] = field(default_factory=list)
    """(log time, picture), in the order of time."""
    video: Video | None = None
    failed: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What was drawn."""

    topics: list[str]
    notes: list[str]
    """What could not be drawn, and why."""


def make_sheet(clip: Clip, output: Path, columns: int, topics: set[str]) -> Sheet:
    """Draw the sheet into a PNG file.

    Raises:
        BadInputError: the clip has nothing that can be drawn, or cannot be read.
        UnavailableError: the output cannot be written.

    """
    rows = _rows(clip, columns, topics)
    drawn = [row for row in rows if row.pictures]
    notes = [
        f"{row.failed} messages of {row.topic} were not drawn: {row.reason}." for row in rows if row.failed
    ]
    notes += [
        f"{row.topic} has no picture that stands by itself: its video begins before the clip."
        for row in rows
        if not row.pictures and not row.failed
    ]
    if not drawn:
        raise BadInputError(
            " ".join(
                [
                    *notes,
                    f"{clip.sidecar.name} has no camera and no cloud that can be drawn; nothing was written.",
                ]
            )
        )
    picture = _compose(clip, drawn, columns)
    good, data = cv2.imencode(".png", picture)
    assert good, "a picture of our own making is encoded"
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(output, data.tobytes(), durable=False)
    except OSError as error:
        raise UnavailableError(f"{output} cannot be written ({error.strerror}); there is no sheet.") from None
    return Sheet([row.topic for row in drawn], notes)


def _rows(clip: Clip, columns: int, topics: set[str]) -> list[Row]:
    times = message_times(clip.path)
    zero_ns = _lead_ns(clip)
    rows: dict[str, Row] = {}
    readers: dict[int, Drawable | None] = {}
    seen: Counter[str] = Counter()
    wanted = sorted(topics) or sorted(times)
    try:
        with clip.path.open("rb") as file:
            for schema, record, message in make_reader(file).iter_messages(topics=wanted):
                if record.id not in readers:
                    readers[record.id] = drawable(channel_of(schema, record))
                reader = readers[record.id]
                if reader is None:
                    continue
                if record.topic not in rows:
                    rows[record.topic] = Row(record.topic, _places(times[record.topic], columns, zero_ns))
                row, place = rows[record.topic], seen[record.topic]
                seen[record.topic] += 1
                try:
                    picture = _draw(reader, row, place, message.data)
                except PayloadError as error:
                    row.failed += 1
                    row.reason = row.reason or str(error)
                    continue
                if picture is not None:
                    row.pictures.append((message.log_time, picture))
    except (McapError, ValueError, EOFError, OSError) as error:
        raise BadInputError(
            f"{clip.path} cannot be read ({str(error)[:120] or type(error).__name__}); nothing was drawn."
        ) from None
    return [rows[topic] for topic in sorted(rows)]


def _places(times_ns: NDArray[np.int64], columns: int, zero_ns: int) -> set[int]:
    """Evenly spread over the topic's messages in the order of time, one of them moved to the trigger."""
    ordered = np.sort(times_ns)
    count = len(ordered)
    places = [round(place) for place in np.linspace(0, count - 1, min(columns, count)).tolist()]
    here = int(np.argmin(np.abs(ordered - zero_ns)))
    nearest = min(range(len(places)), key=lambda number: abs(places[number] - here))
    places[nearest] = here
    return set(places)


def _lead_ns(clip: Clip) -> int:
    """The time of the trigger that the clip is called after."""
    sidecar = clip.sidecar
    own = [trigger.t_ns for trigger in sidecar.triggers if trigger.type == sidecar.trigger_type]
    said_ns = round(sidecar.timestamp_sec * 1e9)
    return min(own or [said_ns], key=lambda t_ns: abs(t_ns - said_ns))


def _draw(reader: Drawable, row: Row, place: int, data: bytes) -> Picture | None:
    if row.video is None and place not in row.wanted:
        # Of a video every frame is needed for the next one; whether it is one, its first message tells.
        return None
    message: Any = reader.read(data)
    if reader.kind is Drawn.CLOUD:
        return birds_eye(coordinates(message), THUMB_PX)
    if reader.kind is Drawn.RAW:
        return _small(raw(message))
    encoded = payload(message)
    if row.video is None and is_video(message, encoded):
        row.video = Video(str(message.format))
    picture = still(encoded) if row.video is None else row.video.frame(encoded)
    if picture is None:
        return None
    if place in row.wanted:
        return _small(picture)
    late = min((each for each in row.wanted if each < place), default=None)
    if late is not None and len(row.pictures) < sum(each <= place for each in row.wanted):
        return _small(picture)  # the wanted frame had no picture yet: its video began before the clip
    return None


def _small(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    target = max(1, min(THUMB_PX * 2, round(height * THUMB_PX / width)))
    return np.asarray(cv2.resize(picture, (THUMB_PX, target), interpolation=cv2.INTER_AREA), np.uint8)


def _compose(clip: Clip, rows: list[Row], columns: int) -> Picture:
    gap = 6
    width = gap + columns * (THUMB_PX + gap)
    parts = [_title(clip, width)]
    zero_ns = _lead_ns(clip)
    for row in rows:
        height = max(picture.shape[0] for _, picture in row.pictures)
        strip = np.full((CAPTION_PX * 2 + height + gap, width, 3), _PAPER, np.uint8)
        _write(strip, row.topic, (gap, CAPTION_PX - 7), _INK, 0.45)
        closest = min(range(len(row.pictures)), key=lambda place: abs(row.pictures[place][0] - zero_ns))
        for place, (t_ns, picture) in enumerate(row.pictures[:columns]):
            left = gap + place * (THUMB_PX + gap)
            strip[CAPTION_PX : CAPTION_PX + picture.shape[0], left : left + THUMB_PX] = picture
            colour = _TRIGGER if place == closest else _FAINT
            below = (left, CAPTION_PX + picture.shape[0] + CAPTION_PX - 7)
            _write(strip, f"{(t_ns - zero_ns) / 1e9:+.2f} s", below, colour, 0.4)
        parts.append(strip)
    return np.concatenate(parts)


def _title(clip: Clip, width: int) -> Picture:
    sidecar = clip.sidecar
    strip = np.full((2 * CAPTION_PX, width, 3), _PAPER, np.uint8)
    _write(strip, sidecar.name, (6, CAPTION_PX - 6), _INK, 0.55)
    kinds = ", ".join(sorted({trigger.type for trigger in sidecar.triggers}))
    told = f"P{sidecar.priority} {kinds}, {sidecar.clip_duration_sec:.1f} s; times from its trigger (red)"
    _write(strip, told, (6, 2 * CAPTION_PX - 8), _FAINT, 0.42)
    return strip


def _write(
    picture: Picture, words: str, place: tuple[int, int], colour: tuple[int, int, int], scale: float
) -> None:
    plain = words.encode("ascii", "replace").decode()  # OpenCV's letters are ASCII
    cv2.putText(picture, plain, place, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, 1, cv2.LINE_AA)
