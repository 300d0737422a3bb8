"""Logs inside video files: GoPro's GPMF, and the ``freeGPS`` blocks of cameras with Novatek chips."""

import math
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from winnow_operators.dashcam.gps.texts import KNOT_MPS
from winnow_operators.dashcam.gps.track import UERE_M, Fix

MOST_DEPTH = 8
"""GPMF nests three deep: device, stream, values."""
_EPOCH_2000_S = 946_684_800
FREE_GPS = b"freeGPS "


class Klv(NamedTuple):
    """Key, type, size of one sample and payload of a GPMF element."""

    key: str
    kind: str
    size: int
    payload: bytes


def elements(data: bytes, depth: int = 0) -> Iterator[Klv]:
    """GPMF elements of one level; what is cut short ends it."""
    place = 0
    while place + 8 <= len(data) and depth <= MOST_DEPTH:
        key, kind, size, repeat = struct.unpack_from(">4sBBH", data, place)
        length = size * repeat
        payload = data[place + 8 : place + 8 + length]
        if key == b"\0\0\0\0" or len(payload) < length:
            return
        yield Klv(key.decode("latin-1"), chr(kind), size, payload)
        place += 8 + (length + 3) // 4 * 4


def gpmf_fixes(data: bytes, start_ns: int, duration_ns: int) -> list[Fix]:
    """Fixes of one GPMF payload; their times are the video's, spread evenly over the payload's."""
    found: list[Fix] = []
    for device in elements(data):
        if device.key != "DEVC":
            continue
        for stream in elements(device.payload, 1):
            if stream.key == "STRM":
                found += _stream_fixes(list(elements(stream.payload, 2)), start_ns, duration_ns)
    return found


def _stream_fixes(stream: list[Klv], start_ns: int, duration_ns: int) -> list[Fix]:
    by_key = {each.key: each for each in stream}
    samples = by_key.get("GPS5") or by_key.get("GPS9")
    scales = _integers(by_key.get("SCAL"))
    if samples is None or len(scales) < 5 or 0 in scales[:5]:
        return []
    dilution = _integers(by_key.get("GPSP"))
    locked = _integers(by_key.get("GPSF"))
    if locked and locked[0] < 2:
        return []
    uncertainty = dilution[0] / 100 * UERE_M if dilution and dilution[0] < 9999 else None
    count = len(samples.payload) // samples.size if samples.size >= 20 else 0
    fixes = []
    for number in range(count):
        raw = struct.unpack_from(">5i", samples.payload, number * samples.size)
        latitude, longitude, altitude, speed, _ = (a / b for a, b in zip(raw, scales, strict=False))
        t_ns = start_ns + duration_ns * number // count
        fixes.append(Fix(t_ns, latitude, longitude, speed, None, altitude, uncertainty))
    return fixes


def _integers(element: Klv | None) -> list[int]:
    formats = {"l": "i", "L": "I", "s": "h", "S": "H"}
    if element is None or element.kind not in formats:
        return []
    code = formats[element.kind]
    count = len(element.payload) // struct.calcsize(code)
    return list(struct.unpack_from(f">{count}{code}", element.payload))


def gpmf_utc_ns(data: bytes) -> int | None:
    """UTC of a payload's start, where the receiver had it."""
    for device in elements(data):
        for stream in elements(device.payload, 1) if device.key == "DEVC" else ():
            for element in elements(stream.payload, 2) if stream.key == "STRM" else ():
                if element.key == "GPSU":
                    text = element.payload.decode("latin-1")
                    try:
                        moment = datetime.strptime(text[:12], "%y%m%d%H%M%S").replace(tzinfo=UTC)
                    except ValueError:
                        return None
                    return round(moment.timestamp()) * 1_000_000_000
    return None


def novatek_fix(block: bytes) -> Fix | None:
    """The fix of one ``freeGPS`` block.

    The block holds hour, minute, second, year, month, day as 32-bit numbers, then the letters of validity,
    north/south and east/west, then latitude and longitude in degrees and minutes, speed in knots and course
    as floats; where it begins varies by maker, so the letters are looked for.
    """
    for place in range(24, len(block) - 20):
        if block[place] not in b"A" or block[place + 1] not in b"NS" or block[place + 2] not in b"EW":
            continue
        hour, minute, second, year, month, day = struct.unpack_from("<6I", block, place - 24)
        latitude, longitude, knots, course = struct.unpack_from("<4f", block, place + 4)
        try:
            moment = datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC)
        except (ValueError, OverflowError):
            continue
        if not all(map(math.isfinite, (latitude, longitude, knots, course))):
            continue
        y, x = _degrees(latitude), _degrees(longitude)
        y = -y if block[place + 1] == ord("S") else y
        x = -x if block[place + 2] == ord("W") else x
        return Fix(round(moment.timestamp()) * 1_000_000_000, y, x, knots * KNOT_MPS, course % 360)
    return None


def _degrees(value: float) -> float:
    whole = math.floor(value / 100)
    return whole + (value - 100 * whole) / 60
