"""Clips: how fast they are cut, and what each codec makes of clouds."""

from winnow_tools.bench.codecs import BOUND_M, codec_rows
from winnow_tools.bench.cutting import PAIRS, WINDOW_S, cutting_rows
from winnow_tools.bench.load import Load
from winnow_tools.bench.rows import Measured


def measure(load: Load) -> Measured:
    """Run the benchmark."""
    rows = [*cutting_rows(load), *codec_rows(load)]
    text = (
        f"{WINDOW_S:g} s of the simulated full suite (pooled clouds and images) cut from the rings onto tmpfs, beside "
        f"mcap's writer with the same messages from memory; clouds through every codec, lossy ones at {BOUND_M} m, "
        "CPU time of one thread"
    )
    return Measured(rows, text, PAIRS)
