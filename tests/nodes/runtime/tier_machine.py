"""Both tiers as a machine that Hypothesis drives, beside a model that remembers every message."""

import itertools
import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.fakes import FakeClock
from tests.nodes.vehicle_rig import Kill, dying_at

from winnow_recorder.recorder import Recorder
from winnow_runtime.holes import NEVER, OVERSIZE, OVERWRITTEN, Missing
from winnow_runtime.legal_holds import LegalHolds
from winnow_runtime.ring.board import Beat, Board, End
from winnow_runtime.ring.folder import RingFolder
from winnow_runtime.ring.layout import EPOCH_JUMP_NS, EPOCH_STEP_NS, Geometry, slot_bytes
from winnow_runtime.ring.view import RingView
from winnow_runtime.ring.writer import RingWriter
from winnow_runtime.tiers import Plan, TierReader
from winnow_runtime.warm.reader import WarmReader
from winnow_schemas.channel import Channel
from winnow_schemas.settings.device import RecorderSettings

MS = 1_000_000
START_NS = 1_775_900_000_000 * MS
PORTS = ("a", "b")
SETTINGS = RecorderSettings(segment_s=2, fsync_s=60, free_floor_gb=0, min_retention_s=1e9)
BEGINNING, ALWAYS = -(2**62), 2**62


class Sent(NamedTuple):
    """One message that reached the ring and fits into it."""

    t_ns: int
    topic: str
    seq: int
    data: bytes
    channel: Channel


class _Topic:
    """What the model knows of one port."""

    def __init__(self, port: str) -> None:
        self.topic = f"/{port}"
        self.seq = 0
        self.t_ns = START_NS
        self.schema = 0
        self.sent: dict[int, Sent] = {}
        self.never: set[int] = set()
        self.oversize: set[int] = set()

    def channel(self) -> Channel:
        text = f"float64 x{self.schema}".encode()
        return Channel(self.topic, "cdr", f"pkg/msg/T{self.schema}", "ros2msg", text)


def payload(port: str, seq: int, length: int) -> bytes:
    """Bytes that belong to this message and to no other."""
    return np.random.default_rng(seq * 31 + ord(port)).integers(0, 256, length, dtype=np.uint8).tobytes()


