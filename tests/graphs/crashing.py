"""Rounds of ``kill -9`` at random moments of a real run, and what must hold afterwards."""

import json
import os
import random
import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tests.fixtures.runs import (
    half_written,
    left_in_shared_memory,
    node_process,
    scaffold,
    started,
    wait_until,
)
from tests.fixtures.runs import winnow as run_winnow
from tests.small_drives import samples, write_ros2_drive

from winnow_tools.running.watch import Watch

VICTIMS = ("ring", "recorder", "extractor")
DRIVE_S = 22
SPEEDS = ("3", "6", "10")
"""A slow, a fast and a very fast machine: 7, 4 and 2 s of messages."""
P0_EVERY_S = 3
NAMED = ("overwritten", "never arrived", "not recorded", "not on disk")
"""Words of the reasons that a sidecar may give for a hole."""


@dataclass(frozen=True)
class Scene:
    """A graph with a P0 window every three seconds; they overlap in pairs, with gaps between the pairs."""

    graph: Path
    recording: Path
    messages: int


@dataclass(frozen=True)
class Round:
    """What came of one round."""

    seed: int
    speed: str
    kills: tuple[str, ...]
    windows: int
    complete: int
    named: int
    """Messages that clips lack and name."""


def make_scene(folder: Path, *, warm: bool = True) -> Scene:
    """Scaffold a drive and set its triggers."""
    recording = write_ros2_drive(folder / "drive", DRIVE_S)
    graph = scaffold(recording, folder / "made")
    path = graph.parent / "settings.yml"
    settings = yaml.safe_load(path.read_text("utf-8"))
    rolls = {"priority": "P0", "pre_roll_s": 1.5, "post_roll_s": 1.0, "cooldown_s": 0}
    settings["triggers"]["set"] = {
        "often": {"when": f"every({P0_EVERY_S} s, from_start=True)", **rolls},
        "seldom": {"when": f"every({2 * P0_EVERY_S + 1} s, from_start=True)", **rolls},
    }
    settings["recorder"]["enabled"] = warm
    path.write_text(yaml.safe_dump(settings), "utf-8")
    return Scene(graph, recording, len(samples(DRIVE_S)))


def crash_round(scene: Scene, out: Path, seed: int, victims: tuple[str, ...] = VICTIMS) -> Round:
    """Run once, kill each victim once at a random moment, and hold the clips against the recording."""
    rng = random.Random(seed)
    speed = rng.choice(SPEEDS)
    moments = sorted((rng.uniform(0.02, 0.95), victim) for victim in victims)
    with started("winnow", "run", scene.graph, "--speed", speed, "--out", out, "--json") as process:
        watch = Watch(out, Path("/dev/shm"))

        def taken_in() -> int:
            watch.look()
            return watch.beat.messages if watch.beat else 0

        kills = []
        for part, victim in moments:
            enough = part * scene.messages
            wait_until(
                lambda n=enough: taken_in() >= n or process.poll() is not None, f"seed {seed}: {victim}"
            )
            pid = node_process(process.pid, f"winnow-{victim}")
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
                kills.append(f"{victim} at {part:.0%}")
        text, errors = process.communicate(timeout=400)
    said = f"seed {seed}, speed {speed}, {kills}: {text} {errors}"
    assert kills, said
    assert process.returncode == 0, said
    assert json.loads(text)["lost"] == 0, said
    return prove_windows(scene, out, Round(seed, speed, tuple(kills), 0, 0, 0))


def prove_windows(scene: Scene, out: Path, done: Round) -> Round:
    """Every P0 window has its clip; each is complete, or names what is not there for a reason that is allowed."""
    sidecars = [json.loads(path.read_bytes()) for path in sorted((out / "clips" / "P0").glob("*.json"))]
    sidecars = [sidecar for sidecar in sidecars if "start_ns" in sidecar]
    fired = sorted(trigger["t_ns"] for sidecar in sidecars for trigger in sidecar["triggers"])
    assert len(fired) == len(expected_events(scene)), (done, fired)
    verified = run_winnow("clips", "verify", out, "--against", scene.recording, "--json")
    complete = named = 0
    for sidecar in sidecars:
        wanted = wanted_in(sidecar)
        found = {topic: each["messages"] for topic, each in sidecar["topic_contents"].items()}
        if found == wanted:
            assert sidecar["missing"] == [], (done, sidecar["missing"])
            complete += 1
            continue
        lacking = wanted - Counter(found)
        assert not Counter(found) - wanted, (done, "more than there was", found, wanted)
        holes = sidecar["missing"]
        assert {hole["topic"] for hole in holes} >= set(lacking), (done, lacking, holes)
        assert all(any(word in hole["reason"] for word in NAMED) for hole in holes), (done, holes)
        named += lacking.total()
    assert verified.json["extra"] == verified.json["changed"] == 0, (done, verified)
    assert verified.json["missing"] == named, (done, verified)
    assert half_written(out) == []
    assert left_in_shared_memory(out) == []
    return Round(done.seed, done.speed, done.kills, len(sidecars), complete, named)


def wanted_in(sidecar: dict[str, Any]) -> Counter[str]:
    """Messages per topic that the recording has in a clip's window."""
    start, end = sidecar["start_ns"], sidecar["end_ns"]
    return Counter(sample.topic for sample in samples(DRIVE_S) if start <= sample.t_ns < end)


def expected_events(scene: Scene) -> list[int]:
    """When the triggers fire: both periods, from the first message on."""
    everything = samples(DRIVE_S)
    length_s = (everything[-1].t_ns - everything[0].t_ns) / 1e9
    return [
        round(number * period)
        for period in (P0_EVERY_S, 2 * P0_EVERY_S + 1)
        for number in range(int(length_s / period) + 1)
    ]
