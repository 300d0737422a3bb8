"""The graph page: the drawing, a side panel, a search box, lists for print and for screen readers."""

from winnow_operators.graphs.layout import Drawing, lay_out
from winnow_operators.graphs.model import Connection, Graph, Node
from winnow_operators.graphs.overlay import Overlay
from winnow_tools.graphpage.describe import queue_text
from winnow_tools.graphpage.details import page_data
from winnow_tools.graphpage.legend import legend
from winnow_tools.graphpage.settings_view import settings_sections
from winnow_tools.graphpage.svg import svg_document, svg_element
from winnow_tools.pages.assets import read_asset
from winnow_tools.pages.document import html_document
from winnow_tools.pages.markup import attribute, text
from winnow_tools.pages.secrets import shown_text, shown_yaml


def render_svg(graph: Graph, overlay: Overlay | None = None) -> str:
    """The graph as a standalone SVG file: light and dark, tooltips, no script."""
    return svg_document(lay_out(graph, overlay), short_name(graph))


def render_html(graph: Graph, settings_text: str | None = None, overlay: Overlay | None = None) -> str:
    """The graph as one HTML file that works offline.

    Args:
        graph: what is drawn.
        settings_text: the device's settings file; a node's panel shows the sections that it reads.
        overlay: live figures.

    Raises:
        BadInputError: the settings are not YAML within the limits.

    """
    drawing = lay_out(graph, overlay)
    sections = settings_sections(settings_text) if settings_text else {}
    name = short_name(graph)
    body = (
        f"{_header(graph, name)}"
        f'<main class="graph-main">{_pane(drawing, name)}{_panel(graph, drawing, settings_text)}</main>{_lists(graph)}'
    )
    return html_document(
        f"{name} · Winnow graph",
        body,
        styles=("tokens.css", "base.css", "drawing.css", "graph.css"),
        scripts=("theme.js", "graph.js"),
        data=page_data(graph, drawing, sections, overlay),
    )


def short_name(graph: Graph) -> str:
    """The file's name without its folder."""
    return graph.name.replace("\\", "/").rpartition("/")[2] or "graph"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _summary(graph: Graph) -> str:
    ports = sum(len(node.outputs) for node in graph.nodes)
    parts = [
        _count(len(graph.nodes), "node", "nodes"),
        _count(len(graph.connections), "connection", "connections"),
    ]
    parts.append(_count(ports, "output", "outputs"))
    if graph.modules:
        parts.append(_count(len(graph.modules), "module", "modules"))
    if graph.machines:
        parts.append(_count(len(graph.machines), "machine", "machines"))
    return " · ".join(parts)


def _header(graph: Graph, name: str) -> str:
    return (
        f'<header class="bar"><div class="bar-title">{read_asset("mark.svg")}<h1>{text(name)}</h1>'
        f'<p class="muted">{text(_summary(graph))}</p></div>'
        '<form class="search" role="search"><input id="search" type="search" autocomplete="off" '
        'placeholder="Find a node, port or type" aria-label="Find a node, port or type" '
        'aria-describedby="found"><output id="found" for="search"></output></form>'
        '<div class="tools"><button type="button" id="theme" class="icon" '
        'aria-label="Switch between light and dark" title="Light or dark">'
        f"{read_asset('theme.svg')}</button></div></header>"
    )


def _pane(drawing: Drawing, name: str) -> str:
    empty = "" if drawing.boxes else '<p class="empty">This graph has no nodes.</p>'
    return (
        '<section class="pane" aria-label="Graph"><div class="canvas" id="canvas" tabindex="-1">'
        f"{svg_element(drawing, f'Graph {name}')}{empty}</div>"
        '<div class="zoom" role="group" aria-label="Zoom"><button type="button" id="zoom-in" class="icon" '
        'aria-label="Larger" title="Larger (+)">+</button><button type="button" id="zoom-fit" class="icon" '
        'aria-label="Fit the width" title="Fit the width (0)">⤢</button><button type="button" id="zoom-out" '
        'class="icon" aria-label="Smaller" title="Smaller (-)">−</button></div></section>'  # noqa: RUF001
    )


def _panel(graph: Graph, drawing: Drawing, settings: str | None) -> str:
    warnings = "".join(f"<li>line {problem.line}: {text(problem.message)}</li>" for problem in graph.warnings)
    found = f'<section class="warnings"><h2>Warnings</h2><ul>{warnings}</ul></section>' if warnings else ""
    listing = (
        f"<details><summary>Settings</summary><pre>{text(shown_yaml(settings))}</pre></details>"
        if settings
        else ""
    )
    return (
        '<aside class="panel" id="panel" aria-label="Details" aria-live="polite"><button type="button" '
        'id="close" class="icon close" aria-label="Close the details" hidden>×</button>'  # noqa: RUF001
        f'<div id="details" hidden></div><div id="overview">{found}{legend(graph, drawing)}'
        '<p class="muted hint">Select a node or a line for its details. Tab and Enter work too; '
        f"Escape goes back.</p>{listing}</div></aside>"
    )


def _lists(graph: Graph) -> str:
    if not graph.nodes:
        return ""
    nodes = "".join(_node_row(node) for node in graph.nodes)
    lines = "".join(_connection_row(one) for one in graph.connections)
    head = "<tr><th>Node</th><th>Role</th><th>Runs</th><th>Machine</th><th>Restart</th><th>In</th><th>Out</th></tr>"
    tables = (
        f'<details open><summary>Nodes</summary><div class="scroll"><table><thead>{head}</thead>'
        f"<tbody>{nodes}</tbody></table></div></details>"
    )
    if lines:
        head = "<tr><th>From</th><th>To</th><th>Type</th><th>Queue</th></tr>"
        tables += (
            f'<details><summary>Connections</summary><div class="scroll"><table><thead>{head}</thead>'
            f"<tbody>{lines}</tbody></table></div></details>"
        )
    return f'<section class="lists" aria-label="Lists">{tables}</section>'


def _node_row(node: Node) -> str:
    description = f'<span class="muted block">{text(node.description)}</span>' if node.description else ""
    restart = "" if node.restart.value == "never" else node.restart.value
    return (
        f'<tr><td><button type="button" class="link" data-node="{attribute(node.id)}">{text(node.id)}</button>'
        f'{description}</td><td><span class="dot role-{node.role.value}"></span>{node.role.value}</td>'
        f"<td><code>{text(shown_text(node.runs))}</code></td><td>{text(node.deploy.machine)}</td>"
        f'<td>{restart}</td><td class="num">{len(node.inputs)}</td><td class="num">{len(node.outputs)}</td></tr>'
    )


def _connection_row(one: Connection) -> str:
    target = f"{one.target_node}/{one.target.id}"
    return (
        f"<tr><td>{text(str(one.source))}</td><td>{text(target)}</td><td><code>{text(one.type)}</code></td>"
        f"<td>{text(queue_text(one))}</td></tr>"
    )
