"""A source and the ring over a bad dataflow: whatever it drops, everything arrives once, in order."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes import FakeClock, FakeSeam

from winnow_ring.node import Ring
from winnow_runtime.node import Node
from winnow_runtime.playback import MAX, play
from winnow_runtime.ring.board import Cell
from winnow_runtime.ring.view import RingView
from winnow_runtime.seam import Event, Input, NeighbourRestarted
from winnow_runtime.source import SourceStream
from winnow_schemas.channel import Channel, Message

GRAPH: dict[str, Any] = {
    "nodes": [
        {"id": "src", "outputs": ["a", "big", "control"], "inputs": {"credit": "ring/credit"}},
        {
            "id": "ring",
            "outputs": ["heartbeat", "credit", "health", "decisions"],
            "inputs": {
                "a": {"source": "src/a", "queue_size": 10},
                "big": {"source": "src/big", "queue_size": 2},
                "control": "src/control",
            },
        },
        {"id": "reader", "inputs": {"heartbeat": "ring/heartbeat"}},
    ]
}
SETTINGS: dict[str, Any] = {"topics": {"/a": {"ring_mib": 0.03}, "/big": {"ring_mib": 0.04}}}
A, BIG = Channel("/a", "raw"), Channel("/big", "raw")


def recording(count: int) -> list[Message]:
    result = []
    for index in range(count):
        channel = BIG if index % 7 == 3 else A
        size = 9000 if channel is BIG else 30
        result.append(
            Message(channel, index * 1000, index * 1000, np.full(size, index % 251, np.uint8).tobytes())
        )
    return result


class World:
    """Both nodes, a lossy transport between them, a reader that copies everything, and crashes."""

    def __init__(self, make_node: Callable[..., Node], clock: FakeClock, faults: list[str]) -> None:
        self.make_node = make_node
        self.clock = clock
        self.faults = faults
        self.ring = Ring(make_node("ring", GRAPH, SETTINGS))
        self.cell = Cell(self.ring.folder.path, "reader")
        self.at: dict[str, int] = {}
        self.read: dict[str, list[tuple[int, bytes]]] = {"a": [], "big": []}
        self.missed = 0

    def attach(self, node: Node) -> None:
        """Let the source's waiting drive everything else."""
        self.source = node
        seam = node.seam
        assert isinstance(seam, FakeSeam)
        self.seam = seam
        self.taken = 0
        original = seam.next

        def step(timeout_s: float) -> Event | None:
            self.deliver()
            return original(timeout_s)

        seam.next = step  # type: ignore[method-assign]

    def deliver(self) -> None:
        fault = self.faults.pop() if self.faults else ""
        for output, value, meta in self.seam.sent[self.taken :]:
            if fault == "drop":
                fault = ""
                continue
            self.ring.take(Input(output, value, meta))
        self.taken = len(self.seam.sent)
        if fault == "ring dies":
            self.ring = Ring(self.make_node("ring", GRAPH, SETTINGS))
            self.seam.events.append(NeighbourRestarted("ring"))
        self.ring.beat()
        self.follow()
        ring_seam = self.ring.node.seam
        assert isinstance(ring_seam, FakeSeam)
        for output, value, meta in ring_seam.sent:
            if output == "credit" and fault != "deaf":
                self.seam.push("credit", value, meta)
        ring_seam.sent.clear()
        self.clock.advance_s(0.02)

    def follow(self) -> None:
        for port, reader in RingView(self.ring.folder).rings().items():
            head = reader.head
            entries = reader.between(self.at.get(port, 0), head)
            self.missed += head - self.at.get(port, 0) - len(entries)
            for entry in entries:
                data = reader.copy(entry)
                assert data is not None
                self.read[port].append((int(entry["seq"]), data))
            self.at[port] = head
        self.cell.write(done=self.ring.board.read().number, idle=True)


faults = st.lists(st.sampled_from(["", "", "", "drop", "ring dies", "deaf"]), max_size=60)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(faults=faults, source_dies_at=st.integers(min_value=0, max_value=260))
def test_everything_arrives_once_and_in_order(
    make_node: Callable[..., Node], clock: FakeClock, faults: list[str], source_dies_at: int, tmp_path: Path
) -> None:
    import shutil

    for folder in ("shm", "out"):
        shutil.rmtree(tmp_path / folder, ignore_errors=True)
    messages = recording(250)
    world = World(make_node, clock, faults)

    class SourceDiedError(Exception):
        pass

    def until_death() -> Any:
        for index, message in enumerate(messages):
            if index == source_dies_at:
                raise SourceDiedError
            yield message

    for attempt in ("first", "second"):
        node = make_node("src", GRAPH, SETTINGS)
        world.attach(node)
        stream = SourceStream(node, {A: "a", BIG: "big"}, waits=True, resends=True)
        assert stream.greet()
        try:
            assert play(node, stream, until_death() if attempt == "first" else iter(messages), MAX)
        except SourceDiedError:
            continue
        break
    world.follow()
    for port, channel in (("a", A), ("big", BIG)):
        expected = [message.data for message in messages if message.channel is channel]
        assert world.read[port] == list(enumerate(expected, start=1))
    assert world.missed == 0
    assert world.ring.intake.lost == 0
