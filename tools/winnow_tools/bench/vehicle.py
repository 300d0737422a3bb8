"""The full sensor suite through the real graph under dora, at once, twice and four times its rate.

The source is live: it sends on schedule and nothing holds it back. Clouds and images come from a pool of distinct
ones (at least 20 sweeps per LiDAR), so that the simulator's rendering is not what is measured. All 28 triggers
run, and two more see to it that two windows with different rolls overlap, open more than half of the time; rings,
recorder, clips and everything behind them are the vehicle's. At 2x the clips come from the hot tier alone, at 4x
from both.

Rings and segments lie in shared memory, clips and what is made of them in the folder for temporary files: at 4x they
come to 20 GB, and in memory too they would leave none for the nodes.
"""

import json
import re
import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from winnow_schemas.errors import UnavailableError
from winnow_tools.bench.load import Load
from winnow_tools.bench.processes import DORA, Costs
from winnow_tools.bench.recordings import SHM
from winnow_tools.bench.rows import Measured, Row
from winnow_tools.running.launch import RunRequest
from winnow_tools.running.run import Outcome, run

WALL_S = 60
FACTORS = (1, 2, 4)
ON_SCHEDULE_S = 1.0
RINGS_SHARE = 0.55
"""Of the vehicle's ring sizes: 40 s of everything; the largest window here is 30 s."""
WARM_GB = 4
SETTINGS = Path("dataflows/settings/vehicle.yml")
GRAPH = Path("dataflows/vehicle.yml")
_EVERY_S = 40
_TRIGGERS = {
    "load_long": {
        "when": f"every({_EVERY_S} s)",
        "priority": "P0",
        "pre_roll_s": 15,
        "post_roll_s": 10,
    },
    "load_short": {
        "when": f"every({_EVERY_S} s)",
        "priority": "P1",
        "pre_roll_s": 5,
        "post_roll_s": 15,
    },
}
_NEEDED_GIB = 12.0
_NEEDED_DISK_GB = 22.0
"""Clips and outgoing copies of 240 s of message time: 10 GB each, and what is written meanwhile."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One run at one rate."""

    factor: int
    outcome: Outcome
    costs: Costs
    recorded: dict[str, Any]
    from_disk: int
    """Messages of clips that were read from segments."""
    late_s: float
    """How long after its schedule the last message reached the ring."""

    @property
    def lost(self) -> int:
        """At source, ring and segments."""
        summary = self.outcome.summary
        return int(summary["lost"]) + int(self.recorded.get("lost", 0)) + self.forgotten

    @property
    def forgotten(self) -> int:
        """A run that did not come to its end kept nothing of what it promised."""
        return 0 if self.outcome.exit_code in (0, 3) else int(self.outcome.summary["messages"] or 1)

    @property
    def holes(self) -> int:
        return int(self.outcome.summary["clips_with_missing_messages"])

    @property
    def is_good(self) -> bool:
        return not self.lost and not self.holes and self.late_s <= ON_SCHEDULE_S


def measure(load: Load) -> Measured:
    """A run per rate.

    Raises:
        UnavailableError: the graph is not here, or the memory does not suffice.

    """
    if not GRAPH.exists():
        raise UnavailableError(
            f"{GRAPH} is not here; the benchmark `vehicle` runs in a checkout, nothing was measured."
        )
    free = _available_gib()
    if free < _NEEDED_GIB:
        raise UnavailableError(
            f"The benchmark `vehicle` keeps rings and segments in memory, {_NEEDED_GIB:g} GiB; {free:.1f} GiB are free. "
            "Nothing was measured."
        )
    room = shutil.disk_usage(load.scratch).free / 1e9
    if room < _NEEDED_DISK_GB:
        raise UnavailableError(
            f"The benchmark `vehicle` writes up to {_NEEDED_DISK_GB:g} GB of clips to {load.scratch.parent}, where {room:.1f} "
            "GB are free. Nothing was measured; TMPDIR names another place."
        )
    passes = [_pass(load, factor) for factor in FACTORS]
    rows = [row for each in passes for row in _rows(each)]
    best = max((each.factor for each in passes if each.is_good), default=0)
    rows.append(Row("highest rate with nothing lost", best, "x", ">= 4"))
    one = passes[0]
    both = sum(one.costs.nodes[name].cpu_s for name in ("ring", "recorder") if name in one.costs.nodes)
    rows.append(
        Row("ring and recorder, cores at 1x", both / one.outcome.summary["flow_s"], "cores", "<= 0.6")
    )
    most = max(
        (cost.most_anonymous_mib, name)
        for each in passes
        for name, cost in each.costs.nodes.items()
        if name not in ("sim", DORA)
    )
    rows.append(Row("largest node, own memory", most[0], "MiB", "<= 150", {"node": most[1]}))
    about = (
        f"{WALL_S} s of wall time per rate, the vehicle's graph and settings with rings of {RINGS_SHARE:.0%}, segments in "
        f"shared memory, clips on disk, uploads off; two windows every {_EVERY_S} s beside the 28 triggers"
    )
    return Measured(rows, about, 1)


