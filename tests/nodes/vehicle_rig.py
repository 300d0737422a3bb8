"""The vehicle's graph without dora: real rings, journals and files, one node at a time, killed where a test likes."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.fakes import FakeClock, FakeSeam

from winnow_extractor.node import run as run_extractor
from winnow_runtime.journal import JournalReader, JournalWriter
from winnow_runtime.node import Node
from winnow_runtime.ring.board import Beat, Board, Channels, End
from winnow_runtime.ring.folder import RingFolder
from winnow_runtime.ring.layout import Geometry
from winnow_runtime.ring.writer import RingWriter
from winnow_runtime.seam import Event
from winnow_schemas.channel import Channel
from winnow_schemas.ids import port_of
from winnow_schemas.messages import BY_URN, ClipReady, Record, TriggerEvent, Verdict
from winnow_schemas.settings import load_settings

S = 1_000_000_000
_TYPES = {record.__name__: urn for urn, record in BY_URN.items()}


def _node(name: str, inputs: dict[str, str], **outputs: str) -> dict[str, Any]:
    typed = dict(outputs)
    if name != "monitor":
        typed["health"] = "Health"
    typed["decisions"] = "Decision"
    if name == "ledger":
        typed = {}
    return {
        "id": name,
        "inputs": inputs,
        "outputs": list(typed),
        "output_types": {output: _TYPES[kind] for output, kind in typed.items()},
    }


_WORKERS = ["ring", "recorder", "triggers", "extractor", "classifier", "redactor", "uploader", "retention"]
GRAPH: dict[str, Any] = {
    "nodes": [
        _node("ring", {}, heartbeat="Heartbeat", credit="Credit"),
        _node("recorder", {"heartbeat": "ring/heartbeat"}),
        _node("triggers", {"heartbeat": "ring/heartbeat"}, events="TriggerEvent", watermark="Watermark"),
        _node(
            "extractor",
            {
                "heartbeat": "ring/heartbeat",
                "events": "triggers/events",
                "watermark": "triggers/watermark",
            },
            clips="ClipReady",
        ),
        _node("classifier", {"clips": "extractor/clips"}, verdicts="Verdict"),
        _node("redactor", {"verdicts": "classifier/verdicts"}, outgoing="Outgoing"),
        _node("uploader", {"outgoing": "redactor/outgoing"}, receipts="Receipt"),
        _node("retention", {"receipts": "uploader/receipts"}),
        _node("monitor", {f"health_{name}": f"{name}/health" for name in _WORKERS}, diagnostics="Health"),
        _node("ledger", {f"decisions_{name}": f"{name}/decisions" for name in _WORKERS}),
    ]
}


class Kill(BaseException):
    """As sudden as a signal: nothing behind it runs, not even what would clean up."""


class LeavesNeverError(AssertionError):
    """The node goes on although everything is over."""


class ScriptedSeam(FakeSeam):
    """A dataflow that goes one step further each time the node asks for an event."""

    def __init__(self, node_id: str, run_id: str, clock: FakeClock) -> None:
        super().__init__(node_id, GRAPH, run_id, clock)
        self.script: Iterator[object] = iter(())
        self.patience = 3000

    def next(self, timeout_s: float) -> Event | None:
        next(self.script, None)
        self.patience -= 1
        if self.patience < 0:
            raise LeavesNeverError(f"{self.node_id} does not leave")
        return super().next(timeout_s)


class Vehicle:
    """A run's folder, the shared memory and a clock; nodes come and go."""

    def __init__(self, base: Path, settings: dict[str, Any] | None = None) -> None:
        self.base = base
        self.out = base / "out"
        self.shm = base / "shm"
        for folder in (self.out, self.shm):
            folder.mkdir(parents=True, exist_ok=True)
        self.clock = FakeClock()
        self.settings = settings or {}
        self._nodes: dict[str, Node] = {}

    def node(self, node_id: str, run_id: str = "run-1") -> Node:
        """The node's process starts; a predecessor is gone."""
        self.gone(node_id)
        ring = {"prefault": False, "memory_mib": 64, **self.settings.get("ring", {})}
        path = self.base / "settings.yml"
        path.write_text(yaml.safe_dump({**self.settings, "ring": ring}), "utf-8")
        settings, document = load_settings(path)
        # Not in the file, which goes into every clip: same calls, same bytes, wherever the test runs.
        here = settings.ring.model_copy(update={"shm_dir": str(self.shm)})
        settings = settings.model_copy(update={"ring": here})
        seam = ScriptedSeam(node_id, run_id, self.clock)
        node = self._nodes[node_id] = Node(seam, settings, document, self.out, self.clock)
        return node

    def gone(self, node_id: str) -> None:
        """What the kernel does when a process dies."""
        node = self._nodes.pop(node_id, None)
        if node is not None:
            node.lock.release()
            for journal in node._journals.values():
                journal.close()

    def close(self) -> None:
        for node_id in list(self._nodes):
            self.gone(node_id)

    # --- other nodes' journals ----------------------------------------------------------------------------

    def journal(self, node_id: str, output: str, run_id: str = "run-1") -> JournalWriter:
        return JournalWriter(self.out / "state" / node_id / output, run_id)

    def feed(self, node_id: str, output: str, records: dict[str, Record], run_id: str = "run-1") -> None:
        """A producer that wrote all its records and ended."""
        writer = self.journal(node_id, output, run_id)
        for id_, record in records.items():
            writer.append(id_, json.loads(record.to_json()))
        writer.end()
        writer.close()

    def records(self, node_id: str, output: str) -> list[Any]:
        return [line.record for line in JournalReader(self.out / "state" / node_id / output).read()]

    def ids(self, node_id: str, output: str) -> list[str]:
        return [line.id for line in JournalReader(self.out / "state" / node_id / output).read()]

    def ended(self, node_id: str, output: str, run_id: str = "run-1") -> bool:
        reader = JournalReader(self.out / "state" / node_id / output)
        for _ in reader.read():
            pass
        return reader.ended(run_id)

    def decisions(self, node_id: str) -> list[tuple[Any, ...]]:
        """Rows of the ledger that this node wrote, without what differs from run to run."""
        names = ("kind", "t_ns", "subject", "outcome", "reason", "values")
        return [tuple(row[name] for name in names) for row in self.records(node_id, "decisions")]

    def outcomes(self, node_id: str) -> list[tuple[str, str]]:
        return [(row[0], row[3]) for row in self.decisions(node_id)]

    def leftovers(self) -> list[Path]:
        """Temporary files anywhere."""
        return sorted(self.out.rglob("*.part"))


