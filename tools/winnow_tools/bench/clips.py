"""Clips: how fast they are cut, and what each codec makes of clouds."""

from winnow_tools.bench.announcing import announcing_rows
from winnow_tools.bench.codecs import BOUND_M, codec_rows
from winnow_tools.bench.cutting import PAIRS, WINDOW_S, WRITER, cutting_rows
from winnow_tools.bench.load import Load
from winnow_tools.bench.rows import Measured


def measure(load: Load) -> Measured:
    """Run the benchmark."""
    cutting = cutting_rows(load)
    writer_mb_s = float(cutting[0].beside[WRITER])
    rows = [*cutting, *announcing_rows(load, writer_mb_s), *codec_rows(load)]
    text = (
        f"{WINDOW_S:g} s of the simulated full suite (pooled clouds and images) cut from the rings onto tmpfs, beside "
        f"mcap's writer with the same messages from memory; clouds through every codec, lossy ones at {BOUND_M} m, "
        "CPU time of one thread"
    )
    return Measured(rows, text, PAIRS)
