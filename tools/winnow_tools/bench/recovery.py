"""What survives a killed recorder and a power cut, and how fast a whole file goes through recovery."""

import os
from pathlib import Path

from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer

from winnow_runtime.clock import SystemClock
from winnow_runtime.salvage.recovery import recover_file
from winnow_tools.bench.load import Load
from winnow_tools.bench.rows import Measured, Row
from winnow_tools.recover.load import payload
from winnow_tools.recover.measure import Survival, survives_kills, survives_power_cuts

PAYLOADS = 64
"""Different ones, repeated: making random bytes would take longer than recovering them."""


def measure(load: Load, kills: int = 100, cuts: int = 200, megabytes: int = 1000) -> Measured:
    """Run the benchmark."""
    load.say(f"Killing a writer {kills} times")
    killed = survives_kills(load.scratch, kills)
    load.say(f"Cutting the power {cuts} times")
    cut = survives_power_cuts(load.scratch, cuts)
    load.say(f"Recovering a file of {megabytes} MB")
    size, recovery_s, reader_s = throughput(load.scratch / "whole.mcap", megabytes)
    rows = [
        Row("messages recovered after a kill", killed.ratio, "ratio", "== 1", _beside(killed)),
        Row("messages recovered after a power cut", cut.ratio, "ratio", "== 1", _beside(cut)),
        Row(
            "recovery of a whole file",
            size / recovery_s / 1e6,
            "MB/s",
            beside={"mcap's indexed reader, reading only, MB/s": size / reader_s / 1e6},
        ),
    ]
    text = (
        f"{kills} writers killed after 1.0 to 1.9 s at 1000 signals and 25 bulk messages per second; {cuts} simulated "
        f"power cuts; a file of {megabytes} MB in chunks of 1 MiB, LZ4."
    )
    return Measured(rows, text, 1)


def throughput(path: Path, megabytes: int) -> tuple[int, float, float]:
    """Size of a file, seconds that recovery takes (reading, checking, writing, fsync), and `mcap`'s reader."""
    clock = SystemClock()
    _write(path, megabytes)
    begun = clock.monotonic_ns()
    recover_file(path, path.with_name("recovered.mcap"), overwrite=True)
    recovered = clock.monotonic_ns()
    with path.open("rb") as file:
        for _ in make_reader(file).iter_messages(log_time_order=False):
            pass
    read = clock.monotonic_ns()
    return path.stat().st_size, (recovered - begun) / 1e9, (read - recovered) / 1e9


def _beside(survival: Survival) -> dict[str, float]:
    accepted = max(1, survival.accepted)
    return {
        "mcap indexed reader, ratio": survival.by_index / accepted,
        "mcap streaming reader, ratio": survival.by_stream / accepted,
        "messages accepted more than 1 s before": survival.accepted,
        "rounds": survival.rounds,
        "ratio of all accepted": survival.recovered_ever / max(1, survival.accepted_ever),
    }


def _write(path: Path, megabytes: int) -> None:
    """80 kB messages of 8 topics, by the `mcap` package."""
    payloads = [payload(1, number) for number in range(PAYLOADS)]
    with path.open("wb") as file:
        writer = Writer(file, compression=CompressionType.LZ4)
        writer.start()
        channels = [writer.register_channel(f"/lidar{number}", "raw", 0) for number in range(8)]
        for number in range(megabytes * 1_000_000 // len(payloads[0])):
            writer.add_message(channels[number % 8], number, payloads[number % PAYLOADS], number, number)
        writer.finish()  # type: ignore[no-untyped-call]
        file.flush()
        os.fsync(file.fileno())
