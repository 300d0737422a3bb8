"""What the whole library of triggers costs on the full sensor suite, as a share of one core at real time.

CPU seconds of decoding, detecting and deciding over seconds of message time. The payloads lie in memory: reading
them from rings or files is measured elsewhere. Topics that no trigger looks at are passed over, as in the node.
"""

from time import process_time

from winnow_operators.sim import Simulator
from winnow_schemas.simulation import load_script
from winnow_tools.bench.load import Load
from winnow_tools.bench.rows import Row
from winnow_tools.sim.deciding import Decider, library_settings, rendered

WANTED_SHARE = 0.1
_SCRIPT = "demo"
_SMALLEST_SCALE = 0.001
"""Of clouds and images: no trigger looks at them, and the lists of objects are the same at any scale."""


def measure_library(load: Load, duration_s: float, repetitions: int) -> Row:
    """One row; the cheapest of the repetitions counts, since other programs only add to it."""
    script = load_script(_SCRIPT)
    incidents = tuple(each for each in script.incidents if each.at_s < duration_s)
    duration_s = min(duration_s, script.duration_s)
    script = script.model_copy(update={"duration_s": duration_s, "incidents": incidents})
    simulator = Simulator(script, 1, _SMALLEST_SCALE)
    settings = library_settings(script.samples)
    load.say(f"simulating {duration_s:g} s of {_SCRIPT} for the whole library")
    topics = Decider(settings, simulator.channels, simulator.start_ns).topics
    messages = list(rendered(simulator, topics))
    costs, fired, triggers = [], 0, 0
    for _ in range(repetitions):
        decider = Decider(settings, simulator.channels, simulator.start_ns)
        begin = process_time()
        fired = len(decider.decide(messages, simulator.end_ns - 1))
        costs.append(process_time() - begin)
        triggers = decider.triggers
    beside = {
        "triggers": triggers,
        "topics": len(topics),
        "messages/s of message time": len(messages) / duration_s,
        "us per message": min(costs) / len(messages) * 1e6,
        "seconds of message time": duration_s,
        "events": fired,
    }
    return Row(
        "library of all 28 types, cores at 1x",
        min(costs) / duration_s,
        "cores",
        f"<= {WANTED_SHARE:g}",
        beside,
    )
