"""What-if and the graph under dora come to the same rows, byte for byte, on the same recording and settings."""

import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml
from tests.shared_recordings import shared_log
from tests.whatif_drives import settings_of, write_bag, write_cdr, write_json

from winnow_operators.sim import Simulator
from winnow_runtime.ledger import read_ledger
from winnow_schemas.simulation import load_script
from winnow_sim.export import export
from winnow_tools.running.launch import RunRequest
from winnow_tools.running.run import run
from winnow_tools.scaffold.make import make_scaffold
from winnow_tools.whatif.ledger_file import write_decisions
from winnow_tools.whatif.replaying import replay_all
from winnow_tools.whatif.variant import load_variants

pytestmark = [
    pytest.mark.graph,
    pytest.mark.skipif(
        not (Path(sys.executable).parent / "winnow-ring").exists(),
        reason="the console scripts are not installed beside this Python",
    ),
]

COLUMNS = ["decision_id", "t_ns", "node", "kind", "subject", "outcome", "reason", "values"]
"""All but the run's id and the wall clock."""
DECIDED = [("triggers", "trigger"), ("triggers", "signal"), ("extractor", "clip")]


def both(recording: Path, folder: Path, changes: dict[str, Any]) -> tuple[pa.Table, pa.Table]:
    """The graph's rows and what-if's: scaffold, change the settings, run, ask."""
    made = make_scaffold(recording, folder / "graph", memory_mib=64)
    settings = yaml.safe_load(made.settings.read_text("utf-8"))
    settings.update({key: value for key, value in changes.items() if key not in ("clips", "topics")})
    settings = {key: value for key, value in settings.items() if value is not None}
    settings["clips"] = {**settings.get("clips", {}), **changes.get("clips", {})}
    made.settings.write_text(yaml.safe_dump(settings, sort_keys=False), "utf-8")
    outcome = run(RunRequest(made.graph, folder / "run", recording, "max"), Path("/dev/shm"), lambda _: None)
    assert outcome.exit_code == 0, outcome.summary
    asked = list(replay_all([recording], load_variants([made.settings])))
    (path,) = write_decisions(folder / "asked", asked)
    return decided(folder / "run"), decided(path.parent)


def decided(out: Path) -> pa.Table:
    table = read_ledger(out)
    wanted = [pc.and_(pc.equal(table["node"], node), pc.equal(table["kind"], kind)) for node, kind in DECIDED]
    mask = wanted[0]
    for one in wanted[1:]:
        mask = pc.or_(mask, one)
    return table.filter(mask).select(COLUMNS).combine_chunks()


def serialised(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def require_same(graph: pa.Table, asked: pa.Table) -> None:
    assert graph.to_pylist() == asked.to_pylist()
    assert serialised(graph) == serialised(asked)


WRITERS = {"cdr.mcap": (write_cdr, "ros"), "ros1.bag": (write_bag, "ros"), "json.mcap": (write_json, "json")}


@pytest.mark.parametrize("name", WRITERS)
def test_generated_recordings(name: str, tmp_path: Path):
    write, form = WRITERS[name]
    graph, asked = both(write(tmp_path / name), tmp_path, settings_of(form))
    require_same(graph, asked)
    outcomes = set(zip(graph["kind"].to_pylist(), graph["outcome"].to_pylist(), strict=True))
    assert {
        ("trigger", "fired"),
        ("trigger", "inactive"),
        ("trigger", "cooling_down"),
        ("trigger", "storm"),
        ("trigger", "muted"),
        ("trigger", "unknown"),
        ("clip", "cut"),
        ("clip", "over budget"),
    } <= outcomes
    cut = [row for row in graph.to_pylist() if row["kind"] == "clip" and row["outcome"] == "cut"]
    assert any("left out" in row["reason"] for row in cut)
    assert any('"truncated": true' in row["values"] for row in cut)


@pytest.mark.timeout(300)
def test_the_whole_suite_with_its_detectors(tmp_path: Path):
    """The simulated vehicle: all triggers of the library, detectors over several topics, zones of the map."""
    script = load_script("demo")
    incidents = tuple(incident for incident in script.incidents if incident.at_s < 40)
    short = script.model_copy(update={"duration_s": 42.0, "incidents": incidents})
    recording = tmp_path / "suite.mcap"
    export(Simulator(short, 1, 0.03, pool=True), recording)
    changes = {"suite": "standard", "signals": {}, "position": None, "triggers": {"library": "standard"}}
    graph, asked = both(recording, tmp_path, changes)
    require_same(graph, asked)
    fired = {row["subject"] for row in graph.to_pylist() if row["outcome"] == "fired"}
    assert {"gps_denied_transition", "novel_object", "new_area"} <= fired


REAL: dict[str, dict[str, Any]] = {
    "husky_gps_imu_odom.bag": {
        "signals": {
            "turn": {"topic": "/imu/data", "field": "angular_velocity.z", "unit": "rad/s"},
            "speed": {"topic": "/husky_velocity_controller/odom", "field": "twist.twist.linear.x"},
            "latitude": {"topic": "/fix", "field": "latitude"},
            "longitude": {"topic": "/fix", "field": "longitude"},
        },
        "position": {"latitude_deg": "latitude", "longitude_deg": "longitude"},
        "triggers": {
            "set": {
                "turning": {"when": "abs(turn) > 0.5", "priority": "P1", "pre_roll_s": 5, "post_roll_s": 5},
                "far": {"when": "distance_m(since=fired) >= 20 m", "priority": "P5", "pre_roll_s": 3, "post_roll_s": 3},
                "stop": {"when": "for_at_least(abs(speed) < 0.05, 5 s)", "priority": "P3", "pre_roll_s": 5, "post_roll_s": 5},
            }
        },
        "clips": {"max_length_s": 30},
    },
    "derived/comma2k19_ros2_mcap/comma2k19_ros2_mcap.mcap": {
        "signals": {
            "speed": {"topic": "/vehicle/twist", "field": "twist.linear.x"},
            "shake": {"topic": "/imu/data", "field": "linear_acceleration.z"},
        },
        "position": {},
        "triggers": {
            "set": {
                "bump": {"when": "std(shake, 1 s) > 0.6", "priority": "P2", "pre_roll_s": 2, "post_roll_s": 2, "cooldown_s": 1},
                "slowing": {"when": "slope(speed, 1 s) < -0.3", "priority": "P3", "pre_roll_s": 3, "post_roll_s": 1},
            }
        },
    },
    "derived/kitti0001_ros2_mcap/kitti0001_ros2_mcap.mcap": {
        "signals": {"speed": {"topic": "/vehicle/twist", "field": "twist.linear.x"}},
        "position": {},
        "triggers": {
            "set": {"fast": {"when": "speed > 13", "priority": "P1", "pre_roll_s": 1, "post_roll_s": 1, "cooldown_s": 0}}
        },
    },
}  # fmt: skip


@pytest.mark.shared
@pytest.mark.parametrize("name", REAL)
def test_real_recordings(name: str, tmp_path: Path):
    graph, asked = both(shared_log(name), tmp_path, REAL[name])
    require_same(graph, asked)
    outcomes = [(row["kind"], row["outcome"]) for row in graph.to_pylist()]
    assert ("trigger", "fired") in outcomes
    assert ("clip", "cut") in outcomes
