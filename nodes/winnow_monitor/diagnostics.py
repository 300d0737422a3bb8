"""What 10.3 wants to know, every ten seconds: ring, every node, upload, disks."""

import json
import math
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from winnow_runtime.ring.view import RingView
from winnow_schemas.messages import Health
from winnow_schemas.settings.stages import MonitorSettings

RING, DISK = "ring_buffer", "disk"
SILENT_WARN_S = 10.0
"""Nodes speak every second; one that cuts a clip of several gigabytes is busy for so long at a stretch."""
SILENT_ERROR_S = 60.0
"""dora gives a node that does not ask for events up after a minute (health_check_timeout in the graphs)."""
NODES_MAX = 256
"""Names of nodes that are remembered; a graph has a dozen."""


def values_of(health: Health) -> dict[str, Any]:
    """The values of a health message, whatever a user's own node put there."""
    try:
        values = json.loads(health.values)
    except ValueError:
        return {"values": health.values}
    if not isinstance(values, dict):
        return {"values": values}
    # NaN and infinity are no JSON.
    return {
        str(key): str(value) if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in values.items()
    }


def ring_row(view: RingView | None, settings: MonitorSettings) -> Health:
    """The hot tier: messages dropped, per topic."""
    topics = view.topics() if view else {}
    dropped: dict[str, int] = {}
    for port, ring in (view.rings() if view else {}).items():
        stats = ring.stats()
        dropped[topics.get(port, port)] = stats.lost + stats.oversize
    total = sum(dropped.values())
    level = 1 if total > settings.dropped_warn else 0
    values = {"dropped": total, **{f"dropped/{topic}": count for topic, count in dropped.items()}}
    message = f"Dropped: {total}" if level else "OK" if view else "No rings yet"
    return Health(name=RING, level=level, message=message, values=json.dumps(values, ensure_ascii=False))


def disk_row(folders: Mapping[str, Path], settings: MonitorSettings) -> tuple[Health, dict[str, float]]:
    """The fullest of the disks decides; also the used share per folder."""
    used: dict[str, float] = {}
    values: dict[str, Any] = {}
    troubles = []
    for name, folder in folders.items():
        try:
            usage = shutil.disk_usage(_existing(folder))
        except OSError as error:
            troubles.append(f"{folder} does not answer ({error.strerror})")
            continue
        used[str(folder)] = usage.used / usage.total
        values |= {
            f"{name}_free_bytes": usage.free,
            f"{name}_used_fraction": round(usage.used / usage.total, 4),
        }
    worst = max(used.values(), default=0.0)
    level = (
        2 if troubles or worst > settings.disk_error_fraction else int(worst > settings.disk_warn_fraction)
    )
    shares = ", ".join(f"{folder}: {share * 100:.0f}%" for folder, share in used.items())
    message = "; ".join([*troubles, *([shares] if shares else [])])
    return Health(
        name=DISK, level=level, message=message, values=json.dumps(values, ensure_ascii=False)
    ), used


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there: the same disk, as a rule."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


class Roster:
    """The nodes that should speak, what they said last, and when."""

    def __init__(self, expected: Iterator[str], now_ns: int) -> None:
        self._heard_ns = dict.fromkeys(expected, now_ns)
        self.health: dict[str, Health] = {}
        self._left: set[str] = set()
        self.ignored = 0
        """Messages that were no health, or of more nodes than any graph has."""

    def hear(self, health: Health, now_ns: int) -> None:
        """A node speaks."""
        if health.name not in self.health and len(self.health) >= NODES_MAX:
            self.ignored += 1
            return
        self.health[health.name] = health
        self._heard_ns[health.name] = now_ns
        self._left.discard(health.name)

    def left(self, node: str) -> None:
        """A node has left, as nodes do when their work is done."""
        self._left.add(node)

    def silent_s(self, now_ns: int) -> dict[str, float]:
        """Node -> seconds since it spoke; those that left are not waited for."""
        return {
            name: (now_ns - heard) / 1e9 for name, heard in self._heard_ns.items() if name not in self._left
        }

    def rows(self, now_ns: int) -> list[Health]:
        """One row per node, by name: what it said, or that it says nothing any more."""
        silent = self.silent_s(now_ns)
        rows = []
        for name in sorted({*self._heard_ns, *self.health}):
            health = self.health.get(name)
            seconds = silent.get(name, 0.0)
            level = 2 if seconds > SILENT_ERROR_S else 1 if seconds > SILENT_WARN_S else 0
            if level:
                said = "it never spoke" if health is None else f"it said last: {health.message}"
                values = health.values if health else "{}"
                level = max(level, health.level if health else 0)
                message = f"Silent for {seconds:.0f} s; {said}"
                rows.append(Health(name=name, level=level, message=message, values=values))
            elif health is not None:
                rows.append(health)
        return rows
