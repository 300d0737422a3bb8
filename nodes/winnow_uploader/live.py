"""How the uploader is at this moment, in a file of its folder, for whoever looks from outside."""

from collections import deque
from enum import IntEnum
from pathlib import Path
from typing import Any

import msgspec

from winnow_runtime import atomic
from winnow_schemas.settings.upload import UploadSettings

NAME = "live.json"
FRESH_NS = 10_000_000_000
"""Older than this it speaks of an uploader that has ended."""
RATE_OVER_NS = 10_000_000_000
"""The rate is the mean of so long: two parts at 20 Mbit/s."""
_MAX_BYTES = 1024 * 1024


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """Written about once a second."""

    wall_ns: int
    link: str
    link_reason: str
    goodput_bytes_per_s: float | None
    """What the link was seen to carry when our own limit did not hold it back."""
    rate_bytes_per_s: float
    """On the wire, the mean of the last seconds."""
    clip_id: str
    """What is being sent; empty when nothing is."""
    unit_bytes: int
    """What of its part has gone."""
    waiting: str
    """Why nothing goes, if nothing does."""
    paused: str
    settings: dict[str, object]
    """The limits and budgets that hold, as in the settings file."""

    def is_fresh(self, wall_ns: int) -> bool:
        """Whether an uploader wrote this a moment ago."""
        return abs(wall_ns - self.wall_ns) <= FRESH_NS


def limits_of(settings: UploadSettings) -> dict[str, object]:
    """The settings that a forecast needs."""
    found = settings.model_dump(include={"link", "daily_budget_gb", "priority_budget_gb"})
    return {key: _by_name(value) for key, value in found.items()}


def _by_name(value: Any) -> Any:
    """The same with modes and priorities as their names, the form in which settings are read."""
    if isinstance(value, dict):
        return {_by_name(key): _by_name(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_by_name(item) for item in value]
    return value.name if isinstance(value, IntEnum) else value


def write_live(folder: Path, live: Live) -> None:
    """Replace the file.

    Raises:
        OSError: the disk refuses.

    """
    atomic.write_bytes(folder / NAME, msgspec.json.encode(live), durable=False)


def read_live(folder: Path) -> Live | None:
    """The file; None when there is none, or it cannot be used."""
    try:
        with (folder / NAME).open("rb") as file:
            return msgspec.json.decode(file.read(_MAX_BYTES), type=Live)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


class RateMeter:
    """The mean rate of the last seconds, from a counter that only grows."""

    def __init__(self) -> None:
        self._samples: deque[tuple[int, int]] = deque()

    def rate_bytes_per_s(self, total_bytes: int, now_ns: int) -> float:
        """Take in the counter; 0 before there are two samples."""
        self._samples.append((now_ns, total_bytes))
        while len(self._samples) > 2 and now_ns - self._samples[1][0] >= RATE_OVER_NS:
            self._samples.popleft()
        first_ns, first = self._samples[0]
        return (total_bytes - first) * 1e9 / (now_ns - first_ns) if now_ns > first_ns else 0.0
