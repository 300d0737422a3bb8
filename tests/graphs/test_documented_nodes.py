"""What docs/nodes.md and README show is run as it stands there."""

import re
from pathlib import Path

import pytest
import yaml
from tests.fixtures.runs import winnow
from tests.small_drives import write_ros2_drive

from winnow_runtime.ledger import read_ledger

pytestmark = [pytest.mark.graph, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]
COUNTER = '''\
"""Counts gates: any dora node, without Winnow."""
import pyarrow as pa
from dora import Node

node = Node()
count = 0
for event in node:
    if event["type"] == "INPUT":
        count += 1
        node.send_output("gate_count", pa.array([count]))
        if count == 5:
            break
'''


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_example_node_and_the_example_trigger_run(tmp_path: Path):
    recording = write_ros2_drive(tmp_path / "drive.mcap")
    folder = tmp_path / "my-run"
    assert winnow("scaffold", recording, "-o", folder).code == 0
    (folder / "long_clips.py").write_text(blocks("docs/nodes.md", "python")[0], "utf-8")
    node, wired, typed, port, signal = (yaml.safe_load(text) for text in blocks("docs/nodes.md", "yaml"))
    graph = yaml.safe_load((folder / "graph.yml").read_text("utf-8"))
    nodes = {each["id"]: each for each in graph["nodes"]}
    graph["nodes"] += node
    nodes["ledger"]["inputs"] |= wired
    nodes["ledger"]["input_types"] |= typed
    (folder / "counter.py").write_text(COUNTER, "utf-8")
    timer = {"tick": "dora/timer/millis/50"}
    graph["nodes"].append({"id": "counter", "path": "counter.py", "inputs": timer, "outputs": ["gate_count"]})
    nodes["ring"]["inputs"] |= port
    (folder / "graph.yml").write_text(yaml.safe_dump(graph, sort_keys=False), "utf-8")
    settings = yaml.safe_load((folder / "settings.yml").read_text("utf-8"))
    settings["signals"] |= signal["signals"]
    settings["triggers"]["set"] |= yaml.safe_load(blocks("README.md", "yaml")[0])
    (folder / "settings.yml").write_text(yaml.safe_dump(settings), "utf-8")
    assert "accel_x" in settings["signals"]
    checked = winnow("check", folder / "graph.yml")
    assert checked.code == 0, checked
    out = tmp_path / "out"
    done = winnow("run", folder / "graph.yml", "--speed", "max", "--out", out, "--json")
    assert done.code == 0, done
    listed = (out / "long-clips.txt").read_text("utf-8").splitlines()
    rows = [row for row in read_ledger(out).to_pylist() if row["kind"] == "length"]
    assert len(listed) == len(rows) > 0
    assert {row["node"] for row in rows} == {"long-clips"}
    assert done.json["topics"]["/gate_count"]["messages"] == 5
