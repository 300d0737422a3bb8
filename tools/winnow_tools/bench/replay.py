"""A recording at full speed: source to ring with credits, and the whole graph beside it.

The small graph has the replay node and the ring and nobody who reads; it is what the path between two
processes carries when each message is numbered, acknowledged and kept. Runs are whole, from start to end of the
dataflow; the rate is taken from the first message to the newest, on the ring's clock.
"""

from pathlib import Path
from statistics import median

import yaml

from winnow_runtime.recordings import open_recording
from winnow_schemas.errors import BadInputError
from winnow_tools.bench.drives import can_drive
from winnow_tools.bench.load import Load
from winnow_tools.bench.recordings import SHM, found
from winnow_tools.bench.rows import Measured, Row
from winnow_tools.running.launch import RunRequest
from winnow_tools.running.run import run
from winnow_tools.scaffold.make import default_memory_mib, make_scaffold

RUNS = 10
WANTED_NAME = "comma2k19"


def measure(load: Load) -> Measured:
    """Ten runs of the small graph, one of the whole."""
    path = _recording(load)
    scaffold = make_scaffold(path, load.scratch / "made", memory_mib=default_memory_mib(SHM))
    small = _small(scaffold.graph)
    with open_recording(path) as recording:
        wanted = sum(1 for _ in recording.messages())
    rates, lost = [], 0
    for number in range(RUNS):
        outcome = run(RunRequest(small, load.scratch / f"small-{number}", speed="max"), SHM, lambda _: None)
        load.say(f"run {number + 1} of {RUNS}: {outcome.summary['messages_per_s']} messages/s")
        rates.append(float(outcome.summary["messages_per_s"]))
        lost += int(outcome.summary["lost"]) + abs(wanted - int(outcome.summary["messages"]))
    whole = run(RunRequest(scaffold.graph, load.scratch / "whole", speed="max"), SHM, lambda _: None).summary
    beside = {
        "slowest": min(rates),
        "fastest": max(rates),
        "whole graph, messages/s": whole["messages_per_s"],
        "whole graph, lost": whole["lost"],
    }
    return Measured(
        [
            Row("source to ring at full speed", median(rates), "messages/s", ">= 20000", beside),
            Row("lost in all runs", lost, "messages", "== 0"),
        ],
        f"{path.name}: {wanted} messages",
        RUNS,
    )


def _recording(load: Load) -> Path:
    """The drive that the figure is wanted for, where the user has it; else one like it."""
    for path in found(load.recordings) if load.recordings else ():
        if WANTED_NAME in path.name:
            return path
    load.say(f"no recording called {WANTED_NAME}: one with its topics and rates is made")
    return can_drive(load.scratch / "can-drive.mcap", 30.0)


def _small(graph: Path) -> Path:
    """The same source and ring, and no other node."""
    value = yaml.safe_load(graph.read_text("utf-8"))
    nodes = [node for node in value["nodes"] if node["id"] in ("replay", "ring")]
    if len(nodes) != 2:
        raise BadInputError(f"{graph} has no nodes replay and ring; nothing was measured.")
    value["nodes"] = nodes
    small = graph.with_name("small.yml")
    small.write_text(yaml.safe_dump(value, sort_keys=False), "utf-8")
    return small
