"""Rows of the ledger, and the sentences made of them."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence of the answer, with the row that it comes from."""

    text: str
    row: Row | None = None


def values(row: Row) -> dict[str, Any]:
    """The row's values."""
    try:
        parsed = json.loads(row["values"])
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def clock(t_ns: int) -> str:
    """Time of day with milliseconds."""
    try:
        return datetime.fromtimestamp(t_ns / 1e9, UTC).strftime("%H:%M:%S.%f")[:-3]
    except (OverflowError, ValueError, OSError):
        return f"{t_ns} ns"


def stamp(t_ns: int) -> str:
    """Date and time of day."""
    try:
        return f"{datetime.fromtimestamp(t_ns / 1e9, UTC):%Y-%m-%d} {clock(t_ns)}"
    except (OverflowError, ValueError, OSError):
        return clock(t_ns)
