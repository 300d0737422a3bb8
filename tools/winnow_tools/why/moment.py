"""What a user may mean by a time."""

import re
from datetime import UTC, datetime, timedelta

from winnow_schemas.errors import BadInputError

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?$")
_DAY_NS = 86_400 * 10**9
_OFFSET = re.compile(r"\+(\d+(?:\.\d+)?)\s*s?$")


def parse_moment(text: str, start_ns: int, end_ns: int) -> tuple[int, int]:
    """The moment as ``[from, to)`` in nanoseconds: as exact as it was said.

    Accepted: ``14:32``, ``14:32:10.5`` (UTC, on the day of the run), ``2026-11-20T14:32:10``, ``+35s``
    (after the first message), and nanoseconds or seconds since 1970.

    Raises:
        BadInputError: it is none of these.

    """
    start, end = _parse(text.strip(), start_ns, end_ns)
    if not -(2**63) <= start < end < 2**63:
        raise BadInputError(f"{text!r} is beyond any time (int64 nanoseconds); nothing was looked up.")
    return start, end


def _parse(text: str, start_ns: int, end_ns: int) -> tuple[int, int]:
    if match := _OFFSET.match(text):
        at = start_ns + int(float(match[1]) * 1e9)
        return at, at + 1_000_000_000
    if match := _CLOCK.match(text):
        return _on_the_day(match, start_ns, end_ns)
    if re.fullmatch(r"\d{9,19}(\.\d+)?", text):
        at = int(text) if len(text) > 14 else int(float(text) * 1e9)
        return at, at + 1_000_000_000
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError:
        raise BadInputError(
            f"{text!r} is neither a time (14:32, 14:32:10, 2026-11-20T14:32:10, +35s) nor the beginning of a clip's name; nothing was looked up."
        ) from None
    at = int((stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp() * 1e9)
    return at, at + 1_000_000_000


def _on_the_day(match: re.Match[str], start_ns: int, end_ns: int) -> tuple[int, int]:
    hour, minute, second = int(match[1]), int(match[2]), float(match[3] or 0)
    if hour > 23 or minute > 59 or second >= 60:
        raise BadInputError(f"{match[0]} is no time of day; nothing was looked up.")
    length_ns = (1 if match[3] else 60) * 10**9
    first = datetime.fromtimestamp(start_ns // 10**9, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    found = []
    for days in range(max(0, end_ns - start_ns) // _DAY_NS + 2):
        day = first + timedelta(days=days, hours=hour, minutes=minute)
        at = int(day.timestamp()) * 10**9 + int(second * 1e9)
        if at + length_ns > start_ns and at <= end_ns:
            return at, at + length_ns
        found.append((max(start_ns - at - length_ns, at - end_ns), at))
    _, at = min(found)  # on no day of the run: the answer says so, best about the day that is nearest
    return at, at + length_ns
