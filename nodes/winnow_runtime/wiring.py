"""What a node may ask about the graph that it is part of."""

from dataclasses import dataclass
from typing import Any

DORA_BUFFER_FACTOR = 10
"""A backpressure edge buffers up to this many times its queue size, then drops the oldest (tried)."""
_DEFAULT_QUEUE = 10
CONTROL = "control"
"""The output on which a source speaks about its stream."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One input of one node."""

    node: str
    input: str
    source_node: str
    """``dora`` for timers."""
    output: str
    queue_size: int


class Wiring:
    """The edges of a dataflow, from dora's descriptor."""

    def __init__(self, descriptor: dict[str, Any]) -> None:
        self._outputs: dict[str, list[str]] = {}
        self._urns: dict[tuple[str, str], str] = {}
        self._edges: list[Edge] = []
        for node in descriptor.get("nodes", []):
            node_id = str(node["id"])
            self._outputs[node_id] = [str(output) for output in node.get("outputs") or []]
            for output, urn in (node.get("output_types") or {}).items():
                self._urns[node_id, str(output)] = str(urn)
            for input_id, source in (node.get("inputs") or {}).items():
                self._edges.append(_edge(node_id, str(input_id), source))

    @property
    def nodes(self) -> list[str]:
        return list(self._outputs)

    def outputs(self, node: str) -> list[str]:
        """Outputs in the order of the graph."""
        return self._outputs.get(node, [])

    def urn(self, node: str, output: str) -> str:
        """Declared type of an output; empty when undeclared."""
        return self._urns.get((node, output), "")

    def inputs(self, node: str) -> list[Edge]:
        return [edge for edge in self._edges if edge.node == node]

    def input(self, node: str, input_id: str) -> Edge | None:
        return next((edge for edge in self.inputs(node) if edge.input == input_id), None)

    def payload_outputs(self, source: str, ring: str) -> list[str]:
        """The outputs of a source that carry sensor messages into a ring, in the order of the graph.

        Source and ring count them the same way: what the ring takes of this source, its control apart.
        """
        taken = {edge.output for edge in self.inputs(ring) if edge.source_node == source}
        return [output for output in self.outputs(source) if output in taken and output != CONTROL]

    def consumers(self, node: str, output: str) -> list[Edge]:
        return [edge for edge in self._edges if (edge.source_node, edge.output) == (node, output)]


def _edge(node: str, input_id: str, source: Any) -> Edge:
    queue_size = _DEFAULT_QUEUE
    if isinstance(source, dict):
        queue_size = int(source.get("queue_size") or _DEFAULT_QUEUE)
        source = source["source"]
    source_node, _, output = str(source).partition("/")
    return Edge(node, input_id, source_node, output, queue_size)
