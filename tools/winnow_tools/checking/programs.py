"""Whether what the nodes of a graph run is there."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from winnow_operators.graphs.model import Graph, Node, NodeKind
from winnow_operators.graphs.rules import RING, Finding, Severity, program
from winnow_tools.running.launch import node_environment

_MADE_LATER = ("build", "git")
"""Settings of a node whose file `dora build` makes or fetches."""


def programs(path: Path, graph: Graph) -> Iterator[Finding]:
    """Files must exist, and programs be found where dora will look."""
    search = node_environment()["PATH"]
    for node in graph.nodes:
        if node.kind is not NodeKind.PROGRAM or node.deploy.machine:
            continue  # what another machine has cannot be seen from here
        if _is_file(node.runs):
            if not _made_later(node) and not (path.parent / node.runs).is_file():
                message = (
                    f"{node.id}: the file {node.runs} does not exist; correct path, or put the file there"
                )
                yield Finding(Severity.ERROR, node.place, message)
        elif shutil.which(node.runs, path=search) is None:
            message = (
                f"{node.id}: the program {node.runs} is not installed here (neither on PATH nor beside Python); "
                "install it or correct path"
            )
            yield Finding(Severity.ERROR, node.place, message)
    if not any(program(node) == RING for node in graph.nodes):
        yield Finding(
            Severity.NOTE, None, "the graph has no winnow-ring: memory, triggers and cameras were not checked"
        )


def _is_file(runs: str) -> bool:
    return "/" in runs or runs.endswith(".py")


def _made_later(node: Node) -> bool:
    return "://" in node.runs or "$" in node.runs or any(key in _MADE_LATER for key, _ in node.extra)
