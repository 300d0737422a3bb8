"""The graphs that ship: they pass, and agree with the simulator, the scaffold and the schemas."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.fixtures.runs import program
from typer.testing import CliRunner

from winnow_operators.sim import Simulator
from winnow_schemas.ids import unique_ports
from winnow_schemas.settings import load_settings
from winnow_schemas.simulation import load_script
from winnow_tools.cli import app
from winnow_tools.scaffold.chain import CHAIN, LINES_OF_EVERY_NODE, chain_yaml

DATAFLOWS = Path(__file__).resolve().parents[3] / "dataflows"
GRAPHS = sorted(path.name for path in DATAFLOWS.glob("*.yml"))


def nodes(text: str) -> dict[str, Any]:
    return {node["id"]: node for node in yaml.safe_load(text)["nodes"]}


def test_there_are_graphs():
    assert "vehicle.yml" in GRAPHS


@pytest.mark.parametrize("name", GRAPHS)
def test_dora_accepts_the_graph_with_strict_types(name: str):
    done = subprocess.run(
        [program("dora"), "validate", "--strict-types", "--offline", DATAFLOWS / name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", GRAPHS)
def test_winnow_finds_nothing_wrong_with_the_graph(name: str):
    settings = DATAFLOWS / "settings" / "demo.yml"
    extra = ["--settings", str(settings)] if name == "vehicle.yml" else []  # 6 GiB of rings fit few machines
    result = CliRunner().invoke(app, ["check", str(DATAFLOWS / name), *extra])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("settings", ["vehicle.yml", "demo.yml"])
def test_the_vehicle_has_a_port_for_every_channel_of_the_simulator(settings: str):
    graph = nodes((DATAFLOWS / "vehicle.yml").read_text())
    ports = set(
        unique_ports([channel.topic for channel in Simulator(load_script("demo"), 1).channels]).values()
    )
    assert set(graph["sim"]["outputs"]) == ports | {"control", "decisions"}
    assert set(graph["ring"]["inputs"]) == ports | {"control"}
    loaded, _ = load_settings(DATAFLOWS / "settings" / settings)
    assert set(unique_ports(list(loaded.topics)).values()) == ports


def test_the_vehicles_chain_is_the_scaffolds():
    graph = nodes((DATAFLOWS / "vehicle.yml").read_text())
    chain = nodes("nodes:\n" + chain_yaml("sim"))
    assert set(graph) == {"sim", "ring"} | set(chain)
    assert {name: graph[name] for name in chain} == chain
    assert [link.id for link in CHAIN] == [name for name in graph if name not in ("sim", "ring", "ledger")]
    for name in ("sim", "ring"):
        assert yaml.safe_load("\n".join(LINES_OF_EVERY_NODE)).items() <= graph[name].items()


def test_the_committed_types_are_the_rendered_ones(tmp_path: Path):
    result = CliRunner().invoke(app, ["types", str(DATAFLOWS / "types")])
    assert (result.exit_code, result.output) == (0, "")
    result = CliRunner().invoke(app, ["types", str(tmp_path), "--write"])
    assert result.exit_code == 0
    written = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.yml")}
    assert written == {path.relative_to(DATAFLOWS / "types") for path in (DATAFLOWS / "types").rglob("*.yml")}
    file = tmp_path / min(written)
    file.write_text(file.read_text() + "\n# changed\n")
    result = CliRunner().invoke(app, ["types", str(tmp_path)])
    assert result.exit_code == 1
    assert result.output == f"{file} is not what it is made from; run `winnow types --write`.\n"
