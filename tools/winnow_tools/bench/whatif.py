"""What-if runs against real time, beside the plain read speed of mcap's own reader on the same files.

One simulated drive with the document's whole sensor suite, in three files: signals among clouds and pictures, as
`winnow sim export` writes them; signals in chunks of their own, as the recorder's and the clips' writer can; and
the signal topics alone.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TypeVar

from mcap.reader import make_reader

from winnow_operators.sim import Simulator
from winnow_runtime.allocator import keep_large_blocks
from winnow_runtime.mcapfile.writer import McapWriter
from winnow_runtime.recordings import open_recording
from winnow_schemas.channel import Message
from winnow_schemas.settings import load_settings
from winnow_schemas.simulation import Script, load_script
from winnow_sim.export import export
from winnow_tools.bench.load import Load
from winnow_tools.bench.rows import Measured, Row
from winnow_tools.whatif.replaying import Replay, Replayed, replay_all
from winnow_tools.whatif.variant import Variant, load_variants

T = TypeVar("T")

DURATION_S = 60.0
SUITE_WANTED, SIGNALS_WANTED = 8.0, 50.0
"""Times real time."""
_BASE = "suite: standard\ntriggers: {library: standard}\n"
_OTHER = "suite: standard\ntriggers: {library: standard, set: {ood_spike: {params: {threshold: 7}}}}\n"


@dataclass(frozen=True, slots=True)
class _File:
    """One of the recordings."""

    measure: str
    path: Path
    wanted: float
    bound: str
    """What bounds it, in a sentence."""


def measure(load: Load, duration_s: float = DURATION_S, repetitions: int = 3, scale: float = 1.0) -> Measured:
    """Run the benchmark; the best of the repetitions counts, for all sides."""
    variants = _variants(load.scratch)
    keep_large_blocks()
    files, payload_bytes = _files(load, variants, duration_s, scale)
    rows = []
    for file in files:
        load.say(f"{file.measure} ({file.path.stat().st_size / 1e6:,.0f} MB)")
        rows.append(_row(file, variants[:1], repetitions))
    load.say("two settings in one pass")
    both = _best(lambda: _ask(files[0].path, variants), repetitions)
    rows.append(
        Row(
            "full suite, two settings in one pass over real time",
            _span_s(both[1]) / both[0],
            "x",
            f">= {SUITE_WANTED:g}",
        )
    )
    text = (
        f"{duration_s:g} s of the simulated full suite, {payload_bytes / duration_s / 1e6:.1f} MB/s, lz4 chunks of 1 MiB, "
        "all triggers of the library; files in the page cache where memory allows."
    )
    return Measured(rows, text, repetitions)


def _row(file: _File, variants: list[Variant], repetitions: int) -> Row:
    wall_s, replayed = _best(lambda: _ask(file.path, variants), repetitions)
    span_s = _span_s(replayed)
    own_s, _ = _best(lambda: _read(file.path, replayed.topics), repetitions)
    all_s, messages = _best(lambda: _read_with_mcap(file.path, None), repetitions)
    some_s, _ = _best(lambda: _read_with_mcap(file.path, replayed.topics), repetitions)
    beside = {
        "messages": messages,
        "decoded": replayed.messages,
        "seconds": round(wall_s, 3),
        "of these reading, share": min(1.0, own_s / wall_s),
        "mcap reader, all topics, x real time": span_s / all_s,
        "mcap reader, these topics, x real time": span_s / some_s,
    }
    return Row(
        f"{file.measure} over real time", span_s / wall_s, "x", f">= {file.wanted:g}", beside, file.bound
    )


def _best(run: Callable[[], T], repetitions: int) -> tuple[float, T]:
    """Seconds of the fastest run, and what the last one gave."""
    times, results = [], []
    for _ in range(repetitions):
        begin = perf_counter()
        results = [run()]
        times.append(perf_counter() - begin)
    return min(times), results[0]


# --- what is timed ----------------------------------------------------------------------------------------


def _ask(path: Path, variants: list[Variant]) -> Replayed:
    (replayed,) = replay_all([path], variants)
    return replayed


def _read(path: Path, topics: Collection[str]) -> int:
    with open_recording(path) as recording:
        return sum(1 for _ in recording.messages(topics=topics))


def _read_with_mcap(path: Path, topics: Iterable[str] | None) -> int:
    with path.open("rb") as file:
        wanted = None if topics is None else list(topics)
        return sum(1 for _ in make_reader(file).iter_messages(topics=wanted))


def _span_s(replayed: Replayed) -> float:
    return (replayed.end_ns - replayed.start_ns) / 1e9


# --- what it is timed on ----------------------------------------------------------------------------------


def _variants(folder: Path) -> list[Variant]:
    paths = folder / "base.yml", folder / "other.yml"
    for path, text in zip(paths, (_BASE, _OTHER), strict=True):
        path.write_text(text, "utf-8")
        load_settings(path)
    return load_variants(paths)


def _files(load: Load, variants: list[Variant], duration_s: float, scale: float) -> tuple[list[_File], int]:
    simulator = Simulator(_script(duration_s), 1, scale, pool=True)
    load.say(f"simulating {duration_s:g} s")
    mixed, apart, alone = (load.scratch / f"{name}.mcap" for name in ("mixed", "apart", "alone"))
    exported = export(simulator, mixed)
    with open_recording(mixed) as recording:
        topics = Replay(recording, variants).topics
        _write(apart, recording.messages(), topics)
        _write(alone, recording.messages(topics=topics), topics)
    return [
        _File(
            "full suite",
            mixed,
            SUITE_WANTED,
            "bound by decompressing and checking every chunk: each holds signals",
        ),
        _File(
            "full suite with signals in chunks of their own",
            apart,
            SIGNALS_WANTED,
            "bound by decoding signals; other chunks are passed over, sizes in windows come exactly from their indexes",
        ),
        _File("signal topics only", alone, SIGNALS_WANTED, "bound by decoding signals, message by message"),
    ], exported.payload_bytes


def _script(duration_s: float) -> Script:
    script = load_script("demo")
    incidents = tuple(incident for incident in script.incidents if incident.at_s < duration_s)
    return script.model_copy(update={"duration_s": duration_s, "incidents": incidents})


def _write(path: Path, messages: Iterable[Message], signals: Collection[str]) -> None:
    """Write with two streams of chunks."""
    with path.open("wb") as file:

        def sink(data: bytes) -> None:
            file.write(data)

        writer = McapWriter(sink)
        for stream in ("signals", "bulk"):
            writer.stream(stream, "lz4")
        numbers: dict[int, int] = {}
        for sequence, message in enumerate(messages, 1):
            key = id(message.channel)
            if key not in numbers:
                stream = "signals" if message.channel.topic in signals else "bulk"
                numbers[key] = writer.channel(message.channel, stream)
            writer.message(numbers[key], message.t_ns, message.pub_ns, sequence, message.data)
        writer.finish()
