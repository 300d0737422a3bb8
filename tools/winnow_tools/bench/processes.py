"""What the nodes of a running graph cost: CPU time and memory of each, from /proc."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PREFIX = b"/winnow-"
DORA = "dora"
"""Name under which dora itself is counted: what goes through its daemon is part of the price."""


@dataclass(slots=True)
class Cost:
    """One node's process; after a restart the newest one's."""

    cpu_s: float = 0.0
    most_anonymous_mib: float = 0.0
    """RssAnon: pages of its own; shared memory is counted once for all, by nobody here."""


class Costs:
    """Looks at the descendants of this process; ask it a few times a second."""

    def __init__(self) -> None:
        self.nodes: dict[str, Cost] = {}
        self.pids: dict[str, int] = {}

    def look(self) -> None:
        """Take in what has been used so far."""
        for pid in _descendants(os.getpid()):
            name = _node(pid)
            if not name:
                continue
            try:
                stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            cost = self.nodes.setdefault(name, Cost())
            self.pids[name] = pid
            cost.cpu_s = (int(stat[11]) + int(stat[12])) * _TICK_S
            anonymous = next((line for line in status.splitlines() if line.startswith("RssAnon")), "0 0 kB")
            cost.most_anonymous_mib = max(cost.most_anonymous_mib, int(anonymous.split()[1]) / 1024)


def family_pss_mib() -> float:
    """What the descendants of this process hold, shared pages divided among those that share them."""
    total_kib = 0
    for pid in _descendants(os.getpid()):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total_kib += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total_kib / 1024


def _node(pid: int) -> str:
    """The console script's name without `winnow-`, or dora's; empty for other processes."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    for word in words[:3]:
        if _PREFIX in word:
            return word.rpartition(_PREFIX)[2].decode()
        if word.endswith(b"/dora"):
            return DORA
    return ""


def _descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, waiting = [], [root]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            found.append(child)
            waiting.append(child)
    return found
