"""``winnow scaffold ros2:DOMAIN``: listening to a live system, and the graph that comes of it."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.ros2_robot import Publisher, Robot, free_port, string_cdr
from typer.testing import CliRunner

from winnow_operators.ros2.qos import TRANSIENT_LOCAL, Qos
from winnow_schemas.settings import load_settings
from winnow_tools.cli import app
from winnow_tools.scaffold.vehicle_ros2 import vehicle_ros2

DATAFLOWS = Path(__file__).parents[3] / "dataflows"


@pytest.fixture
def busy_robot() -> Iterator[Robot]:
    """Publishes on three topics until the test is over."""
    robot = Robot(domain=9)
    fast = Publisher(robot, "/fast")
    large = Publisher(robot, "/camera/raw", type_name="my_msgs/msg/Frame", type_hash="RIHS01_" + "3" * 64)
    Publisher(robot, "/map", qos=Qos(durability=TRANSIENT_LOCAL, depth=1)).put(string_cdr("map"))
    Publisher(robot, "/silent")
    over = threading.Event()

    def run() -> None:
        number = 0
        while not over.wait(0.01):
            number += 1
            fast.put(string_cdr(f"{number % 3}"))
            if number % 10 == 0:
                large.put(bytes(50_000))

    thread = threading.Thread(target=run)
    thread.start()
    yield robot
    over.set()
    thread.join()
    robot.close()


def test_a_live_system_becomes_a_graph_that_checks(tmp_path: Path, busy_robot: Robot) -> None:
    out = tmp_path / "robot"
    command = [
        "scaffold",
        "ros2:9",
        "-o",
        str(out),
        "--seconds",
        "1.5",
        "--connect",
        busy_robot.endpoint,
        "--json",
    ]
    done = CliRunner().invoke(app, [*command, "--memory-mib", "256"])
    assert done.exit_code == 0, done.output
    made = json.loads(done.stdout)
    topics = {topic["topic"]: topic for topic in made["topics"]}
    assert set(topics) == {"/fast", "/camera/raw", "/map", "/silent"}
    assert 30 < topics["/fast"]["rate_hz"] < 110
    assert topics["/camera/raw"]["bytes"] == 50_000 * topics["/camera/raw"]["messages"]
    assert topics["/map"]["latched"]
    assert topics["/map"]["messages"] == 1
    assert topics["/silent"]["messages"] == 0
    assert any("/camera/raw" in problem and "no schema" in problem for problem in made["problems"])
    settings, _ = load_settings(out / "settings.yml")
    assert settings.ros2.domain == 9
    assert settings.ros2.connect == (busy_robot.endpoint,)
    assert settings.ros2.ports["/camera/raw"] == "camera_raw"
    graph = yaml.safe_load((out / "graph.yml").read_text("utf-8"))
    source = next(node for node in graph["nodes"] if node["id"] == "ros2")
    assert source["path"] == "winnow-ros2"
    assert {"fast", "spare_1", "health", "control"} <= set(source["outputs"])


def test_without_a_router_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("winnow_tools.scaffold.listening.CONNECT_S", 0.5)
    begun = time.monotonic()
    endpoint = f"tcp/127.0.0.1:{free_port()}"
    done = CliRunner().invoke(app, ["scaffold", "ros2:0", "-o", str(tmp_path / "x"), "--connect", endpoint])
    assert done.exit_code == 4
    assert "No Zenoh router answers" in done.output
    assert not (tmp_path / "x").exists()
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ros2:233"], "0 to 232"),
        (["ros2:x"], "no ROS domain"),
        (["ros2:0", "--seconds", "0"], "--seconds"),
        (["ros2:0", "--connect", "nonsense"], "connect"),
        (["ros2:0", "--distribution", "melodic"], "distribution"),
        (["ros2:0", "--definitions", "/does/not/exist"], "do not exist"),
    ],
)
def test_options_that_are_not_allowed(tmp_path: Path, arguments: list[str], says: str) -> None:
    done = CliRunner().invoke(app, ["scaffold", *arguments, "-o", str(tmp_path / "x")])
    assert done.exit_code == 2, done.output
    assert says in done.output


def test_the_vehicle_graph_with_ros2_is_made_from_the_simulated_one() -> None:
    made = vehicle_ros2((DATAFLOWS / "vehicle.yml").read_text("utf-8"))
    assert made == (DATAFLOWS / "vehicle-ros2.yml").read_text("utf-8")
    simulated, live = (
        {node["id"]: node for node in yaml.safe_load((DATAFLOWS / name).read_text("utf-8"))["nodes"]}
        for name in ("vehicle.yml", "vehicle-ros2.yml")
    )
    changed = {name for name in simulated.keys() | live.keys() if simulated.get(name) != live.get(name)}
    assert changed == {"sim", "ros2", "ring", "monitor", "ledger"}
    assert set(live["ros2"]["outputs"]) >= set(simulated["sim"]["outputs"])
