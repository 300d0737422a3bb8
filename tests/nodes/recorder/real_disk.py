"""A recorder on a small disk of its own, in a mount namespace: ``KIND BASE DISK``; says what came of it as JSON.

The disk is a tmpfs that only this process sees. ``full``: a file takes its room and later gives it back.
``read-only``: it is mounted so when the recorder starts. ``turns``: a read-only one is mounted over it.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.nodes.vehicle_rig import Rings, S, ScriptedSeam, Vehicle, an_event, cut_clips

from winnow_recorder.node import run
from winnow_runtime.warm.index import segments
from winnow_schemas.channel import Channel

A = Channel("/a", "raw")
AWAY, BACK, TICKS = 100, 250, 400
SIZE_MIB = 4
ENTRIES = 80
"""Eight seconds of messages in memory; the disk is away for fifteen."""


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


class Disk:
    """Goes away and comes back."""

    def __init__(self, kind: str, path: Path) -> None:
        self._kind = kind
        self._path = path
        self._ballast = path / "ballast"
        path.mkdir()
        mount("-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "none", str(path))
        if kind == "read-only":
            mount("-o", "remount,ro", str(path))

    def leave(self) -> None:
        if self._kind == "full":
            with self._ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(4096))
        elif self._kind == "turns":
            mount("-t", "tmpfs", "-o", "ro", "none", str(self._path))

    def come_back(self) -> None:
        if self._kind == "full":
            self._ballast.unlink()
        elif self._kind == "turns":
            subprocess.run(["umount", str(self._path)], check=True)
        else:
            mount("-o", "remount,rw", str(self._path))


def main() -> None:
    kind, base, place = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    disk = Disk(kind, place)
    recorder = {"segment_s": 3, "free_floor_gb": 0, "fsync_s": 0.1, "folder": str(place)}
    vehicle = Vehicle(base, {"recorder": recorder})
    rings = Rings(vehicle, entries=ENTRIES)
    node = vehicle.node("recorder")
    seam = node.seam
    assert isinstance(seam, ScriptedSeam)

    def script() -> Iterator[None]:
        for tick in range(TICKS):
            if tick == AWAY:
                disk.leave()
            if tick == BACK:
                disk.come_back()
            rings.push(A, tick * S // 10, tick.to_bytes(4, "little") * 300)
            rings.beat()
            yield
        rings.end()

    seam.script = script()
    run(node)
    levels = [value[0].as_py()["level"] for output, value, _ in seam.sent if output == "health"]
    vehicle.gone("recorder")
    rows = [part["seq"].tolist() for part in (segment.rows() for segment in segments(place / "run-1"))]
    event = an_event(20.0, pre_roll_ns=12 * S, post_roll_ns=15 * S)
    clips = cut_clips(vehicle, rings, [event])
    sidecar = json.loads((vehicle.out / clips[0].path).with_suffix(".json").read_bytes())
    decided = [(row[0], row[3], row[4]) for row in vehicle.decisions("recorder")]
    result = {
        "on_disk": sorted(seq for part in rows for seq in part),
        "levels": levels,
        "decisions": decided,
        "messages": sidecar["messages"],
        "missing": [(hole["count"], hole["reason"]) for hole in sidecar["missing"]],
    }
    print(json.dumps(result))
    vehicle.close()


if __name__ == "__main__":
    main()
