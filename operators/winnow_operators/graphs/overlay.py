"""Live figures laid over a drawing: rates, drops, queues, latencies, by consumer input and by node."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from winnow_operators.graphs.model import Graph
from winnow_schemas.errors import BadInputError

MAX_ENTRIES = 50_000
"""Inputs and nodes with figures."""
MAX_FIGURES = 32
"""Figures of one input or node."""

SUMMED = ("rate_hz", "bytes_per_s", "drops", "messages", "bytes")
"""Figures of parallel connections that add up; of others the largest is shown."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """Figures by place. Names carry their unit: ``rate_hz``, ``bytes_per_s``, ``drops``, ``queue``, ``latency_ms``."""

    inputs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """``node/input`` -> figures of the connection that ends there."""
    nodes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Node id -> figures of the node."""

    def together(self, places: Iterable[str]) -> dict[str, float]:
        """The figures of several inputs as one."""
        result: dict[str, float] = {}
        for place in places:
            for name, value in self.inputs.get(place, {}).items():
                if name in SUMMED:
                    result[name] = result.get(name, 0.0) + value
                else:
                    result[name] = max(result.get(name, value), value)
        return result

    def unknown(self, graph: Graph) -> list[str]:
        """Places that the graph does not have, sorted."""
        known = {f"{node.id}/{port.id}" for node in graph.nodes for port in node.inputs}
        return sorted((set(self.inputs) - known) | (set(self.nodes) - set(graph.index)))


def read_overlay(value: Any, name: str) -> Overlay:
    """Read the JSON form ``{"edges": {"node/input": {"rate_hz": 12.5}}, "nodes": {"node": {...}}}``.

    Raises:
        BadInputError: it has another form, or more entries than the limit.

    """
    if not isinstance(value, dict) or not set(value) <= {"edges", "nodes"}:
        raise BadInputError(
            f"{name} must be an object with 'edges' and 'nodes'; nothing was laid over the graph."
        )
    return Overlay(
        _figures(value.get("edges", {}), f"{name}: edges"), _figures(value.get("nodes", {}), f"{name}: nodes")
    )


def _figures(value: Any, name: str) -> dict[str, dict[str, float]]:
    if not isinstance(value, dict) or len(value) > MAX_ENTRIES:
        raise BadInputError(
            f"{name} must be an object of at most {MAX_ENTRIES} entries; nothing was laid over the graph."
        )
    result: dict[str, dict[str, float]] = {}
    for key, figures in value.items():
        if not isinstance(figures, dict) or len(figures) > MAX_FIGURES:
            raise BadInputError(
                f"{name}: {key[:60]!r} must be an object of at most {MAX_FIGURES} numbers; nothing was laid over the graph."
            )
        for figure, number in figures.items():
            if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) < 1e300:
                raise BadInputError(
                    f"{name}: {key[:60]!r}: {figure[:60]!r} must be a finite number; nothing was laid over the graph."
                )
        result[key] = {figure: float(number) for figure, number in figures.items()}
    return result


def short_number(value: float) -> str:
    """A number in at most five characters or so: ``920``, ``12.5``, ``1.2k``, ``61.9M``."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def chip_text(figures: Mapping[str, float]) -> str:
    """The figures that are drawn on the line: the rate, and drops where there are any."""
    parts = []
    if "rate_hz" in figures:
        parts.append(f"{short_number(figures['rate_hz'])}/s")
    if figures.get("drops"):
        parts.append(f"{short_number(figures['drops'])} lost")
    return " · ".join(parts)
