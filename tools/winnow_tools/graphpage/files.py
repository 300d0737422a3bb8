"""Reads a graph from disk: the dataflow, its modules, the manifests of its nodes."""

import importlib.util
from collections.abc import Iterable
from importlib.metadata import entry_points
from pathlib import Path

from winnow_operators.graphs import Graph, parse_graph
from winnow_operators.graphs.manifest import parse_manifest
from winnow_operators.graphs.model import Role
from winnow_operators.graphs.module_file import (
    MAX_MODULE_BYTES,
    MAX_MODULE_DEPTH,
    folder_of,
    module_key,
    module_keys,
)
from winnow_schemas.errors import BadInputError
from winnow_schemas.yaml_source import YamlDocument, load_file

MANIFEST = "dora-node.yml"
MAX_MODULE_FILES = 200
"""Module files of one graph."""


def load_graph(path: Path) -> Graph:
    """Read the graph at ``path`` with its modules and what the manifests of its nodes say.

    Raises:
        BadInputError: a file cannot be read.
        FileProblemsError: with all problems, each with its place.

    """
    document = load_file(path)
    modules = load_modules(document, path.parent)
    paths = _paths({"": document} | modules)
    return parse_graph(document, modules, roles_from_manifests(paths, path.parent))


def load_modules(document: YamlDocument, folder: Path) -> dict[str, YamlDocument]:
    """The module files that a graph uses, directly or inside others, by their path relative to ``folder``.

    Files that do not exist are left out: the parser reports them where they are named.

    Raises:
        BadInputError: a module file is too large, not YAML, or a link that leads outside.

    """
    found: dict[str, YamlDocument] = {}
    waiting = [(key, 1) for key in module_keys(document, "")]
    base = folder.resolve()
    while waiting:
        key, depth = waiting.pop(0)
        file = folder / key
        if key in found or not _is_file(file):
            continue
        if not file.resolve().is_relative_to(base):
            raise BadInputError(
                f"The module {file} leads outside {folder} through a link; the graph was not read."
            )
        if file.stat().st_size > MAX_MODULE_BYTES:
            raise BadInputError(
                f"The module {file} has {file.stat().st_size} bytes, dora's limit is {MAX_MODULE_BYTES}; "
                "the graph was not read."
            )
        if len(found) == MAX_MODULE_FILES:
            raise BadInputError(f"The graph uses more than {MAX_MODULE_FILES} module files; it was not read.")
        found[key] = load_file(file)
        if depth <= MAX_MODULE_DEPTH:
            waiting += [(inner, depth + 1) for inner in module_keys(found[key], folder_of(key))]
    return found


def roles_from_manifests(paths: Iterable[str], folder: Path) -> dict[str, Role]:
    """What manifests say about the nodes that run ``paths``: beside the file, or in the script's package.

    Raises:
        FileProblemsError: a manifest is wrong.

    """
    roles: dict[str, Role] = {}
    scripts = {script.name: script.module for script in entry_points(group="console_scripts")}
    for path in sorted(set(paths)):
        manifest = _manifest_of(path, folder, scripts)
        if manifest and _is_file(manifest):
            role = parse_manifest(load_file(manifest)).role
            if role is not Role.OTHER:
                roles[path] = role
    return roles


def _manifest_of(path: str, folder: Path, scripts: dict[str, str]) -> Path | None:
    if "/" in path:
        return folder / Path(path).parent / MANIFEST
    package = scripts.get(path, "").partition(".")[0]
    found = importlib.util.find_spec(package) if package else None
    places = found.submodule_search_locations if found else None
    return Path(next(iter(places))) / MANIFEST if places else None


def _paths(documents: dict[str, YamlDocument]) -> list[str]:
    """What the nodes run, relative to the graph's folder."""
    paths = []
    for key, document in documents.items():
        nodes = document.data.get("nodes") if isinstance(document.data, dict) else None
        for node in nodes if isinstance(nodes, list) else ():
            path = node.get("path") if isinstance(node, dict) else None
            if isinstance(path, str):
                paths.append(module_key(folder_of(key), path) if "/" in path else path)
    return paths


def _is_file(path: Path) -> bool:
    """Whether there is such a file; names that no file system takes are no files."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
