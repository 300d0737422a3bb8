"""`winnow-ring`: payload ports in; shared memory, heartbeats and credits out."""

from pathlib import Path

from winnow_operators.stream.watermarks import SourceProgress, joint_watermark
from winnow_ring.flow import Flow
from winnow_ring.intake import Intake, Port
from winnow_runtime import atomic
from winnow_runtime.node import Node, run_as_process
from winnow_runtime.ring.board import Beat, Board, CellState, End
from winnow_runtime.ring.folder import RingFolder, remove_stale
from winnow_runtime.seam import Input, InputClosed
from winnow_runtime.wiring import CONTROL
from winnow_schemas.ids import unique_ports
from winnow_schemas.messages import Control, Credit, Heartbeat

BURST_MESSAGES = 256
BURST_BYTES = 8 * 1024 * 1024
"""A beat is due after this much, or after ring.heartbeat_ms: a source that waits for credits waits for no timer."""
QUIET_BEAT_S = 0.25
"""Without news, a beat every so often all the same: a lost one must not stop anybody."""
HEALTH_EVERY_S = 1.0


class Source:
    """One upstream node that sends payloads."""

    def __init__(self, node_id: str, ports: list[Port], *, speaks: bool) -> None:
        self.id = node_id
        self.ports = ports
        self.speaks = speaks
        """Whether its control output is wired: then its watermark counts."""
        self.progress = SourceProgress(len(ports))
        self.resends = False
        self.waits = speaks
        """Whether it sends only what credits allow; the careful guess until it has said so itself."""
        self.heard = False

    @property
    def expected_to_resend(self) -> bool:
        """What the source said; until it says something (after a restart of the ring), the careful guess."""
        return self.resends if self.heard else self.speaks


