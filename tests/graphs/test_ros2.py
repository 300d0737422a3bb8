"""The whole graph under dora: from a publisher over Zenoh to a clip that any tool opens."""

import contextlib
import json
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from mcap.reader import make_reader
from rosbags.highlevel import AnyReader
from tests.ros2_robot import Publisher, Robot, string_cdr
from typer.testing import CliRunner

from winnow_operators.ros2.qos import TRANSIENT_LOCAL, Qos
from winnow_tools.cli import app
from winnow_tools.running.launch import RunRequest, node_environment, prepare, start

NEEDED = ("winnow-ros2", "winnow-ring", "dora")
RATE_S = 0.01
LONGEST_S = 120.0
"""Eleven Python processes on a loaded machine."""


class Talker(threading.Thread):
    """Publishes numbered messages until it is told to stop."""

    def __init__(self, publisher: Publisher) -> None:
        super().__init__()
        self._publisher = publisher
        self._over = threading.Event()

    def run(self) -> None:
        number = 0
        while not self._over.wait(RATE_S):
            self._publisher.put(string_cdr(f"message {number}"))
            number += 1

    def stop(self) -> None:
        self._over.set()
        self.join()


@pytest.fixture
def robot() -> Iterator[Robot]:
    made = Robot(domain=11)
    yield made
    made.close()


@pytest.mark.graph
@pytest.mark.timeout(180)
@pytest.mark.skipif(
    any(shutil.which(name, path=node_environment()["PATH"]) is None for name in NEEDED),
    reason="the nodes' programs are not installed beside this Python",
)
def test_a_clip_holds_what_was_published(tmp_path: Path, robot: Robot) -> None:
    talker = Talker(Publisher(robot, "/chatter"))
    latched = Publisher(robot, "/map", qos=Qos(durability=TRANSIENT_LOCAL, depth=1))
    latched.put(string_cdr("the map"))
    talker.start()
    out = tmp_path / "out"
    try:
        out.mkdir()
        clips = clips_of_a_run(scaffolded(tmp_path, robot), out)
    finally:
        talker.stop()
    published = [sent.data for sent in talker._publisher.sent]
    for clip in clips:
        heard = payloads(clip)
        first, last = published.index(heard["/chatter"][0]), published.index(heard["/chatter"][-1])
        assert heard["/chatter"] == published[first : last + 1], "every message once, in order, unchanged"
        assert len(heard["/chatter"]) > 20
        assert heard["/map"] == [string_cdr("the map")], "the latched message is in every clip"
    assert decoded(clips[0])[0].startswith("message ")
    totals = json.loads((out / "state" / "ros2" / "totals.json").read_text("utf-8"))
    assert totals["topics"]["/chatter"]["missed"] == totals["lost"] == 0
    assert json.loads((out / "state" / "ring" / "totals.json").read_text("utf-8"))["lost"] == 0


def clips_of_a_run(graph: Path, out: Path) -> list[Path]:
    """Run until there are two clips, then stop cleanly."""
    log = out / "log.txt"
    process = start(prepare(RunRequest(graph, out)), log)
    end = time.monotonic() + LONGEST_S
    while (
        len(list((out / "clips").rglob("*.mcap"))) < 2 and time.monotonic() < end and process.poll() is None
    ):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.2)
    process.send_signal(signal.SIGINT)
    process.wait(60)
    clips = sorted((out / "clips").rglob("*.mcap"))
    assert len(clips) >= 2, log.read_text("utf-8", "replace")[-4000:]
    return clips


def scaffolded(folder: Path, robot: Robot) -> Path:
    """The graph that `winnow scaffold` writes, with a clip every two seconds."""
    command = ["scaffold", f"ros2:{robot.domain}", "-o", str(folder / "g"), "--connect", robot.endpoint]
    done = CliRunner().invoke(app, [*command, "--seconds", "1", "--memory-mib", "128"])
    assert done.exit_code == 0, done.output
    path = folder / "g" / "settings.yml"
    settings = yaml.safe_load(path.read_text("utf-8"))
    settings["triggers"]["set"] = {
        "sample": {
            "when": "every(2 s, from_start=True)",
            "priority": "P5",
            "pre_roll_s": 0.5,
            "post_roll_s": 0.5,
        }
    }
    settings["monitor"] = {"port": 0}
    path.write_text(yaml.safe_dump(settings), "utf-8")
    return folder / "g" / "graph.yml"


def payloads(clip: Path) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    with clip.open("rb") as file:
        for _, channel, message in make_reader(file, validate_crcs=True).iter_messages():
            found.setdefault(channel.topic, []).append(message.data)
    return found


def decoded(clip: Path) -> list[str]:
    with AnyReader([clip]) as reader:
        wanted = [connection for connection in reader.connections if connection.topic == "/chatter"]
        return [
            reader.deserialize(data, connection.msgtype).data  # type: ignore[attr-defined]
            for connection, _, data in reader.messages(connections=wanted)
        ]
