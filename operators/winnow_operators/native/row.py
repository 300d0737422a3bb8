"""Names that ROS gives to the fields of its messages, found in the structs that dora's bridge makes of them."""

from typing import Any

NS = 1_000_000_000
Row = dict[str, Any]
"""One struct as Python values, without its bulk."""


def stamp_ns(row: Row, otherwise_ns: int) -> int:
    """The header's stamp in nanoseconds; a missing one, and 0, which drivers give that know no time, is message time."""
    stamp = (row.get("header") or {}).get("stamp") or {}
    seconds = stamp.get("sec", stamp.get("secs", 0))
    nanoseconds = stamp.get("nanosec", stamp.get("nsec", stamp.get("nsecs", 0)))
    return int(seconds) * NS + int(nanoseconds) or otherwise_ns


def frame_of(row: Row) -> str:
    """The header's frame."""
    return str((row.get("header") or {}).get("frame_id") or "")
