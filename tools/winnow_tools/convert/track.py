"""Positions beside a video: CSV, GPX or NMEA, as dashcams and loggers write them."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

from winnow_schemas.errors import BadInputError

TRACK_MAX_BYTES = 256 * 1024 * 1024
"""A day of fixes at 10 Hz in CSV has 100 MB."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME = ("unix_time_s", "time_s", "timestamp_s", "timestamp", "time")
_LATITUDE = ("lat_deg", "latitude_deg", "lat", "latitude")
_LONGITUDE = ("lon_deg", "longitude_deg", "lon", "lng", "longitude")
_ALTITUDE = ("alt_m", "altitude_m", "alt", "altitude", "ele")
_IN_VIDEO = ("video_t_s",)
_POINT = re.compile(r"<trkpt\b([^>]{0,500})>(.{0,5000}?)</trkpt>", re.DOTALL)
_ATTRIBUTE = re.compile(r"""\b(lat|lon)\s*=\s*["']([-+.\d]{1,40})["']""")
_ELEMENT = re.compile(r"<(ele|time)>\s*([^<]{1,60})\s*</\1>")
_NMEA = re.compile(r"\$(..(?:RMC|GGA),[^*\r\n]{0,200})\*([0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Fix:
    """Where, and when."""

    t_ns: int
    latitude_deg: float
    longitude_deg: float
    altitude_m: float
    """0 where the receiver did not say."""
    in_video_ns: int | None = None
    """Time since the first frame, where the file says it."""


def read_track(path: Path) -> list[Fix]:
    """All fixes in the order of time.

    Raises:
        BadInputError: it cannot be read, or holds no position with a time.

    """
    try:
        if path.stat().st_size > TRACK_MAX_BYTES:
            raise BadInputError(
                f"{path} has {path.stat().st_size:,} bytes, the limit is {TRACK_MAX_BYTES:,}; nothing was converted."
            )
        content = path.read_text("utf-8", "replace")
    except OSError as error:
        raise BadInputError(f"{path} cannot be read ({error.strerror}); nothing was converted.") from None
    if "<trkpt" in content:
        found = list(_gpx(content))
    elif _NMEA.search(content):
        found = list(_nmea(content))
    else:
        found = list(_csv(content, path))
    good = [fix for fix in found if abs(fix.latitude_deg) <= 90 and abs(fix.longitude_deg) <= 180]
    if not good:
        raise BadInputError(
            f"{path} holds no position with a time (CSV with unix_time_s, lat_deg, lon_deg; GPX; or NMEA with RMC); "
            "nothing was converted."
        )
    return sorted(good, key=lambda fix: fix.t_ns)


def _csv(content: str, path: Path) -> Iterator[Fix]:
    rows = csv.DictReader(content.splitlines())
    names = {name.strip().lower(): name for name in rows.fieldnames or []}

    def column(wanted: tuple[str, ...]) -> str | None:
        return next((names[name] for name in wanted if name in names), None)

    time, latitude, longitude = column(_TIME), column(_LATITUDE), column(_LONGITUDE)
    if time is None or latitude is None or longitude is None:
        raise BadInputError(
            f"{path} has no columns for time, latitude and longitude (unix_time_s, lat_deg, lon_deg); it has: "
            f"{', '.join(list(names)[:20])}; nothing was converted."
        )
    altitude, video = column(_ALTITUDE), column(_IN_VIDEO)
    for row in rows:
        try:
            yield Fix(
                _ns(row[time]),
                float(row[latitude]),
                float(row[longitude]),
                float(row[altitude]) if altitude and row[altitude] else 0.0,
                _ns(row[video]) if video and row[video] else None,
            )
        except (ValueError, TypeError, InvalidOperation, OverflowError):
            continue  # a receiver without a fix leaves cells empty


def _ns(seconds: str) -> int:
    """Decimal digits, exactly: a double has not enough of them for nanoseconds since 1970."""
    return int(Decimal(seconds) * 1_000_000_000)


def _gpx(content: str) -> Iterator[Fix]:
    for attributes, inner in _POINT.findall(content):
        place, more = dict(_ATTRIBUTE.findall(attributes)), dict(_ELEMENT.findall(inner))
        try:
            t_ns = _utc_ns(datetime.fromisoformat(more["time"].strip()))
            yield Fix(t_ns, float(place["lat"]), float(place["lon"]), float(more.get("ele", 0)))
        except (KeyError, ValueError):
            continue


def _utc_ns(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1) * 1000


def _nmea(content: str) -> Iterator[Fix]:
    altitude = 0.0
    heights = {}
    sentences = []
    for body, checksum in _NMEA.findall(content):
        value = 0
        for byte in body.encode():
            value ^= byte
        if value == int(checksum, 16):
            sentences.append(body.split(","))
    for parts in sentences:
        if parts[0].endswith("GGA") and len(parts) > 9 and parts[9]:
            try:
                heights[parts[1]] = float(parts[9])
            except ValueError:
                continue
    for parts in sentences:
        if not parts[0].endswith("RMC") or len(parts) < 10 or parts[2] != "A":
            continue
        try:
            day = datetime.strptime(parts[9] + parts[1][:6], "%d%m%y%H%M%S").replace(tzinfo=UTC)
            fraction = int(Decimal("0" + parts[1][6:] if parts[1][6:] else "0") * 1_000_000_000)
            altitude = heights.get(parts[1], altitude)
            yield Fix(
                _utc_ns(day) + fraction, _degrees(parts[3], parts[4]), _degrees(parts[5], parts[6]), altitude
            )
        except (ValueError, InvalidOperation, IndexError):
            continue


def _degrees(text: str, side: str) -> float:
    """``4900.90023, N`` are 49 degrees and 0.90023 minutes."""
    whole, minutes = divmod(float(text), 100)
    return (whole + minutes / 60) * (-1 if side in ("S", "W") else 1)
