"""The ring beside what it cannot beat: numpy's copy, and a plain deque.

Everything is measured in alternated pairs in one process on the same payloads, the median of the ratios
counts. Payloads are distinct and together larger than the caches; rings have wrapped and are pre-faulted, and
so is the memory that numpy copies into.
"""

import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from time import perf_counter, perf_counter_ns

import numpy as np
from numpy.typing import NDArray

from winnow_operators.sim import Simulator
from winnow_runtime.ring.board import Board, Channels
from winnow_runtime.ring.folder import RingFolder
from winnow_runtime.ring.layout import Geometry
from winnow_runtime.ring.reader import RingReader
from winnow_runtime.ring.view import RingView
from winnow_runtime.ring.writer import RingWriter
from winnow_runtime.tiers import Plan, TierReader
from winnow_schemas.channel import Message
from winnow_schemas.ids import unique_ports
from winnow_schemas.simulation import load_script
from winnow_tools.bench.load import Load
from winnow_tools.bench.rows import Measured, Row

SHM = Path("/dev/shm")  # noqa: S108 - where rings live
CLOUD_BYTES = 2_900_000
CLOUDS = 40
MIB = 1024 * 1024
RING_MIB = 512
PAIRS = 9
SMALL_BYTES = 64
PUSHES = 200_000
ENTRIES = 1_000_000
LOOKUPS = 4000
WINDOW_S = 30
STEP_NS = 2_000_000
"""500 Hz: 30 s are 15,000 entries."""


def measure(load: Load) -> Measured:
    """All rows of the ring."""
    folder = RingFolder.of(SHM, f"bench-{load.scratch.name}")
    folder.create("bench", load.scratch)
    try:
        rows = [_write_row(folder), _push_row(folder), _lookup_row(folder), _window_row(folder, load)]
    finally:
        folder.remove()
    about = (
        f"{CLOUDS} distinct payloads of {CLOUD_BYTES} B into a ring of {RING_MIB} MiB; {PUSHES} messages of "
        f"{SMALL_BYTES} B; {LOOKUPS} windows of {WINDOW_S} s among {ENTRIES} entries while another process writes; "
        f"{WINDOW_S} s of the simulated full suite"
    )
    return Measured(rows, about, PAIRS)


def _geometry(port: str, data_bytes: int, entries: int) -> Geometry:
    return Geometry(data_bytes, entries, crc=False, run_id="bench", port=port)


def _pairs(one: Callable[[], float], other: Callable[[], float]) -> tuple[float, float, float]:
    """Median of ``one / other`` over alternated pairs, and the medians of both."""
    one(), other()
    values = []
    for turn in range(PAIRS):
        first = one() if turn % 2 else None
        second = other()
        values.append((one() if first is None else first, second))
    return (
        median(a / b for a, b in values),
        median(a for a, _ in values),
        median(b for _, b in values),
    )


# --- writing ----------------------------------------------------------------------------------------------


