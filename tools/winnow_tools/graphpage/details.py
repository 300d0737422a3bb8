"""What the page's side panel knows, as plain data."""

from collections.abc import Mapping
from typing import Any

from winnow_operators.graphs.layout import Drawing
from winnow_operators.graphs.model import Connection, Graph, Node, OutputRef, Place
from winnow_operators.graphs.overlay import Overlay
from winnow_tools.graphpage.describe import queue_text
from winnow_tools.graphpage.settings_view import SECTIONS_BY_PROGRAM
from winnow_tools.pages.secrets import shown_text, shown_value


def page_data(
    graph: Graph, drawing: Drawing, sections: Mapping[str, str], overlay: Overlay | None
) -> dict[str, Any]:
    """Nodes by id, boxes and lines in the order of the drawing."""
    over = overlay or Overlay()
    consumers: dict[tuple[str, str], list[str]] = {}
    for one in graph.connections:
        consumers.setdefault((one.source.node, one.source.output), []).append(
            f"{one.target_node}/{one.target.id}"
        )
    return {
        "nodes": {node.id: _node(node, consumers, sections, over) for node in graph.nodes},
        "boxes": [{"node": placed.box.node, "key": placed.box.key} for placed in drawing.boxes],
        "links": [
            {
                "from": placed.link.source,
                "to": placed.link.target,
                "back": placed.backward,
                "connections": [_connection(one, over) for one in placed.link.connections],
            }
            for placed in drawing.links
        ],
    }


def _node(
    node: Node, consumers: Mapping[tuple[str, str], list[str]], sections: Mapping[str, str], overlay: Overlay
) -> dict[str, Any]:
    program = node.runs.rpartition("/")[2]
    return {
        "name": node.name,
        "role": node.role.value,
        "kind": node.kind.value,
        "description": node.description,
        "place": _place(node.place),
        "facts": [[name, value] for name, value in _facts(node) if value],
        "env": [[name, shown_value(name, value)] for name, value in node.env],
        "figures": _figures(overlay.nodes.get(node.id, {})),
        "inputs": [
            {
                "id": port.id,
                "from": str(port.source),
                "node": port.source.node if isinstance(port.source, OutputRef) else "",
                "type": port.type,
                "queue": _queue(port.size, port.policy.value),
            }
            for port in node.inputs
        ],
        "outputs": [
            {"id": port.id, "type": port.type, "to": consumers.get((node.id, port.id), [])}
            for port in node.outputs
        ],
        "settings": [
            [name, sections[name]] for name in SECTIONS_BY_PROGRAM.get(program, ()) if name in sections
        ],
    }


def _facts(node: Node) -> list[tuple[str, str]]:
    return [
        ("runs", shown_text(node.runs)),
        ("arguments", shown_text(node.args)),
        ("machine", node.deploy.machine),
        ("working folder", node.deploy.working_dir),
        ("labels", ", ".join(f"{name}={value}" for name, value in node.deploy.labels)),
        ("module", node.module),
        ("operators", ", ".join(f"{part.id} ({part.source})" for part in node.operators)),
        ("restart", node.restart.value if node.restart.value != "never" else ""),
        *[(name.replace("_", " "), shown_value(name, value)) for name, value in node.extra],
    ]


def _queue(size: int, policy: str) -> str:
    return f"{size} · {policy}"


def _connection(one: Connection, overlay: Overlay) -> dict[str, Any]:
    target = f"{one.target_node}/{one.target.id}"
    return {
        "from": str(one.source),
        "to": target,
        "type": one.type,
        "queue": queue_text(one),
        "place": _place(one.target.place),
        "figures": _figures(overlay.inputs.get(target, {})),
    }


def _place(place: Place) -> str:
    """File and line; the folder is nobody's business."""
    return f"{place.file.replace(chr(92), '/').rpartition('/')[2]}:{place.line}"


def _figures(figures: Mapping[str, float]) -> list[list[str]]:
    return [[name, f"{value:,.6g}"] for name, value in sorted(figures.items())]
