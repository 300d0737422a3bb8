"""Compares what fired with the ground truth."""

from collections.abc import Iterable

from winnow_schemas.simulation.triggers import TRIGGER_PRIORITY
from winnow_schemas.simulation.truth import Comparison, Expectation, Fired, GroundTruth


def compare(
    truth: GroundTruth,
    fired: Iterable[tuple[str, int]],
    *,
    every_s: float | None = None,
    every_m: float | None = None,
) -> Comparison:
    """Hold fired events, as (type, t_ns), against the ground truth.

    ``every_s`` and ``every_m`` are the parameters of time and distance sampling that were in force, when
    they are not the script's. An event meets every must-window of its type in which it lies.
    """
    events = [Fired(type=name, t_ns=t_ns) for name, t_ns in fired]
    expectations = truth.all_expectations(every_s=every_s, every_m=every_m)
    windows: dict[str, list[Expectation]] = {}
    for each in expectations:
        windows.setdefault(each.type, []).append(each)
    times: dict[str, list[int]] = {}
    for event in events:
        times.setdefault(event.type, []).append(event.t_ns)
    musts = [each for each in expectations if each.must]
    met = [each for each in musts if any(each.covers(t_ns) for t_ns in times.get(each.type, ()))]
    return Comparison(
        met=met,
        missing=[each for each in musts if each not in met],
        unexpected=[
            event
            for event in events
            if event.type in TRIGGER_PRIORITY
            and not any(each.covers(event.t_ns) for each in windows.get(event.type, ()))
        ],
        other=[event for event in events if event.type not in TRIGGER_PRIORITY],
    )
