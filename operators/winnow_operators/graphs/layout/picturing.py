"""From a graph to what is drawn: boxes, slots, links, regions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from winnow_operators.graphs.layout import style
from winnow_operators.graphs.layout.bundling import Strand, strands
from winnow_operators.graphs.layout.picture import Box, Link, Picture, Region, RegionKind, Slot, SlotKind
from winnow_operators.graphs.layout.text import Face, shorten
from winnow_operators.graphs.model import Connection, Graph, Input, Node, NodeKind, Operator, OutputRef, Role
from winnow_operators.graphs.overlay import Overlay, chip_text

LOOSE_SHOWN = 3
"""Outputs that nobody takes are named up to this number, else counted."""
_Path = tuple[tuple[RegionKind, str, str], ...]
"""Regions from the outside in: kind, id, title."""


@dataclass(slots=True)
class _Slots:
    """Collects the slots of one box in order."""

    ins: dict[str, Slot] = field(default_factory=dict)
    outs: dict[str, Slot] = field(default_factory=dict)


def picture_of(graph: Graph, overlay: Overlay | None = None) -> Picture:
    """Decide what is drawn for ``graph``."""
    parts = {node.id: frozenset(part.id for part in node.operators) for node in graph.nodes}

    def box_of(node: str, port: str) -> str:
        head = port.partition("/")[0]
        if not parts[node]:
            return node
        return f"{node}/{head if head in parts[node] else graph.index[node].operators[0].id}"

    observers = frozenset(
        key for node in graph.nodes if node.role is Role.OBSERVER for key in _box_keys(node)
    )
    drawn = strands(
        graph.connections,
        lambda one: box_of(one.source.node, one.source.output),
        lambda one: box_of(one.target_node, one.target.id),
        observers,
    )
    slots = {key: _Slots() for node in graph.nodes for key in _box_keys(node)}
    collected: dict[tuple[str, str], list[Connection]] = {}
    for strand in drawn:
        if strand.collected:
            collected.setdefault((strand.target, strand.collected), []).extend(strand.connections)
    links = []
    for index, strand in enumerate(drawn):
        together = collected.get((strand.target, strand.collected), strand.connections)
        links.append(
            _link(strand, index, slots, _with_chip(_target_slot(strand, index, together), together, overlay))
        )
    taken = {(one.source.node, one.source.output) for one in graph.connections}
    for node in graph.nodes:
        _add_builtins(node, slots, box_of)
        _add_loose(node, slots, taken, box_of)
    return Picture(_regions(graph, slots), tuple(links))


def _box_keys(node: Node) -> list[str]:
    return [f"{node.id}/{part.id}" for part in node.operators] or [node.id]


def _link(strand: Strand, index: int, slots: dict[str, _Slots], target: Slot) -> Link:
    connections = strand.connections
    outputs = tuple(one.source.output for one in connections)
    if len(connections) == 1:
        source = Slot(f"port:{outputs[0]}", _port_label(outputs[0], strand.source), SlotKind.PORT, outputs)
    else:
        source = Slot(f"bundle:{index}", target.label, SlotKind.BUNDLE, outputs)
    slots[strand.source].outs.setdefault(source.key, source)
    slots[strand.target].ins[target.key] = target
    return Link(strand.source, source.key, strand.target, target.key, connections, strand.policy)


def _target_slot(strand: Strand, index: int, together: Sequence[Connection]) -> Slot:
    """The slot where a strand ends; ``together`` are all connections that end there."""
    ports = tuple(one.target.id for one in together)
    note = _queue_note(together)
    if len(together) == 1:
        return Slot(f"port:{ports[0]}", _port_label(ports[0], strand.target), SlotKind.PORT, ports, note)
    label = shorten(_many(together, strand.collected), style.PORT_MAX, style.PORT_PX)
    if strand.collected:
        return Slot(f"collector:{strand.collected}", label, SlotKind.COLLECTOR, ports, note)
    return Slot(f"bundle:{index}", label, SlotKind.BUNDLE, ports, note)


def _many(connections: Sequence[Connection], collected: str) -> str:
    """``44 x Payload``: what they have in common, the type, or the output's name."""
    names = {one.type.rpartition("/")[2] for one in connections}
    if names == {""} and collected:
        names = {one.source.output for one in connections}
    name = names.pop() if len(names) == 1 else ""
    return f"{len(connections)} × {name}" if name else f"{len(connections)} ports"


def _queue_note(connections: Sequence[Connection]) -> str:
    sizes = sorted({one.target.queue_size for one in connections if one.target.queue_size is not None})
    if not sizes:
        return ""
    return f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]}–{sizes[-1]}"


