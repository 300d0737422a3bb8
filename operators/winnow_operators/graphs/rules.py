"""What a graph of Winnow must keep to, beyond what dora checks: lossless edges, and no way around the redactor."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from winnow_operators.graphs.model import Connection, Graph, Node, Place, QueuePolicy
from winnow_schemas.messages import (
    BY_URN,
    PAYLOAD_URN,
    ClipReady,
    Control,
    Credit,
    Decision,
    Health,
    Outgoing,
    Receipt,
    Record,
    TriggerEvent,
    Verdict,
    Watermark,
)

RING, REDACTOR, UPLOADER = "winnow-ring", "winnow-redactor", "winnow-uploader"
_MUST_NOT_LOSE = {PAYLOAD_URN, Control.URN}
"""dora's default edges drop messages now and then; these have nothing else that would notice in time."""
_JOURNALED = {record.URN for record in (TriggerEvent, ClipReady, Verdict, Outgoing, Receipt, Decision)}
"""What they drop is read from the journal, later."""
_CARRIES_NO_PICTURE: frozenset[str] = frozenset(
    record.URN for record in (Control, Credit, Health, Decision, Receipt, TriggerEvent, Watermark)
)
"""Types whose messages neither hold a payload nor lead to one."""


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """Do not run this."""
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `winnow check`."""

    severity: Severity
    place: Place | None
    message: str

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.severity.value}: {self.message}"


def program(node: Node) -> str:
    """The console script that a node runs, without folders."""
    return node.runs.rpartition("/")[2]


def lossless_edges(graph: Graph) -> Iterable[Finding]:
    """Payloads and control must travel over `backpressure`; journaled events should."""
    for connection in graph.connections:
        if connection.target.policy is QueuePolicy.BACKPRESSURE:
            continue
        name = f"{connection.target_node}/{connection.target.id}"
        is_payload = connection.type in _MUST_NOT_LOSE or (
            not connection.type and _feeds_ring(graph, connection)
        )
        if is_payload:
            message = f"{name} takes {connection.source} over an edge that may drop messages; add queue_policy: backpressure"
            yield Finding(Severity.ERROR, connection.target.place, message)
        elif connection.type in _JOURNALED:
            message = (
                f"{name}: what this edge drops arrives late, from the journal; add queue_policy: backpressure"
            )
            yield Finding(Severity.WARNING, connection.target.place, message)


def _feeds_ring(graph: Graph, connection: Connection) -> bool:
    return program(graph.index[connection.target_node]) == RING


def edge_types(graph: Graph) -> Iterable[Finding]:
    """Every output of Winnow's own nodes has a type, and both ends agree."""
    for connection in graph.connections:
        source = graph.index.get(connection.source.node)
        output = (
            next((port for port in source.outputs if port.id == connection.source.output), None)
            if source
            else None
        )
        if output is None:
            continue
        if connection.target.type and output.type and connection.target.type != output.type:
            message = f"{connection.target_node}/{connection.target.id} wants {connection.target.type}, {connection.source} gives {output.type}"
            yield Finding(Severity.ERROR, connection.target.place, message)
        known: dict[str, type[Record]] = BY_URN
        if output.type.startswith("winnow/") and output.type not in known and output.type != PAYLOAD_URN:
            yield Finding(
                Severity.ERROR, output.place, f"{connection.source}: there is no type {output.type}"
            )


def ways_around_redactor(graph: Graph, camera_inputs: Iterable[str]) -> Iterable[Finding]:
    """Every way on which camera data could reach an uploader without passing a redactor.

    ``camera_inputs``: ports that carry pictures, as inputs of a ring or outputs of a source. From the ring on, everything that reads its
    shared memory or what was made from it counts; types that cannot lead to a payload do not.
    """
    cameras = set(camera_inputs)
    followers: dict[str, list[Connection]] = {}
    for connection in graph.connections:
        followers.setdefault(connection.source.node, []).append(connection)
    start = [
        connection
        for connection in graph.connections
        if cameras & {connection.target.id, connection.source.output}
    ]
    sources = sorted({connection.source.node for connection in start})
    seen: dict[str, Connection | None] = dict.fromkeys(sources)
    waiting = list(sources)
    while waiting:
        node_id = waiting.pop(0)
        for connection in followers.get(node_id, ()):
            target = graph.index[connection.target_node]
            if connection.type in _CARRIES_NO_PICTURE or program(target) == REDACTOR or target.id in seen:
                continue
            seen[target.id] = connection
            if program(target) == UPLOADER:
                way = " -> ".join(_way(seen, target.id))
                yield Finding(
                    Severity.ERROR,
                    connection.target.place,
                    f"camera data can reach {target.id} without a redactor ({way}); put winnow-redactor between",
                )
                continue
            waiting.append(target.id)


def _way(seen: dict[str, Connection | None], node_id: str) -> list[str]:
    way = [node_id]
    while (connection := seen[way[0]]) is not None:
        way.insert(0, connection.source.node)
    return way