class TierMachine(RuleBasedStateMachine):
    """Writes, restarts and clock steps in any order; whatever is read is right, whatever is not there is said."""

    @initialize(
        capacity=st.sampled_from([1024, 4096, 160_000]),
        entries=st.sampled_from([6, 40, 400]),
        crc=st.booleans(),
        warm=st.sampled_from([True, True, True, False]),
    )
    def begin(self, capacity: int, entries: int, crc: bool, warm: bool) -> None:
        memory = Path("/dev/shm")
        self.base = Path(mkdtemp(dir=memory if memory.is_dir() else None, prefix="test-winnow-"))
        self.clock = FakeClock()
        self.folder = RingFolder.of(self.base, "run")
        self.folder.create("run", self.base)
        self.board = Board(self.folder.path, write=True)
        self.number = 0
        self.view = RingView(self.folder)
        self.geometry = {port: Geometry(capacity, entries, crc, "run", port) for port in PORTS}
        self.rings = {port: self.attach(port) for port in PORTS}
        self.topics = {port: _Topic(port) for port in PORTS}
        self.numbers = itertools.count()
        self.warm_folder = self.base / "warm"
        self.recorder = self.a_recorder() if warm else None
        self.reader = TierReader(
            self.view.channels, self.view, WarmReader(self.warm_folder) if warm else None
        )
        self.plan: Plan | None = None
        self.planned: list[Sent] = []

    def attach(self, port: str) -> RingWriter:
        return RingWriter(self.folder.ring_path(port), self.geometry[port], prefault=False)

    def a_recorder(self) -> Recorder:
        self.beat()
        cell = self.view.own_cell("recorder")
        state = self.base / "state"
        state.mkdir(exist_ok=True)
        return Recorder(
            self.view, cell, self.warm_folder, state, "run", SETTINGS, self.clock, LegalHolds(state)
        )

    def teardown(self) -> None:
        if not hasattr(self, "base"):
            return
        try:
            self.check_at_the_end()
        finally:
            shutil.rmtree(self.base)

    def check_at_the_end(self) -> None:
        self.read(BEGINNING, ALWAYS)
        if self.recorder is not None:
            self.recorder.stop()
            self.recorder.finish()
            self.check_recorded()
            self.read(BEGINNING, ALWAYS)

    # --- writing ------------------------------------------------------------------------------------------

    @rule(
        port=st.sampled_from(PORTS),
        steps=st.lists(
            st.tuples(
                st.one_of(st.just(0), st.integers(1, 900), st.just(70_000)),
                st.one_of(st.just(0), st.integers(-300, 900)),
            ),
            min_size=1,
            max_size=25,
        ),
    )
    def write(self, port: str, steps: list[tuple[int, int]]) -> None:
        """Messages of any length, late, early, or with equal stamps."""
        for length, move_ms in steps:
            self.topics[port].t_ns += move_ms * MS
            self.push(port, length, self.topics[port].t_ns)

    @rule(port=st.sampled_from(PORTS), count=st.integers(30, 120), length=st.integers(0, 64))
    def lap(self, port: str, count: int, length: int) -> None:
        """So many that a small ring wraps before the recorder looks again."""
        for _ in range(count):
            self.topics[port].t_ns += 10 * MS
            self.push(port, length, self.topics[port].t_ns)

    @rule(port=st.sampled_from(PORTS), missed=st.integers(1, 5))
    def miss(self, port: str, missed: int) -> None:
        """The source's numbers go on, the messages never came."""
        topic = self.topics[port]
        topic.never |= set(range(topic.seq + 1, topic.seq + 1 + missed))
        topic.seq += missed
        topic.t_ns += missed * 10 * MS
        self.push(port, 20, topic.t_ns)
        self.rings[port].count_lost(missed)

    @rule(port=st.sampled_from(PORTS))
    def write_too_large(self, port: str) -> None:
        self.push(port, self.geometry[port].data_capacity + 1, self.topics[port].t_ns)

    @rule(port=st.sampled_from(PORTS), years=st.sampled_from([1, 90]))
    def write_one_absurd_stamp(self, port: str, years: int) -> None:
        self.push(port, 30, self.topics[port].t_ns + years * 365 * 86_400_000 * MS)

    @rule(
        port=st.sampled_from(PORTS),
        step_ns=st.sampled_from(
            [-3 * EPOCH_STEP_NS, 3 * EPOCH_STEP_NS, 2 * EPOCH_JUMP_NS, -2 * EPOCH_JUMP_NS]
        ),
    )
    def step_clock(self, port: str, step_ns: int) -> None:
        self.topics[port].t_ns += step_ns

    @rule(port=st.sampled_from(PORTS))
    def change_schema(self, port: str) -> None:
        self.topics[port].schema += 1

    def push(self, port: str, length: int, t_ns: int) -> None:
        topic, ring = self.topics[port], self.rings[port]
        topic.seq += 1
        data, channel = payload(port, topic.seq, length), topic.channel()
        number = self.view.channels.announce(port, topic.schema, channel)
        kept = ring.push(memoryview(data), t_ns, t_ns + 1, topic.seq, number)
        assert kept == (slot_bytes(length) <= self.geometry[port].data_capacity)
        if kept:
            topic.sent[topic.seq] = Sent(t_ns, topic.topic, topic.seq, data, channel)
        else:
            topic.oversize.add(topic.seq)

    # --- crashes ------------------------------------------------------------------------------------------

    @rule(port=st.sampled_from(PORTS))
    def kill_ring(self, port: str) -> None:
        """The ring's process dies and a successor takes the memory over."""
        self.rings[port].close()
        self.rings[port] = self.attach(port)
        assert self.rings[port].attached
        assert self.rings[port].last_seq == self.topics[port].seq

    @precondition(lambda self: self.recorder is not None)
    @rule(after=st.one_of(st.none(), st.integers(0, 30)))
    def kill_recorder(self, after: int | None) -> None:
        """It dies between two steps, or inside one after so many calls that touch the disk."""
        assert self.recorder is not None
        if after is not None:
            self.beat()
            undo = dying_at(after)
            try:
                self.recorder.step()
            except Kill:
                pass
            finally:
                undo()
        self.recorder.stop()
        self.recorder._writer.abandon()
        self.recorder = self.a_recorder()

    # --- recording and reading ----------------------------------------------------------------------------

    def beat(self) -> None:
        self.number += 1
        newest = max((topic.t_ns for topic in getattr(self, "topics", {}).values()), default=START_NS)
        self.board.write(Beat(self.number, newest, newest, 0, 0, 0, End.RUNNING))

    @precondition(lambda self: self.recorder is not None)
    @rule(waited_ms=st.sampled_from([0, 50, 300]))
    def record(self, waited_ms: int) -> None:
        assert self.recorder is not None
        self.beat()
        self.clock.advance_s(waited_ms / 1000)
        self.recorder.step()

    @precondition(lambda self: self.recorder is not None)
    @rule()
    def catch_up(self) -> None:
        """Nothing new comes: then everything that memory holds is on disk, whoever was killed before."""
        assert self.recorder is not None
        self.beat()
        while self.recorder.step():
            pass
        self.check_recorded()

    def check_recorded(self) -> None:
        for port in PORTS:
            ring = self.view.ring(port)
            in_memory = {int(seq) for seq in ring.between(ring.tail, ring.head)["seq"]}
            assert in_memory <= self.seqs_on_disk(port)

    @rule(data=st.data())
    def read_a_window(self, data: st.DataObject) -> None:
        """Around a stamp that some message had."""
        self.read(*self.draw_window(data))

    @rule(data=st.data())
    def plan_a_window(self, data: st.DataObject) -> None:
        """Read later, when much of it may have been overwritten."""
        start, end = self.draw_window(data)
        self.plan = self.reader.plan(start, end)
        self.planned = [sent for sent in self.everything() if start <= sent.t_ns < end and self.there(sent)]

    @precondition(lambda self: self.plan is not None)
    @rule()
    def read_the_plan(self) -> None:
        assert self.plan is not None
        lost: list[Missing] = []
        taken = self.take(self.plan, lost)
        wanted = {(sent.topic, sent.seq) for sent in self.planned}
        assert {(sent.topic, sent.seq) for sent in taken} <= wanted
        still = {(sent.topic, sent.seq) for sent in self.planned if self.there(sent)}
        assert still <= {(sent.topic, sent.seq) for sent in taken}
        assert len(taken) + len(lost) == len(wanted)
        assert all(hole.count == 1 for hole in lost)
        self.plan = None

    def draw_window(self, data: st.DataObject) -> tuple[int, int]:
        stamps = sorted({sent.t_ns for sent in self.everything()}) or [START_NS]
        start = data.draw(st.sampled_from(stamps)) + data.draw(st.sampled_from([-500 * MS, 0, 1]))
        return start, start + data.draw(st.integers(1, 5_000)) * MS

    def everything(self) -> list[Sent]:
        return [sent for topic in self.topics.values() for sent in topic.sent.values()]

    def there(self, sent: Sent) -> bool:
        return sent.seq in self.seqs_there(sent.topic[1:])

    def seqs_there(self, port: str) -> set[int]:
        """Numbers that are in memory or in the segments' indexes at this moment."""
        ring = self.view.ring(port)
        found = {int(seq) for seq in ring.between(ring.tail, ring.head)["seq"]}
        return found | self.seqs_on_disk(port) if self.recorder is not None else found

    def seqs_on_disk(self, port: str) -> set[int]:
        numbers = [number for number, _ in self.view.channels.by_port().get(port, [])]
        rows = WarmReader(self.warm_folder).rows_of(numbers)
        return {int(seq) for part in rows for seq in part["seq"]}

    def take(self, plan: Plan, lost: list[Missing]) -> list[Sent]:
        """Read; whatever comes is some message exactly as it was sent, once, in order."""
        taken = []
        for t_ns, pub_ns, seq, channel, topic, data in self.reader.read(plan, lost):
            sent = self.topics[topic[1:]].sent[seq]
            assert bytes(data) == sent.data
            assert (t_ns, topic) == (sent.t_ns, sent.topic)
            assert pub_ns == sent.t_ns + 1
            assert self.reader.channel(channel) == sent.channel
            taken.append(sent)
        keys = [(sent.t_ns, sent.topic, sent.seq) for sent in taken]
        assert keys == sorted(set(keys))
        return taken

    def read(self, start: int, end: int) -> None:
        there = {port: self.seqs_there(port) for port in PORTS}
        plan = self.reader.plan(start, end)
        lost: list[Missing] = []
        taken = self.take(plan, lost)
        assert lost == []
        inside = [sent for sent in self.everything() if start <= sent.t_ns < end]
        wanted = [sent for sent in inside if sent.seq in there[sent.topic[1:]]]
        assert taken == sorted(wanted, key=lambda sent: (sent.t_ns, sent.topic, sent.seq))
        for port in PORTS:
            gone = [sent for sent in inside if sent.topic == f"/{port}" and sent.seq not in there[port]]
            holes = [hole for hole in plan.missing if hole.topic == f"/{port}"]
            self.check_holes(port, gone, holes, there[port], (start, end))

    def check_holes(
        self,
        port: str,
        gone: list[Sent],
        holes: list[Missing],
        there: set[int],
        window: tuple[int, int],
    ) -> None:
        """Everything that is gone is in some hole, no hole says more than is gone, and its reason is true."""
        topic = self.topics[port]
        for sent in gone:
            assert any(hole.start_ns <= sent.t_ns < hole.end_ns for hole in holes), (sent[:3], holes)
        counted = sum(hole.count for hole in holes if hole.count is not None)
        absent = set(range(1, topic.seq + 1)) - there
        assert counted <= len(absent)
        if all(hole.count is not None for hole in holes):
            assert counted >= len(gone)
        overwritten = absent & topic.sent.keys()
        for hole in holes:
            assert window[0] <= hole.start_ns < hole.end_ns <= window[1]
            why: Any = [(OVERWRITTEN, overwritten), (NEVER, topic.never), (OVERSIZE, topic.oversize)]
            assert any(text in hole.reason for text, _ in why)
            truths = [bool(cause) for text, cause in why if text in hole.reason]
            assert any(truths), (hole, absent)
            assert not (hole.reason == OVERWRITTEN and not overwritten)
            assert not (hole.reason == NEVER and not topic.never)
            assert not (hole.reason == OVERSIZE and not topic.oversize)

    @invariant()
    def segments_hold_each_message_once(self) -> None:
        if getattr(self, "recorder", None) is None:
            return
        rows = [
            (int(row["channel"]), int(row["seq"]))
            for part in WarmReader(self.warm_folder)._all_rows()
            for row in part
        ]
        assert len(rows) == len(set(rows))
