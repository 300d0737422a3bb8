"""Follows a run from outside: through its shared memory and its folder."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from winnow_runtime.journal import JournalReader
from winnow_runtime.ring.board import Beat
from winnow_runtime.ring.folder import all_runs
from winnow_runtime.ring.view import RingView


@dataclass(slots=True)
class Counts:
    """Things counted per priority."""

    by_priority: dict[int, int] = field(default_factory=dict)

    def add(self, priority: int) -> None:
        self.by_priority[priority] = self.by_priority.get(priority, 0) + 1

    @property
    def total(self) -> int:
        return sum(self.by_priority.values())

    def named(self) -> dict[str, int]:
        """``{"P0": 1, ...}``, priorities in order."""
        return {f"P{priority}": count for priority, count in sorted(self.by_priority.items())}


class Watch:
    """What a run has done so far."""

    def __init__(self, out: Path, shm_dir: Path) -> None:
        self._out = out.resolve()
        self._shm = shm_dir
        self._view: RingView | None = None
        self.beat: Beat | None = None
        self.triggers = Counts()
        self.clips = Counts()
        self.clip_bytes = 0
        self.uploads = 0
        self._journals: dict[str, JournalReader] = {}

    def look(self) -> None:
        """Take in what is new."""
        if self._view is None:
            self._view = self._find()
        if self._view is not None:
            self.beat = self._view.beat()
        for record in self._read("events"):
            self.triggers.add(int(record["priority"]))
        for record in self._read("clips"):
            self.clips.add(int(record["priority"]))
            self.clip_bytes += int(record["size_bytes"])
        self.uploads += sum(1 for _ in self._read("receipts"))

    def _find(self) -> RingView | None:
        for folder in all_runs(self._shm):
            owner, out = folder.owner()
            if out == str(self._out) and owner.alive and (folder.path / "board").exists():
                return RingView(folder)
        return None

    def _read(self, output: str) -> Iterator[dict[str, Any]]:
        """New records of every node that has a journal of this name."""
        for path in (self._out / "state").glob(f"*/{output}"):
            reader = self._journals.setdefault(str(path), JournalReader(path))
            for line in reader.read():
                yield line.record


@dataclass(frozen=True, slots=True)
class Totals:
    """What the ring wrote when it closed."""

    messages: int
    bytes: int
    lost: int
    end: str
    flow_s: float
    """From the first message to the newest, on the clock of the ring's process."""
    topics: dict[str, dict[str, Any]]
    """Topic -> messages, bytes, lost, first_ns (None: unknown), newest_ns."""


def read_totals(out: Path) -> Totals | None:
    """The ring's totals; None when it did not get to write them."""
    for path in (out / "state").glob("*/totals.json"):
        try:
            value = json.loads(path.read_bytes())
            return Totals(
                value["messages"],
                value["bytes"],
                value["lost"],
                value["end"],
                value["flow_s"],
                value["topics"],
            )
        except (OSError, ValueError, KeyError):
            continue
    return None
