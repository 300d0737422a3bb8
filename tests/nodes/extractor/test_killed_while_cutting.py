"""The extractor as a process of its own, ended by SIGKILL while it cuts: afterwards every clip is there once."""

import multiprocessing
import os
import random
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import numpy as np
import pytest
from tests.nodes.vehicle_rig import Rings, S, Vehicle, an_event, live

from winnow_extractor.node import run
from winnow_schemas.channel import Channel, Message
from winnow_tools.clips.verify import verify

SETTINGS: dict[str, Any] = {"recorder": {"enabled": False}, "triggers": {"library": "none"}}
CLOUD, SMALL = Channel("/cloud", "raw"), Channel("/small", "json")
SECONDS, CLOUD_BYTES = 20, 150_000
EVENTS = [
    an_event(3),
    an_event(7, "y", 0),
    an_event(7.5, "merged", 2),
    an_event(12, "z", 3),
    an_event(19.5, "late"),
]
FORK = multiprocessing.get_context("fork")
LIMIT_S = 60


@dataclass
class Rig:
    """A finished run in shared memory, whose clips can be cut again and again."""

    vehicle: Vehicle
    messages: list[Message]
    clips: dict[str, bytes]
    took_s: float

    def forget_clips(self) -> None:
        shutil.rmtree(self.vehicle.out / "clips", ignore_errors=True)
        shutil.rmtree(self.vehicle.out / "state" / "extractor", ignore_errors=True)

    def start(self) -> Any:
        process = FORK.Process(target=life, args=(self.vehicle,))
        process.start()
        return process


def life(vehicle: Vehicle) -> None:
    """What the child does."""
    live(vehicle, "extractor", run, None)


def files(vehicle: Vehicle) -> dict[str, bytes]:
    root = vehicle.out / "clips"
    return {
        str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()
    }


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:
        vehicle = Vehicle(Path(base), SETTINGS)
        rings = Rings(vehicle, capacity=80 << 20)
        noise = np.random.default_rng(5).integers(0, 256, CLOUD_BYTES + 1000, dtype=np.uint8).tobytes()
        messages = []
        for tick in range(SECONDS * 20):
            for channel, data in ((CLOUD, noise[tick : tick + CLOUD_BYTES]), (SMALL, b'{"v": %d}' % tick)):
                rings.push(channel, tick * S // 20, data)
                messages.append(Message(channel, tick * S // 20, tick * S // 20, data))
        rings.end()
        vehicle.feed("triggers", "events", {event.event_id: event for event in EVENTS})
        begun = monotonic()
        life(vehicle)
        rig = Rig(vehicle, messages, files(vehicle), monotonic() - begun)
        assert len(rig.clips) == 2 * 4
        yield rig
        vehicle.close()


def killed(rig: Rig, chance: random.Random) -> bool:
    """One round: cut, kill at a random moment of the cutting, cut on; whether a clip was half-written then."""
    rig.forget_clips()
    process = rig.start()
    clips = rig.vehicle.out / "clips"
    end = monotonic() + LIMIT_S
    while not clips.exists() and process.is_alive() and monotonic() < end:
        process.join(0.001)
    process.join(chance.uniform(0, rig.took_s))
    if process.is_alive():
        os.kill(process.pid, signal.SIGKILL)
    process.join(LIMIT_S)
    half = any(clips.rglob("*.part"))
    again = rig.start()
    again.join(LIMIT_S)
    assert again.exitcode == 0
    return half


def prove(rig: Rig) -> None:
    vehicle = rig.vehicle
    assert files(vehicle) == rig.clips
    assert vehicle.leftovers() == []
    ids = vehicle.ids("extractor", "clips")
    assert (len(ids), len(set(ids))) == (4, 4)
    checks = verify(vehicle.out, iter(rig.messages))
    assert len(checks) == 4
    assert all(check.good for check in checks), checks


def rounds(rig: Rig, count: int, seed: int) -> int:
    chance = random.Random(seed)
    half = 0
    for _ in range(count):
        half += killed(rig, chance)
        prove(rig)
    return half


def test_killed_three_times_every_clip_is_there_once(rig: Rig) -> None:
    rounds(rig, 3, 1)


@pytest.mark.storm
@pytest.mark.timeout(1800)
def test_killed_at_fifty_random_moments_every_clip_is_there_once(rig: Rig) -> None:
    half = rounds(rig, 50, 2)
    print(f"{half} of 50 kills found a clip half-written")
    assert half >= 10, "the kills did not come while clips were being cut"
