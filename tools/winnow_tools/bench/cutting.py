"""Cutting 30 s of the full suite from the rings, beside `mcap`'s own writer, while the suite goes on at 1x."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import Any

import yaml

from winnow_operators.sim import Simulator
from winnow_runtime.ring.board import Beat, Board, Channels, End
from winnow_runtime.ring.folder import RingFolder
from winnow_runtime.ring.layout import Geometry
from winnow_runtime.ring.reader import RingReader
from winnow_runtime.ring.writer import RingWriter
from winnow_schemas.channel import Channel, Message
from winnow_schemas.ids import unique_ports
from winnow_schemas.simulation import load_script
from winnow_tools.bench import cutting_worker
from winnow_tools.bench.load import Load
from winnow_tools.bench.rows import Row

SHM = Path("/dev/shm")  # noqa: S108 - where rings live, and tmpfs for the clip
WINDOW_S = 30.0
SCALE = 1.0
AFTER_S = 60.0
"""How long the suite may go on while a clip is cut: longer than that takes on any machine of use."""
PAIRS = 5
WRITER = "mcap writer, lz4, no hash, MB/s"
_ROOM = 1.15
_INDEX_BYTES = 64
_FOREVER_NS = 2**62
_KINDS = {
    "/lidar/": "lidar",
    "/pointcloud": "lidar",
    "/camera/": "camera",
    "/thermal/": "thermal",
    "/imu/": "imu",
}


class Suite:
    """Rings that hold the window; :meth:`go_on` writes what comes after it, at 1x, and counts."""

    def __init__(self, load: Load) -> None:
        self.folder = RingFolder.of(SHM, f"bench-{load.scratch.name}")
        self.folder.create("bench", load.scratch)
        script = load_script("quiet").model_copy(update={"duration_s": WINDOW_S + AFTER_S})
        simulator = Simulator(script, 1, SCALE, pool=True)
        self.start_ns, self.end_ns = simulator.start_ns, simulator.start_ns + int(WINDOW_S * 1e9)
        self._ports = unique_ports([channel.topic for channel in simulator.channels])
        self._channels = Channels(self.folder.path)
        self._board = Board(self.folder.path, write=True)
        self._rest = simulator.messages()
        self._writers: dict[str, RingWriter] = {}
        self._numbers: dict[Channel, int] = {}
        self._seq: dict[str, int] = {}
        self.written = 0
        self.worst_late_s = 0.0
        self._next: Message | None = None
        self._fill()

    def _fill(self) -> None:
        """Everything of the window; rings are sized by what it holds, with room for what goes on."""
        held: list[Message] = []
        sizes: dict[str, list[int]] = {}
        for message in self._rest:
            if message.t_ns >= self.end_ns:
                self._next = message
                break
            held.append(message)
            used = sizes.setdefault(message.channel.topic, [0, 0])
            used[0] += len(message.data) + _INDEX_BYTES
            used[1] += 1
        share = 1 + AFTER_S / WINDOW_S / 2
        for topic, (size, count) in sizes.items():
            capacity = max(1 << 16, int(size * _ROOM * share)) // 4096 * 4096
            geometry = Geometry(
                capacity,
                max(256, int(count * _ROOM * share * 2)),
                crc=False,
                run_id="bench",
                port=self._ports[topic],
            )
            self._writers[topic] = RingWriter(
                self.folder.ring_path(self._ports[topic]), geometry, prefault=False
            )
        for message in held:
            self._push(message)
        self._filled = self.written
        self._beat()

    def _push(self, message: Message) -> None:
        topic = message.channel.topic
        if topic not in self._writers:  # it speaks for the first time
            geometry = Geometry(1 << 20, 4096, crc=False, run_id="bench", port=self._ports[topic])
            self._writers[topic] = RingWriter(
                self.folder.ring_path(self._ports[topic]), geometry, prefault=False
            )
        number = self._numbers.get(message.channel)
        if number is None:
            number = self._numbers[message.channel] = self._channels.announce(
                self._ports[topic], len(self._numbers), message.channel
            )
        self._seq[topic] = self._seq.get(topic, 0) + 1
        self._writers[topic].push(
            memoryview(message.data), message.t_ns, message.pub_ns, self._seq[topic], number
        )
        self.written += 1

    def _beat(self) -> None:
        newest = max(writer.counters.newest_ns for writer in self._writers.values())
        self._board.write(Beat(1, newest, newest, self.written, 0, 0, End.RUNNING))

    def go_on(self, over: threading.Event) -> None:
        """The suite at 1x from where it stands, until ``over``."""
        message = self._next
        if message is None:
            return
        begun, first_ns = perf_counter(), message.t_ns
        while message is not None and not over.is_set():
            due = begun + (message.t_ns - first_ns) / 1e9
            early = due - perf_counter()
            if early > 0:
                sleep(early)
            self._push(message)
            self.worst_late_s = max(self.worst_late_s, perf_counter() - due)
            message = next(self._rest, None)
        self._next = message

    def lost(self) -> int:
        """Messages written since the window that a reader of the rings does not find."""
        rings = [RingReader(self.folder.ring_path(self._ports[topic])) for topic in self._writers]
        return self.written - self._filled - sum(len(ring.window(self.end_ns, _FOREVER_NS)) for ring in rings)

    def close(self) -> None:
        self.folder.remove()


class Worker:
    """A process of :mod:`cutting_worker`."""

    def __init__(self, kind: str, suite: Suite, out: Path, settings: Path) -> None:
        words = [
            sys.executable,
            cutting_worker.__file__,
            kind,
            str(suite.folder.path),
            str(out),
            str(settings),
        ]
        words += [str(suite.start_ns), str(suite.end_ns)]
        here = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }  # also from a source tree
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=here
        )
        self._line()

    def once(self) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found

    def close(self) -> None:
        self._process.communicate(timeout=60)


def cutting_rows(load: Load) -> list[Row]:
    """Speed beside `mcap`, memory, and what was lost meanwhile."""
    load.say(f"{WINDOW_S:g} s of the full suite go into rings ...")
    suite = Suite(load)
    out = SHM / f"bench-clips-{load.scratch.name}"
    out.mkdir()
    settings = out / "settings.yml"
    settings.write_text(_settings(suite), "utf-8")
    try:
        with _workers(suite, out, settings) as (cutter, reference):
            pairs = _pairs(load, cutter, reference)
            load.say("once more, the suite going on at 1x ...")
            busy = _while_going_on(suite, cutter)
            lost = suite.lost()
    finally:
        suite.close()
        for path in sorted(out.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        out.rmdir()
    ours = [one["bytes"] / one["seconds"] / 1e6 for one, _ in pairs]
    theirs = [other["bytes"] / other["seconds"] / 1e6 for _, other in pairs]
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    first = pairs[0][0]
    return [
        Row(
            "cutting / mcap writer alone",
            median(ratios),
            "ratio",
            ">= 0.7",
            {
                "cutting with SHA-256, MB/s": median(ours),
                WRITER: median(theirs),
                "pairs": ", ".join(f"{ratio:.2f}" for ratio in sorted(ratios)),
                "payload bytes": first["bytes"],
                "clip bytes": first["stored"],
                "messages": first["messages"],
            },
        ),
        Row(
            "peak RssAnon while cutting",
            max(one["peak_mib"] for one in (*(pair[0] for pair in pairs), busy)) * 1.048576,
            "MB",
            "<= 150",
        ),
        Row(
            "messages lost in the ring meanwhile at 1x",
            float(lost + busy["missing"] + sum(pair[0]["missing"] for pair in pairs)),
            "messages",
            "== 0",
            {
                "written meanwhile": busy["written"],
                "latest, ms": suite.worst_late_s * 1000,
                "cutting then, MB/s": busy["bytes"] / busy["seconds"] / 1e6,
            },
        ),
    ]


@contextmanager
def _workers(suite: Suite, out: Path, settings: Path) -> Iterator[tuple[Worker, Worker]]:
    found = [Worker(kind, suite, out, settings) for kind in ("cut", "mcap")]
    try:
        yield found[0], found[1]
    finally:
        for worker in found:
            worker.close()


def _pairs(load: Load, cutter: Worker, reference: Worker) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    cutter.once(), reference.once()
    result = []
    for turn in range(PAIRS):
        load.say(f"pair {turn + 1} of {PAIRS} ...")
        first = cutter.once() if turn % 2 else None
        other = reference.once()
        result.append((first or cutter.once(), other))
    return result


def _while_going_on(suite: Suite, cutter: Worker) -> dict[str, Any]:
    over = threading.Event()
    before = suite.written
    writing = threading.Thread(target=suite.go_on, args=(over,))
    writing.start()
    try:
        result = cutter.once()
    finally:
        over.set()
        writing.join()
    return {**result, "written": suite.written - before}


def _settings(suite: Suite) -> str:
    topics = {
        topic: {"kind": kind} for topic in suite._ports for part, kind in _KINDS.items() if part in topic
    }
    return yaml.safe_dump({"topics": topics})
