"""``kill -9`` of every node while a run goes on: it restarts, the run ends, and nothing is different."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.runs import (
    FinishedRun,
    half_written,
    left_in_shared_memory,
    node_process,
    started,
    wait_until,
    winnow,
)
from tests.graphs.comparing import clip_bytes, decisions

pytestmark = [pytest.mark.graph, pytest.mark.timeout(1500)]
NODES = (
    *("replay", "ring", "triggers", "recorder", "extractor", "classifier", "redactor", "uploader"),
    *("retention", "monitor", "ledger"),
)


def kill(process: subprocess.Popen[str], node: str) -> bool:
    """Kill a node and wait for its successor; False when the run was over before."""
    script = f"winnow-{node}"
    victim = wait_until(
        lambda: node_process(process.pid, script) or (process.poll() is not None and -1), f"{node} runs"
    )
    if victim == -1:
        return False
    os.kill(victim, signal.SIGKILL)
    successor = wait_until(
        lambda: (
            ((found := node_process(process.pid, script)) and found != victim and found)
            or (process.poll() is not None and -1)
        ),
        f"{node} comes back",
    )
    return successor != -1


def messages_so_far(out: Path) -> int:
    """What the rings hold, from outside."""
    from winnow_tools.running.watch import Watch

    watch = Watch(out, Path("/dev/shm"))
    watch.look()
    return watch.beat.messages if watch.beat else 0


def prove_undisturbed(reference: FinishedRun, out: Path, said: dict[str, Any]) -> None:
    assert said["lost"] == 0
    assert said["messages"] == reference.summary["messages"]
    verified = winnow("clips", "verify", out, "--against", reference.recording, "--json")
    assert verified.code == 0, verified
    assert verified.json["clips"] == 3
    assert clip_bytes(out) == clip_bytes(reference.out)
    assert decisions(out) == decisions(reference.out)
    assert half_written(out) == []
    assert left_in_shared_memory(out) == []


def test_every_node_is_killed_once_in_one_run(ros2_run: FinishedRun, tmp_path: Path):
    out = tmp_path / "out"
    arguments = ("run", ros2_run.graph, "--speed", "1", "--out", out, "--json")
    with started("winnow", *arguments) as process:
        wait_until(lambda: messages_so_far(out) or process.poll() is not None, "messages flow")
        killed = [node for node in NODES if kill(process, node)]
        text, errors = process.communicate(timeout=900)
    assert killed == list(NODES), (killed, errors)
    assert process.returncode == 0, (text, errors)
    prove_undisturbed(ros2_run, out, json.loads(text))


@pytest.mark.storm
@pytest.mark.parametrize("moment", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("node", NODES)
def test_a_node_is_killed_at_three_moments(node: str, moment: float, ros2_run: FinishedRun, tmp_path: Path):
    out = tmp_path / "out"
    enough = int(ros2_run.summary["messages"] * moment)
    arguments = ("run", ros2_run.graph, "--speed", "2", "--out", out, "--json")
    with started("winnow", *arguments) as process:
        wait_until(lambda: messages_so_far(out) >= enough or process.poll() is not None, f"{enough} messages")
        assert kill(process, node)
        text, errors = process.communicate(timeout=900)
    assert process.returncode == 0, (text, errors)
    prove_undisturbed(ros2_run, out, json.loads(text))
