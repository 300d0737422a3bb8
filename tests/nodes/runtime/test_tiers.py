"""Both tiers behind one reader: each message once, in order, byte for byte; what is missing is said."""

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_runtime.holes import Missing
from winnow_runtime.ring.board import Beat, Board, End
from winnow_runtime.ring.folder import RingFolder
from winnow_runtime.ring.layout import Geometry
from winnow_runtime.ring.view import RingView
from winnow_runtime.ring.writer import RingWriter
from winnow_runtime.tiers import TierReader
from winnow_runtime.warm.reader import WarmReader
from winnow_runtime.warm.writer import Item, SegmentWriter
from winnow_schemas.channel import Channel

MS = 1_000_000
TOPICS = {"a": Channel("/a", "raw"), "b": Channel("/b", "json")}


def payload(port: str, seq: int) -> bytes:
    return (
        np.random.default_rng(seq * 31 + ord(port)).integers(0, 256, 40 + seq % 90, dtype=np.uint8).tobytes()
    )


class Tiers:
    """A ring and a warm tier that the test fills as it likes."""

    def __init__(self, base: Path, capacity: int = 4096, *, warm: bool = True) -> None:
        self.folder = RingFolder.of(base, "run")
        self.folder.create("run", base)
        Board(self.folder.path, write=True).write(Beat(1, 0, 0, 0, 0, 0, End.RUNNING))
        self.view = RingView(self.folder)
        self.numbers = {
            port: self.view.channels.announce(port, 0, channel) for port, channel in TOPICS.items()
        }
        self.rings = {
            port: RingWriter(
                self.folder.ring_path(port), Geometry(capacity, 400, False, "run", port), prefault=False
            )
            for port in TOPICS
        }
        self.warm_folder = base / "warm"
        self.warm_folder.mkdir()
        self.segments = SegmentWriter(self.warm_folder, 1000 * MS, self.view.channel)
        self.warm = WarmReader(self.warm_folder) if warm else None
        self.seq = dict.fromkeys(TOPICS, 0)
        self.recorded = dict.fromkeys(TOPICS, 0)
        self.model: list[tuple[int, str, int, bytes]] = []

    def push(self, port: str, t_ns: int, *, skip: int = 0) -> None:
        self.seq[port] += 1 + skip
        data = payload(port, self.seq[port])
        self.rings[port].push(memoryview(data), t_ns, t_ns, self.seq[port], self.numbers[port])
        self.model.append((t_ns, TOPICS[port].topic, self.seq[port], data))

    def record(self) -> None:
        """The recorder catches up: only what is still in the ring can be recorded."""
        for port in TOPICS:
            ring = self.view.ring(port)
            for entry in ring.between(self.recorded[port], ring.head):
                data = ring.copy(entry)
                assert data is not None
                item = Item(
                    port,
                    int(entry["n"]),
                    self.numbers[port],
                    int(entry["seq"]),
                    int(entry["t_ns"]),
                    int(entry["t_ns"]),
                    len(data),
                    int(entry["epoch"]),
                )

                def fill(target: memoryview, data: bytes = data) -> bool:
                    target[:] = data
                    return True

                self.segments.add(item, fill)
            self.recorded[port] = ring.head
        self.segments.flush()

    def in_memory(self) -> set[tuple[str, int]]:
        """(topic, sequence number) of everything that the rings hold."""
        found = set()
        for port, channel in TOPICS.items():
            ring = self.view.ring(port)
            found |= {(channel.topic, int(entry["seq"])) for entry in ring.between(ring.tail, ring.head)}
        return found

    def read(self, start: int, end: int) -> tuple[list[tuple[int, str, int, bytes]], list[Missing]]:
        reader = TierReader(self.view.channels, self.view, self.warm)
        plan = reader.plan(start, end)
        lost = list(plan.missing)
        taken = [(t.t_ns, t.topic, t.seq, bytes(t.data)) for t in reader.read(plan, lost)]
        return taken, lost


moves = st.lists(
    st.tuples(st.sampled_from(["a", "a", "b", "record"]), st.integers(min_value=-60, max_value=200)),
    min_size=1,
    max_size=220,
)


@settings(max_examples=60, deadline=None)
@given(
    moves=moves,
    start=st.integers(min_value=0, max_value=9000),
    length=st.integers(min_value=1, max_value=6000),
)
def test_each_message_once_in_order_and_missing_ones_reported(
    tmp_path_factory: object, moves: list[tuple[str, int]], start: int, length: int
) -> None:
    tiers = Tiers(tmp_path_factory.mktemp("tiers"))  # type: ignore[attr-defined]
    t_ns = 100_000 * MS
    available: set[tuple[str, int]] = set()
    for what, move in moves:
        if what == "record":
            tiers.record()
            available |= tiers.in_memory()
            continue
        t_ns += move * MS
        tiers.push(what, t_ns)
    available |= tiers.in_memory()
    begin, end = (100_000 + start) * MS, (100_000 + start + length) * MS
    taken, lost = tiers.read(begin, end)
    inside = sorted(row for row in tiers.model if begin <= row[0] < end)
    wanted = [row for row in inside if (row[1], row[2]) in available]
    assert taken == wanted
    # Nothing that is gone goes unmentioned.
    gone = {row[1] for row in inside if (row[1], row[2]) not in available}
    assert gone <= {item.topic for item in lost}


def test_the_pre_roll_comes_from_disk_when_memory_has_moved_on(tmp_path: Path) -> None:
    tiers = Tiers(tmp_path, capacity=1024)
    for tick in range(200):
        tiers.push("a", tick * 10 * MS)
        if tick % 5 == 0:
            tiers.record()
    tiers.record()
    assert tiers.view.ring("a").tail > 150
    taken, lost = tiers.read(0, 2000 * MS)
    assert taken == sorted(tiers.model)
    assert lost == []


def test_without_a_warm_tier_the_hole_is_said(tmp_path: Path) -> None:
    tiers = Tiers(tmp_path, capacity=1024, warm=False)
    for tick in range(200):
        tiers.push("a", tick * 10 * MS)
    taken, lost = tiers.read(0, 2000 * MS)
    assert len(taken) < 20
    assert [(item.topic, item.start_ns, item.count) for item in lost] == [("/a", 0, None)]
    assert lost[0].end_ns == taken[0][0] + 1  # the newest of what is gone may have had the same stamp
    taken, lost = tiers.read(0, 500 * MS)  # all of it is gone
    assert taken == []
    assert [(item.start_ns, item.end_ns) for item in lost] == [(0, 500 * MS)]


def test_a_gap_of_the_source_is_counted(tmp_path: Path) -> None:
    tiers = Tiers(tmp_path)
    for tick in range(10):
        tiers.push("a", tick * MS, skip=3 if tick == 5 else 0)
    taken, lost = tiers.read(0, 100 * MS)
    assert len(taken) == 10
    assert [(item.count, item.start_ns, item.end_ns) for item in lost] == [(3, 4 * MS, 5 * MS + 1)]


def test_a_window_before_the_first_message_misses_nothing(tmp_path: Path) -> None:
    tiers = Tiers(tmp_path)
    tiers.push("a", 1000 * MS)
    assert tiers.read(0, 500 * MS) == ([], [])


def test_order_is_time_then_topic_then_number(tmp_path: Path) -> None:
    tiers = Tiers(tmp_path)
    for port in ("b", "a", "b", "a"):
        tiers.push(port, 7 * MS)
    taken, _ = tiers.read(0, 10 * MS)
    assert [(topic, seq) for _, topic, seq, _ in taken] == [("/a", 1), ("/a", 2), ("/b", 1), ("/b", 2)]
