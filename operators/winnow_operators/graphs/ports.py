"""Reads the inputs and outputs of a node or operator."""

from collections.abc import Collection, Iterator

from winnow_operators.graphs.grammar import GrammarError, parse_source, port_id_flaw
from winnow_operators.graphs.model import Input, Output, QueuePolicy
from winnow_operators.graphs.reading import Spot, shown

MAX_PORTS = 2_000
"""Inputs, or outputs, of one node; a vehicle has a few hundred topics."""
_INPUT_FIELDS = frozenset({"source", "queue_size", "queue_policy", "input_timeout"})


def read_inputs(spot: Spot, prefix: str) -> Iterator[Input]:
    """The inputs under ``inputs``, their ids with ``prefix``; wrong ones are reported and left out."""
    found = spot.get("inputs")
    entries = list(found.items(MAX_PORTS, "inputs")) if found else []
    types = _types(spot, "input_types", [key for key, _ in entries])
    for key, value in entries:
        if flaw := port_id_flaw(key):
            value.warn(f"{shown(key)}: {flaw}")
        given = value
        if isinstance(value.value, dict):
            value.warn_unknown(_INPUT_FIELDS, "an input")
            source = value.get("source")
            if source is None:
                value.error(f"{value.name}: the input has no 'source'; write NODE/OUTPUT")
                continue
            given = source
        one = _input(value, given, prefix + key, types.get(key, ""))
        if one:
            yield one


def _input(spot: Spot, given: Spot, port: str, urn: str) -> Input | None:
    text = given.text()
    try:
        source = parse_source(text)
    except GrammarError as error:
        if text:
            given.error(f"{spot.name}: {shown(text)} is not a source; {error}")
        return None
    size, timeout = spot.get("queue_size"), spot.get("input_timeout")
    return Input(
        id=port,
        source=source,
        place=spot.place,
        queue_size=size.count() if size else None,
        queue_policy=_policy(spot),
        timeout_s=timeout.seconds() if timeout else None,
        type=urn,
    )


def _policy(spot: Spot) -> QueuePolicy | None:
    found = spot.get("queue_policy")
    if found is None:
        return None
    if found.value in list(QueuePolicy):
        return QueuePolicy(found.value)
    found.wrong(f"allowed: {', '.join(QueuePolicy)}")
    return None


def read_outputs(spot: Spot, prefix: str) -> Iterator[Output]:
    """The outputs under ``outputs``, their ids with ``prefix``; naming one twice is naming it once."""
    found = spot.get("outputs")
    entries = {item.text(): item for item in found.elements(MAX_PORTS, "outputs")} if found else {}
    types = _types(spot, "output_types", entries)
    for text, item in entries.items():
        if flaw := port_id_flaw(text):
            item.warn(f"{shown(text)}: {flaw}")
        if text:
            yield Output(prefix + text, item.place, types.get(text, ""))


def _types(spot: Spot, key: str, ports: Collection[str]) -> dict[str, str]:
    found = spot.get(key)
    types: dict[str, str] = {}
    for name, value in found.items(MAX_PORTS, "types") if found else ():
        types[name] = value.text()
        if name not in ports:
            value.warn(f"{key}: there is no port {shown(name)} that could have a type")
    return types
