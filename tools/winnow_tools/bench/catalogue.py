"""All benchmarks by name. Each is imported only when it runs: some need much."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from winnow_schemas.errors import BadInputError
from winnow_tools.bench.load import Load
from winnow_tools.bench.machine import machine
from winnow_tools.bench.rows import Measured


@dataclass(frozen=True, slots=True)
class Bench:
    """One benchmark."""

    name: str
    about: str
    module: str
    """``measure(load: Load) -> Measured`` lives there."""

    def run(self, load: Load) -> dict[str, Any]:
        """Measure; the object that ``--json`` prints.

        Raises:
            WinnowError: something that it needs is not there.

        """
        facts = machine()
        measured: Measured = import_module(self.module).measure(load)
        return {
            "bench": self.name,
            "machine": {**facts, "load": measured.load, "repetitions": measured.repetitions},
            "rows": [row.to_dict() for row in measured.rows],
        }


BENCHES = {
    bench.name: bench
    for bench in (
        Bench(
            "recordings",
            "whole graphs on recordings: scaffold, run at full speed, verify every message",
            "winnow_tools.bench.recordings",
        ),
        Bench(
            "clips",
            "cutting a clip beside mcap's writer, and every codec on clouds beside lz4 and zstd",
            "winnow_tools.bench.clips",
        ),
        Bench("ring", "the ring beside numpy's copy and a deque", "winnow_tools.bench.ring"),
        Bench(
            "vehicle",
            "the full suite through the vehicle's graph at 1x, 2x, 4x",
            "winnow_tools.bench.vehicle",
        ),
        Bench("replay", "a recording at full speed, source to ring", "winnow_tools.bench.replay"),
        Bench(
            "what-if",
            "settings on recordings against real time, beside mcap's reader",
            "winnow_tools.bench.whatif",
        ),
        Bench(
            "convert",
            "conversion of recordings, read back and compared, beside rosbags-convert",
            "winnow_tools.bench.convert",
        ),
        Bench(
            "recover",
            "messages that survive kills and power cuts, and the speed of recovery",
            "winnow_tools.bench.recovery",
        ),
        Bench(
            "classifier",
            "what classifying costs, and what a selection by it finds at equal bytes",
            "winnow_tools.bench.classification",
        ),
        Bench(
            "redactor",
            "recall and cost of covering faces and plates, beside deface",
            "winnow_tools.bench.redaction",
        ),
        Bench(
            "restart",
            "kill -9 of the ring in a running dataflow: the gap, and what is lost",
            "winnow_tools.bench.restart",
        ),
        Bench(
            "snapshot",
            "two triggers close together, beside a snapshot ring that is emptied",
            "winnow_tools.bench.snapshot",
        ),
        Bench(
            "upload",
            "an upload through kills, cuts, black holes and flipped bytes, beside awscli and s3cmd",
            "winnow_tools.bench.upload",
        ),
        Bench(
            "dashcam",
            "decode and gate, plates in photos and drives, memory of the graphs, beside DVR-Scan",
            "winnow_tools.bench.dashcam",
        ),
        Bench("tasks", "tasks per second through the server, beside bare SQL", "winnow_tools.bench.tasks"),
        Bench("triggers", "conditions per second beside rtamt", "winnow_tools.bench.conditions"),
    )
}


def named(name: str) -> Bench:
    """A benchmark by its name.

    Raises:
        BadInputError: there is none.

    """
    try:
        return BENCHES[name]
    except KeyError:
        raise BadInputError(
            f"There is no benchmark {name!r}; nothing was measured. There are: {', '.join(BENCHES)}."
        ) from None
