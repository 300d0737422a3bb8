"""What the marks of a drawing mean; only those that occur."""

from winnow_operators.graphs.layout import Drawing
from winnow_operators.graphs.model import Graph, OutputRef, QueuePolicy, RestartPolicy, Role
from winnow_tools.pages.markup import text

_ROLES = {
    Role.SOURCE: "brings messages in",
    Role.RING: "holds recent messages",
    Role.DECISION: "decides what is kept",
    Role.OUTPUT: "writes or sends",
    Role.OBSERVER: "watches the others",
    Role.OTHER: "anything else",
}
_LINE = '<path class="line" d="M2 8H34"/>'
_HEAD = '<polygon class="head" points="40,8 32.5,4 32.5,12"/>'


def legend(graph: Graph, drawing: Drawing) -> str:
    """The legend as a section."""
    roles = [role for role in Role if any(node.role is role for node in graph.nodes)]
    items = [
        f'<li><span class="dot role-{role.value}"></span><b>{role.value}</b> {text(_ROLES[role])}</li>'
        for role in roles
    ]
    policies = {one.target.policy for one in graph.connections}
    if QueuePolicy.DROP_OLDEST in policies:
        items.append(_line("link", _LINE + _HEAD, "drops the oldest message when the queue is full"))
    if QueuePolicy.BACKPRESSURE in policies:
        core = '<path class="core" d="M2 8H34"/>'
        items.append(_line("link backpressure", _LINE + core + _HEAD, "keeps messages (backpressure)"))
    if any(placed.backward for placed in drawing.links):
        items.append(_line("link back", _LINE + _HEAD, "feedback, against the flow"))
    if any(len(placed.link.connections) > 1 for placed in drawing.links):
        items.append(_line("link bundle", _LINE + _HEAD, "several connections in one line"))
    if any(not isinstance(port.source, OutputRef) for node in graph.nodes for port in node.inputs):
        items.append('<li><span class="sample-chip">every 1 s</span> dora’s timer or logs</li>')  # noqa: RUF001
    if any(node.restart is not RestartPolicy.NEVER for node in graph.nodes):
        items.append('<li><span class="sample-restart">↻</span> started again after a failure</li>')
    if not items:
        return ""
    return f'<section class="legend"><h2>Legend</h2><ul>{"".join(items)}</ul></section>'


def _line(classes: str, inside: str, meaning: str) -> str:
    return (
        f'<li><svg class="winnow-drawing sample" viewBox="0 0 42 16" width="42" height="16" aria-hidden="true">'
        f'<g class="{classes}">{inside}</g></svg>{text(meaning)}</li>'
    )
