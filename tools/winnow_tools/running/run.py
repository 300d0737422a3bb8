"""`winnow run`: check, start, watch, sum up."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from winnow_runtime.ledger import read_ledger
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_tools.running.dora_log import read_dora_log
from winnow_tools.running.launch import RunRequest, prepare, start
from winnow_tools.running.watch import Watch, read_totals

_LOOK_EVERY_S = 0.25
NODE_FAILED = 5
"""Exit code: a node gave up, or dora did."""
_GONE = b"handling node stop with exit status"
LOST = 3
"""Exit code: something that should have been kept is missing."""
_NOTED = {
    ("recording", "damaged"),
    ("signal", "undecodable"),
    ("topic", "not wired"),
    ("monitor", "not served"),
}


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
    if out.exists() and not out.is_dir():
        raise BadInputError(f"{out} is a file; nothing was started. Name a folder for the results.")
    if not again and (out / "state").exists():
        raise BadInputError(
            f"{out} holds the results of an earlier run; nothing was started. Name another folder, or --continue to go on in this one."
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(f"{out} cannot be made ({error.strerror}); nothing was started.") from None


def run(
    request: RunRequest, shm_dir: Path, tell: Callable[[Watch], None], *, stop_after_s: float | None = None
) -> Outcome:
    """Run a graph to its end and sum up. Ctrl-C or SIGTERM stops it cleanly; a second one at once."""
    graph = prepare(request)
    log = request.out / "dora" / "log.txt"
    begun = time.monotonic()
    watch = Watch(request.out, shm_dir)

    def look() -> bool:
        watch.look()
        tell(watch)
        return stop_after_s is None or time.monotonic() - begun <= stop_after_s

    returncode = to_its_end(graph, log, look).returncode
    watch.look()
    tell(watch)
    wall_s = time.monotonic() - begun
    return _sum_up(request.out, watch, returncode, log, wall_s)


class Ended(NamedTuple):
    """How a graph came to its end."""

    returncode: int
    """dora's."""
    stopped: bool
    """Whether somebody wished it to stop."""


def to_its_end(graph: Path, log: Path, look: Callable[[], bool]) -> Ended:
    """Run a prepared graph to its end.

    ``look`` is called a few times a second; once it says False the graph is stopped cleanly, as by Ctrl-C.
    Whatever goes wrong here, dora and the nodes do not outlive this call.
    """
    with _stop_signals() as wishes:
        process = start(graph, log)
        heeded = 0
        start_watch = _StartWatch(log)
        try:
            while not _ended(process):
                if start_watch.hopeless():
                    _signal(process, signal.SIGKILL)
                    process.wait()
                    break
                if not look() and not wishes:
                    wishes.append(signal.SIGINT)
                if len(wishes) > heeded:
                    _signal(process, signal.SIGINT if heeded == 0 else signal.SIGKILL)
                    heeded = len(wishes)
        finally:
            if process.poll() is None:
                _signal(process, signal.SIGKILL)
                process.wait()
    return Ended(process.returncode, bool(wishes))


class _StartWatch:
    """Sees in dora's log that a node left for good before the graph began.

    dora 1.1 lets the others wait for it, fail, and start again without end.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0
        self._begun = False

    def hopeless(self) -> bool:
        if self._begun:
            return False
        with self._log.open("rb") as file:
            file.seek(self._read)
            data = file.read()
        whole = data.rfind(b"\n") + 1
        self._read += whole
        gone = False
        for line in data[:whole].splitlines():
            self._begun = self._begun or b"all nodes are ready" in line or b"starting dataflow" in line
            gone = gone or (
                _GONE in line and b"exit status Success" not in line and b"restart: false" in line
            )
        return gone and not self._begun


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """Collects the wishes to stop, wherever the program is at that moment."""
    wishes: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield wishes
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda got, _: wishes.append(got)) for number in numbers}
    try:
        yield wishes
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(_LOOK_EVERY_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """To dora, which stops its nodes; nodes notice by themselves when it is killed."""
    if number is signal.SIGKILL:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)


def _sum_up(out: Path, watch: Watch, returncode: int, log: Path, wall_s: float) -> Outcome:
    totals = read_totals(out)
    rows = read_ledger(out).select(["kind", "outcome", "subject", "reason", "values"]).to_pylist()
    missing = _clips_with_holes(rows)
    lost = totals.lost if totals else 0
    said = read_dora_log(log)
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
        "problems": said.problems(log),
        "restarts": dict(sorted((+said.restarts).items())),
        "notes": _notes(rows),
    }
    if returncode or totals is None:
        summary["problems"] = summary["problems"] or [
            f"dora ended with exit code {returncode} and no node said why; see {log}."
        ]
        return Outcome(NODE_FAILED, summary)
    return Outcome(LOST if lost or missing else 0, summary)


def _clips_with_holes(rows: list[dict[str, Any]]) -> int:
    holes = [row for row in rows if (row["kind"], row["outcome"]) == ("message", "missing")]
    return len({json.loads(row["values"]).get("clip_id") for row in holes})


def _notes(rows: list[dict[str, Any]]) -> list[str]:
    """What the user should know of the input, although everything readable was kept."""
    return list(dict.fromkeys(row["reason"] for row in rows if (row["kind"], row["outcome"]) in _NOTED))[:20]
