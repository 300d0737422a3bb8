"""Short sentences about boxes and lines, for tooltips and screen readers."""

from winnow_operators.graphs.layout.picture import Box, Link
from winnow_operators.graphs.model import Connection, QueuePolicy

_SHOWN = 12
"""Connections of a bundle that a tooltip names."""


def box_summary(box: Box) -> str:
    """``ring, ring: winnow-ring; 46 inputs, 4 outputs``."""
    inputs = sum(len(slot.ports) for slot in box.ins)
    outputs = sum(len(slot.ports) for slot in box.outs)
    runs = f" runs {box.subtitle}" if box.subtitle else ""
    return f"{box.key} ({box.role.value}){runs}; {inputs} inputs, {outputs} outputs"


def queue_text(connection: Connection) -> str:
    """``queue 10, drops the oldest``."""
    port = connection.target
    if port.policy is QueuePolicy.BACKPRESSURE:
        return f"queue {port.size}, keeps up to {max(100, 10 * port.size)}"
    return f"queue {max(1, port.size)}, drops the oldest"


def connection_text(connection: Connection) -> str:
    """``sim/imu → ring/imu, Payload, queue 1000, keeps up to 10000``."""
    parts = [f"{connection.source} → {connection.target_node}/{connection.target.id}"]
    if connection.type:
        parts.append(connection.type)
    return ", ".join([*parts, queue_text(connection)])


def link_summary(link: Link) -> str:
    """One line per connection."""
    lines = [connection_text(connection) for connection in link.connections[:_SHOWN]]
    if len(link.connections) > 1:
        lines.insert(0, f"{len(link.connections)} connections {link.source} → {link.target}")
    if len(link.connections) > _SHOWN:
        lines.append(f"… and {len(link.connections) - _SHOWN} more")
    return "\n".join(lines)
