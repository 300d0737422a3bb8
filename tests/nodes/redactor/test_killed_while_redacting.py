"""The redactor as a process of its own, ended by SIGKILL while it covers: afterwards every copy is there once, covered."""

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

import pytest
from tests.nodes.redactor import pictures as p
from tests.nodes.redactor.test_redactor_node import PLAIN, SETTINGS, content
from tests.nodes.vehicle_rig import Rings, S, Vehicle, an_event, cut_clips, live, verdict_on

import winnow_redactor.node
from winnow_redactor.audit import FOLDER
from winnow_redactor.node import run

POLICY = {"cameras": "redact", "subjects": ["face"], "hold_s": 0.3}
CLIPS, FRAMES = 3, 40
FORK = multiprocessing.get_context("fork")
LIMIT_S = 60


@dataclass
class Rig:
    """A run whose clips can be made ready to leave again and again."""

    vehicle: Vehicle
    made: dict[str, bytes]
    took_s: float

    def forget(self) -> None:
        for folder in ("outgoing", FOLDER, "state/redactor"):
            shutil.rmtree(self.vehicle.out / folder, ignore_errors=True)

    def start(self) -> Any:
        process = FORK.Process(target=life, args=(self.vehicle,))
        process.start()
        return process


def life(vehicle: Vehicle) -> None:
    """What the child does."""
    winnow_redactor.node.assemble = lambda *_: p.crew_of(p.MagentaDetector())  # type: ignore[attr-defined]
    live(vehicle, "redactor", run, None)


def files(vehicle: Vehicle) -> dict[str, bytes]:
    return {
        str(path.relative_to(vehicle.out)): path.read_bytes()
        for folder in ("outgoing", FOLDER)
        for path in sorted((vehicle.out / folder).rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module", params=["plain", "packed"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """``packed``: the covered copy is repacked, so there is one more file that a kill can leave behind."""
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:
        settings = {**SETTINGS, "redactor": POLICY, "upload": {"profile": request.param}}
        vehicle = Vehicle(Path(base), settings)
        rings = Rings(vehicle, capacity=8 << 20)
        payloads = p.stills(p.CDR_JPEG, [p.picture(number % 100) for number in range(CLIPS * FRAMES)])
        for tick, payload in enumerate(payloads):
            at_ns = 2 * S + (tick // FRAMES) * 100 * S + tick % FRAMES * S // 20
            for plain in PLAIN:
                rings.push(plain, at_ns, b"%s-%d" % (plain.topic.encode(), tick))
            rings.push(p.CDR_JPEG, at_ns, payload)
        clips = cut_clips(
            vehicle, rings, [an_event(3 + 100 * number, f"t{number}") for number in range(CLIPS)]
        )
        assert len(clips) == CLIPS
        vehicle.feed("classifier", "verdicts", {clip.clip_id: verdict_on(clip) for clip in clips})
        begun = monotonic()
        process = Rig(vehicle, {}, 0.0).start()
        process.join(LIMIT_S)
        assert process.exitcode == 0
        rig = Rig(vehicle, files(vehicle), monotonic() - begun)
        assert len(rig.made) == CLIPS * 3  # the copy, its sidecar, the audit
        yield rig
        vehicle.close()


def nothing_bare(vehicle: Vehicle) -> None:
    """Whatever has the name of a copy is one: with a redaction record, and covered."""
    for sidecar in (vehicle.out / "outgoing").rglob("*.json"):
        path = sidecar.with_suffix(".mcap")
        if '"profile": "plain"' not in sidecar.read_text("utf-8") or not path.exists():
            continue
        payloads = [row[4] for row in content(path) if row[0] == "/front"]
        assert len(payloads) == FRAMES
        assert [p.magenta_left(image) for image in p.pictures_in(p.CDR_JPEG, payloads)] == [0] * FRAMES


def killed(rig: Rig, chance: random.Random) -> bool:
    """One round: redact, kill at a random moment, redact on; whether a copy was half-written then."""
    rig.forget()
    process = rig.start()
    process.join(chance.uniform(0, rig.took_s))
    if process.is_alive():
        os.kill(process.pid, signal.SIGKILL)
    process.join(LIMIT_S)
    half = any((rig.vehicle.out / "outgoing").rglob("*.part"))
    nothing_bare(rig.vehicle)
    again = rig.start()
    again.join(LIMIT_S)
    assert again.exitcode == 0
    return half


def rounds(rig: Rig, count: int, seed: int) -> int:
    chance = random.Random(seed)
    half = 0
    for _ in range(count):
        half += killed(rig, chance)
        assert files(rig.vehicle) == rig.made
        ids = rig.vehicle.ids("redactor", "outgoing")
        assert (len(ids), len(set(ids))) == (CLIPS, CLIPS)
        nothing_bare(rig.vehicle)
    return half


def test_killed_three_times_every_copy_is_there_once_and_covered(rig: Rig) -> None:
    rounds(rig, 3, 1)


@pytest.mark.storm
@pytest.mark.timeout(1800)
def test_killed_at_fifty_random_moments_every_copy_is_there_once_and_covered(rig: Rig) -> None:
    half = rounds(rig, 50, 2)
    print(f"{half} of 50 kills found a copy half-written")
    assert half >= 5, "the kills did not come while copies were being made"
