"""The extractor as its process runs it: undisturbed, killed anywhere, on a full disk, behind bad edges, over two runs."""

import errno
import functools
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from tests.nodes.vehicle_rig import Kill, Rings, S, ScriptedSeam, Vehicle, live

from winnow_extractor.demand import PRE_ROLL_MAX_NS, PreRoll
from winnow_extractor.node import Loop, run
from winnow_recorder.node import run as run_recorder
from winnow_runtime.node import GRACE_S, ORPHANED_S
from winnow_runtime.ring.board import Cell, End, read_cell
from winnow_runtime.seam import Closed
from winnow_schemas.channel import Channel
from winnow_schemas.messages import ClipReady, TriggerEvent, Watermark
from winnow_schemas.sidecar import read_sidecar

A, B = Channel("/a", "json"), Channel("/b", "raw")
NO_WARM: dict[str, Any] = {"recorder": {"enabled": False}, "triggers": {"library": "none"}}


def event(
    t_s: float, name: str = "x", pre_s: float = 2, post_s: float = 1, priority: int = 1
) -> TriggerEvent:
    return TriggerEvent(
        event_id=f"{name}-{t_s}",
        type=name,
        priority=priority,
        t_ns=int(t_s * S),
        pre_roll_ns=int(pre_s * S),
        post_roll_ns=int(post_s * S),
        value=6.0,
        threshold=5.0,
        condition="x > 5",
        values='{"x": 6.0}',
        topics=[],
        latitude_deg=48.0,
        longitude_deg=11.0,
    )


EVENTS = [event(4), event(4.5, "y", priority=0), event(12, "z", priority=3), event(19.5, "late", post_s=5)]


