"""The source, the real ring behind it, and a robot of Zenoh sessions; dora is left out."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.fakes import FakeSeam
from tests.ros2_robot import Publisher, Robot

from winnow_ring.node import Ring
from winnow_ros2.arrivals import TopicCounts
from winnow_ros2.source import LiveSource
from winnow_runtime.clock import SystemClock
from winnow_runtime.journal import JournalReader
from winnow_runtime.node import Node
from winnow_runtime.ring.view import RingView
from winnow_runtime.seam import Input
from winnow_schemas.settings import load_settings

LONGEST_S = 15.0
"""Zenoh's discovery takes milliseconds; a loaded machine may take seconds."""


def descriptor(ports: list[str]) -> dict[str, Any]:
    return {
        "nodes": [
            {
                "id": "ros2",
                "outputs": [*ports, "control", "health", "decisions"],
                "inputs": {"credit": "ring/credit"},
            },
            {
                "id": "ring",
                "outputs": ["heartbeat", "credit", "health", "decisions"],
                "inputs": {port: {"source": f"ros2/{port}", "queue_size": 1000} for port in ports}
                | {"control": "ros2/control"},
            },
        ]
    }


class Bench:
    """Source and ring, wired without loss."""

    def __init__(
        self, folder: Path, robot: Robot, ports: list[str], ros2: dict[str, Any], run_id: str, **settings: Any
    ) -> None:
        self.folder = folder
        (folder / "shm").mkdir(exist_ok=True)
        (folder / "out").mkdir(exist_ok=True)
        values = {
            "ring": {"shm_dir": str(folder / "shm"), "prefault": False, "memory_mib": 64},
            "default_topic": {"ring_mib": 1},
            "ros2": {"connect": [robot.endpoint], "domain": robot.domain, "look_every_s": 0, **ros2},
            **settings,
        }
        path = folder / "settings.yml"
        path.write_text(yaml.safe_dump(values), "utf-8")
        parsed, document = load_settings(path)
        self.clock = SystemClock()
        self.nodes = [
            Node(FakeSeam(name, descriptor(ports), run_id), parsed, document, folder / "out", self.clock)
            for name in ("ros2", "ring")
        ]
        self.ring = Ring(self.nodes[1])
        self.source = LiveSource(self.nodes[0], environment={})
        self._exchange_hello()

    def _exchange_hello(self) -> None:
        seam = self.nodes[0].seam
        assert isinstance(seam, FakeSeam)
        self.ring.beat()
        self._to_source()
        assert self.source.greet()

    def _to_source(self) -> None:
        source, ring = self.nodes[0].seam, self.nodes[1].seam
        assert isinstance(source, FakeSeam)
        assert isinstance(ring, FakeSeam)
        for output, value, metadata in ring.sent:
            if output == "credit":
                source.push("credit", value, metadata)
        ring.sent.clear()

    def round(self) -> None:
        """What both do in some 20 ms."""
        self.source.arrivals.wait(0.02)
        while (event := self.nodes[0].next(0.0)) is not None:
            self.source.stream.handle(event)
        self.source.step()
        seam = self.nodes[0].seam
        assert isinstance(seam, FakeSeam)
        sent, seam.sent = list(seam.sent), []
        for output, value, metadata in sent:
            if output not in ("health", "decisions"):
                self.ring.take(Input(output, value, metadata))
        self.ring.beat()
        self._to_source()

    def until(self, done: Callable[[], bool], what: str = "it") -> None:
        """Go on until something is so; fail when it never is."""
        end = time.monotonic() + LONGEST_S
        while not done():
            assert time.monotonic() < end, f"waited {LONGEST_S} s for {what}; totals: {self.source.totals()}"
            self.round()

    def linked(self) -> "Bench":
        """Wait for the router."""
        self.until(lambda: self.source.link.connected, "the router")
        return self

    def subscribed(self, *topics: str) -> "Bench":
        """Wait for subscriptions."""
        self.until(
            lambda: (
                self.source.subscriptions is not None and set(topics) <= set(self.source.subscriptions.topics)
            ),
            f"subscriptions to {topics}",
        )
        return self

    def hears(self, *publishers: Publisher) -> "Bench":
        """Wait until nothing that is published from now on can be missed."""
        self.until(lambda: all(publisher.is_matched for publisher in publishers), "matching publishers")
        return self

    def messages(self) -> list[tuple[str, str, int, int, bytes]]:
        """What the rings hold: (topic, type, t_ns, pub_ns, bytes), by port and order of arrival."""
        view = RingView(self.ring.folder)
        result = []
        for ring in view.rings().values():
            for entry in ring.between(ring.tail, ring.head):
                channel = view.channel(int(entry["channel"]))
                data = ring.copy(entry)
                assert data is not None
                result.append(
                    (channel.topic, channel.schema_name, int(entry["t_ns"]), int(entry["pub_ns"]), data)
                )
        return result

    def payloads(self, topic: str) -> list[bytes]:
        return [message[-1] for message in self.messages() if message[0] == topic]

    def ledger(self) -> list[tuple[str, ...]]:
        """(kind, subject, outcome, reason) of the source's decisions."""
        self.source.report()
        journal = self.folder / "out" / "state" / "ros2" / "decisions"
        wanted = ("kind", "subject", "outcome", "reason")
        return [tuple(line.record[key] for key in wanted) for line in JournalReader(journal).read()]

    def counts(self, topic: str) -> Any:
        return self.source.arrivals.topics.get(topic, TopicCounts())

    def kill(self) -> None:
        """The source dies without a word; the ring goes on."""
        self.source.link.close()
        self.nodes[0].lock.release()

    def restart(self) -> None:
        """A process that follows a killed one."""
        old = self.nodes[0]
        seam = FakeSeam("ros2", old.seam.descriptor, old.run_id)
        self.nodes[0] = Node(seam, old.settings, old.document, old.out, self.clock)
        self.source = LiveSource(self.nodes[0], environment={})
        self._exchange_hello()

    def close(self) -> None:
        self.source.link.close()
        for node in self.nodes:
            node.lock.release()


@pytest.fixture
def robot() -> Iterator[Robot]:
    made = Robot(domain=7)
    yield made
    made.close()


@pytest.fixture
def bench(tmp_path: Path, robot: Robot) -> Iterator[Callable[..., Bench]]:
    """``bench(ports, ros2_settings, **device settings)``."""
    made: list[Bench] = []

    def make(ports: list[str], ros2: dict[str, Any] | None = None, **settings: Any) -> Bench:
        made.append(Bench(tmp_path, robot, ports, ros2 or {}, f"run-{len(made)}", **settings))
        return made[-1]

    yield make
    for each in made:
        each.close()
