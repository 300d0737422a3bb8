"""A ring and a triggers node in one process: JSON messages in, the ledger and the journal out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from tests.fakes import FakeClock

from winnow_ring.node import Ring
from winnow_runtime.journal import JournalReader
from winnow_runtime.node import Node
from winnow_runtime.ring.board import channel_to_dict
from winnow_runtime.ring.view import RingView
from winnow_runtime.seam import Input
from winnow_schemas.channel import Channel
from winnow_schemas.messages import Control
from winnow_triggers.node import Loop

T0 = 1_800_000_000_000_000_000
SECOND = 1_000_000_000
TOPICS = ("x", "y", "estop")
GRAPH: dict[str, Any] = {
    "nodes": [
        {"id": "src", "outputs": [*TOPICS, "control"], "inputs": {"credit": "ring/credit"}},
        {
            "id": "ring",
            "outputs": ["heartbeat", "credit", "health", "decisions"],
            "inputs": {name: f"src/{name}" for name in (*TOPICS, "control")},
        },
        {
            "id": "triggers",
            "inputs": {"heartbeat": "ring/heartbeat", "campaign": "fleet/campaign"},
            "outputs": ["events", "watermark", "health", "decisions"],
        },
        {"id": "fleet", "outputs": ["campaign"]},
    ]
}
TRIGGER = {"priority": "P2", "pre_roll_s": 1, "post_roll_s": 1, "cooldown_s": 10}
SETTINGS: dict[str, Any] = {
    "vehicle": {"id": "v-1", "airport": "EGLL"},
    "topics": {f"/{name}": {"ring_mib": 0.1} for name in TOPICS},
    "signals": {
        "x": {"topic": "/x", "field": "data"},
        "y": {"topic": "/y", "field": "data", "stale_s": 1000},
        "estop": {"topic": "/estop", "field": "data", "type": "bool"},
    },
    "triggers": {
        "library": "none",
        "set": {
            "hot": {**TRIGGER, "when": "x > threshold", "params": {"threshold": 5.0}},
            "stop": {**TRIGGER, "when": "estop", "priority": "P0"},
        },
    },
}


class Bench:
    """Feeds messages and looks at what came of them."""

    def __init__(self, make_node: Callable[..., Node], settings: dict[str, Any]) -> None:
        self._make_node = make_node
        self._settings = settings
        self.ring = Ring(make_node("ring", GRAPH, settings))
        self.seqs = dict.fromkeys(TOPICS, 0)
        self._control(0)
        for number, name in enumerate(TOPICS):
            channel = Channel(f"/{name}", "json", "", "", b"")
            data = json.dumps(channel_to_dict(channel)).encode()
            self.ring.take(Input(name, pa.array(data, pa.uint8()), {"announce": True, "channel": number}))
        self.start()

    def start(self, run_id: str = "run-1") -> None:
        """Start the triggers node, or start it again after a crash."""
        self.node = self._make_node("triggers", GRAPH, self._settings, run_id)
        view = RingView(self.ring.folder)
        self.loop = Loop(self.node, view, view.own_cell("triggers"))

    @property
    def clock(self) -> FakeClock:
        assert isinstance(self.node.clock, FakeClock)
        return self.node.clock

    @property
    def folder(self) -> Path:
        """Where the settings lie."""
        return Path(self.node.document.name).parent

    def send(self, name: str, seconds: float, value: Any) -> None:
        """One message, and let the node decide everything up to it."""
        self.seqs[name] += 1
        t_ns = T0 + round(seconds * SECOND)
        meta = {"t_ns": t_ns, "pub_ns": t_ns, "seq": self.seqs[name], "channel": TOPICS.index(name)}
        self.ring.take(Input(name, pa.array(json.dumps({"data": value}).encode(), pa.uint8()), meta))
        self._control(t_ns + 1)
        self.ring.beat()
        self.loop.step()

    def pulse(self, name: str, seconds: float, high: Any, low: Any) -> None:
        """A short excursion."""
        self.send(name, seconds, high)
        self.send(name, seconds + 0.1, low)

    def _control(self, watermark_ns: int) -> None:
        record = Control(
            kind="progress",
            watermark_ns=watermark_ns,
            seqs=list(self.seqs.values()),
            waits=True,
            resends=True,
        )
        self.ring.take(Input("control", record.to_arrow(), {}))

    def poll(self) -> None:
        """Let the time pass after which the file and offers are looked at."""
        self.clock.advance_s(2)
        self.loop.desk.look()

    @property
    def events(self) -> list[tuple[str, float, int]]:
        """Type, seconds and priority of every event."""
        lines = JournalReader(self.node.state / "events").read()
        return [
            (line.record["type"], (line.record["t_ns"] - T0) / SECOND, line.record["priority"])
            for line in lines
        ]

    def rows(self, kind: str = "campaign") -> list[dict[str, Any]]:
        lines = JournalReader(self.node.state / "decisions").read()
        return [line.record for line in lines if line.record["kind"] == kind]

    @property
    def outcomes(self) -> list[str]:
        return [row["outcome"] for row in self.rows()]

    @property
    def last(self) -> tuple[str, str, str]:
        """Outcome, kind of refusal and sentence of the newest row about campaigns."""
        row = self.rows()[-1]
        return row["outcome"], json.loads(row["values"]).get("refusal", ""), row["reason"]