class Rings:
    """The shared memory of one run, filled by the test."""

    def __init__(
        self, vehicle: Vehicle, run_id: str = "run-1", capacity: int = 1 << 20, entries: int = 4096
    ) -> None:
        self.folder = RingFolder.of(vehicle.shm, run_id)
        self.folder.create(run_id, vehicle.out)
        self.channels = Channels(self.folder.path)
        self.board = Board(self.folder.path, write=True)
        self.run_id = run_id
        self._sizes = (capacity, entries)
        self.writers: dict[str, RingWriter] = {}
        self.numbers: dict[Channel, int] = {}
        self.seq: dict[str, int] = {}
        self.newest_ns = -(2**63)
        self.count = self.bytes = self.number = 0

    def push(self, channel: Channel, t_ns: int, data: bytes, *, skip: int = 0) -> None:
        port = port_of(channel.topic)
        if port not in self.writers:
            geometry = Geometry(*self._sizes, False, self.run_id, port)
            self.writers[port] = RingWriter(self.folder.ring_path(port), geometry, prefault=False)
            self.seq[port] = 0
        if channel not in self.numbers:
            self.numbers[channel] = self.channels.announce(port, len(self.numbers), channel)
        self.seq[port] += 1 + skip
        self.writers[port].push(memoryview(data), t_ns, t_ns, self.seq[port], self.numbers[channel])
        self.newest_ns = max(self.newest_ns, t_ns)
        self.count += 1
        self.bytes += len(data)

    def value(self, topic: str, t_ns: int, value: Any) -> None:
        """A JSON message with one field, ``v``."""
        self.push(Channel(topic, "json"), t_ns, json.dumps({"v": value}).encode())

    def beat(self, watermark_ns: int | None = None, end: End = End.RUNNING) -> None:
        self.number += 1
        watermark = self.newest_ns if watermark_ns is None else watermark_ns
        self.board.write(Beat(self.number, watermark, self.newest_ns, self.count, self.bytes, 0, end))

    def end(self, end: End = End.ENDED) -> None:
        self.beat(2**63 - 1, end)


def dying_at(countdown: int) -> Callable[[], None]:
    """From now on every step that touches the disk counts down, and the process dies at zero.

    Nothing can be written after that, as if it were really dead. Call the result to bring the disk back.
    """
    left = [countdown]
    patch = pytest.MonkeyPatch()
    places = (
        (os, "write"),
        (os, "fsync"),
        (os, "truncate"),
        (os, "ftruncate"),
        (Path, "unlink"),
        (Path, "replace"),
    )
    for module, name in places:
        real = getattr(module, name)

        def step(*args: Any, real: Any = real, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise Kill
            return real(*args, **kwargs)

        patch.setattr(module, name, step)
    return patch.undo


def live(
    vehicle: Vehicle, node_id: str, loop: Callable[[Node], None], countdown: int | None, **run: str
) -> bool:
    """One life of a node: to its end, or to its death after so many steps on disk; whether it got to its end."""
    node = vehicle.node(node_id, **run)
    undo = dying_at(countdown) if countdown is not None else None
    try:
        loop(node)
    except Kill:
        return False
    finally:
        if undo is not None:
            undo()
        vehicle.gone(node_id)
    return True


def an_event(t_s: float, name: str = "x", priority: int = 1, **changes: Any) -> TriggerEvent:
    """A trigger event with a window of two seconds before and one after."""
    return TriggerEvent(
        **{
            "event_id": f"{name}-{t_s}",
            "type": name,
            "priority": priority,
            "t_ns": int(t_s * S),
            "pre_roll_ns": 2 * S,
            "post_roll_ns": S,
            "value": 6.0,
            "threshold": 5.0,
            "condition": "x > 5",
            "values": '{"x": 6.0}',
            "topics": [],
            "latitude_deg": 48.0,
            "longitude_deg": 11.0,
            **changes,
        }
    )


def cut_clips(
    vehicle: Vehicle, rings: Rings, events: list[TriggerEvent], run_id: str = "run-1"
) -> list[ClipReady]:
    """Clips as the extractor makes them, from what the rings hold; its journal ends with them."""
    rings.end()
    vehicle.feed("triggers", "events", {event.event_id: event for event in events}, run_id)
    run_extractor(vehicle.node("extractor", run_id))
    vehicle.gone("extractor")
    return [ClipReady.from_builtins(record) for record in vehicle.records("extractor", "clips")]


def verdict_on(clip: ClipReady) -> Verdict:
    """A classifier's word."""
    return Verdict(
        clip_id=clip.clip_id,
        name=clip.name,
        path=clip.path,
        priority=clip.priority,
        upload_class=clip.upload_class,
        scenario="novel_object",
        annotation_priority=0.95,
        confidence=0.7,
        diversity_score=1.0,
        classifier="rules-1",
        reasons=["because"],
    )
