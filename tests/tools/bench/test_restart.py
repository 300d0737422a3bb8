"""The rows of the restart benchmark, its sensor-like sender, and finding processes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.fakes import FakeSeam
from tests.nodes.vehicle_rig import GRAPH, Vehicle
from tests.small_drives import write_json_drive

from winnow_runtime.node import Node
from winnow_runtime.recordings import open_recording
from winnow_schemas.ids import unique_ports
from winnow_schemas.messages import Control, Credit
from winnow_tools.bench.live_sender import run
from winnow_tools.bench.restart import Killed, _rows
from winnow_tools.running.processes import descendants, node_process
from winnow_tools.running.watch import Totals


def totals(messages: int, lost: int) -> Totals:
    return Totals(messages, 0, lost, "ended", 1.0, {})


def test_the_worst_gap_counts_and_every_unreported_message() -> None:
    live = [Killed(0.6, totals(900, 100), 1000), Killed(0.9, totals(890, 105), 1000)]
    again = [Killed(1.6, totals(1000, 0), 1000), Killed(1.5, totals(999, 1), 1000)]
    rows = {row.measure: row for row in _rows(live, again)}
    assert rows["gap, live source"].value == 0.9
    assert rows["gap, live source"].met
    assert rows["gap, live source"].beside["sent - kept"] == 110
    assert rows["lost and not reported, live source"].value == 5
    assert not rows["lost and not reported, live source"].met
    assert rows["lost, resending source"].value == 1
    assert not rows["lost, resending source"].met


def test_processes_are_found_below_a_root() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()', '/x/winnow-sought'])"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        while (pid := node_process(process.pid, "winnow-sought")) is None:
            assert process.poll() is None
        assert pid in descendants(process.pid)
        assert pid in descendants(os.getpid())
        assert node_process(process.pid, "winnow-other") is None
        process.communicate(b"\n")
    assert node_process(os.getpid(), "winnow-sought") is None


@pytest.fixture
def vehicle() -> Iterator[Vehicle]:
    with TemporaryDirectory() as base:
        vehicle = Vehicle(Path(base))
        yield vehicle
        vehicle.close()


def test_the_sender_keeps_its_pace_repeats_nothing_and_says_what_it_sent(
    vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = write_json_drive(vehicle.base / "drive.mcap", duration_s=2)
    monkeypatch.setenv("WINNOW_RECORDING", str(recording))
    with open_recording(recording) as opened:
        messages = list(opened.messages())
        ports = unique_ports(sorted({channel.topic for channel in opened.channels}))
    node = vehicle.node("ring")
    outputs = sorted(ports.values())
    source = {
        "id": "replay",
        "outputs": [*outputs, "control", "decisions"],
        "inputs": {"credit": "ring/credit"},
    }
    inputs = {port: f"replay/{port}" for port in outputs} | {"control": "replay/control"}
    graph = {"nodes": [source, {**GRAPH["nodes"][0], "inputs": inputs}]}
    seam = FakeSeam("replay", graph, "run-1", vehicle.clock)
    sender = Node(seam, node.settings, node.document, vehicle.out, vehicle.clock)
    credit = Credit(
        source="replay",
        acked=[0] * len(outputs),
        room_bytes=[0] * len(outputs),
        room_messages=[0] * len(outputs),
        unneeded=[False] * len(outputs),
        ended=False,
    )
    seam.push("credit", credit.to_arrow())
    begun_ns = vehicle.clock.monotonic_ns()
    run(sender)
    sender.lock.release()
    payloads = [item for item in seam.sent if "seq" in item[2]]
    assert [item[2]["t_ns"] for item in payloads] == [message.t_ns for message in messages]
    assert json.loads((vehicle.out / "state" / "replay" / "sent.json").read_bytes()) == {
        "sent": len(messages)
    }
    took_ns = vehicle.clock.monotonic_ns() - begun_ns
    span_ns = messages[-1].t_ns - messages[0].t_ns
    assert span_ns <= took_ns <= span_ns + 11 * 10**9, "at its own pace, then at most ten seconds for the end"
    said = [Control.from_arrow(value) for output, value, _ in seam.sent if output == "control"]
    assert not said[-1].resends
    assert not said[-1].waits
    assert said[-1].kind == "end"
