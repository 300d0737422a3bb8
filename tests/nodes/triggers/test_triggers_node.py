"""The triggers node as its process runs it: the same events and decisions, whatever is killed, late or dead."""

import functools
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.nodes.vehicle_rig import LeavesNeverError, Rings, S, ScriptedSeam, Vehicle, live

from winnow_runtime.node import GRACE_S, ORPHANED_S, Node
from winnow_runtime.processes import Process
from winnow_runtime.ring.board import End, read_cell
from winnow_runtime.ring.folder import RingFolder
from winnow_runtime.seam import Parameter
from winnow_schemas.messages import Watermark
from winnow_triggers.node import run

SETTINGS: dict[str, Any] = {
    "signals": {
        "x": {"topic": "/x", "field": "v"},
        "y": {"topic": "/y", "field": "v"},
    },
    "triggers": {
        "library": "none",
        "set": {
            "high": {
                "when": "x > threshold",
                "priority": "P1",
                "pre_roll_s": 2,
                "post_roll_s": 1,
                "cooldown_s": 1,
                "params": {"threshold": 5.0},
            },
            "mean": {"when": "mean(y, 2 s) > 3", "priority": "P2", "pre_roll_s": 2, "post_roll_s": 1},
            "both": {
                "when": "x > 4 and y > 4",
                "priority": "P0",
                "pre_roll_s": 2,
                "post_roll_s": 1,
                "cooldown_s": 0,
            },
            "idle": {"when": "x > 99", "priority": "P3", "pre_roll_s": 1, "post_roll_s": 1, "enabled": False},
        },
    },
}


def values(tick: int) -> tuple[int, int]:
    return (tick * 7) % 11, (tick * 3) % 8


