"""Logs as text: GPX, NMEA 0183 (also with BlackVue's time stamps), CSV, 70mai."""

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from xml.parsers import expat

from winnow_operators.dashcam.gps.track import MOST_FIXES, UERE_M, Fix
from winnow_schemas.errors import BadInputError

KNOT_MPS = 1852 / 3600
MOST_DEPTH = 64
"""Of a GPX file: trk, trkseg, trkpt, extensions and a maker's own are seven deep."""


def _utc_ns(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return round(moment.timestamp() * 1e6) * 1000


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def gpx_fixes(data: bytes) -> list[Fix]:
    """Track points with a time. Entities are refused: a log has none, an attack does.

    Raises:
        BadInputError: it is not well-formed.

    """
    reader = _GpxReader()
    try:
        reader.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise BadInputError(
            f"The GPX log is not well-formed ({error}); no position was taken from it."
        ) from None
    return reader.fixes


class _GpxReader:
    def __init__(self) -> None:
        self.fixes: list[Fix] = []
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.EntityDeclHandler = self._refuse
        self._depth = 0
        self._point: dict[str, str] | None = None
        self._content = ""

    def _refuse(self, *_: object) -> None:
        raise BadInputError(
            "The GPX log declares entities, which a log has no use for; no position was taken from it."
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH or len(self.fixes) > MOST_FIXES:
            raise BadInputError(
                f"The GPX log is more than {MOST_DEPTH} deep or has more than {MOST_FIXES} points; no position was taken."
            )
        if name.rpartition(":")[2] == "trkpt":
            self._point = dict(attributes)
        self._content = ""

    def _text(self, text: str) -> None:
        self._content = (self._content + text)[:200]

    def _end(self, name: str) -> None:
        self._depth -= 1
        name = name.rpartition(":")[2]
        if self._point is None:
            return
        if name != "trkpt":
            self._point.setdefault(name, self._content.strip())
            return
        point, self._point = self._point, None
        t_ns = _utc_ns(point.get("time", ""))
        latitude, longitude = _number(point.get("lat")), _number(point.get("lon"))
        if t_ns is None or latitude is None or longitude is None:
            return
        dilution = _number(point.get("hdop"))
        self.fixes.append(
            Fix(
                t_ns,
                latitude,
                longitude,
                _number(point.get("speed")),
                _number(point.get("course")),
                _number(point.get("ele")),
                None if dilution is None else dilution * UERE_M,
            )
        )


_SENTENCE = re.compile(r"^(?:\[(\d{10,16})\])?\$(..)(RMC|GGA),(.*?)(?:\*([0-9A-Fa-f]{2}))?\s*$")


def nmea_fixes(lines: Iterable[str]) -> list[Fix]:
    """Positions of RMC sentences, with height and dilution of the GGA of the same second.

    Sentences that say that they are not valid are left out, and those with a wrong checksum, unless all of them
    are wrong: then a tool has edited the log without mending them.
    """
    told = [line.strip() for line in lines]
    found = [(line, match) for line in told if (match := _SENTENCE.match(line)) is not None]
    sure = [match for line, match in found if _checks(line, match[5])]
    return _positions(sure or [match for _, match in found])


def _positions(sentences: Iterable[re.Match[str]]) -> list[Fix]:
    fixes: list[Fix] = []
    heights: dict[str, tuple[float | None, float | None]] = {}
    clocks: list[str] = []
    for found in sentences:
        fields = found[4].split(",")
        if found[3] == "GGA" and len(fields) >= 9:
            dilution = _number(fields[7])
            heights[fields[0][:6]] = (_number(fields[8]), None if dilution is None else dilution * UERE_M)
        elif found[3] == "RMC" and len(fields) >= 9 and (fix := _rmc(fields)) is not None:
            fixes.append(fix)
            clocks.append(fields[0][:6])
    return [_with_height(fix, heights.get(clock)) for fix, clock in zip(fixes, clocks, strict=True)]


def _with_height(fix: Fix, height: tuple[float | None, float | None] | None) -> Fix:
    return fix if height is None else fix._replace(altitude_m=height[0], uncertainty_m=height[1])


def _checks(line: str, wanted: str | None) -> bool:
    if wanted is None:
        return True
    body = line[line.index("$") + 1 : line.rindex("*")]
    total = 0
    for character in body:
        total ^= ord(character)
    return total == int(wanted, 16)


def _rmc(fields: list[str]) -> Fix | None:
    clock, valid, latitude, north, longitude, east, knots, course, day = fields[:9]
    if valid != "A" or len(day) != 6 or len(clock) < 6:
        return None
    try:
        moment = datetime.strptime(day + clock[:6], "%d%m%y%H%M%S").replace(tzinfo=UTC)
        fraction = float("0" + clock[6:]) if clock[6:] else 0.0
    except ValueError:
        return None
    y, x = _minutes(latitude, north), _minutes(longitude, east)
    speed = _number(knots)
    if y is None or x is None:
        return None
    t_ns = round(moment.timestamp()) * 1_000_000_000 + round(fraction * 1e9)
    return Fix(t_ns, y, x, None if speed is None else speed * KNOT_MPS, _number(course))


def _minutes(text: str, side: str) -> float | None:
    value = _number(text)
    if value is None or value < 0:
        return None
    degrees = math.floor(value / 100)
    found = degrees + (value - 100 * degrees) / 60
    return -found if side in {"S", "W"} else found


_COLUMNS = {
    "time": (
        "unix_time_s",
        "unix_time",
        "timestamp",
        "time",
        "utc",
        "datetime",
        "date_time",
        "t_ns",
        "time_ms",
    ),
    "latitude": ("lat_deg", "latitude_deg", "latitude", "lat"),
    "longitude": ("lon_deg", "longitude_deg", "longitude", "lon", "lng", "long"),
    "speed": ("speed_mps", "speed_m_s", "speed_kmh", "speed_kph", "speed_knots", "speed_mph", "speed"),
    "bearing": ("bearing_deg", "bearing", "course_deg", "course", "heading_deg", "heading"),
    "altitude": ("alt_m", "altitude_m", "altitude", "alt", "ele"),
    "uncertainty": ("accuracy_m", "accuracy", "uncertainty_m", "hacc"),
}
_SPEEDS = {"speed_kmh": 1 / 3.6, "speed_kph": 1 / 3.6, "speed_knots": KNOT_MPS, "speed_mph": 0.44704}


def csv_fixes(text: str) -> list[Fix]:
    """A table with a header; columns are known by their names.

    Raises:
        BadInputError: time, latitude or longitude is not among them.

    """
    sample = text[:4000]
    delimiter = max(",;\t", key=sample.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        header = [name.strip().lower().replace(" ", "_") for name in next(reader, [])]
        places = {
            role: next((header.index(n) for n in names if n in header), None)
            for role, names in _COLUMNS.items()
        }
        missing = [role for role in ("time", "latitude", "longitude") if places[role] is None]
        if missing:
            raise BadInputError(
                f"The CSV log has no column for {', '.join(missing)} (its header: {', '.join(header)[:120]}); no position "
                f"was taken from it. Names that are known: {', '.join(_COLUMNS[missing[0]])}."
            )
        return list(_rows(reader, header, places))
    except csv.Error as error:
        raise BadInputError(f"The CSV log cannot be read ({error}); no position was taken from it.") from None


def _rows(reader: Iterable[list[str]], header: list[str], places: dict[str, int | None]) -> Iterator[Fix]:
    for row in reader:
        cells = {
            role: row[place] if place is not None and place < len(row) else None
            for role, place in places.items()
        }
        time_name = header[places["time"] or 0]
        t_ns = _stamp(cells["time"] or "", time_name)
        latitude, longitude = _number(cells["latitude"]), _number(cells["longitude"])
        if t_ns is None or latitude is None or longitude is None:
            continue
        speed = _number(cells["speed"])
        if speed is not None and places["speed"] is not None:
            speed *= _SPEEDS.get(header[places["speed"]], 1.0)
        yield Fix(
            t_ns, latitude, longitude, speed, _number(cells["bearing"]), _number(cells["altitude"]),
            _number(cells["uncertainty"]),
        )  # fmt: skip


def _stamp(text: str, name: str) -> int | None:
    value = _number(text)
    if value is None:
        return _utc_ns(text)
    if name == "t_ns":
        return round(value)
    # Seconds are ten digits in this century, milliseconds thirteen, microseconds sixteen.
    scale = 1e9 if abs(value) < 1e11 else 1e6 if abs(value) < 1e14 else 1e3
    return round(value * scale)


def seventy_mai_fixes(lines: Iterable[str]) -> list[Fix]:
    """70mai's text: time, validity, latitude, longitude, course in hundredths, speed in cm/s, more."""
    fixes = []
    for line in lines:
        cells = line.strip().split(",")
        if len(cells) < 6 or cells[1] != "A":
            continue
        t_s, latitude, longitude = (_number(cells[place]) for place in (0, 2, 3))
        course, speed = _number(cells[4]), _number(cells[5])
        if t_s is None or latitude is None or longitude is None:
            continue
        fixes.append(
            Fix(
                round(t_s * 1e9),
                latitude,
                longitude,
                None if speed is None else speed / 100,
                None if course is None else (course / 100) % 360,
            )
        )
    return fixes
