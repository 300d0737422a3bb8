"""What every node's loop stands on: leaving, insisting, checkpoints, attaching."""

import errno
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.nodes.vehicle_rig import Rings, ScriptedSeam, Vehicle

from winnow_runtime import atomic
from winnow_runtime.attach import WAIT_S, attach
from winnow_runtime.locks import FolderLock, is_held
from winnow_runtime.node import GRACE_S, ORPHANED_S, RETRY_S
from winnow_runtime.seam import Closed, Parameter
from winnow_schemas.errors import BadInputError, UnavailableError

FULL = OSError(errno.ENOSPC, "No space left on device")


def seam_of(node: Any) -> ScriptedSeam:
    seam = node.seam
    assert isinstance(seam, ScriptedSeam)
    return seam


class TestLeaving:
    def test_an_open_stream_is_never_left(self, vehicle: Vehicle) -> None:
        node = vehicle.node("triggers")
        vehicle.clock.advance_s(1e6)
        assert not node.must_leave(producers_live=False)

    def test_after_a_stop_the_grace_time_counts_whoever_lives(self, vehicle: Vehicle) -> None:
        node = vehicle.node("triggers")
        seam_of(node).close(stopped=True)
        assert isinstance(node.next(1), Closed)
        vehicle.clock.advance_s(GRACE_S)
        assert not node.must_leave(producers_live=False)
        vehicle.clock.advance_s(0.01)
        assert node.must_leave(producers_live=True)

    def test_after_the_inputs_closed_a_living_producer_is_waited_for(self, vehicle: Vehicle) -> None:
        node = vehicle.node("triggers")
        seam_of(node).close(stopped=False)
        node.next(1)
        for _ in range(10):
            vehicle.clock.advance_s(ORPHANED_S)
            assert not node.must_leave(producers_live=True)
        vehicle.clock.advance_s(ORPHANED_S + 0.01)
        assert node.must_leave(producers_live=False)

    def test_a_closed_stream_is_not_asked_again(self, vehicle: Vehicle) -> None:
        node = vehicle.node("triggers")
        seam_of(node).close(stopped=False)
        node.next(1)
        before = vehicle.clock.monotonic_ns()
        assert node.next(1) is None  # the fake would fail: dora answers at once, for ever
        assert 0 < vehicle.clock.monotonic_ns() - before <= 20_000_000


class TestInsisting:
    def test_until_the_disk_takes_it(self, vehicle: Vehicle) -> None:
        node = vehicle.node("triggers")
        tries = [0]

        def write() -> str:
            tries[0] += 1
            if tries[0] < 4:
                raise FULL
            return "done"

        begun = vehicle.clock.monotonic_ns()
        assert node.insist("a record", write) == "done"
        assert vehicle.clock.monotonic_ns() - begun == 3 * RETRY_S * 1e9
        assert node.refused == ""
        assert len([text for level, text in seam_of(node).logged if level == "error"]) == 1
        levels = [value[0].as_py()["level"] for output, value, _ in seam_of(node).sent if output == "health"]
        assert levels == [2, 2, 2]

    def test_no_longer_than_the_grace_time(self, vehicle: Vehicle) -> None:
        node = vehicle.node("triggers")
        seam_of(node).close(stopped=True)
        node.next(1)

        def write() -> None:
            raise FULL

        with pytest.raises(UnavailableError, match=r"No space left.*decided again"):
            node.insist("a record", write)

    def test_who_does_not_want_to_wait_is_told(
        self, vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        node = vehicle.node("triggers")

        def refuse(*_: Any) -> None:
            raise FULL

        with monkeypatch.context() as patch:
            patch.setattr(type(node.journal("decisions")), "append", refuse)
            with pytest.raises(OSError, match="No space left"):
                node.decide("x", t_ns=0, subject="s", outcome="o", reason="r", wait=False)
        node.decide("x", t_ns=0, subject="s", outcome="o", reason="r", wait=False)
        node.decide("x", t_ns=0, subject="s", outcome="o", reason="r")
        assert len(vehicle.records("triggers", "decisions")) == 1


class TestCheckpoints:
    def test_unchanged_ones_are_not_written(self, vehicle: Vehicle) -> None:
        node = vehicle.node("triggers")
        node.save_checkpoint({"a": 1})
        written = (node.state / "checkpoint.json").stat().st_ino
        node.save_checkpoint({"a": 1})
        assert (node.state / "checkpoint.json").stat().st_ino == written
        node.save_checkpoint({"a": 2})
        assert (node.load_checkpoint() or {})["a"] == 2

    def test_a_damaged_one_counts_as_none(self, vehicle: Vehicle) -> None:
        node = vehicle.node("triggers")
        (node.state / "checkpoint.json").write_bytes(b"\0" * 30)
        assert node.load_checkpoint() is None

    def test_a_failed_write_leaves_the_old_one_and_nothing_else(
        self, vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = vehicle.out / "x.json"
        atomic.write_json(path, {"a": 1})

        def refuse(_: int) -> None:
            raise FULL

        monkeypatch.setattr(atomic.os, "fsync", refuse)
        with pytest.raises(OSError, match="No space left"):
            atomic.write_json(path, {"a": 2})
        assert json.loads(path.read_text()) == {"a": 1}
        assert vehicle.leftovers() == []

    def test_what_a_crash_left_in_the_nodes_own_folder_is_cleared(self, vehicle: Vehicle) -> None:
        folder = vehicle.out / "state" / "triggers"
        folder.mkdir(parents=True)
        (folder / "checkpoint.json.part").write_text("{")
        vehicle.node("triggers")
        assert vehicle.leftovers() == []


class TestAttaching:
    def test_what_came_before_the_rings_is_not_forgotten(self, vehicle: Vehicle) -> None:
        node = vehicle.node("triggers")
        seam = seam_of(node)
        seam.events.append(Parameter("high.threshold", 3.0))
        seam.events.append(Parameter("high.threshold", 4.0))

        def script() -> Iterator[None]:
            for _ in range(10):
                yield
            Rings(vehicle).beat()

        seam.script = script()
        attach(node)
        seam.events.append(Parameter("high.threshold", 5.0))
        came = [node.next(0.1) for _ in range(3)]
        assert [event.value for event in came if isinstance(event, Parameter)] == [3.0, 4.0, 5.0]

    def test_rings_that_never_come_are_a_sentence(self, vehicle: Vehicle) -> None:
        node = vehicle.node("triggers")
        begun = vehicle.clock.monotonic_ns()
        with pytest.raises(UnavailableError, match="ring node"):
            attach(node)
        assert (vehicle.clock.monotonic_ns() - begun) / 1e9 == pytest.approx(WAIT_S, abs=1)


def test_an_input_that_is_not_wired_is_a_sentence(vehicle: Vehicle) -> None:
    from winnow_schemas.messages import Verdict

    with pytest.raises(BadInputError, match="'verdicts'"):
        vehicle.node("triggers").inbox("verdicts", Verdict)


def test_asking_who_holds_a_lock_disturbs_nobody(vehicle: Vehicle) -> None:
    folder = vehicle.out / "x"
    assert not is_held(folder / "lock")
    lock = FolderLock(folder, vehicle.clock)
    assert is_held(folder / "lock")
    assert is_held(folder / "lock")
    with pytest.raises(UnavailableError, match="in use by process"):
        FolderLock(folder, vehicle.clock)
    lock.release()
    assert not is_held(folder / "lock")
    FolderLock(folder, vehicle.clock).release()
