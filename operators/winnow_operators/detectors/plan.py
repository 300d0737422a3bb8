"""From the settings of signals to the detectors that make them; what does not fit is told with its place."""

import difflib
import json
from collections.abc import Mapping
from typing import NamedTuple

from winnow_operators.condition.units import parse_unit
from winnow_operators.detectors.detector import Detector
from winnow_operators.detectors.registry import DETECTORS
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.signals import SignalSettings
from winnow_schemas.validation import validate_part
from winnow_schemas.yaml_source import Path_, YamlDocument


class Fault(NamedTuple):
    """Something wrong with a signal's settings."""

    path: Path_
    """Below ``signals``."""
    message: str


class Planned(NamedTuple):
    """One detector and the signals that it makes."""

    detector: type[Detector]
    inputs: dict[str, str]
    """Input name -> topic."""
    params: dict[str, object]
    signals: dict[str, str]
    """Output -> signal."""


def plan_detectors(signals: Mapping[str, SignalSettings]) -> tuple[list[Planned], list[Fault]]:
    """Group signals by the detector that makes them; equal inputs and parameters are one detector."""
    planned: dict[str, Planned] = {}
    faults: list[Fault] = []
    for name, signal in signals.items():
        if not signal.detector:
            continue
        found = _faults(name, signal)
        faults += found
        if found:
            continue
        key = json.dumps([signal.detector, signal.inputs, signal.params], sort_keys=True)
        plan = planned.setdefault(
            key, Planned(DETECTORS[signal.detector], dict(signal.inputs), dict(signal.params), {})
        )
        output = signal.field or name
        if output in plan.signals:
            faults.append(
                Fault((name,), f"the same output {output!r} is already the signal {plan.signals[output]!r}")
            )
        plan.signals[output] = name
    return list(planned.values()), faults


def _faults(name: str, signal: SignalSettings) -> list[Fault]:
    detector = DETECTORS.get(signal.detector)
    if detector is None:
        hint = _near(signal.detector, DETECTORS)
        return [Fault((name, "detector"), f"there is no detector {signal.detector!r}; {hint}")]
    faults = [
        Fault((name, "inputs", key), f"{detector.name} has no input {key!r}; {_near(key, detector.inputs)}")
        for key in signal.inputs
        if key not in detector.inputs
    ]
    faults += [
        Fault((name, "inputs"), f"{detector.name} needs the input {key!r}: name its topic")
        for key in detector.inputs
        if key not in signal.inputs
    ]
    output = detector.outputs.get(signal.field or name)
    if output is None:
        key = signal.field or name
        hint = _near(key, detector.outputs)
        faults.append(Fault((name, "field"), f"{detector.name} has no output {key!r}; {hint}"))
    elif output.type is not signal.type or not _same_unit(output.unit, signal.unit):
        unit = f", unit {output.unit}" if output.unit else ""
        faults.append(
            Fault((name,), f"the detector gives {signal.field or name} as {output.type.value}{unit}")
        )
    _, problems = validate_part(detector.params_model, signal.params, YamlDocument("", signal.params), ())
    faults += [
        Fault((name, "params", problem.message.partition(":")[0]), problem.message) for problem in problems
    ]
    return faults


def _same_unit(given: str, declared: str) -> bool:
    """A declared unit must be the detector's; none at all means the detector's own."""
    if not declared or given == declared:
        return True
    try:
        one, two = parse_unit(given or "1"), parse_unit(declared)
    except BadInputError:
        return False
    return (one.factor, one.dimension, one.offset) == (two.factor, two.dimension, two.offset)


def _near(word: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known))}"
