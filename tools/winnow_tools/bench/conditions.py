"""Updates per second of a trigger's condition beside rtamt, and what the whole library costs.

The load is an out-of-distribution score at 100 Hz: mostly quiet, mixed, and always above the threshold, so that
the median is wanted at every sample. rtamt evaluates a bounded `once` over the same samples in the same run.
Time is CPU time of this process: both sides compute and never wait, and other programs only take turns.
"""

from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np

from winnow_operators.condition import Condition, SignalSpec
from winnow_operators.triggers import Inputs, TriggerEngine
from winnow_schemas.errors import UnavailableError
from winnow_schemas.priority import Priority
from winnow_schemas.settings.signals import SignalSettings
from winnow_schemas.settings.triggers import TriggerSettings
from winnow_tools.bench.library import measure_library
from winnow_tools.bench.load import Load
from winnow_tools.bench.rows import Measured, Row

CONDITION = "value > 5.0 and value > 2.0 * median(value, 10 s)"
REFERENCE = "once[0,50] (ood > 5)"
STEP_NS = 10_000_000
WANTED_RATIO = 10.0
LOADS = {"quiet": 2.0, "mixed": 4.5, "always above": 8.0}
"""Name -> mean of the Gaussian score (standard deviation 1); the threshold is 5."""
WINDOW_SIZES = {"1000 samples": 10.0, "100000 samples": 1000.0}
"""Name -> window length in seconds at 100 Hz."""
LIBRARY_S = 120.0
"""Message time for the whole library: three of the demo's incidents."""


def measure(
    load: Load, samples: int = 100_000, repetitions: int = 5, library_s: float = LIBRARY_S
) -> Measured:
    """Run the benchmark; the best of the repetitions counts, for both sides.

    Raises:
        UnavailableError: rtamt is not installed.

    """
    rows: list[Row] = []
    for name, mean in LOADS.items():
        scores = np.random.Generator(np.random.PCG64(1)).normal(mean, 1.0, samples).tolist()
        peer = _rate(_run_rtamt, scores[: samples // 5], repetitions)
        alone = _rate(_run_condition, scores, repetitions)
        engine = _rate(_run_engine, scores, repetitions)
        beside: dict[str, Any] = {
            f"rtamt {REFERENCE} updates/s": round(peer),
            "condition updates/s": round(alone),
        }
        rows += [
            Row(f"condition over rtamt, {name}", alone / peer, "ratio", f">= {WANTED_RATIO:g}", beside),
            Row(f"engine, {name}", engine, "updates/s"),
        ]
    small, large = (_window_cost_us(window_s, repetitions) for window_s in WINDOW_SIZES.values())
    beside = {f"{name}, us per update": cost for name, cost in zip(WINDOW_SIZES, (small, large), strict=True)}
    rows.append(Row("median of 100000 samples over one of 1000", large / small, "ratio", "<= 5", beside))
    rows.append(measure_library(load, library_s, repetitions))
    text = (
        f"{samples} Gaussian scores at 100 Hz of message time, one signal, one condition; "
        f"for the library {library_s:g} s of the simulated full suite."
    )
    return Measured(rows, text, repetitions)


def _rate(run: Callable[[list[float]], float], scores: list[float], repetitions: int) -> float:
    return len(scores) / min(run(scores) for _ in range(repetitions))


def _run_condition(scores: list[float]) -> float:
    condition = Condition(CONDITION, {"value": SignalSpec("value")})
    update, t_ns = condition.update, 0
    begin = process_time()
    for score in scores:
        t_ns += STEP_NS
        update(t_ns, "value", score)
    return process_time() - begin


def _run_engine(scores: list[float]) -> float:
    trigger = TriggerSettings(when=CONDITION, priority=Priority.P1, pre_roll_s=10, post_roll_s=10)
    inputs = Inputs.of({"value": SignalSettings(topic="/perception/ood_score", field="data")})
    update, t_ns = TriggerEngine({"ood_spike": trigger}, inputs).update, 0
    begin = process_time()
    for score in scores:
        t_ns += STEP_NS
        update(t_ns, "value", score)
    return process_time() - begin


def _run_rtamt(scores: list[float]) -> float:
    try:
        import rtamt
    except ImportError:
        raise UnavailableError(
            "rtamt is not installed; install the 'peers' extra. Nothing was measured."
        ) from None
    monitor = rtamt.StlDiscreteTimeSpecification()
    monitor.declare_var("ood", "float")
    monitor.declare_var("out", "float")
    monitor.spec = f"out = {REFERENCE}"
    monitor.parse()
    begin = process_time()
    for step, score in enumerate(scores):
        monitor.update(step, [("ood", score)])
    return process_time() - begin


def _window_cost_us(window_s: float, repetitions: int) -> float:
    """Cost of an update with an exact median, the window being full."""
    fill, count = round(window_s * 100), 2_000
    scores = np.random.Generator(np.random.PCG64(2)).normal(5.0, 1.0, fill + count * repetitions).tolist()
    condition = Condition(f"median(value, {window_s} s) + value > 0", {"value": SignalSpec("value")})
    t_ns, costs = 0, []
    for score in scores[:fill]:
        t_ns += STEP_NS
        condition.update(t_ns, "value", score)
    for repetition in range(repetitions):
        begin = process_time()
        for score in scores[fill + repetition * count : fill + (repetition + 1) * count]:
            t_ns += STEP_NS
            condition.update(t_ns, "value", score)
        costs.append((process_time() - begin) / count * 1e6)
    return min(costs)
