"""``kill -9`` of the ring's process in a real dataflow at 1x: how long nothing is taken in, and what is lost.

Twice each: with a source that repeats what was not acknowledged (the replay), and with one that behaves like
a sensor and repeats nothing. The intake is watched through the shared memory, which outlives the process.
"""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from winnow_operators.sim import Simulator
from winnow_runtime.clock import SystemClock
from winnow_runtime.ring.view import RingView
from winnow_schemas.errors import UnavailableError
from winnow_schemas.simulation import load_script
from winnow_sim.export import Compression, export
from winnow_tools.bench import live_sender
from winnow_tools.bench.load import Load
from winnow_tools.bench.rows import Measured, Row
from winnow_tools.ring.finding import find_run
from winnow_tools.running.launch import RunRequest, prepare, start
from winnow_tools.running.processes import node_process
from winnow_tools.running.watch import Totals, read_totals
from winnow_tools.scaffold.make import make_scaffold

REPETITIONS = 2
DURATION_S = 12.0
KILL_AFTER_S = 4.0
"""Of messages: everything has settled by then."""
WANTED_GAP_S = 1.5
SCALE = 0.1
"""Of clouds and images: the load here is messages per second, not bytes."""
MEMORY_MIB = 256
_LOOK_EVERY_S = 0.002
_LONGEST_S = 120.0


class Killed(NamedTuple):
    """One run."""

    gap_s: float
    """Between the last message before the kill and the first one after it."""
    totals: Totals
    sent: int


def measure(load: Load) -> Measured:
    """Run the four dataflows.

    Raises:
        UnavailableError: one of them did not get to its end.

    """
    load.say("the simulator makes a recording ...")
    script = load_script("quiet").model_copy(update={"duration_s": DURATION_S})
    recording = load.scratch / "simulated.mcap"
    count = export(
        Simulator(script, 1, SCALE), recording, compression=Compression.LZ4, on_progress=None
    ).messages
    live = [_kill_once(load, recording, count, f"live-{n}", is_live=True) for n in range(REPETITIONS)]
    again = [_kill_once(load, recording, count, f"resending-{n}", is_live=False) for n in range(REPETITIONS)]
    return Measured(
        _rows(live, again),
        f"{count / DURATION_S:.0f} messages/s of the full sensor suite at 1x, clouds and images at {SCALE:g} of their size, "
        "the whole vehicle graph; the worst of the repetitions",
        REPETITIONS,
    )


def _rows(live: list[Killed], again: list[Killed]) -> list[Row]:
    worst = max(live, key=lambda run: run.gap_s)
    unsaid = max(abs(run.sent - run.totals.messages - run.totals.lost) for run in live)
    beside = {
        "sent": worst.sent,
        "kept": worst.totals.messages,
        "sent - kept": worst.sent - worst.totals.messages,
        "reported lost": worst.totals.lost,
        "gaps, s": ", ".join(f"{run.gap_s:.2f}" for run in live),
    }
    kept = min(run.totals.messages for run in again)
    lost = max(run.sent - run.totals.messages for run in again)
    return [
        Row("gap, live source", worst.gap_s, "s", f"<= {WANTED_GAP_S:g}", beside),
        Row("lost and not reported, live source", unsaid, "messages", "== 0"),
        Row(
            "lost, resending source",
            lost,
            "messages",
            "== 0",
            {
                "sent": again[0].sent,
                "kept": kept,
                "reported lost": max(run.totals.lost for run in again),
                "gaps, s": ", ".join(f"{run.gap_s:.2f}" for run in again),
            },
        ),
    ]


def _kill_once(load: Load, recording: Path, count: int, name: str, *, is_live: bool) -> Killed:
    load.say(f"{name} ...")
    folder = load.scratch / name
    graph = make_scaffold(recording, folder, memory_mib=MEMORY_MIB).graph
    if is_live:
        _replace_source(graph)
    out = folder / "out"
    out.mkdir(parents=True)
    log = out / "log.txt"
    process = start(prepare(RunRequest(graph, out, speed="1")), log)
    try:
        gap_s = _watch_a_kill(process.pid, out, lambda: process.poll() is None)
        process.wait(_LONGEST_S)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    totals = read_totals(out)
    if totals is None or process.returncode:
        raise UnavailableError(
            f"The dataflow {name} ended with code {process.returncode} and without totals; nothing was measured. "
            f"Its log says: {log.read_text('utf-8', 'replace').strip()[-300:]}"
        )
    sent = _json(out / "state" / "replay" / "sent.json")["sent"] if is_live else count
    return Killed(gap_s, totals, int(sent))


def _replace_source(graph: Path) -> None:
    """Let the sensor-like sender take the replay's place."""
    value: Any = yaml.safe_load(graph.read_text("utf-8"))
    for node in value["nodes"]:
        if node["path"] == "winnow-replay":
            node["path"] = str(Path(live_sender.__file__).resolve())
    graph.write_text(yaml.safe_dump(value, sort_keys=False), "utf-8")


def _watch_a_kill(root: int, out: Path, alive: Callable[[], bool]) -> float:
    """Wait until messages have flowed for a while, kill the ring, and time its silence."""
    clock = SystemClock()
    end = clock.monotonic_ns() + int(_LONGEST_S * 1e9)
    view: RingView | None = None
    first_ns = last_ns = 0
    written = -1
    killed = False
    while alive() and clock.monotonic_ns() < end:
        clock.sleep_s(_LOOK_EVERY_S)
        if view is None:
            view = _find(out)
            continue
        now, heads = clock.monotonic_ns(), sum(ring.head for ring in view.rings().values())
        if heads > written:
            if killed:
                return (now - last_ns) / 1e9
            if heads > 0:
                first_ns = first_ns or now
            last_ns, written = now, heads
        if first_ns and not killed and now - first_ns > KILL_AFTER_S * 1e9:
            pid = node_process(root, "winnow-ring")
            if pid is None:
                break
            os.kill(pid, signal.SIGKILL)
            killed = True
            written = sum(ring.head for ring in view.rings().values())
    raise UnavailableError(f"The ring in {out} did not take messages in again; nothing was measured.")


def _find(out: Path) -> RingView | None:
    try:
        return find_run(str(out))
    except UnavailableError:
        return None


def _json(path: Path) -> Any:
    return json.loads(path.read_bytes())