def _with_chip(slot: Slot, connections: Sequence[Connection], overlay: Overlay | None) -> Slot:
    if overlay is None:
        return slot
    text = chip_text(overlay.together(f"{one.target_node}/{one.target.id}" for one in connections))
    return replace(slot, chip=shorten(text, style.CHIP_MAX, style.CHIP_PX))


def _port_label(port: str, box: str) -> str:
    operator = box.partition("/")[2]
    name = port.removeprefix(f"{operator}/") if operator else port
    return shorten(name, style.PORT_MAX, style.PORT_PX)


def _add_builtins(node: Node, slots: dict[str, _Slots], box_of: Callable[[str, str], str]) -> None:
    for port in node.inputs:
        if isinstance(port.source, OutputRef):
            continue
        box, key = box_of(node.id, port.id), f"port:{port.id}"
        chip = shorten(str(port.source), style.CHIP_MAX, style.CHIP_PX)
        slots[box].ins[key] = Slot(
            key, _port_label(port.id, box), SlotKind.BUILTIN, (port.id,), _size(port), chip
        )


def _size(port: Input) -> str:
    return "" if port.queue_size is None else str(port.queue_size)


def _add_loose(
    node: Node, slots: dict[str, _Slots], taken: set[tuple[str, str]], box_of: Callable[[str, str], str]
) -> None:
    loose: dict[str, list[str]] = {}
    for port in node.outputs:
        if (node.id, port.id) not in taken:
            loose.setdefault(box_of(node.id, port.id), []).append(port.id)
    for box, ports in loose.items():
        if len(ports) <= LOOSE_SHOWN:
            for name in ports:
                slots[box].outs[f"port:{name}"] = Slot(
                    f"port:{name}", _port_label(name, box), SlotKind.LOOSE, (name,)
                )
        else:
            slots[box].outs["loose"] = Slot("loose", f"{len(ports)} not taken", SlotKind.LOOSE, tuple(ports))


def _box(node: Node, key: str, slots: _Slots, operator: Operator | None = None) -> Box:
    title = operator.id if operator else (node.name or node.local_id)
    runs = operator.source if operator else node.runs
    subtitle = "ROS 2 bridge" if node.kind is NodeKind.ROS2 else runs.rstrip("/").rpartition("/")[2]
    return Box(
        key=key,
        node=node.id,
        title=shorten(title, style.TITLE_MAX, style.TITLE_PX, Face.BOLD),
        subtitle=shorten(subtitle, style.SUBTITLE_MAX, style.SUBTITLE_PX, Face.MONO),
        role=node.role,
        restarts=node.restart.value != "never",
        ins=tuple(slots.ins.values()),
        outs=tuple(slots.outs.values()),
    )


def _regions(graph: Graph, slots: dict[str, _Slots]) -> Region:
    modules = {module.id: module for module in graph.modules}
    placed: list[tuple[_Path, Box]] = []
    for node in graph.nodes:
        path: list[tuple[RegionKind, str, str]] = []
        if node.deploy.machine:
            path.append((RegionKind.MACHINE, node.deploy.machine, node.deploy.machine))
        chain, current = [], node.module
        while current:
            module = modules[current]
            local = module.id.removeprefix(f"{module.parent}.") if module.parent else module.id
            chain.append((RegionKind.MODULE, module.id, f"{local} · {module.file}"))
            current = module.parent
        path += reversed(chain)
        if node.kind is NodeKind.RUNTIME and node.operators:
            path.append((RegionKind.RUNTIME, node.id, node.name or node.local_id))
            boxes = [
                _box(node, f"{node.id}/{part.id}", slots[f"{node.id}/{part.id}"], part)
                for part in node.operators
            ]
        else:
            boxes = [_box(node, node.id, slots[node.id])]
        placed += [(tuple(path), box) for box in boxes]
    return Region("", RegionKind.ROOT, "", _nested(placed, 0, ""))


def _nested(placed: list[tuple[_Path, Box]], depth: int, key: str) -> tuple[Box | Region, ...]:
    """The children at ``depth``, in order of first appearance."""
    children: dict[str, Box | list[tuple[_Path, Box]]] = {}
    for path, box in placed:
        if len(path) == depth:
            children[f"box {box.key}"] = box
        else:
            kind, name, _ = path[depth]
            members = children.setdefault(f"{key}{kind.value} {name}|", [])
            if isinstance(members, list):
                members.append((path, box))
    result: list[Box | Region] = []
    for child_key, child in children.items():
        if isinstance(child, Box):
            result.append(child)
        else:
            kind, _, title = child[0][0][depth]
            text = shorten(title, style.REGION_MAX, style.REGION_PX, Face.BOLD)
            result.append(Region(child_key, kind, text, _nested(child, depth + 1, child_key)))
    return tuple(result)