def _pass(load: Load, factor: int) -> Pass:
    out = load.scratch / f"run-{factor}x"
    warm = SHM / f"bench-{load.scratch.name}-{factor}x"
    settings = load.scratch / f"vehicle-{factor}.yml"
    settings.write_text(suite_settings(warm), "utf-8")
    script = load.scratch / f"load-{factor}.yml"
    script.write_text(suite_script(WALL_S * factor), "utf-8")
    environment = {
        "WINNOW_SETTINGS": str(settings),
        "WINNOW_SCRIPT": str(script),
        "WINNOW_SCALE": "1",
        "WINNOW_POOL": "1",
        "WINNOW_LIVE": "1",
    }
    costs = Costs()
    request = RunRequest(GRAPH, out, speed=str(factor), environment=tuple(environment.items()))
    try:
        outcome = run(request, SHM, lambda _: costs.look())
        result = Pass(
            factor,
            outcome,
            costs,
            _json(next(out.glob("state/*/recorded.json"), None)),
            sum(
                value["from_disk"]
                for path in out.glob("state/*/tiers.json")
                for value in _json(path).values()
            ),
            float(outcome.summary["flow_s"]) - WALL_S,
        )
    finally:
        shutil.rmtree(out, ignore_errors=True)
        shutil.rmtree(warm, ignore_errors=True)
    load.say(f"{factor}x: {result.lost} lost, {result.holes} clips with holes, {result.late_s:+.1f} s")
    return result


def _json(path: Path | None) -> dict[str, Any]:
    if path is None or not path.exists():
        return {}
    value = json.loads(path.read_bytes())
    return value if isinstance(value, dict) else {}


def suite_settings(warm: Path | None = None) -> str:
    """The vehicle's settings with smaller rings, a small warm tier, uploads off, and the two triggers."""
    text = re.sub(
        r"ring_mib: ([\d.]+)",
        lambda match: f"ring_mib: {max(1.0, round(float(match[1]) * RINGS_SHARE))}",
        SETTINGS.read_text("utf-8"),
    )
    value = yaml.safe_load(text)
    value["triggers"]["set"] = {**value["triggers"].get("set", {}), **_TRIGGERS}
    value["recorder"] |= {"limit_gb": WARM_GB, "min_retention_s": 45, "folder": str(warm or "")}
    value["upload"]["enabled"] = False
    value["monitor"] = {"port": 0}
    value["clips"]["max_size_gb"] = {}
    value["clips"]["budget_gb_per_day"] = {}
    return yaml.safe_dump(value, sort_keys=False)


def suite_script(duration_s: int) -> str:
    """The quiet script, so long."""
    text = resources.files("winnow_schemas.simulation").joinpath("scripts/quiet.yml").read_text("utf-8")
    return re.sub(r"^duration_s:.*$", f"duration_s: {duration_s}", text, flags=re.MULTILINE)


def _rows(each: Pass) -> list[Row]:
    summary = each.outcome.summary
    beside = {
        "messages": summary["messages"],
        "MB/s": summary["mb_per_s"],
        "source behind its schedule at the end, s": each.late_s,
        "most messages behind, recorder": each.recorded.get("most_messages_behind"),
        "longest between fsyncs, s": each.recorded.get("longest_between_syncs_s"),
        "clips": sum(summary["clips"].values()),
        "exit code": each.outcome.exit_code,
        **{
            f"{name}, cores / MiB": f"{cost.cpu_s / (summary['flow_s'] or WALL_S):.2f} / {cost.most_anonymous_mib:.0f}"
            for name, cost in sorted(each.costs.nodes.items())
        },
    }
    return [
        Row(f"lost at source, ring and segments, {each.factor}x", each.lost, "messages", "== 0", beside),
        Row(
            f"incomplete clips, {each.factor}x",
            each.holes,
            "clips",
            "== 0",
            {"messages of clips read from disk": each.from_disk},
        ),
    ]


def _available_gib() -> float:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) / 2**20 for line in lines if line.startswith("MemAvailable"))
