"""What the classifier pays before it has features: reading and decoding what a clip's signals said.

The clip is the simulator's, in chunks as the extractor writes them: clouds and pictures apart from signals.
"""

from pathlib import Path

from winnow_classifier.clip_samples import samples_of
from winnow_operators.classify.features import extract
from winnow_operators.classify.layout import WINDOW_S
from winnow_operators.fleet.clips import fleet_clips
from winnow_operators.sim import Simulator
from winnow_runtime.clock import SystemClock
from winnow_runtime.mcapfile.writer import McapWriter
from winnow_schemas.channel import Channel
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.topics import Kind
from winnow_schemas.sidecar import Sidecar
from winnow_schemas.simulation import load_script
from winnow_tools.bench.load import Load
from winnow_tools.bench.rows import Row
from winnow_tools.sim.deciding import library_settings

_SECONDS = 15.0
_SCALE = 0.01
"""Of clouds and pictures, which no feature looks at: their chunks are passed over by the index."""
_ROUNDS = 5
_BULK = frozenset({Kind.LIDAR, Kind.CAMERA, Kind.THERMAL})


def measure_reading(load: Load) -> Row:
    """One row; the cheapest of the rounds counts, since other programs only add to it."""
    script = load_script("demo")
    incidents = tuple(each for each in script.incidents if each.at_s < _SECONDS)
    script = script.model_copy(update={"duration_s": _SECONDS, "incidents": incidents})
    simulator = Simulator(script, 1, _SCALE)
    settings = library_settings(script.samples)
    load.say(f"Simulating a clip of {_SECONDS:g} s")
    path = load.scratch / "clip.mcap"
    count = _write(simulator, settings, path)
    sidecar = Sidecar.model_construct(topics=sorted({channel.topic for channel in simulator.channels}))
    trigger_ns = simulator.start_ns + int(WINDOW_S * 1e9)
    facts = next(iter(fleet_clips(1, 1))).facts
    clock = SystemClock()
    reading, featuring = [], []
    samples = {}
    for _ in range(_ROUNDS):
        begun = clock.monotonic_ns()
        samples = samples_of(path, sidecar, settings, trigger_ns)
        read = clock.monotonic_ns()
        extract(facts, samples)
        reading.append((read - begun) / 1e6)
        featuring.append((clock.monotonic_ns() - read) / 1e6)
    return Row(
        "reading and decoding a clip, which the row above leaves out",
        min(reading),
        "ms",
        beside={
            "messages of the clip": count,
            "inputs found in it": len(samples),
            "samples": sum(len(each.t_ns) for each in samples.values()),
            "features of it, ms": min(featuring),
        },
    )


def _write(simulator: Simulator, settings: DeviceSettings, path: Path) -> int:
    count = 0
    numbers: dict[Channel, int] = {}
    with path.open("wb") as file:

        def sink(data: bytes | memoryview) -> None:
            file.write(data)

        writer = McapWriter(sink, profile="ros2")
        for channel, t_ns, pub_ns, data in simulator.messages():
            if channel not in numbers:
                stream = "bulk:lz4" if settings.topic(channel.topic).kind in _BULK else "signals:lz4"
                writer.stream(stream, "lz4")
                numbers[channel] = writer.channel(channel, stream)
            count += 1
            writer.message(numbers[channel], t_ns, pub_ns, count, data)
        writer.finish()
    return count
