"""Both dashcam graphs under dora: paused, killed, fed with rubbish; each video ends exactly once, scratch is clean."""

import json
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from tests.dashcam_drives import write_small_drive
from tests.fixtures.runs import half_written, node_process, started, wait_until, winnow

from winnow_tools.dashcam.ending import how_each_ended

pytestmark = [pytest.mark.graph, pytest.mark.timeout(1500)]
DATAFLOWS = Path(__file__).parents[2] / "dataflows"
NODES = (("jetson", "video"), ("jetson", "preprocess"), ("rtx4090", "plates"), ("rtx4090", "archive"))
TEXTS = ("RK891AU", "KNH246")


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A memory card: two drives, one of them twice, and what is no video."""
    folder = tmp_path_factory.mktemp("card")
    for number, text in enumerate(TEXTS):
        write_small_drive(folder / f"{number}.mp4", text, frames=50, seed=4 + number)
    (folder / "copy.mp4").write_bytes((folder / "0.mp4").read_bytes())
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "cut.mp4").write_bytes((folder / "1.mp4").read_bytes()[:3000])
    return folder


@pytest.fixture(scope="module")
def reference(card: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one process says of the card."""
    out = tmp_path_factory.mktemp("reference")
    said = winnow("video", card, "--out", out, "--json")
    assert said.code == 2, said
    assert sorted(plate["text"] for plate in said.json["plates"]) == sorted(TEXTS)
    return said.json


def arguments(card: Path, out: Path) -> tuple[Any, ...]:
    return ("video", card, "--out", out, "--dora", "--graphs", DATAFLOWS, "--json")


def prove(said: dict[str, Any], out: Path, reference: dict[str, Any]) -> None:
    assert said["plates"] == reference["plates"]
    assert sorted(each["reason"] for each in said["parked"]) == sorted(
        each["reason"] for each in reference["parked"]
    )
    ends = how_each_ended(out)
    assert {len(each) for each in ends.values()} == {1}, ends
    assert len(ends) == len(TEXTS) + len(reference["parked"])
    assert not list((out / "scratch").glob("*"))
    assert half_written(out) == []
    for manifest in (out / "archive").glob("*/manifest.json"):
        assert "video.mp4" in json.loads(manifest.read_text())["files"]
    assert len(list((out / "archive").glob("*/manifest.json"))) == len(TEXTS)


def test_the_graphs_say_what_one_process_says_also_when_nodes_are_killed(
    card: Path, reference: dict[str, Any], tmp_path: Path
):
    out = tmp_path / "out"
    said, killed = killed_run(card, out, [NODES[1], NODES[2], NODES[3]], random.Random(5), 1.0)
    assert killed
    prove(said, out, reference)


def test_ctrl_c_pauses_and_the_same_command_goes_on(card: Path, reference: dict[str, Any], tmp_path: Path):
    out = tmp_path / "out"
    with started("winnow", *arguments(card, out)) as process:
        wait_until(
            lambda: list((out / "artifacts").glob("*.json")) or process.poll() is not None, "an artifact"
        )
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 1, errors
    assert "Paused. The same command goes on from here" in errors
    said = winnow(*arguments(card, out))
    assert said.code == 2, said
    prove(said.json, out, reference)


@pytest.mark.storm
@pytest.mark.parametrize("seed", range(20))
def test_any_node_is_killed_at_any_moment(seed: int, card: Path, reference: dict[str, Any], tmp_path: Path):
    rng = random.Random(seed)
    out = tmp_path / "out"
    victims = sorted(rng.sample(NODES, rng.randint(1, 3)), key=NODES.index)
    said, _ = killed_run(card, out, victims, rng, 4.0)
    prove(said, out, reference)


def killed_run(
    card: Path, out: Path, victims: list[tuple[str, str]], rng: random.Random, most_s: float
) -> tuple[dict[str, Any], list[str]]:
    """Run both graphs; kill each victim once, up to ``most_s`` after it was there, if it is there still."""
    killed: list[str] = []
    with started("winnow", *arguments(card, out)) as process:
        for graph, node in victims:
            log = out / "dora" / f"{graph}.log"
            wait_until(lambda log=log: log.exists() or process.poll() is not None, f"{graph} begins")
            wait_until(
                lambda node=node: node_process(process.pid, f"winnow-{node}") or process.poll() is not None,
                f"{node} runs",
            )
            end = time.monotonic() + rng.uniform(0.0, most_s)
            wait_until(lambda end=end: time.monotonic() >= end, "the moment")
            pid = node_process(process.pid, f"winnow-{node}")
            if pid is not None:  # otherwise it was quicker
                os.kill(pid, signal.SIGKILL)
                killed.append(f"{graph}: {node}")
        text, errors = process.communicate(timeout=400)
    assert process.returncode == 2, (killed, text, errors)
    value: dict[str, Any] = json.loads(text)
    return value, killed