class Ring:
    """The node's state: everything that a test needs to drive it without dora."""

    def __init__(self, node: Node) -> None:
        self.node = node
        settings = node.settings.ring
        shm = Path(settings.shm_dir)
        self.folder = RingFolder.of(shm, node.run_id)
        self.folder.create(node.run_id, node.out)
        self.stale = remove_stale(shm, self.folder)
        self.intake = Intake(self.folder, node.run_id, node.settings)
        self.sources = _sources(node)
        self.intake.has_time = any(source.speaks for source in self.sources.values())
        self.ports = {port.id: port for source in self.sources.values() for port in source.ports}
        self._ordered = list(self.ports.values())
        self._controls = {
            edge.input: edge.source_node for edge in node.wiring.inputs(node.id) if edge.output == CONTROL
        }
        readers = sorted({edge.node for edge in node.wiring.consumers(node.id, "heartbeat")})
        self.flow = Flow(self.folder, readers, node.clock)
        self.board = Board(self.folder.path, write=True)
        self._number = self.board.read().number
        self.end = End.RUNNING
        self._holds_reported: set[str] = set()
        self._fresh_messages = 0
        self._fresh_bytes = 0
        self._beat_ns = 0
        self._health_ns = 0
        self._first_ns = self._last_ns = 0
        """Monotonic time of the first message, and of the beat after the newest."""
        self._open_known()

    def _open_known(self) -> None:
        """Rings of topics that the settings name are made now, not when the first message is waiting."""
        ports = unique_ports(list(self.node.settings.topics))
        for topic, port_id in ports.items():
            port = self.ports.get(port_id)
            if port is not None:
                self.intake.open(port, topic)
        self.intake.reopen(self.ports)
        for source in self.sources.values():
            for port in source.ports:
                source.progress.arrived(port.index, port.numbering.last)

    # --- intake -------------------------------------------------------------------------------------------

    def take(self, event: Input) -> None:
        """A message on any input."""
        port = self.ports.get(event.id)
        if port is not None:
            source = self.sources[port.source]
            before = self.intake.bytes
            self._first_ns = self._first_ns or self.node.clock.monotonic_ns()
            self.intake.take(port, event, resends=source.expected_to_resend)
            source.progress.arrived(port.index, port.numbering.last)
            self._fresh_messages += 1
            self._fresh_bytes += self.intake.bytes - before
        elif event.id in self._controls:
            source = self.sources[self._controls[event.id]]
            control = Control.from_arrow(event.value)
            source.resends, source.waits = control.resends, control.waits
            if not source.heard:
                source.heard = True
                self._beat_ns = 0  # it waits for its first credit
            source.progress.promise(control.watermark_ns, control.seqs, end=control.kind == "end")

    def left(self, input_id: str) -> None:
        """The node behind an input is gone."""
        source = self.sources.get(self._controls.get(input_id, ""))
        if source is not None and not source.progress.ended:
            source.progress.vanish()
            self.node.decide(
                "source",
                t_ns=max(0, self.intake.newest_ns),
                subject=source.id,
                outcome="vanished",
                reason=f"The source {source.id} left without saying that its stream was complete.",
            )

    # --- beats --------------------------------------------------------------------------------------------

    @property
    def beat_due(self) -> bool:
        elapsed = self.node.clock.monotonic_ns() - self._beat_ns
        burst = self._fresh_messages >= BURST_MESSAGES or self._fresh_bytes >= BURST_BYTES
        if burst and self._held_back:
            return True
        wait = self.node.settings.ring.heartbeat_ms * 1e6 if self._fresh_messages else QUIET_BEAT_S * 1e9
        return elapsed >= wait

    def beat(self) -> bool:
        """Tell readers and sources how things stand; whether every reader has finished."""
        for source in self.sources.values():
            source.progress.settle()
        speaking = [source.progress for source in self.sources.values() if source.speaks]
        if self.end is End.RUNNING and speaking and all(progress.ended for progress in speaking):
            self.end = End.ENDED
        self._number += 1
        watermark = joint_watermark(
            speaking, self.intake.newest_ns, int(self.node.settings.ring.lateness_ms * 1e6)
        )
        beat = Beat(
            self._number,
            watermark,
            self.intake.newest_ns,
            self.intake.messages,
            self.intake.bytes,
            self.intake.lost,
            self.end,
        )
        self.board.write(beat)
        if self._held_back:
            self.flow.beat(self._number, tuple(_head(port) for port in self._ordered))
        self.node.send(
            "heartbeat",
            Heartbeat(
                number=beat.number,
                watermark_ns=beat.watermark_ns,
                newest_ns=beat.newest_ns,
                messages=beat.messages,
                bytes=beat.bytes,
                lost=beat.lost,
                ended=self.end is not End.RUNNING,
            ),
        )
        cells = self.flow.cells()
        self._credit(cells)
        self._report()
        self._beat_ns = self.node.clock.monotonic_ns()
        if self._fresh_messages:
            self._last_ns = self._beat_ns
        self._fresh_messages = self._fresh_bytes = 0
        return self.flow.all_finished(cells)

    @property
    def _held_back(self) -> bool:
        """Whether some source looks at what the readers still need; nothing holds a live one back."""
        return any(source.waits for source in self.sources.values())

    def _credit(self, cells: dict[str, CellState | None]) -> None:
        heads = [_head(port) for port in self._ordered]
        first = self.flow.needed_from(self._ordered, cells) if self._held_back else heads
        needed = dict(zip(self.ports, first, strict=True))
        for source in self.sources.values():
            if source.speaks:
                credit = Credit(
                    source=source.id,
                    acked=list(source.progress.received),
                    room_bytes=[self.flow.room_bytes(port, needed[port.id]) for port in source.ports],
                    room_messages=[self.flow.room_messages(port, needed[port.id]) for port in source.ports],
                    unneeded=[needed[port.id] >= _head(port) for port in source.ports],
                    ended=source.progress.ended,
                )
                self.node.send("credit", credit)

    def _report(self) -> None:
        t_ns = max(0, self.intake.newest_ns)
        for topic, outcome, sentence in self.intake.problems:
            self.node.decide("message", t_ns=t_ns, subject=topic, outcome=outcome, reason=sentence)
        self.intake.problems.clear()
        for reader in self.flow.given_up:
            self.node.decide(
                "reader",
                t_ns=t_ns,
                subject=reader,
                outcome="given up",
                reason=f"The reader {reader} did not come back; the source no longer waits for it.",
            )
        self.flow.given_up.clear()
        for topic in sorted(self.flow.holds_cut - self._holds_reported):
            self._holds_reported.add(topic)
            self.node.decide(
                "hold",
                t_ns=t_ns,
                subject=topic,
                outcome="cut",
                reason=f"A window wants more of {topic} than its ring holds and there is no warm tier; "
                "its clip will say what is missing. Raise ring_mib or enable the recorder.",
            )
        for name, size in self.stale:
            # A fact about this machine, not about the recording: the ledger of a replay stays the same.
            self.node.seam.log(
                "info", f"The rings of a dead run, {name} ({size / 2**20:.0f} MiB), were removed."
            )
        self.stale.clear()
        now = self.node.clock.monotonic_ns()
        if now - self._health_ns >= HEALTH_EVERY_S * 1e9:
            self._health_ns = now
            self.node.health(*self._health())

    def _health(self) -> tuple[int, str, dict[str, object]]:
        lost = self.intake.lost
        values: dict[str, object] = {
            "messages": self.intake.messages,
            "bytes": self.intake.bytes,
            "lost": lost,
            "newest_ns": self.intake.newest_ns,
            "allocated_bytes": self.intake.allocated_bytes,
        }
        level = 1 if lost > self.node.settings.monitor.dropped_warn else 0
        return level, f"Dropped: {lost}" if level else "OK", values

    def close(self) -> None:
        """The run is over for the rings: write the totals; readers that still hold mappings keep them."""
        totals = {
            "run_id": self.node.run_id,
            "end": self.end.name.lower(),
            "messages": self.intake.messages,
            "bytes": self.intake.bytes,
            "lost": self.intake.lost,
            "flow_s": (self._last_ns - self._first_ns) / 1e9,
            "topics": {port.topic: _totals(port) for port in self._ordered if port.writer is not None},
        }
        atomic.write_json(self.node.state / "totals.json", totals)
        self.node.decide(
            "stream",
            t_ns=max(0, self.intake.newest_ns),
            subject="ring",
            outcome=self.end.name.lower(),
            reason=f"{self.intake.messages} messages, {self.intake.bytes} bytes, {self.intake.lost} lost.",
        )
        self.folder.remove()


