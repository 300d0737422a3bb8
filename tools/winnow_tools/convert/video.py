"""A video file and the positions beside it as one MCAP file of Foxglove's messages; pictures are not touched."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from winnow_operators.packing.foxglove import (
    location_channel,
    location_message,
    video_channel,
    video_message,
)
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_tools.convert.carrying import Carried, as_they_are, plan_for
from winnow_tools.convert.converting import Wanted, check_wanted, write
from winnow_tools.convert.track import Fix, read_track

SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".avi", ".ts", ".h264", ".h265", ".hevc", ".264", ".265")
VIDEO_TOPIC, GPS_TOPIC = "/camera/video", "/gps/fix"
_FORMATS = {"h264": "h264", "hevc": "h265"}
_FILTERS = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Timed = tuple[Channel, int, int, int, bytes]


@dataclass(frozen=True, slots=True)
class Begin:
    """When the first frame was, and how that is known."""

    t_ns: int
    said_by: str


def is_video_file(path: Path) -> bool:
    """Whether a file is taken for a video, by its name: a raw H.264 stream has no mark."""
    return path.suffix.lower() in SUFFIXES


def convert_video(source: Path, track: Path | None, start: str, wanted: Wanted) -> tuple[Carried, Begin]:
    """Write the MCAP file.

    Raises:
        BadInputError: the video or the track cannot be used, or nothing tells when it began.
        VerificationError: what was read back is not what was written.
        UnavailableError: the disk refuses.

    """
    import av

    check_wanted(wanted)
    fixes = read_track(track) if track is not None else []
    try:
        with av.open(str(source)) as container:
            if not container.streams.video:
                raise BadInputError(f"{source} has no video in it; nothing was converted.")
            stream = container.streams.video[0]
            name = str(stream.codec_context.name)
            if name not in _FORMATS:
                raise BadInputError(
                    f"{source} is {name}, and viewers take H.264 and H.265; nothing was converted. "
                    f"`ffmpeg -i {source.name} -c:v libx264 -bf 0 NEW.mp4` makes one."
                )
            begin = _begin(source, start, dict(container.metadata), fixes)
            channels = (video_channel(VIDEO_TOPIC, ()), location_channel(GPS_TOPIC, ()))
            plan = plan_for(channels if fixes else channels[:1], as_they_are)
            messages = heapq.merge(
                _frames(container, stream, name, channels[0], begin.t_ns),
                _positions(fixes, channels[1]),
                key=lambda message: message[1],
            )
            carried = write(wanted, plan, iter(messages), None)
    except av.FFmpegError as error:
        raise BadInputError(
            f"{source} cannot be read as a video ({error.strerror}); nothing was converted."
        ) from None
    return carried, begin


def _begin(source: Path, start: str, metadata: dict[str, str], fixes: list[Fix]) -> Begin:
    if start:
        return Begin(_parsed(start, f"--start {start!r}"), "--start")
    for fix in fixes:
        if fix.in_video_ns is not None:
            return Begin(fix.t_ns - fix.in_video_ns, "the times in the track")
    if created := metadata.get("creation_time"):
        return Begin(
            _parsed(created, f"The creation time {created[:40]!r} of {source}"), "the file's creation time"
        )
    if fixes:
        return Begin(fixes[0].t_ns, "the first fix of the track, as nothing else says it")
    raise BadInputError(
        f"Nothing says when {source} began; name it with --start (2026-11-20T14:32:07Z). Nothing was converted."
    )


def _parsed(text: str, what: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInputError(
            f"{what} is no time like 2026-11-20T14:32:07.250Z; nothing was converted."
        ) from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1) * 1000


def _frames(container: Any, stream: Any, name: str, channel: Channel, begin_ns: int) -> Iterator[Timed]:
    """Each coded frame as it is in the file, with start codes and parameter sets, in the order of decoding.

    The message's own stamp is when the frame is shown; the log time is when it is decoded, which never falls.
    """
    from av.bitstream import BitStreamFilterContext

    annex_b = BitStreamFilterContext(_FILTERS[name], stream)
    tick_ns = 1_000_000_000 * stream.time_base
    rate = stream.average_rate or 30
    first: int | None = None
    last_ns = begin_ns - 1
    count = 0
    for packet in container.demux(stream):
        if packet.size == 0:
            continue
        for part in annex_b.filter(packet):
            order = part.dts if part.dts is not None else part.pts
            if order is None:  # a raw stream has no times: frames follow each other at its rate
                t_ns = shown_ns = begin_ns + int(count * 1_000_000_000 / rate)
            else:
                first = order if first is None else first
                t_ns = begin_ns + int((order - first) * tick_ns)
                shown = part.pts if part.pts is not None else order
                shown_ns = begin_ns + int((shown - int(stream.start_time or 0)) * tick_ns)
            last_ns = max(last_ns + 1, t_ns)
            count += 1
            data = video_message(shown_ns, "camera", bytes(part), _FORMATS[name])
            yield channel, last_ns, shown_ns, -1, data


def _positions(fixes: list[Fix], channel: Channel) -> Iterator[Timed]:
    for fix in fixes:
        data = location_message(fix.t_ns, "gps", fix.latitude_deg, fix.longitude_deg, fix.altitude_m)
        yield channel, fix.t_ns, fix.t_ns, -1, data
