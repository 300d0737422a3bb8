"""`winnow run`: check, start, watch, sum up."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from winnow_runtime.ledger import read_ledger
from winnow_schemas.errors import BadInputError
from winnow_tools.running.launch import RunRequest, prepare, start
from winnow_tools.running.watch import Watch, read_totals

_LOOK_EVERY_S = 0.25
NODE_FAILED = 5
"""Exit code: a node gave up, or dora did."""
LOST = 3
"""Exit code: something that should have been kept is missing."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to."""

    exit_code: int
    summary: dict[str, Any]


def fresh_folder(out: Path, *, again: bool) -> None:
    """Make the run's folder.

    Raises:
        BadInputError: it holds another run's results.

    """
    if not again and (out / "state").exists():
        raise BadInputError(
            f"{out} holds the results of an earlier run; nothing was started. Name another folder, or --continue to go on in this one."
        )
    out.mkdir(parents=True, exist_ok=True)


def run(
    request: RunRequest, shm_dir: Path, tell: Callable[[Watch], None], *, stop_after_s: float | None = None
) -> Outcome:
    """Run a graph to its end and sum up. Ctrl-C stops it cleanly; a second one at once."""
    graph = prepare(request)
    log = request.out / "dora" / "log.txt"
    begun = time.monotonic()
    process = start(graph, log)
    watch = Watch(request.out, shm_dir)
    stopping = 0
    while True:
        try:
            process.wait(_LOOK_EVERY_S)
            break
        except subprocess.TimeoutExpired:
            pass
        except KeyboardInterrupt:
            stopping += 1
            _signal(process, signal.SIGINT if stopping == 1 else signal.SIGKILL)
        watch.look()
        tell(watch)
        if stop_after_s is not None and not stopping and time.monotonic() - begun > stop_after_s:
            stopping = 1
            _signal(process, signal.SIGINT)
    watch.look()
    tell(watch)
    wall_s = time.monotonic() - begun
    return _sum_up(request.out, watch, process.returncode, log, wall_s)


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if number is signal.SIGKILL:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)


def _sum_up(out: Path, watch: Watch, returncode: int, log: Path, wall_s: float) -> Outcome:
    totals = read_totals(out)
    missing = _clips_with_holes(out)
    problems = _sentences(log)
    lost = totals.lost if totals else 0
    summary: dict[str, Any] = {
        "out": str(out),
        "end": totals.end if totals else "unknown",
        "messages": totals.messages if totals else 0,
        "bytes": totals.bytes if totals else 0,
        "lost": lost,
        "clips_with_missing_messages": missing,
        "triggers": watch.triggers.named(),
        "clips": watch.clips.named(),
        "clip_bytes": watch.clip_bytes,
        "uploads": watch.uploads,
        "wall_s": round(wall_s, 2),
        "flow_s": round(totals.flow_s, 3) if totals else 0.0,
        "messages_per_s": round(totals.messages / totals.flow_s) if totals and totals.flow_s else 0,
        "mb_per_s": round(totals.bytes / totals.flow_s / 1e6, 2) if totals and totals.flow_s else 0.0,
        "topics": totals.topics if totals else {},
        "problems": problems,
    }
    if returncode or totals is None:
        return Outcome(NODE_FAILED, summary)
    return Outcome(LOST if lost or missing else 0, summary)


def _clips_with_holes(out: Path) -> int:
    table = read_ledger(out)
    rows = table.filter(pc.and_(pc.equal(table["kind"], "message"), pc.equal(table["outcome"], "missing")))
    return int(pc.count_distinct(rows["values"]).as_py())


def _sentences(log: Path) -> list[str]:
    """What nodes said on their way out, once each: their errors are one sentence, exit codes 1 to 9."""
    seen: dict[str, None] = {}
    lines = log.read_text("utf-8", "replace").splitlines()
    for line in lines:
        _, mark, said = line.partition(" stdout ")
        if mark and said.partition(": ")[2].startswith("winnow: "):
            node, _, sentence = said.partition(": ")
            seen[f"{node}: {sentence.removeprefix('winnow: ')}"] = None
    if not seen and not any(" stdout " in line for line in lines):  # dora did not get to starting nodes
        causes = [line.strip() for line in lines if line.strip()[:2] in ("0:", "1:", "2:")]
        seen = dict.fromkeys(f"dora: {line[2:].strip()}" for line in causes)
    return list(seen)[:20]