def fill(rings: Rings, start_s: int = 0, seconds: int = 20) -> None:
    for tick in range(start_s * 10, (start_s + seconds) * 10):
        rings.push(A, tick * S // 10, b'{"v": %d}' % tick)
        if tick % 5 == 0:
            rings.push(B, tick * S // 10 + 1, bytes([tick % 256]) * 300)


def clips(vehicle: Vehicle) -> dict[str, bytes]:
    """Everything below clips/, byte for byte."""
    root = vehicle.out / "clips"
    return {
        str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()
    }


def messages(path: Path) -> list[tuple[int, str, bytes]]:
    with path.open("rb") as file:
        return [
            (m.log_time, c.topic, m.data) for _, c, m in make_reader(file, validate_crcs=True).iter_messages()
        ]


def decided(vehicle: Vehicle) -> set[tuple[Any, ...]]:
    """The rows of the ledger, those about mending left aside."""
    rows = vehicle.decisions("extractor")
    assert len(rows) == len(set(rows))
    return {row for row in rows if row[3] != "removed"}


def ended_run(vehicle: Vehicle, events: list[TriggerEvent] = EVENTS) -> Rings:
    rings = Rings(vehicle)
    fill(rings)
    rings.end()
    vehicle.feed("triggers", "events", {each.event_id: each for each in events})
    return rings


def test_a_run_to_its_end(vehicle: Vehicle) -> None:
    vehicle.settings = NO_WARM
    ended_run(vehicle)
    run(vehicle.node("extractor"))
    ready = [ClipReady.from_builtins(record) for record in vehicle.records("extractor", "clips")]
    assert [(clip.types, clip.start_ns / S, clip.end_ns / S) for clip in ready] == [
        (["x", "y"], 2.0, 5.5),
        (["z"], 10.0, 13.0),
        (["late"], 17.5, 24.5),
    ]
    for clip in ready:
        sidecar = read_sidecar((vehicle.out / clip.path).with_suffix(".json"))
        inside = messages(vehicle.out / clip.path)
        assert all(clip.start_ns <= t_ns < clip.end_ns for t_ns, _, _ in inside)
        assert len(inside) == sidecar.messages == clip.messages
        assert sidecar.truncated == (clip.types == ["late"])
        assert (vehicle.out / clip.path).stat().st_size == clip.size_bytes
    assert [message for message in messages(vehicle.out / ready[1].path) if message[1] == "/a"] == [
        (tick * S // 10, "/a", b'{"v": %d}' % tick) for tick in range(100, 130)
    ]
    assert vehicle.ended("extractor", "clips")
    assert vehicle.leftovers() == []


@functools.cache
def undisturbed() -> tuple[dict[str, bytes], set[Any], list[str]]:
    with TemporaryDirectory() as base:
        vehicle = Vehicle(Path(base), NO_WARM)
        ended_run(vehicle)
        run(vehicle.node("extractor"))
        vehicle.close()
        return clips(vehicle), decided(vehicle), vehicle.ids("extractor", "clips")


@settings(max_examples=60, deadline=None)
@given(kills=st.lists(st.integers(min_value=0, max_value=110), min_size=1, max_size=4))
def test_killed_anywhere_it_comes_to_the_same(kills: list[int]) -> None:
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:
        vehicle = Vehicle(Path(base), NO_WARM)
        ended_run(vehicle)
        over = [live(vehicle, "extractor", run, countdown) for countdown in [*kills, None]]
        assert over[-1]
        assert (clips(vehicle), decided(vehicle), vehicle.ids("extractor", "clips")) == undisturbed()
        assert vehicle.leftovers() == []
        assert vehicle.ended("extractor", "clips")
        vehicle.close()


def test_a_watermark_that_overtakes_its_events_closes_no_window_too_early(vehicle: Vehicle) -> None:
    """x and y belong into one clip; y's message is lost on the way, and the watermark comes without it."""
    vehicle.settings = NO_WARM
    rings = Rings(vehicle)
    fill(rings)
    rings.beat()
    node = vehicle.node("extractor")
    loop = Loop(node, _view(vehicle))
    journal = vehicle.journal("triggers", "events")
    for number, each in enumerate(EVENTS[:2], start=1):
        journal.append(each.event_id, _json(each))
        if number == 1:
            node.seam.push("events", each.to_arrow(), {"n": number})  # type: ignore[attr-defined]
    node.seam.push("watermark", Watermark(watermark_ns=10 * S, events=2).to_arrow())  # type: ignore[attr-defined]
    for _ in range(4):
        got = node.next(0.0)
        loop.take(got)
        while loop.step(look=False):
            pass
    (clip,) = vehicle.records("extractor", "clips")
    assert clip["types"] == ["x", "y"]
    vehicle.gone("extractor")


def _view(vehicle: Vehicle, run_id: str = "run-1") -> Any:
    from winnow_runtime.ring.view import try_open

    view = try_open(vehicle.shm, run_id)
    assert view is not None
    return view


def _json(record: Any) -> Any:
    import json

    return json.loads(record.to_json())


class TestAnEarlierRun:
    """What a kill left open is cut from its own run's segments, and never mixed with the run at hand."""

    def leave_open(self, vehicle: Vehicle, seconds: int = 20) -> None:
        """The extractor of the first run is killed while a window is open; its events are in the journal."""
        rings = Rings(vehicle, "run-1")
        fill(rings, 0, seconds)
        rings.beat()
        journal = vehicle.journal("triggers", "events", "run-1")
        journal.append("one", _json(event(5)))
        node = vehicle.node("extractor", "run-1")
        loop = Loop(node, _view(vehicle))
        assert not loop.step(look=True)  # its window has not closed: no watermark yet
        journal.append("two", _json(event(15, "unread")))
        journal.close()
        vehicle.gone("extractor")
        rings.end(End.STOPPED)
        run_recorder(vehicle.node("recorder", "run-1"))
        vehicle.gone("recorder")
        rings.folder.remove()

    @pytest.mark.parametrize("killed_at", [None, 3, 10, 25, 40])
    def test_both_runs_get_their_clips(self, vehicle: Vehicle, killed_at: int | None) -> None:
        self.leave_open(vehicle)
        # The second run's messages have the same times, and its triggers were quicker than this node.
        rings = Rings(vehicle, "run-2")
        for tick in range(200):
            rings.push(A, tick * S // 10, b'{"w": %d}' % tick)
        rings.end()
        writer = vehicle.journal("triggers", "events", "run-2")
        writer.append("three", _json(event(7, "second")))
        writer.end()
        if killed_at is not None:
            live(vehicle, "extractor", run, killed_at, run_id="run-2")
        assert live(vehicle, "extractor", run, None, run_id="run-2")
        ready = {tuple(record["types"]): record for record in vehicle.records("extractor", "clips")}
        assert set(ready) == {("x",), ("unread",), ("second",)}
        for types, key in ((("x",), b'{"v"'), (("unread",), b'{"v"'), (("second",), b'{"w"')):
            inside = messages(vehicle.out / ready[types]["path"])
            assert [data[:4] for _, topic, data in inside if topic == "/a"] == [key] * 30
            assert not read_sidecar((vehicle.out / ready[types]["path"]).with_suffix(".json")).truncated
        assert vehicle.leftovers() == []

    def test_a_window_that_the_earlier_run_did_not_fill_is_truncated(self, vehicle: Vehicle) -> None:
        self.leave_open(vehicle, seconds=15)
        rings = Rings(vehicle, "run-2")
        rings.value("/a", 1, 1)
        rings.end()
        vehicle.feed("triggers", "events", {}, "run-2")
        run(vehicle.node("extractor", "run-2"))
        found = {
            sidecar.trigger_type: sidecar.truncated
            for sidecar in map(read_sidecar, (vehicle.out / "clips").rglob("*.json"))
        }
        assert found == {"x": False, "unread": True}

    def test_runs_in_which_the_extractor_never_came_up_are_cut_too(self, vehicle: Vehicle) -> None:
        self.leave_open(vehicle)
        for run_id in ("run-2", "run-3"):
            rings = Rings(vehicle, run_id)
            fill(rings)
            rings.end()
            vehicle.feed("triggers", "events", {run_id: event(9, run_id)}, run_id)
            if run_id == "run-2":
                run_recorder(vehicle.node("recorder", run_id))
                rings.folder.remove()
        run(vehicle.node("extractor", "run-3"))
        types = [record["types"] for record in vehicle.records("extractor", "clips")]
        assert types == [["x"], ["unread"], ["run-2"], ["run-3"]]


class TestABadDisk:
    def test_a_clip_that_the_disk_refuses_is_cut_when_it_heals(
        self, vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        vehicle.settings = NO_WARM
        ended_run(vehicle)
        real, refusals = os.fsync, [0]

        def refuse(file: int) -> None:
            refusals[0] += 1
            if 8 < refusals[0] < 14:
                raise OSError(errno.ENOSPC, "No space left on device")
            real(file)

        monkeypatch.setattr(os, "fsync", refuse)
        node = vehicle.node("extractor")
        run(node)
        assert refusals[0] > 14
        assert (clips(vehicle), decided(vehicle), vehicle.ids("extractor", "clips")) == undisturbed()
        assert vehicle.leftovers() == []
        seam = node.seam
        assert isinstance(seam, ScriptedSeam)
        levels = [value[0].as_py()["level"] for output, value, _ in seam.sent if output == "health"]
        assert 2 in levels
        assert any("No space left" in text for level, text in seam.logged if level == "error")

    def test_a_disk_that_stays_full_ends_with_a_sentence_after_the_grace_time(
        self, vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        vehicle.settings = NO_WARM
        ended_run(vehicle)
        node = vehicle.node("extractor")
        node.closed = Closed(stopped=True)

        def refuse(*_: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "write", refuse)
        from winnow_schemas.errors import UnavailableError

        with pytest.raises(UnavailableError, match="No space left"):
            run(node)


class TestLeaving:
    def script(self, rings: Rings, *, stopped: bool, seam: ScriptedSeam) -> Iterator[None]:
        yield
        fill(rings)
        rings.beat()
        yield
        seam.close(stopped=stopped)

    def test_a_stop_whose_producer_never_ends_leaves_within_the_grace_time(self, vehicle: Vehicle) -> None:
        vehicle.settings = NO_WARM
        rings = Rings(vehicle)
        node = vehicle.node("extractor")
        seam = node.seam
        assert isinstance(seam, ScriptedSeam)
        vehicle.journal("triggers", "events").append("one", _json(event(5)))
        seam.script = self.script(rings, stopped=True, seam=seam)
        begun = vehicle.clock.monotonic_ns()
        run(node)
        took = (vehicle.clock.monotonic_ns() - begun) / S
        assert GRACE_S <= took < GRACE_S + 1
        saved = node.load_checkpoint()
        assert saved is not None
        assert [each["event_id"] for each in saved["extractor"]["planner"]["open"]["events"]] == ["x-5"]

    def test_a_dead_producer_is_waited_for_a_while(self, vehicle: Vehicle) -> None:
        vehicle.settings = NO_WARM
        rings = Rings(vehicle)
        node = vehicle.node("extractor")
        seam = node.seam
        assert isinstance(seam, ScriptedSeam)
        vehicle.journal("triggers", "events").append("one", _json(event(5)))
        seam.script = self.script(rings, stopped=False, seam=seam)
        begun = vehicle.clock.monotonic_ns()
        run(node)
        assert ORPHANED_S <= (vehicle.clock.monotonic_ns() - begun) / S < ORPHANED_S + 1
        assert vehicle.ended("extractor", "clips")


class TestWhatTheRingsHold:
    TRIGGERS: ClassVar[dict[str, Any]] = {
        "library": "none",
        "set": {
            "short": {"when": "x > 1", "priority": "P1", "pre_roll_s": 4, "post_roll_s": 1},
            "long": {"when": "x > 2", "priority": "P1", "pre_roll_s": 7, "post_roll_s": 1},
            "off": {"when": "x > 3", "priority": "P1", "pre_roll_s": 90, "post_roll_s": 1, "enabled": False},
        },
    }

    def loop(self, vehicle: Vehicle, **more: Any) -> Loop:
        vehicle.settings = {
            "signals": {"x": {"topic": "/x", "field": "v"}},
            "triggers": self.TRIGGERS,
            "recorder": {"enabled": False},
            **more,
        }
        rings = Rings(vehicle)
        fill(rings)
        rings.beat()
        return Loop(vehicle.node("extractor"), _view(vehicle))

    def held(self, loop: Loop) -> int:
        loop.step(look=True)
        cell = read_cell(loop.view.folder.path, "extractor")
        assert cell is not None
        return cell.hold_ns

    def test_the_longest_pre_roll_behind_the_watermark(self, vehicle: Vehicle) -> None:
        loop = self.loop(vehicle)
        assert self.held(loop) == -(2**63)
        loop.watermark_ns = 15 * S
        assert self.held(loop) == 8 * S

    def test_and_what_an_open_window_needs(self, vehicle: Vehicle) -> None:
        loop = self.loop(vehicle)
        vehicle.journal("triggers", "events").append("one", _json(event(13, pre_s=7, post_s=4)))
        loop.watermark_ns = 15 * S
        assert self.held(loop) == 6 * S

    def test_a_foreign_event_with_a_longer_pre_roll_raises_it(self, vehicle: Vehicle) -> None:
        loop = self.loop(vehicle)
        vehicle.journal("triggers", "events").append("one", _json(event(12, pre_s=10, post_s=1)))
        loop.watermark_ns = 19 * S
        assert self.held(loop) == 9 * S

    def test_with_a_warm_tier_nothing_is_held(self, vehicle: Vehicle) -> None:
        loop = self.loop(vehicle, recorder={"enabled": True})
        loop.watermark_ns = 15 * S
        assert self.held(loop) == Cell.FREE

    def test_triggers_that_do_not_resolve_hold_what_the_settings_allow(self, vehicle: Vehicle) -> None:
        vehicle.settings = {
            "triggers": {
                "library": "none",
                "set": {"bad": {"when": "nothing > 1", "priority": "P1", "pre_roll_s": 1, "post_roll_s": 1}},
            }
        }
        node = vehicle.node("extractor")
        assert PreRoll(node.settings, node.document).longest_ns == PRE_ROLL_MAX_NS


def test_one_impossible_window_does_not_stop_the_others(vehicle: Vehicle) -> None:
    import msgspec

    vehicle.settings = NO_WARM
    nowhere = msgspec.structs.replace(event(3), latitude_deg=float("nan"), longitude_deg=11.0)
    broken = msgspec.structs.replace(event(9, "broken"), values="{not JSON")
    ended_run(vehicle, [nowhere, broken, event(15, "fine")])
    run(vehicle.node("extractor"))
    assert [record["types"] for record in vehicle.records("extractor", "clips")] == [["x"], ["fine"]]
    assert ("clip", "impossible") in vehicle.outcomes("extractor")
    assert vehicle.leftovers() == []


def test_health_is_said_every_second(vehicle: Vehicle) -> None:
    vehicle.settings = NO_WARM
    rings = Rings(vehicle)
    fill(rings)
    rings.beat()
    node = vehicle.node("extractor")
    seam = node.seam
    assert isinstance(seam, ScriptedSeam)

    def script() -> Iterator[None]:
        for _ in range(50):  # ten seconds
            yield
        rings.end(End.STOPPED)
        vehicle.feed("triggers", "events", {})

    seam.script = script()
    run(node)
    said = [value for output, value, _ in seam.sent if output == "health"]
    assert 9 <= len(said) <= 12


def test_kill_is_no_error_that_anything_catches() -> None:
    assert not issubclass(Kill, Exception)
