"""The processes of a running dataflow, by what they run."""

from pathlib import Path


def node_process(root: int, script: str) -> int | None:
    """The process below ``root`` that runs a node's console script; None while there is none."""
    for pid in descendants(root):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(Path(word.decode("utf-8", "replace")).name == script for word in words if word):
            return pid
    return None


def descendants(root: int) -> list[int]:
    """Children, their children, and so on."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found: list[int] = []
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found
