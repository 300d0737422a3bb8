"""The recorder as its process runs it: everything once, killed anywhere, on disks that refuse and heal."""

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from tests.nodes.vehicle_rig import Rings, S, ScriptedSeam, Vehicle, live

from winnow_recorder.node import run
from winnow_runtime.node import ORPHANED_S, Node
from winnow_runtime.ring.board import read_cell
from winnow_runtime.ring.folder import RingFolder
from winnow_runtime.warm.index import segments
from winnow_runtime.warm.reader import WarmReader
from winnow_runtime.warm.recovery import recover
from winnow_schemas.channel import Channel

A, BULK = Channel("/a", "json"), Channel("/bulk", "raw")
SETTINGS: dict[str, Any] = {"recorder": {"segment_s": 5, "free_floor_gb": 0, "fsync_s": 60}}


def push(rings: Rings, tick: int) -> None:
    rings.push(A, tick * S // 10, b'{"v": %d}' % tick)
    if tick % 10 == 0:
        rings.push(BULK, tick * S // 10 + 1, bytes([tick % 256]) * 70_000)


def recorded(vehicle: Vehicle, run_id: str = "run-1") -> list[tuple[str, int]]:
    """(topic, tick) of everything that any MCAP reader finds in the segments; payloads are checked."""
    found = []
    for segment in segments(vehicle.out / "warm" / run_id):
        with segment.path.open("rb") as file:
            for _, channel, message in make_reader(file, validate_crcs=True).iter_messages():
                tick = message.log_time * 10 // S
                expected = b'{"v": %d}' % tick if channel.topic == "/a" else bytes([tick % 256]) * 70_000
                assert message.data == expected
                found.append((channel.topic, tick))
    return found


def indexed(vehicle: Vehicle) -> list[tuple[int, int]]:
    """(channel, sequence number) of every row, its payload checked."""
    reader = WarmReader(vehicle.out / "warm" / "run-1")
    rows = []
    for segment, part in reader.window(-(2**62), 2**62):
        for row in part:
            assert len(reader.payload(segment, row)) == row["length"]
            rows.append((int(row["channel"]), int(row["seq"])))
    return rows


def wanted(ticks: int) -> list[tuple[str, int]]:
    return sorted([("/a", tick) for tick in range(ticks)] + [("/bulk", tick) for tick in range(0, ticks, 10)])


def play(node: Node, rings: Rings, ticks: int, per_step: int = 5) -> None:
    seam = node.seam
    assert isinstance(seam, ScriptedSeam)

    def script() -> Iterator[None]:
        for tick in range(rings.seq.get("a", 0), ticks):
            push(rings, tick)
            if tick % per_step == 0:
                rings.beat()
                yield
        rings.end()

    seam.script = script()


def health(node: Node) -> list[dict[str, Any]]:
    seam = node.seam
    assert isinstance(seam, ScriptedSeam)
    return [value[0].as_py() for output, value, _ in seam.sent if output == "health"]


def test_a_run_to_its_end(vehicle: Vehicle) -> None:
    vehicle.settings = SETTINGS
    rings = Rings(vehicle)
    node = vehicle.node("recorder")
    play(node, rings, 200)
    run(node)
    assert sorted(recorded(vehicle)) == wanted(200)
    assert len(segments(vehicle.out / "warm" / "run-1")) == 4
    cell = read_cell(rings.folder.path, "recorder")
    assert cell is not None
    assert cell.finished
    assert vehicle.ended("recorder", "decisions")
    assert all(said["level"] == 0 for said in health(node))
    assert vehicle.leftovers() == []


@settings(max_examples=50, deadline=None)
@given(kills=st.lists(st.integers(min_value=0, max_value=150), min_size=1, max_size=4))
def test_killed_anywhere_each_message_is_recorded_once(kills: list[int]) -> None:
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:
        vehicle = Vehicle(Path(base), SETTINGS)
        rings = Rings(vehicle)
        push(rings, 0)  # making the rings is not the recorder's work, and must not be what kills it

        def life(node: Node) -> None:
            play(node, rings, 120)
            run(node)

        for countdown in [*kills, None]:
            over = live(vehicle, "recorder", life, countdown)
        assert over
        assert sorted(recorded(vehicle)) == wanted(120)
        rows = indexed(vehicle)
        assert len(rows) == len(set(rows)) == len(wanted(120))
        assert vehicle.leftovers() == []
        vehicle.close()


class Disk:
    """Refuses writes below a folder while ``away``: as a full one, or as a read-only one."""

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path) -> None:
        self.away = 0
        self.refused = 0
        self._folder = str(folder)
        for name in ("write", "open", "truncate", "ftruncate"):
            patch.setattr(os, name, self._guarded(getattr(os, name), name))
        patch.setattr(Path, "open", self._guarded(Path.open, "Path.open"))
        patch.setattr(Path, "unlink", self._guarded(Path.unlink, "Path.unlink"))

    def _guarded(self, real: Callable[..., Any], name: str) -> Callable[..., Any]:
        def step(place: Any, *args: Any, **kwargs: Any) -> Any:
            if self.away and self._hit(name, place, args):
                self.refused += 1
                if self.away == errno.ENOSPC and name == "write" and len(args[0]) > 10:
                    return real(place, bytes(memoryview(args[0]).cast("B"))[:10])  # a little still fits
                raise OSError(self.away, os.strerror(self.away), str(place))
            return real(place, *args, **kwargs)

        return step

    def _hit(self, name: str, place: Any, args: tuple[Any, ...]) -> bool:
        try:
            path = str(Path(f"/proc/self/fd/{place}").readlink()) if isinstance(place, int) else str(place)
        except OSError:
            return False
        if not path.startswith(self._folder):
            return False
        if name == "write":
            return True
        if name == "open":
            return bool(args[0] & (os.O_WRONLY | os.O_RDWR)) and self.away != errno.ENOSPC
        if name == "Path.open":
            return "+" in (args[0] if args else "r") and self.away != errno.ENOSPC
        return self.away == errno.EROFS


@pytest.mark.parametrize("kind", [errno.ENOSPC, errno.EROFS])
class TestABadDisk:
    def outage(
        self, vehicle: Vehicle, kind: int, monkeypatch: pytest.MonkeyPatch, *, entries: int, until: int | None
    ) -> tuple[Node, Rings, Disk]:
        """The disk refuses from tick 50 on, until a later one, while messages go on."""
        vehicle.settings = SETTINGS
        rings = Rings(vehicle, entries=entries)
        disk = Disk(monkeypatch, vehicle.out / "warm")
        node = vehicle.node("recorder")
        seam = node.seam
        assert isinstance(seam, ScriptedSeam)

        def script() -> Iterator[None]:
            for tick in range(400):
                disk.away = kind if tick >= 50 and (until is None or tick < until) else 0
                push(rings, tick)
                rings.beat()
                yield
            rings.end()

        seam.script = script()
        run(node)
        return node, rings, disk

    def test_what_memory_still_holds_is_recorded_when_it_heals(
        self, vehicle: Vehicle, kind: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        node, _, disk = self.outage(vehicle, kind, monkeypatch, entries=4096, until=150)
        assert disk.refused
        assert sorted(recorded(vehicle)) == wanted(400)
        outcomes = [outcome for outcome in vehicle.outcomes("recorder") if outcome[0] == "warm tier"]
        assert outcomes == [("warm tier", "down"), ("warm tier", "healed")]
        assert [said["level"] for said in health(node)][-1] == 0
        assert 2 in [said["level"] for said in health(node)]
        rows = indexed(vehicle)
        assert len(rows) == len(set(rows))
        assert vehicle.leftovers() == []

    def test_what_was_overwritten_meanwhile_is_counted(
        self, vehicle: Vehicle, kind: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        node, _, _ = self.outage(vehicle, kind, monkeypatch, entries=60, until=250)
        found = recorded(vehicle)
        assert len(found) == len(set(found))
        gone = Counter(topic for topic, _ in set(wanted(400)) - set(found))
        assert gone["/a"] > 100
        rows = [row for row in vehicle.decisions("recorder") if row[3] == "not recorded"]
        told: Counter[str] = Counter()
        for row in rows:
            told[row[2]] += int(row[4].split()[0])
        assert told == gone
        import json

        assert json.loads(health(node)[-1]["values"])["lost"] == gone.total()
        assert health(node)[-1]["level"] == 1

    def test_a_disk_that_stays_away_is_told_at_the_end(
        self, vehicle: Vehicle, kind: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, rings, disk = self.outage(vehicle, kind, monkeypatch, entries=4096, until=None)
        disk.away = 0
        recover(vehicle.out / "warm" / "run-1")
        found = recorded(vehicle)
        assert len(found) == len(set(found))
        rows = [row for row in vehicle.decisions("recorder") if row[3] == "not recorded"]
        told = sum(int(row[4].split()[0]) for row in rows)
        assert told == len(wanted(400)) - len(found)
        assert told > 300
        cell = read_cell(rings.folder.path, "recorder")
        assert cell is not None
        assert cell.finished

    def test_it_starts_on_such_a_disk_and_heals(
        self, vehicle: Vehicle, kind: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A predecessor was killed; the segment that it left cannot be mended yet."""
        vehicle.settings = SETTINGS
        rings = Rings(vehicle)

        def life(node: Node) -> None:
            play(node, rings, 60, per_step=1)
            run(node)

        assert not live(vehicle, "recorder", life, 100)
        disk = Disk(monkeypatch, vehicle.out / "warm")
        disk.away = kind
        node = vehicle.node("recorder")
        seam = node.seam
        assert isinstance(seam, ScriptedSeam)

        def script() -> Iterator[None]:
            for _ in range(50):
                yield
            disk.away = 0
            for tick in range(rings.seq["a"], 60):
                push(rings, tick)
            rings.beat()
            for _ in range(50):
                yield
            rings.end()

        seam.script = script()
        run(node)
        assert sorted(recorded(vehicle)) == wanted(60)


def test_rows_that_the_disk_refuses_do_not_stop_recording(
    vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    vehicle.settings = SETTINGS
    rings = Rings(vehicle, entries=40)
    disk = Disk(monkeypatch, vehicle.out)
    node = vehicle.node("recorder")
    seam = node.seam
    assert isinstance(seam, ScriptedSeam)

    def script() -> Iterator[None]:
        for tick in range(300):
            disk.away = errno.ENOSPC if 50 <= tick < 200 else 0
            push(rings, tick)
            rings.beat()
            yield
        rings.end()

    seam.script = script()
    run(node)
    assert ("/a", 299) in recorded(vehicle)
    outcomes = Counter(vehicle.outcomes("recorder"))
    assert outcomes["warm tier", "down"] == outcomes["warm tier", "healed"] == 1
    assert outcomes["message", "not recorded"] >= 1


def test_when_the_ring_is_dead_it_records_what_is_there_and_leaves(
    vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    vehicle.settings = SETTINGS
    rings = Rings(vehicle)
    for tick in range(30):
        push(rings, tick)
    rings.beat()
    node = vehicle.node("recorder")
    seam = node.seam
    assert isinstance(seam, ScriptedSeam)
    seam.close(stopped=False)
    from winnow_runtime.processes import Process

    monkeypatch.setattr(RingFolder, "owner", lambda _: (Process(0, 0), ""))
    begun = vehicle.clock.monotonic_ns()
    run(node)
    assert ORPHANED_S <= (vehicle.clock.monotonic_ns() - begun) / S < ORPHANED_S + 1
    assert sorted(recorded(vehicle)) == wanted(30)


def test_eviction_keeps_what_a_window_needs(vehicle: Vehicle) -> None:
    from winnow_runtime.ring.board import Cell

    vehicle.settings = {
        "recorder": {**SETTINGS["recorder"], "limit_gb": 0.0004, "min_retention_s": 0},
    }
    rings = Rings(vehicle)
    cell = Cell(rings.folder.path, "extractor")
    cell.write(done=0, keep_ns=16 * S)
    node = vehicle.node("recorder")
    seam = node.seam
    assert isinstance(seam, ScriptedSeam)

    def script() -> Iterator[None]:
        for tick in range(400):
            push(rings, tick)
            rings.beat()
            yield
        rings.end()

    seam.script = script()
    run(node)
    kept = [segment.start_ns for segment in segments(vehicle.out / "warm" / "run-1")]
    assert kept
    assert min(kept) <= 16 * S
    assert min(kept) > 0
    assert ("segment", "evicted") in vehicle.outcomes("recorder")


def test_switched_off_it_writes_nothing_and_nobody_waits_for_it(vehicle: Vehicle) -> None:
    vehicle.settings = {"recorder": {"enabled": False}}
    rings = Rings(vehicle)
    node = vehicle.node("recorder")
    seam = node.seam
    assert isinstance(seam, ScriptedSeam)

    def script() -> Iterator[None]:
        for tick in range(50):
            push(rings, tick)
            rings.beat()
            yield
            cell = read_cell(rings.folder.path, "recorder")
            assert cell is not None
            assert cell.finished
        rings.end()

    seam.script = script()
    run(node)
    assert not (vehicle.out / "warm").exists()
    assert vehicle.ended("recorder", "decisions")
    assert all(said["level"] == 0 for said in health(node))


@pytest.mark.parametrize("kind", ["back", "absurd"])
def test_stepped_clocks_do_not_make_a_killed_recorder_record_again(kind: str) -> None:
    """The newest segment is not the last by name then; killed at every step on disk in turn."""
    back = [*range(12), *range(-1000, -988), *range(-3000, -2988)]
    absurd = [tick + 10**7 * (tick % 5 == 3) for tick in range(36)]
    stamps = back if kind == "back" else absurd

    def life(node: Node, rings: Rings) -> None:
        seam = node.seam
        assert isinstance(seam, ScriptedSeam)

        def script() -> Iterator[None]:
            for tick in stamps[rings.seq.get("a", 0) :]:
                rings.push(A, 4000 * S + tick * S, b"x")
                if tick % 3 == 0:
                    rings.beat()
                    yield
            rings.end()

        seam.script = script()
        run(node)

    countdown, over = 20, False
    while not over:
        with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:
            vehicle = Vehicle(Path(base), SETTINGS)
            rings = Rings(vehicle)
            over = live(vehicle, "recorder", lambda node, rings=rings: life(node, rings), countdown)
            assert over or live(vehicle, "recorder", lambda node, rings=rings: life(node, rings), None)
            rows = indexed(vehicle)
            assert sorted(seq for _, seq in rows) == list(range(1, len(stamps) + 1)), countdown
            vehicle.close()
        countdown += 2
    assert countdown > 100
