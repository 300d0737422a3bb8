"""Finds a video's GPS log: the one that is named, one beside it, or one inside it."""

from datetime import datetime
from pathlib import Path

import av

from winnow_operators.dashcam.gps.aligning import align
from winnow_operators.dashcam.gps.binaries import FREE_GPS, gpmf_fixes, novatek_fix
from winnow_operators.dashcam.gps.texts import csv_fixes, gpx_fixes, nmea_fixes, seventy_mai_fixes
from winnow_operators.dashcam.gps.track import Fix, GpsTrack, sound
from winnow_schemas.errors import BadInputError

MOST_LOG_BYTES = 256 * 1024 * 1024
"""A day of ten fixes per second as GPX has 100 MB."""
SIDECARS = (".gpx", ".nmea", ".gps", ".csv", ".txt", ".log")
_BLOCK_BYTES = 16 * 1024 * 1024
_FREE_BYTES = 512
"""What a freeGPS block holds of use; cameras reserve 32 kB for each."""


def track_of(
    video: Path, *, named: Path | None, created: str, duration_ns: int, offset_s: float = 0.0
) -> tuple[GpsTrack | None, str]:
    """The track on the video's own time, and a sentence on what was found or not."""
    path = named or _beside(video)
    if path is None:
        fixes, relative = _inside(video)
        source = f"inside {video.name}"
    else:
        fixes, relative, source = read_log(path), False, path.name
    fixes = sound(fixes)
    if not fixes:
        if path is None:
            return None, f"{video.name} has no GPS log, beside it or inside; its plates have no positions."
        return None, f"{path.name} has no usable fix; the plates of {video.name} have no positions."
    if relative:
        return GpsTrack(
            fixes, start_ns=-round(offset_s * 1e9), clock_s=0.2, source=source, aligned="by the video itself"
        ), ""
    alignment = align(fixes[0].t_ns, fixes[-1].t_ns, created_ns=_created_ns(created), duration_ns=duration_ns)
    if alignment is None:
        return None, (
            f"{source} does not cover the time of {video.name}; its plates have no positions. If the camera's clock was "
            "wrong, set gps_offset_s, or name the right log."
        )
    start_ns = alignment.start_ns - round(offset_s * 1e9)
    return GpsTrack(
        fixes, start_ns=start_ns, clock_s=alignment.clock_s, source=source, aligned=alignment.how
    ), ""


def read_log(path: Path) -> list[Fix]:
    """The fixes of a log file, whatever its kind.

    Raises:
        BadInputError: it cannot be read, or its kind is not known.

    """
    try:
        size = path.stat().st_size
        if size > MOST_LOG_BYTES:
            raise BadInputError(
                f"The log {path} has {size} bytes, more than {MOST_LOG_BYTES}; no position was taken from it."
            )
        data = path.read_bytes()
    except OSError as error:
        raise BadInputError(
            f"The log {path} cannot be read ({error.strerror}); no position was taken."
        ) from None
    if FREE_GPS in data[:_BLOCK_BYTES]:
        return list(_novatek(data))
    text = data.decode("utf-8", "replace").lstrip("\ufeff")
    head = text[:4096]
    if path.suffix.lower() == ".gpx" or "<gpx" in head:
        return gpx_fixes(data)
    if "$GP" in head or "$GN" in head:
        return nmea_fixes(text.splitlines())
    if head.startswith("$V0"):
        return seventy_mai_fixes(text.splitlines())
    if path.suffix.lower() == ".csv" or "lat" in head.partition("\n")[0].lower():
        return csv_fixes(text)
    raise BadInputError(
        f"{path} is no GPS log that is known (GPX, NMEA, CSV, BlackVue, 70mai, Novatek); no position was taken from it."
    )


def _beside(video: Path) -> Path | None:
    """A log with the video's name; also `NAME_gps.csv`."""
    for suffix in SIDECARS:
        for name in (video.with_suffix(suffix), video.with_name(f"{video.stem}_gps{suffix}")):
            if name.is_file():
                return name
    return None


def _inside(video: Path) -> tuple[list[Fix], bool]:
    """GPMF (times relative to the video), or freeGPS blocks (UTC)."""
    fixes: list[Fix] = []
    try:
        with av.open(str(video), metadata_errors="ignore") as container:
            streams = container.streams.data
            for packet in container.demux(*streams) if streams else ():
                if packet.pts is None or packet.time_base is None or not packet.size:
                    continue
                start_ns = round(packet.pts * packet.time_base * 1_000_000_000)
                length_ns = round((packet.duration or 0) * packet.time_base * 1_000_000_000) or 1_000_000_000
                fixes += gpmf_fixes(bytes(packet), start_ns, length_ns)
            if fixes:
                return fixes, True
    except (av.FFmpegError, OSError, ValueError):
        return [], True
    with video.open("rb") as file:
        return list(_novatek(file.read(_BLOCK_BYTES))), False


def _novatek(data: bytes) -> list[Fix]:
    fixes = []
    place = data.find(FREE_GPS)
    while place >= 0:
        if (fix := novatek_fix(data[place : place + _FREE_BYTES])) is not None:
            fixes.append(fix)
        place = data.find(FREE_GPS, place + len(FREE_GPS))
    return fixes


def _created_ns(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.year < 1980:
        return None  # 1904 and 1970 are what cameras without a clock write
    return round(moment.timestamp() * 1e6) * 1000
