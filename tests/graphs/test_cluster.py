"""dashcam.yml over two daemons on two machines, with the cable between them pulled."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.graphs.two_machines import TwoMachines, two_machines
from tests.nodes.server.dashcam_devices import drive

from winnow_runtime.clock import SystemClock

VIDEOS = 3
NODES = {"winnow-preprocess", "winnow-plates", "winnow-archive", "winnow-monitor", "winnow-ledger"}


def wait(condition: Callable[[], bool], within_s: float, what: str) -> float:
    clock = SystemClock()
    began = clock.monotonic_ns()
    while not condition():
        assert clock.monotonic_ns() - began < within_s * 1e9, what
        clock.sleep_s(0.5)
    return (clock.monotonic_ns() - began) / 1e9


def tasks(machines: TwoMachines) -> list[dict[str, Any]]:
    try:
        return list(json.loads(machines.winnow("tasks", "ls", "--json"))["tasks"])
    except ValueError:
        return []


def archived(machines: TwoMachines) -> int:
    return sum(each["kind"] == "ARCHIVE_VIDEO" and each["state"] == "done" for each in tasks(machines))


@pytest.mark.storm
@pytest.mark.graph
@pytest.mark.timeout(420)
@pytest.mark.parametrize("cut_s", [10, 30, 90])
def test_a_pulled_cable_loses_nothing(tmp_path: Path, cut_s: int) -> None:
    with two_machines(tmp_path) as machines:
        for number in range(VIDEOS):
            drive(machines.share / f"v{number}.mp4", seed=number, frames=200 if number else 6000)
        wait(lambda: set(machines.nodes()) == NODES, 90, "the nodes of both machines run")
        machines.winnow("tasks", "add", *(f"indoor:v{number}.mp4" for number in range(VIDEOS)))
        wait(
            lambda: any(task["progress"] > 0.02 for task in tasks(machines)),
            60,
            "the Jetson works on a video",
        )
        before = machines.nodes()
        machines.cable(plugged=False)
        SystemClock().sleep_s(cut_s)
        alive = machines.nodes()
        print(
            f"cut of {cut_s} s: {len(alive)} programs run, {sorted(set(before.items()) - set(alive.items()))} gone"
        )
        machines.cable(plugged=True)
        healed_s = wait(lambda: archived(machines) == VIDEOS, 200, "every video is archived")
        after = machines.nodes()
        print(
            f"caught up in {healed_s:.0f} s, started again: {sorted(set(after.items()) - set(before.items()))}"
        )
        print(machines.inside("rtx4090", "dora", "list"))
        found = tasks(machines)
        assert len(found) == 3 * VIDEOS
        assert {each["state"] for each in found} == {"done"}
        assert len(list((machines.share / "winnow/records").glob("*.json"))) == VIDEOS
        assert len(list((machines.share / "winnow/archive").glob("*/manifest.json"))) == VIDEOS
        assert alive.get("winnow-preprocess") == before["winnow-preprocess"], "the Jetson went on"