def push(rings: Rings, tick: int) -> None:
    x, y = values(tick)
    rings.value("/x", tick * S // 10, x)
    rings.value("/y", tick * S // 10, y)


def story(vehicle: Vehicle, node: Node, rings: Rings, ticks: int, *, end: bool = True) -> None:
    """Ten ticks a second; the node is asked every fifth."""
    seam = node.seam
    assert isinstance(seam, ScriptedSeam)

    def script() -> Iterator[None]:
        for tick in range(rings.seq.get("x", 0), ticks):
            push(rings, tick)
            if tick % 5 == 0:
                rings.beat()
                yield
        rings.beat()
        yield
        if end:
            rings.end()

    seam.script = script()


def facts(vehicle: Vehicle) -> tuple[list[Any], list[Any]]:
    """Events in order, rows of the ledger."""
    return vehicle.records("triggers", "events"), sorted(vehicle.decisions("triggers"))


def whole(vehicle: Vehicle, ticks: int = 150) -> Rings:
    vehicle.settings = SETTINGS
    rings = Rings(vehicle)
    node = vehicle.node("triggers")
    story(vehicle, node, rings, ticks)
    run(node)
    vehicle.gone("triggers")
    return rings


@functools.cache
def undisturbed() -> tuple[list[Any], list[Any]]:
    with TemporaryDirectory() as base:
        vehicle = Vehicle(Path(base))
        whole(vehicle)
        vehicle.close()
        return facts(vehicle)


def test_a_run_to_its_end(vehicle: Vehicle) -> None:
    whole(vehicle)
    events, rows = facts(vehicle)
    assert {event["type"] for event in events} == {"high", "mean", "both"}
    assert [event["t_ns"] for event in events] == sorted(event["t_ns"] for event in events)
    # The plain definition of `both`, an edge trigger: true now, and not at the moment before.
    moments = []
    for tick in range(150):
        x, y = values(tick)
        before = values(tick - 1)[1] if tick else 0
        moments += [(tick, x > 4 and before > 4), (tick, x > 4 and y > 4)]
    edges = [tick for (_, was), (tick, now) in itertools.pairwise(moments) if now and not was]
    assert [event["t_ns"] * 10 // S for event in events if event["type"] == "both"] == edges
    assert {row[2] for row in rows if row[3] == "fired"} == {"high", "mean", "both"}
    assert vehicle.ended("triggers", "events")
    assert vehicle.ended("triggers", "decisions")


@settings(max_examples=25, deadline=None)
@given(kills=st.lists(st.integers(min_value=0, max_value=400), min_size=1, max_size=4))
def test_killed_anywhere_it_decides_the_same(kills: list[int]) -> None:
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:
        vehicle = Vehicle(Path(base), SETTINGS)
        rings = Rings(vehicle)
        push(rings, 0)  # making the rings is not this node's work, and must not be what kills it

        def life(node: Node) -> None:
            story(vehicle, node, rings, 150)
            run(node)

        for countdown in [*kills, None]:
            over = live(vehicle, "triggers", life, countdown)
        assert over
        assert facts(vehicle) == undisturbed()
        assert vehicle.leftovers() == []
        vehicle.close()


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_how_messages_arrive_does_not_matter(data: st.DataObject) -> None:
    """Ports run ahead of each other, beats come when they like; the watermark only says what is complete."""
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:
        vehicle = Vehicle(Path(base), SETTINGS)
        rings = Rings(vehicle)
        rings.value("/x", 0, values(0)[0])
        node = vehicle.node("triggers")
        seam = node.seam
        assert isinstance(seam, ScriptedSeam)

        def script() -> Iterator[None]:
            at = {"/x": 1, "/y": 0}
            while min(at.values()) < 150:
                topic = data.draw(st.sampled_from(sorted(topic for topic in at if at[topic] < 150)))
                for _ in range(data.draw(st.integers(1, 40))):
                    if at[topic] < 150:
                        value = values(at[topic])[topic == "/y"]
                        rings.value(topic, at[topic] * S // 10, value)
                        at[topic] += 1
                rings.beat(min(at.values()) * S // 10)
                yield
            rings.end()

        seam.script = script()
        run(node)
        assert facts(vehicle) == undisturbed()
        vehicle.close()


def test_the_watermark_names_the_newest_event_of_the_journal(vehicle: Vehicle) -> None:
    vehicle.settings = SETTINGS
    rings = Rings(vehicle)
    node = vehicle.node("triggers")
    story(vehicle, node, rings, 150)
    run(node)
    seam = node.seam
    assert isinstance(seam, ScriptedSeam)
    sent: list[int] = []
    last = -(2**63)
    times = {
        number: event["t_ns"] for number, event in enumerate(vehicle.records("triggers", "events"), start=1)
    }
    for output, value, _ in seam.sent:
        if output == "events":
            sent.append(value[0].as_py()["t_ns"])
        elif output == "watermark":
            mark = Watermark.from_arrow(value)
            assert mark.events == len(sent)
            assert mark.watermark_ns >= last
            last = mark.watermark_ns
            assert all(t_ns >= mark.watermark_ns for number, t_ns in times.items() if number > mark.events)
    assert last == 2**63 - 1


def test_late_messages_are_decided_on_arrival_and_counted(vehicle: Vehicle) -> None:
    vehicle.settings = SETTINGS
    rings = Rings(vehicle)
    node = vehicle.node("triggers")
    seam = node.seam
    assert isinstance(seam, ScriptedSeam)

    def script() -> Iterator[None]:
        for tick in range(20):
            rings.value("/x", tick * S // 10, 0)
        rings.beat(2 * S)
        yield
        rings.value("/x", 2 * S - S // 20, 9)  # 50 ms behind what was promised
        rings.beat(2 * S)
        for _ in range(15):
            yield
        rings.end()

    seam.script = script()
    run(node)
    assert [event["type"] for event in vehicle.records("triggers", "events")] == ["high"]
    said = [json.loads(value[0].as_py()["values"]) for output, value, _ in seam.sent if output == "health"]
    assert said[-1]["late"] == 1


class TestLeaving:
    def test_a_stop_decides_what_is_there(self, vehicle: Vehicle) -> None:
        vehicle.settings = SETTINGS
        rings = Rings(vehicle)
        for tick in range(150):
            push(rings, tick)
        rings.beat(0)  # nothing is complete yet
        node = vehicle.node("triggers")
        seam = node.seam
        assert isinstance(seam, ScriptedSeam)

        def script() -> Iterator[None]:
            yield
            seam.close(stopped=True)
            yield
            rings.end(End.STOPPED)

        seam.script = script()
        # After a stop the seam is not asked again: the ring ends while the node waits.
        original = vehicle.clock.sleep_s

        def sleep(seconds: float) -> None:
            next(seam.script, None)
            original(seconds)

        vehicle.clock.sleep_s = sleep  # type: ignore[method-assign]
        begun = vehicle.clock.monotonic_ns()
        run(node)
        assert (vehicle.clock.monotonic_ns() - begun) / S < GRACE_S
        assert facts(vehicle)[0] == undisturbed()[0]

    def test_a_dead_ring_is_given_up_and_what_it_left_is_decided(
        self, vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        vehicle.settings = SETTINGS
        rings = Rings(vehicle)
        for tick in range(150):
            push(rings, tick)
        rings.beat(5 * S)
        node = vehicle.node("triggers")
        seam = node.seam
        assert isinstance(seam, ScriptedSeam)
        seam.close(stopped=False)
        monkeypatch.setattr(RingFolder, "owner", lambda _: (Process(0, 0), ""))
        begun = vehicle.clock.monotonic_ns()
        run(node)
        assert ORPHANED_S <= (vehicle.clock.monotonic_ns() - begun) / S < ORPHANED_S + 1
        assert facts(vehicle)[0] == undisturbed()[0]
        assert vehicle.ended("triggers", "events")

    def test_a_living_ring_is_waited_for(self, vehicle: Vehicle) -> None:
        vehicle.settings = SETTINGS
        rings = Rings(vehicle)
        push(rings, 0)
        rings.beat()
        node = vehicle.node("triggers")
        seam = node.seam
        assert isinstance(seam, ScriptedSeam)
        seam.close(stopped=False)
        naps = [0]
        original = vehicle.clock.sleep_s

        def sleep(seconds: float) -> None:
            naps[0] += 1
            if naps[0] == 3000:  # a minute
                rings.end()
            assert naps[0] < 3010
            original(seconds)

        vehicle.clock.sleep_s = sleep  # type: ignore[method-assign]
        run(node)
        assert naps[0] >= 3000


class TestParameters:
    def test_a_changed_parameter_survives_a_kill_and_another_run(self, vehicle: Vehicle) -> None:
        vehicle.settings = SETTINGS
        rings = Rings(vehicle)
        node = vehicle.node("triggers")
        seam = node.seam
        assert isinstance(seam, ScriptedSeam)
        seam.events.append(Parameter("high.threshold", 100.0))
        seam.events.append(Parameter("high.nothing", 1))
        seam.events.append(Parameter("high.threshold", "much"))
        rings.value("/x", S, 9)
        rings.beat()
        seam.patience = 10
        with pytest.raises(LeavesNeverError):
            run(node)  # killed in the middle of it
        outcomes = [row[3] for row in vehicle.decisions("triggers") if row[0] == "parameter"]
        assert outcomes == ["set", "refused", "refused"]
        node = vehicle.node("triggers")
        story(vehicle, node, rings, 100)
        run(node)
        assert "high" not in {event["type"] for event in vehicle.records("triggers", "events")}
        vehicle.gone("triggers")
        second = Rings(vehicle, "run-2")
        node = vehicle.node("triggers", "run-2")
        story(vehicle, node, second, 100)
        run(node)
        assert "high" not in {event["type"] for event in vehicle.records("triggers", "events")}


def test_what_cannot_be_decoded_is_said_once_and_counted(vehicle: Vehicle) -> None:
    from winnow_schemas.channel import Channel

    vehicle.settings = SETTINGS
    rings = Rings(vehicle)
    for tick in range(50):
        rings.push(Channel("/x", "json"), tick * S // 10, b"not JSON" if tick % 2 else b'{"v": 9}')
    rings.end()
    node = vehicle.node("triggers")
    run(node)
    seam = node.seam
    assert isinstance(seam, ScriptedSeam)
    rows = [row for row in vehicle.decisions("triggers") if row[0] == "signal"]
    assert len(rows) == 1
    said = [json.loads(value[0].as_py()["values"]) for output, value, _ in seam.sent if output == "health"]
    assert said[-1]["undecodable"] == 25
    assert [event["type"] for event in vehicle.records("triggers", "events")][:1] == ["high"]


def test_the_cell_lets_the_ring_go_on_only_behind_a_checkpoint(vehicle: Vehicle) -> None:
    rings = whole(vehicle)
    cell = read_cell(rings.folder.path, "triggers")
    assert cell is not None
    assert cell.finished
    saved = json.loads((vehicle.out / "state/triggers/checkpoint.json").read_text())
    assert saved["deciding"]["feed"]["watermark_ns"] == 2**63 - 1
