"""What a node is for: by its manifest, by the name of Winnow's own programs, else by its wiring."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from winnow_operators.graphs.model import Node, NodeKind, OutputRef, Role

ROLES_BY_PROGRAM: dict[str, Role] = {
    # The console scripts of pyproject.toml.
    "winnow-sim": Role.SOURCE,
    "winnow-replay": Role.SOURCE,
    "winnow-ros2": Role.SOURCE,
    "winnow-ring": Role.RING,
    "winnow-triggers": Role.DECISION,
    "winnow-classifier": Role.DECISION,
    "winnow-recorder": Role.OUTPUT,
    "winnow-extractor": Role.OUTPUT,
    "winnow-redactor": Role.OUTPUT,
    "winnow-uploader": Role.OUTPUT,
    "winnow-retention": Role.OUTPUT,
    "winnow-monitor": Role.OBSERVER,
    "winnow-ledger": Role.OBSERVER,
}


def role_of(node: Node, listened_to: AbstractSet[str], declared: Mapping[str, Role]) -> Role:
    """The node's role.

    Args:
        node: the node.
        listened_to: ids of nodes whose outputs somebody takes.
        declared: roles from manifests, by what a node runs.

    """
    known = declared.get(node.runs) or ROLES_BY_PROGRAM.get(node.runs.rpartition("/")[2])
    if known:
        return known
    feeds = any(isinstance(port.source, OutputRef) for port in node.inputs)
    if node.kind is NodeKind.ROS2 and not feeds:
        return Role.SOURCE
    if not feeds and node.id in listened_to:
        return Role.SOURCE
    if feeds and not node.outputs:
        return Role.OUTPUT
    return Role.OTHER
