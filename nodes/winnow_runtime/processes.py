"""Naming a process so that a recycled pid is never mistaken for it."""

import os
from pathlib import Path
from typing import NamedTuple, Self


class Process(NamedTuple):
    """A process id with the clock ticks at which the process started (field 22 of /proc/PID/stat)."""

    pid: int
    started_ticks: int

    @classmethod
    def current(cls) -> Self:
        return cls.of(os.getpid())

    @classmethod
    def of(cls, pid: int) -> Self:
        """The process that has this pid now; ticks 0 when there is none."""
        return cls(pid, _started_ticks(pid))

    @property
    def alive(self) -> bool:
        """Whether it still runs (a zombie does not)."""
        return self.started_ticks != 0 and _started_ticks(self.pid) == self.started_ticks


def _started_ticks(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return 0
    # The second field is the program's name in parentheses, and may hold spaces and parentheses itself.
    fields = stat.rpartition(")")[2].split()
    return 0 if fields[0] in ("Z", "X") else int(fields[19])