def _head(port: Port) -> int:
    return port.writer.head if port.writer else 0


def _totals(port: Port) -> dict[str, int | None]:
    assert port.writer is not None
    counters = port.writer.counters
    return {
        "messages": port.writer.head,
        "bytes": counters.bytes,
        "lost": counters.lost,
        "first_ns": port.writer.first_ns,
        "newest_ns": counters.newest_ns,
    }


def _sources(node: Node) -> dict[str, Source]:
    inputs = {
        (edge.source_node, edge.output): edge.input
        for edge in node.wiring.inputs(node.id)
        if edge.source_node != "dora"
    }
    sources: dict[str, Source] = {}
    for source_id in dict.fromkeys(source for source, _ in inputs):
        outputs = node.wiring.payload_outputs(source_id, node.id)
        ports = [Port(inputs[source_id, output], source_id, index) for index, output in enumerate(outputs)]
        sources[source_id] = Source(source_id, ports, speaks=(source_id, CONTROL) in inputs)
    return sources


def run(node: Node) -> None:
    """Take in, beat, and stay until every reader has what it wants."""
    ring = Ring(node)
    finished = False
    while not finished:
        event = node.next(node.settings.ring.heartbeat_ms / 1000)
        if isinstance(event, Input):
            ring.take(event)
        elif isinstance(event, InputClosed):
            ring.left(event.id)
        if node.closed is not None and ring.end is End.RUNNING:
            ring.end = End.STOPPED
            ring._beat_ns = 0
        if ring.beat_due:
            finished = ring.beat() and ring.end is not End.RUNNING
        finished = finished or node.must_leave(producers_live=True)
    ring.close()
    node.finish()


def main() -> None:
    """Console script."""
    run_as_process(run, comes_first=True)
