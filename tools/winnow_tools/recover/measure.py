"""How much survives: a real writer killed, and a simulated power cut, beside what `mcap`'s readers still read."""

import os
import random
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from winnow_recorder.recorder import FLUSH_EVERY_NS
from winnow_runtime.clock import Clock, SystemClock
from winnow_runtime.warm.recovery import recover
from winnow_runtime.warm.writer import SegmentWriter
from winnow_schemas.settings.device import RecorderSettings
from winnow_tools.recover import load
from winnow_tools.recover.load import CHANNELS, Key, Sent, schedule, write
from winnow_tools.recover.powercut import SECTORS, LoggedDisk, Tear, place
from winnow_tools.recover.writing_program import ROW

SECOND_NS = 1_000_000_000
PROMISED_NS = SECOND_NS
"""What was accepted longer ago than this survives (design, section 5: at most one second is lost)."""
START_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Survival:
    """Sums over all rounds. Every message counted was compared byte by byte."""

    rounds: int
    accepted: int
    """More than a second before the end of the round, or (kills) already handed to the files."""
    recovered: int
    """Of these."""
    by_index: int
    """Of these, given by `mcap`'s indexed reader from the files as they were left."""
    by_stream: int
    """Of these, given by `mcap`'s streaming reader."""
    accepted_ever: int
    """Also in the last second."""
    recovered_ever: int

    @property
    def ratio(self) -> float:
        return self.recovered / self.accepted if self.accepted else 0.0


def survives_kills(scratch: Path, rounds: int, seed: int = 1, clock: Clock | None = None) -> Survival:
    """Kill a writing process with SIGKILL at random moments, ``rounds`` times."""
    clock = clock or SystemClock()
    rng = random.Random(seed)  # noqa: S311 - reproducible, not secret
    results = []
    for number in range(rounds):
        folder = scratch / f"kill{number}"
        folder.mkdir()
        log = scratch / f"kill{number}.log"
        killed_ns = _killed(folder, log, rng.uniform(1.02, 1.9), clock)
        results.append(_survival(folder, _accepted(log, killed_ns)))
        shutil.rmtree(folder)
        log.unlink()
    return _sum(results)


def survives_power_cuts(
    scratch: Path, cuts: int, seed: int = 1, seconds: float = 4.0, fsync_s: float | None = None
) -> Survival:
    """Record a few simulated seconds, cut the power at ``cuts`` random places, recover each state."""
    disk, sent = simulated(seconds, RecorderSettings().fsync_s if fsync_s is None else fsync_s)
    rng = random.Random(seed)  # noqa: S311 - reproducible, not secret
    results = []
    for number in range(cuts):
        after = rng.randint(1, len(disk.operations))
        t_ns, files = disk.cut(after, rng.choice(list(Tear)), rng.choice(SECTORS), rng)
        folder = scratch / f"cut{number}"
        folder.mkdir()
        list(place(files, folder))
        ever = {(item.channel, item.seq) for item in sent if item.t_ns <= t_ns}
        old = {(item.channel, item.seq) for item in sent if item.t_ns < t_ns - PROMISED_NS}
        results.append(_survival(folder, (old, ever)))
        shutil.rmtree(folder)
    return _sum(results)


def simulated(seconds: float, fsync_s: float, segment_s: float = 1.5) -> tuple[LoggedDisk, list[Sent]]:
    """The operations of a recorder over some seconds, by its own times for flushing and syncing."""
    now = [0]
    disk = LoggedDisk(lambda: now[0])
    writer = SegmentWriter(Path("/simulated"), int(segment_s * 1e9), CHANNELS.__getitem__, disk)
    flush_ns = sync_ns = 0
    accepted: list[Sent] = []
    for sent in schedule(0, 4_000_000, 25):
        if sent.t_ns >= seconds * 1e9:
            break
        now[0] = sent.t_ns
        write(writer, sent)
        accepted.append(sent)
        if sent.t_ns - flush_ns >= FLUSH_EVERY_NS:
            writer.flush()
            flush_ns = sent.t_ns
        if sent.t_ns - sync_ns >= fsync_s * 1e9:
            writer.sync()
            sync_ns = sent.t_ns
    writer.close()
    return disk, accepted


def _killed(folder: Path, log: Path, after_s: float, clock: Clock) -> int:
    """Start a writer, kill it so long after its first message; the time of the kill."""
    program = [sys.executable, "-m", "winnow_tools.recover.writing_program", str(folder), str(log)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    process = subprocess.Popen(program, env=environment)
    try:
        waited_ns = clock.monotonic_ns()
        while not (log.exists() and log.stat().st_size >= ROW.size):
            if process.poll() is not None or clock.monotonic_ns() - waited_ns > START_LIMIT_S * 1e9:
                raise RuntimeError("the writing program did not start")
            clock.sleep_s(0.01)
        clock.sleep_s(after_s)
        killed_ns = clock.monotonic_ns()
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    return killed_ns


def _accepted(log: Path, killed_ns: int) -> tuple[set[Key], set[Key]]:
    """Messages that must survive, and all that were accepted."""
    data = log.read_bytes()
    old: set[Key] = set()
    ever: set[Key] = set()
    for t_ns, channel, seq, is_flush in struct.iter_unpack(
        ROW.format, data[: len(data) // ROW.size * ROW.size]
    ):
        if is_flush:
            old |= ever  # in the files: no kill takes them away
            continue
        ever.add((channel, seq))
        if t_ns < killed_ns - PROMISED_NS:
            old.add((channel, seq))
    return old, ever


def _survival(folder: Path, accepted: tuple[set[Key], set[Key]]) -> Survival:
    old, ever = accepted
    indexed, streamed = load.by_index(folder), load.by_stream(folder)
    recover(folder)
    found = load.by_rows(folder) & load.by_index(folder)
    return Survival(
        rounds=1,
        accepted=len(old),
        recovered=len(old & found),
        by_index=len(old & indexed),
        by_stream=len(old & streamed),
        accepted_ever=len(ever),
        recovered_ever=len(ever & found),
    )


def _sum(results: Sequence[Survival]) -> Survival:
    return Survival(
        rounds=len(results),
        accepted=sum(result.accepted for result in results),
        recovered=sum(result.recovered for result in results),
        by_index=sum(result.by_index for result in results),
        by_stream=sum(result.by_stream for result in results),
        accepted_ever=sum(result.accepted_ever for result in results),
        recovered_ever=sum(result.recovered_ever for result in results),
    )
