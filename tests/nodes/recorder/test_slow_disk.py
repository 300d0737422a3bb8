"""A disk that accepts everything and takes five seconds for it, while messages go on."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.nodes.vehicle_rig import Rings, S, ScriptedSeam, Vehicle, an_event, cut_clips

from winnow_recorder.node import run
from winnow_schemas.channel import Channel

A = Channel("/a", "json")
STALL_AT, STALL_TICKS, TICKS = 100, 50, 300
"""Ticks of 0.1 s; the disk stalls for five seconds."""


class Outage:
    """One run of the recorder in which one write takes five seconds."""

    def __init__(self, vehicle: Vehicle, patch: pytest.MonkeyPatch, entries: int) -> None:
        vehicle.settings = {
            "recorder": {"segment_s": 5, "free_floor_gb": 0, "fsync_s": 60},
        }
        self.vehicle = vehicle
        self.rings = Rings(vehicle, entries=entries)
        self.tick = 0
        self.stall = False
        self.node = vehicle.node("recorder")
        folder = str(vehicle.out / "warm")
        write = os.write

        def slow(file: int, data: Any) -> int:
            if self.stall and str(Path(f"/proc/self/fd/{file}").readlink()).startswith(folder):
                self.stall = False
                for _ in range(STALL_TICKS):
                    self.push()
                    vehicle.clock.advance_s(0.1)
            return write(file, data)

        patch.setattr(os, "write", slow)
        seam = self.node.seam
        assert isinstance(seam, ScriptedSeam)
        seam.script = self.script()
        run(self.node)
        patch.undo()

    def push(self) -> None:
        self.rings.push(A, self.tick * S // 10, b'{"v": %d}' % self.tick)
        self.rings.beat()
        self.tick += 1

    def script(self) -> Iterator[None]:
        while self.tick < TICKS:
            self.stall = self.stall or self.tick == STALL_AT
            self.push()
            yield
        self.rings.end()

    def health(self) -> list[dict[str, Any]]:
        seam = self.node.seam
        assert isinstance(seam, ScriptedSeam)
        return [value[0].as_py() for output, value, _ in seam.sent if output == "health"]


def test_what_memory_outlasts_is_not_lost(vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch) -> None:
    outage = Outage(vehicle, monkeypatch, entries=200)
    assert "warm tier" not in {kind for kind, _ in vehicle.outcomes("recorder")}
    assert "not recorded" not in {outcome for _, outcome in vehicle.outcomes("recorder")}
    stalled, healed = [line for _, line in outage.node.seam.logged if "disk" in line]
    assert "5.0 s" in stalled
    assert "keeps up again" in healed
    said = [(each["level"], json.loads(each["values"])["stalls"]) for each in outage.health()]
    assert said[0] == (0, 0)
    assert (1, 1) in said
    assert said[-1] == (0, 1)
    clip = cut_clips(vehicle, outage.rings, [an_event(12.0)])[0]
    sidecar = json.loads((vehicle.out / clip.path).with_suffix(".json").read_bytes())
    assert sidecar["missing"] == []
    assert sidecar["messages"] == 30


def test_what_was_overwritten_is_counted_and_clips_say_it(
    vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage = Outage(vehicle, monkeypatch, entries=20)
    assert len([line for _, line in outage.node.seam.logged if "disk" in line]) == 2
    rows = [row for row in vehicle.decisions("recorder") if row[3] == "not recorded"]
    gone = sum(int(row[4].split()[0]) for row in rows)
    assert STALL_TICKS - 20 - 2 <= gone <= STALL_TICKS - 20 + 2
    assert json.loads(outage.health()[-1]["values"])["lost"] == gone
    clip = cut_clips(vehicle, outage.rings, [an_event(12.0, pre_roll_ns=4 * S, post_roll_ns=6 * S)])[0]
    sidecar = json.loads((vehicle.out / clip.path).with_suffix(".json").read_bytes())
    assert sidecar["messages"] == 100 - gone
    assert [(hole["topic"], hole["count"], hole["reason"]) for hole in sidecar["missing"]] == [
        ("/a", gone, "overwritten in memory and not on disk")
    ]
