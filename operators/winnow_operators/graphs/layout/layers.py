"""In which row each box stands."""

from collections.abc import Iterable, Mapping, Sequence

from winnow_operators.graphs.layout import style


def assign_layers(
    nodes: Sequence[str],
    edges: Mapping[tuple[str, str], float],
    widths: Mapping[str, float],
    row_width: float,
    alone: Iterable[str] = (),
) -> dict[str, int]:
    """Rows from 0 on; every edge points to a later row; rows wider than ``row_width`` are broken.

    Args:
        nodes: in the order that decides ties.
        edges: weights of acyclic edges (source, target).
        widths: of the nodes, px.
        row_width: px; a single wider node still gets its row.
        alone: nodes that nothing connects; they stand below all others.

    """
    apart = frozenset(alone)
    layers = _connected_layers([node for node in nodes if node not in apart], edges, widths, row_width)
    row, used = max(layers.values(), default=-1) + 1, 0.0
    for node in (node for node in nodes if node in apart):
        if used and used + widths[node] > row_width:
            row, used = row + 1, 0.0
        layers[node] = row
        used += widths[node] + style.ITEM_GAP
    return layers


def _connected_layers(
    nodes: Sequence[str],
    edges: Mapping[tuple[str, str], float],
    widths: Mapping[str, float],
    row_width: float,
) -> dict[str, int]:
    before: dict[str, list[str]] = {node: [] for node in nodes}
    after: dict[str, list[str]] = {node: [] for node in nodes}
    for source, target in edges:
        before[target].append(source)
        after[source].append(target)
    order = _topological(nodes, before, after)
    layers = dict.fromkeys(nodes, 0)
    for node in order:
        layers[node] = max((layers[source] + 1 for source in before[node]), default=0)
    _pull_together(order, before, after, edges, layers)
    _fit_rows(order, before, after, (widths, row_width), layers)
    used = sorted(set(layers.values()))
    return {node: used.index(layer) for node, layer in layers.items()}


def _topological(
    nodes: Sequence[str], before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]
) -> list[str]:
    waiting = {node: len(before[node]) for node in nodes}
    ready = [node for node in nodes if not waiting[node]]
    order = []
    while ready:
        node = ready.pop(0)
        order.append(node)
        for target in after[node]:
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return order


def _pull_together(
    order: Sequence[str],
    before: Mapping[str, Sequence[str]],
    after: Mapping[str, Sequence[str]],
    edges: Mapping[tuple[str, str], float],
    layers: dict[str, int],
) -> None:
    """Move nodes within their slack so that edges get shorter; ends when nothing moves (layers only grow)."""
    moved = True
    while moved:
        moved = False
        for node in reversed(order):
            if not after[node]:
                continue
            latest = min(layers[target] for target in after[node]) - 1
            inwards = sum(edges[source, node] for source in before[node])
            outwards = sum(edges[node, target] for target in after[node])
            if latest > layers[node] and outwards > inwards:
                layers[node] = latest
                moved = True


def _fit_rows(
    order: Sequence[str],
    before: Mapping[str, Sequence[str]],
    after: Mapping[str, Sequence[str]],
    room: tuple[Mapping[str, float], float],
    layers: dict[str, int],
) -> None:
    """Break rows that are too wide; what follows moves down."""
    widths, row_width = room
    depth = _heights(order, after)
    place = {node: index for index, node in enumerate(order)}
    layer = 0
    while layer <= max(layers.values(), default=-1):
        row = [node for node in order if layers[node] == layer]
        row.sort(key=lambda node: (-depth[node], place[node]))
        total, late = -style.ITEM_GAP, []
        for node in row:
            total += widths[node] + style.ITEM_GAP
            if total > row_width and node is not row[0]:
                late.append(node)
                total -= widths[node] + style.ITEM_GAP
        for node in late:
            layers[node] = layer + 1
        if late:
            for node in order:
                layers[node] = max([layers[node], *(layers[source] + 1 for source in before[node])])
        layer += 1


def _heights(order: Sequence[str], after: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """How many edges the longest way to an end has: nodes with much behind them go first."""
    heights: dict[str, int] = {}
    for node in reversed(order):
        heights[node] = 1 + max(_of(heights, after[node]), default=-1)
    return heights


def _of(values: Mapping[str, int], keys: Iterable[str]) -> list[int]:
    return [values[key] for key in keys]
