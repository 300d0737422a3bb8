"""Numbers as people read them."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def size_text(value: float) -> str:
    """Bytes in decimal units: ``29.4 MB``."""
    for size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if abs(value) >= size * 0.9995:
            return f"{value / size:.3g} {unit}"
    return f"{value:.0f} B"


def percent_text(part: float, whole: float) -> str:
    """A share, rounded down, so that only all of it is 100 %; empty for a share of nothing."""
    if whole <= 0:
        return ""
    if part >= whole:
        return "100 %"
    tenths = int(max(0.0, part) / whole * 1000)
    return f"{tenths // 10}.{tenths % 10} %"


def duration_text(span_ns: int) -> str:
    """``35 s``, ``12 min 5 s``, ``8 h 0 min``."""
    seconds = span_ns / 1e9
    if seconds < 10:
        return f"{seconds:.3g} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 90:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def moment(t_ns: int) -> datetime | None:
    """UTC; None outside the years 1 to 9999."""
    try:
        return _EPOCH + timedelta(microseconds=t_ns // 1000)
    except OverflowError:
        return None


def time_text(t_ns: int, *, fine: bool = False) -> str:
    """``14:32:07`` or, fine, ``14:32:07.250``."""
    at = moment(t_ns)
    if at is None:
        return f"{t_ns} ns"
    return at.strftime("%H:%M:%S") + (f".{at.microsecond // 1000:03d}" if fine else "")


def date_text(t_ns: int) -> str:
    """``2026-11-20``."""
    at = moment(t_ns)
    return "" if at is None else f"{at.year:04d}-{at.month:02d}-{at.day:02d}"


def number_text(value: float | None) -> str:
    """A measured number; empty for none."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"
