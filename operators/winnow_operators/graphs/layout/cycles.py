"""Which edges point backwards: a small feedback arc set.

The greedy heuristic of Eades, Lin and Smyth (1993), with weights: a credit that answers forty topics is the
edge that turns, not the topics.
"""

from collections.abc import Iterable, Mapping, Sequence

AGAINST = 0.4
"""What an edge against the order of the file counts."""
REFINEMENTS = 20
"""Passes over all nodes; a handful does."""


def order_nodes(
    nodes: Sequence[str], weights: Mapping[tuple[str, str], float], first: Iterable[str] = ()
) -> list[str]:
    """An order of ``nodes`` in which little weight points backwards.

    Args:
        nodes: in the order that decides ties.
        weights: weight of the edges (source, target); loops are ignored.
        first: nodes that go to the front where the edges leave the choice.

    """
    out: dict[str, dict[str, float]] = {node: {} for node in nodes}
    into: dict[str, dict[str, float]] = {node: {} for node in nodes}
    for (source, target), weight in weights.items():
        if source != target:
            out[source][target] = out[source].get(target, 0.0) + weight
            into[target][source] = into[target].get(source, 0.0) + weight
    preferred = frozenset(first)
    left, right, remaining = [], [], list(nodes)
    while remaining:
        sinks = [node for node in remaining if not out[node]]
        sources = [node for node in remaining if not into[node] and out[node]]
        if sinks:
            chosen = sinks[-1]
            right.append(chosen)
        elif sources:
            chosen = sources[0]
            left.append(chosen)
        else:
            chosen = max(
                remaining,
                key=lambda node: (node in preferred, sum(out[node].values()) - sum(into[node].values())),
            )
            left.append(chosen)
        remaining.remove(chosen)
        for target in out.pop(chosen):
            del into[target][chosen]
        for source in into.pop(chosen):
            del out[source][chosen]
    return left + right[::-1]


def backward_edges(
    nodes: Sequence[str], weights: Mapping[tuple[str, str], float], first: Iterable[str] = ()
) -> frozenset[tuple[str, str]]:
    """The edges to draw backwards, loops among them; without them there is no cycle.

    Who writes a graph mostly follows the flow, so an edge against the order of ``nodes`` turns more easily.
    """
    written = {node: index for index, node in enumerate(nodes)}
    leaning = {
        (source, target): weight * (1.0 if written[source] < written[target] else AGAINST)
        for (source, target), weight in weights.items()
    }
    order = _refined(order_nodes(nodes, leaning, first), leaning)
    position = {node: index for index, node in enumerate(order)}
    return frozenset(edge for edge in weights if position[edge[0]] >= position[edge[1]])


def _refined(order: list[str], weights: Mapping[tuple[str, str], float]) -> list[str]:
    """Move single nodes to where less weight points backwards, until none can be moved."""
    for _ in range(REFINEMENTS):
        moved = False
        for node in tuple(order):
            rest = [other for other in order if other != node]
            cost = sum(
                weights.get((other, node), 0.0) for other in rest
            )  # first of all: all edges into it turn
            here, best, place = order.index(node), cost, 0
            costs = [cost]
            for index, other in enumerate(rest):
                cost += weights.get((node, other), 0.0) - weights.get((other, node), 0.0)
                costs.append(cost)
                if cost < best - 1e-9:
                    best, place = cost, index + 1
            if best < costs[here] - 1e-9:
                order = [*rest[:place], node, *rest[place:]]
                moved = True
        if not moved:
            break
    return order
