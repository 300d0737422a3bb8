"""From YAML to a graph: everything that is wrong is found in one go, each with its place."""

import difflib
from collections.abc import Mapping
from dataclasses import replace

from winnow_operators.graphs.expand import Expansion
from winnow_operators.graphs.model import Connection, Graph, Input, Node, NodeKind, OutputRef, Role
from winnow_operators.graphs.module_file import read_entries
from winnow_operators.graphs.reading import Findings, Spot, pairs, shown
from winnow_operators.graphs.roles import role_of
from winnow_schemas.yaml_source import FileProblemsError, Problem, YamlDocument

MAX_CONNECTIONS = 20_000
"""Wires of a graph; ten times the topics of the largest vehicle times its consumers."""
MAX_PROBLEMS = 100
"""Problems listed; who has more needs no longer list."""
_ROOT_FIELDS = frozenset(
    {"nodes", "env", "deploy", "debug", "health_check_interval", "strict_types", "exit_when_nodes_finish"}
    | {"type_rules"}
)


def parse_graph(
    document: YamlDocument,
    files: Mapping[str, YamlDocument] | None = None,
    roles: Mapping[str, Role] | None = None,
) -> Graph:
    """Read a dataflow, modules expanded.

    Args:
        document: the dataflow.
        files: module files by their path relative to the dataflow's folder (see ``module_keys``).
        roles: what nodes are for, by what they run; from manifests. Others are told by name and wiring.

    Raises:
        FileProblemsError: with all problems, in the order of the file.

    """
    findings = Findings()
    spot = Spot(document, findings, document.data)
    if not isinstance(document.data, dict):
        spot.error("this is no dataflow; a dataflow is a mapping with a list 'nodes'")
        raise _failure(findings)
    if "module" in document.data:
        spot.error("this is a module file, part of a graph; draw the graph that uses it")
    spot.warn_unknown(_ROOT_FIELDS | {"module", "communication"}, "a dataflow")
    expansion = Expansion(files or {}, findings)
    nodes = expansion.flatten(read_entries(spot))
    connections = _connect(nodes, findings)
    if findings.problems:
        raise _failure(findings)
    shared = dict(pairs(spot.get("env")))
    listening = {connection.source.node for connection in connections}
    nodes = [
        replace(
            node,
            env=tuple(sorted((shared | dict(node.env)).items())),
            role=role_of(node, listening, roles or {}),
        )
        for node in nodes
    ]
    return Graph(
        name=document.name,
        nodes=tuple(nodes),
        modules=tuple(expansion.modules),
        connections=tuple(connections),
        warnings=tuple(_in_order(findings.warnings)),
    )


def _failure(findings: Findings) -> FileProblemsError:
    return FileProblemsError(_in_order(findings.problems)[:MAX_PROBLEMS], "the graph was not drawn.")


def _in_order(problems: list[Problem]) -> list[Problem]:
    return sorted(
        set(problems), key=lambda problem: (problem.file, problem.line, problem.column, problem.message)
    )


def _connect(nodes: list[Node], findings: Findings) -> list[Connection]:
    outputs = {node.id: {port.id: port.type for port in node.outputs} for node in nodes}
    connections: list[Connection] = []
    for node in nodes:
        for port in node.inputs:
            if not isinstance(port.source, OutputRef):
                continue
            problem = _dangling(port.source, nodes, outputs)
            if problem:
                findings.problems.append(_at(port, problem))
                continue
            made = outputs[port.source.node][port.source.output]
            connections.append(Connection(port.source, node.id, port, made or port.type))
            if len(connections) > MAX_CONNECTIONS:
                findings.problems.append(
                    _at(port, f"the graph has more than {MAX_CONNECTIONS} connections, the limit")
                )
                return connections
    return connections


def _dangling(ref: OutputRef, nodes: list[Node], outputs: dict[str, dict[str, str]]) -> str:
    """Why the reference leads nowhere, or empty."""
    if ref.node not in outputs:
        close = difflib.get_close_matches(ref.node, sorted(outputs), n=1)
        hint = f"did you mean {shown(close[0])}?" if close else "add it, or correct the input's source"
        return f"there is no node {shown(ref.node)}; {hint}"
    if ref.output in outputs[ref.node]:
        return ""
    known = sorted(outputs[ref.node])
    close = difflib.get_close_matches(ref.output, known, n=1)
    kind = next(node.kind for node in nodes if node.id == ref.node)
    if close:
        hint = f"did you mean {shown(close[0])}?"
    elif kind is NodeKind.RUNTIME:
        hint = "write NODE/OPERATOR/OUTPUT"
    else:
        hint = f"it has: {', '.join(known[:8]) or 'no outputs'}" + (", …" if len(known) > 8 else "")
    return f"the node {shown(ref.node)} has no output {shown(ref.output)}; {hint}"


def _at(port: Input, message: str) -> Problem:
    return Problem(port.place.file, port.place.line, port.place.column, f"input {shown(port.id)}: {message}")