def _write_row(folder: RingFolder) -> Row:
    generator = np.random.default_rng(1)
    clouds = [np.frombuffer(generator.bytes(CLOUD_BYTES + 64 * number), np.uint8) for number in range(CLOUDS)]
    total = sum(cloud.nbytes for cloud in clouds)
    writer = RingWriter(folder.ring_path("clouds"), _geometry("clouds", RING_MIB * MIB, 4096))
    memory = np.zeros(RING_MIB * MIB, np.uint8)
    memory[:] = 1  # pre-faulted
    views = [cloud.data for cloud in clouds]
    state = {"seq": 0, "place": 0}

    def push() -> float:
        begin = perf_counter()
        for view in views:
            state["seq"] += 1
            writer.push(view, state["seq"] * 100_000_000, 0, state["seq"], 0)
        return total / (perf_counter() - begin)

    def copy() -> float:
        place = state["place"]
        begin = perf_counter()
        for cloud in clouds:
            if place + cloud.nbytes > memory.nbytes:
                place = 0
            memory[place : place + cloud.nbytes] = cloud
            place += cloud.nbytes
        elapsed = perf_counter() - begin
        state["place"] = place
        return total / elapsed

    for _ in range(2 * RING_MIB * MIB // total + 1):  # both have wrapped
        push(), copy()
    ratio, ring, plain = _pairs(push, copy)
    writer.close()
    beside = {"ring, bytes/s": ring, "numpy copy, bytes/s": plain}
    return Row("write 2.9 MB payloads over numpy copy", ratio, "ratio", ">= 0.85", beside)


def _push_row(folder: RingFolder) -> Row:
    writer = RingWriter(folder.ring_path("small"), _geometry("small", 8 * MIB, 120_000))
    payloads = [memoryview(bytes([number % 256]) * SMALL_BYTES) for number in range(1000)]
    state = {"seq": 0}

    def push() -> float:
        seq = state["seq"]
        put = writer.push
        begin = perf_counter_ns()
        for _ in range(PUSHES // 1000):
            for data in payloads:
                seq += 1
                put(data, seq * STEP_NS, seq * STEP_NS, seq, 0)
        elapsed = perf_counter_ns() - begin
        state["seq"] = seq
        return elapsed / PUSHES

    def plain() -> float:
        kept: deque[tuple[int, bytes]] = deque()
        held = t_ns = 0
        begin = perf_counter_ns()
        for _ in range(PUSHES // 1000):
            for data in payloads:
                t_ns += STEP_NS
                kept.append((t_ns, bytes(data)))
                held += len(data)
                while held > 4 * MIB:
                    held -= len(kept.popleft()[1])
        return (perf_counter_ns() - begin) / PUSHES

    ratio, ring, peer = _pairs(push, plain)
    writer.close()
    beside = {"deque with a byte bound, ns": peer, "ring over deque": ratio}
    return Row("push of 64 B with time index", ring, "ns", "<= 1500", beside)


# --- looking up -------------------------------------------------------------------------------------------

_WRITER = """
import sys
from pathlib import Path
from winnow_runtime.ring.layout import Geometry
from winnow_runtime.ring.writer import RingWriter
path, capacity, entries, step = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
writer = RingWriter(path, Geometry(capacity, entries, False, "bench", "many"))
data = memoryview(bytes(64))
seq = 0
while seq < entries + 1000:
    seq += 1
    writer.push(data, seq * step, 0, seq, 0)
print("full", flush=True)
while True:
    seq += 1
    writer.push(data, seq * step, 0, seq, 0)
"""


def _lookup_row(folder: RingFolder) -> Row:
    path = folder.ring_path("many")
    words = [sys.executable, "-c", _WRITER, str(path), str(ENTRIES * 64 + 64), str(ENTRIES), str(STEP_NS)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        reader = RingReader(path)
        spans, windows, found = _lookups(reader)
        written = reader.head
    finally:
        process.kill()
        process.wait()
    beside = {
        "median, ms": float(np.median(spans)),
        "with copies of the entries, p99, ms": float(np.percentile(windows, 99)),
        "entries per window": found,
        "writes meanwhile": written - ENTRIES,
    }
    return Row("lookup of a 30 s window, p99", float(np.percentile(spans, 99)), "ms", "<= 0.05", beside)


def _lookups(reader: RingReader) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Milliseconds of each lookup, and of each lookup with the entries copied; entries per window."""
    generator = np.random.default_rng(2)
    length = WINDOW_S * 1_000_000_000
    spans, windows, counts = [], [], []
    for share in generator.uniform(0.2, 0.9, LOOKUPS):
        tail, head = reader.tail, reader.head
        start = int((tail + share * (head - tail)) * STEP_NS)
        begin = perf_counter_ns()
        reader.locate(start, start + length)
        middle = perf_counter_ns()
        entries = reader.window(start, start + length)
        windows.append((perf_counter_ns() - middle) / 1e6)
        spans.append((middle - begin) / 1e6)
        counts.append(len(entries))
    return np.array(spans), np.array(windows), int(median(counts))


# --- reading ----------------------------------------------------------------------------------------------


def _window_row(folder: RingFolder, load: Load) -> Row:
    load.say(f"{WINDOW_S} s of the full suite are simulated ...")
    start_ns = _fill(folder)
    view = RingView(folder)
    reader = TierReader(view.channels, view, None)
    end_ns = start_ns + WINDOW_S * 1_000_000_000
    plan = reader.plan(start_ns, end_ns)
    sizes = [int(length) for length in plan.rows["length"]]
    arrays = _payloads(view, plan)
    target = np.zeros(max(sizes), np.uint8)
    total = sum(sizes)

    def read() -> float:
        begin = perf_counter()
        count = sum(1 for _ in reader.read(reader.plan(start_ns, end_ns), []))
        elapsed = perf_counter() - begin
        if count != len(sizes):
            return float("nan")
        return total / elapsed

    def copy() -> float:
        begin = perf_counter()
        for array in arrays:
            target[: array.nbytes] = array
        return total / (perf_counter() - begin)

    ratio, ours, plain = _pairs(read, copy)
    beside = {
        "messages": len(sizes),
        "bytes": total,
        "reader, bytes/s": ours,
        "numpy copy, bytes/s": plain,
    }
    return Row("read 30 s of the full suite over numpy copy", ratio, "ratio", ">= 0.6", beside)


def _payloads(view: RingView, plan: Plan) -> list[NDArray[np.uint8]]:
    """Every payload of the window where it lies: what numpy copies lies in the same memory."""
    rings = [view.ring(port) for port in plan.ports]
    return [
        np.frombuffer(
            rings[row["rank"]].peek(rings[row["rank"]].between(row["hot"], row["hot"] + 1)[0]), np.uint8
        )
        for row in plan.rows
    ]


def _fill(folder: RingFolder) -> int:
    """Rings with a little more than the window in them; when the window begins."""
    script = load_script("quiet").model_copy(update={"duration_s": WINDOW_S + 2.0})
    simulator = Simulator(script, 1, 1.0, pool=True)
    ports = unique_ports([channel.topic for channel in simulator.channels])
    Board(folder.path, write=True)
    channels = Channels(folder.path)
    numbers = {
        channel: channels.announce(ports[channel.topic], number, channel)
        for number, channel in enumerate(simulator.channels)
    }
    sizes = dict.fromkeys(ports, (0, 0)) | _sizes(simulator.messages())
    writers = {
        topic: RingWriter(
            folder.ring_path(ports[topic]), _geometry(ports[topic], total + 64 * count + 4096, count + 8)
        )
        for topic, (count, total) in sizes.items()
    }
    seqs = dict.fromkeys(writers, 0)
    for message in simulator.messages():
        topic = message.channel.topic
        seqs[topic] += 1
        data = memoryview(message.data).cast("B")
        writers[topic].push(data, message.t_ns, message.pub_ns, seqs[topic], numbers[message.channel])
    return simulator.start_ns + 1_000_000_000


def _sizes(messages: Iterable[Message]) -> dict[str, tuple[int, int]]:
    """Topic -> messages and bytes."""
    result: dict[str, tuple[int, int]] = {}
    for message in messages:
        topic, length = message.channel.topic, len(message.data)
        count, total = result.get(topic, (0, 0))
        result[topic] = count + 1, total + length
    return result
