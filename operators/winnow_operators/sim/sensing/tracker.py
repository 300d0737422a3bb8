"""The multi-object tracker: nearest-neighbour association, confirmation, coasting, loss."""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from winnow_operators.sim.scene.bodies import Body
from winnow_operators.sim.sensing.detector import Detection

CONFIRM_HITS = 5
"""Detections until a track is reported: half a second at 10 Hz."""
COAST_S = 1.0
"""A track without detections lives this long."""
ALPHA, BETA = 0.5, 0.1
"""Gains of the position and velocity filter."""
SMALL_GATE_M = 1.0
LARGE_GATE_M = 3.0
LARGE_M = 5.0
"""Objects longer than this count as large."""


class Track(NamedTuple):
    """One confirmed object, map frame."""

    number: int
    thing: int
    """The true thing of its latest detection (known to the simulation only)."""
    body: Body
    label: str
    confidence: float
    age_s: float
    since_update_s: float
    x: float
    y: float
    yaw: float
    vx: float
    vy: float


@dataclass(slots=True)
class _Entry:
    number: int
    latest: Detection
    x: float
    y: float
    vx: float = 0.0
    vy: float = 0.0
    hits: int = 1
    age_s: float = 0.0
    since_s: float = 0.0


@dataclass(slots=True)
class Tracker:
    """State over sweeps."""

    entries: list[_Entry] = field(default_factory=list)
    _count: int = 0

    def step(self, detections: list[Detection], dt_s: float) -> list[Track]:
        """Take one sweep's detections; the confirmed tracks after it."""
        for entry in self.entries:
            entry.x += entry.vx * dt_s
            entry.y += entry.vy * dt_s
            entry.age_s += dt_s
            entry.since_s += dt_s
        free = set(range(len(detections)))
        for row, column in self._pairs(detections):
            self._update(self.entries[row], detections[column], dt_s)
            free.discard(column)
        self.entries = [
            entry
            for entry in self.entries
            if entry.since_s <= COAST_S + 1e-6 and (entry.hits >= CONFIRM_HITS or entry.since_s < 0.25)
        ]
        for column in sorted(free):
            self._count += 1
            found = detections[column]
            self.entries.append(_Entry(self._count, found, found.x, found.y))
        return [_report(entry) for entry in self.entries if entry.hits >= CONFIRM_HITS]

    def _pairs(self, detections: list[Detection]) -> list[tuple[int, int]]:
        """Greedy: the nearest pairs first, each entry and detection once, within the gate."""
        if not self.entries or not detections:
            return []
        mine = np.array([(entry.x, entry.y) for entry in self.entries])
        theirs = np.array([(found.x, found.y) for found in detections])
        away = np.hypot(mine[:, 0, None] - theirs[:, 0], mine[:, 1, None] - theirs[:, 1])
        large = np.array([found.body.length_m > LARGE_M for found in detections])
        away[away > np.where(large, LARGE_GATE_M, SMALL_GATE_M)] = np.inf
        rows, columns = np.nonzero(np.isfinite(away))
        taken_rows: set[int] = set()
        taken_columns: set[int] = set()
        pairs = []
        for place in np.argsort(away[rows, columns], kind="stable").tolist():
            row, column = int(rows[place]), int(columns[place])
            same = self.entries[row].latest.body.length_m > LARGE_M
            if row in taken_rows or column in taken_columns or same != large[column]:
                continue
            taken_rows.add(row)
            taken_columns.add(column)
            pairs.append((row, column))
        return pairs

    @staticmethod
    def _update(entry: _Entry, found: Detection, dt_s: float) -> None:
        off_x, off_y = found.x - entry.x, found.y - entry.y
        gap_s = max(entry.since_s, dt_s)
        entry.x += ALPHA * off_x
        entry.y += ALPHA * off_y
        entry.vx += BETA / gap_s * off_x
        entry.vy += BETA / gap_s * off_y
        entry.latest = found
        entry.hits += 1
        entry.since_s = 0.0


def _report(entry: _Entry) -> Track:
    found = entry.latest
    moving = math.hypot(entry.vx, entry.vy) > 0.15
    return Track(
        entry.number,
        found.thing,
        found.body,
        found.label,
        found.confidence,
        entry.age_s,
        entry.since_s,
        entry.x,
        entry.y,
        found.yaw,
        entry.vx if moving else 0.0,
        entry.vy if moving else 0.0,
    )
