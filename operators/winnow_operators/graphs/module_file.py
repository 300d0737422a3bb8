"""Module files: where they lie, and what their header promises."""

from collections.abc import Iterator
from dataclasses import dataclass

from winnow_operators.graphs.grammar import MAX_ID
from winnow_operators.graphs.nodes import Entry, read_entry
from winnow_operators.graphs.reading import Findings, Spot
from winnow_schemas.yaml_source import YamlDocument

MAX_NODES = 1_000
"""Nodes of a graph, module instances expanded; the largest graph planned for a vehicle has 20."""
MAX_TOTAL_PORTS = 50_000
"""Inputs and outputs of all nodes together."""
MAX_MODULE_BYTES = 1_048_576
"""dora's limit of a module file."""
MAX_MODULE_DEPTH = 8
"""dora's limit of modules inside modules."""


@dataclass(frozen=True, slots=True)
class ModuleFile:
    """A module file, read but not yet placed into a graph."""

    name: str
    inputs: tuple[str, ...]
    optional: tuple[str, ...]
    outputs: tuple[str, ...]
    entries: tuple[Entry, ...]
    spot: Spot

    @property
    def declared(self) -> tuple[str, ...]:
        """All inputs, required and optional."""
        return self.inputs + self.optional


def module_key(folder: str, file: str) -> str:
    """A module file's path relative to the graph's folder, or empty when it is absolute or leads outside.

    ``folder`` is the folder of the file that names it, relative to the graph's folder.
    """
    if not file or file.startswith(("/", "\\")) or "\0" in file or file[1:2] == ":":
        return ""
    parts: list[str] = []
    for part in [*folder.split("/"), *file.split("/")]:
        if part == "..":
            if not parts:
                return ""
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def folder_of(key: str) -> str:
    """The folder of a file, relative to the graph's folder."""
    return key.rpartition("/")[0]


def module_keys(document: YamlDocument, folder: str) -> list[str]:
    """The module files that a graph or module file uses, so that they can be read beforehand."""
    nodes = document.data.get("nodes") if isinstance(document.data, dict) else None
    files = (
        (node.get("module") for node in nodes if isinstance(node, dict)) if isinstance(nodes, list) else ()
    )
    keys = (module_key(folder, file) for file in files if isinstance(file, str))
    return list(dict.fromkeys(key for key in keys if key))


def read_entries(spot: Spot) -> tuple[Entry, ...]:
    """The entries of ``nodes:`` with distinct ids."""
    found = spot.get("nodes")
    if found is None:
        spot.error("there is no list 'nodes'; a dataflow begins with 'nodes:'")
        return ()
    entries: dict[str, Entry] = {}
    for item in found.elements(MAX_NODES, "nodes"):
        entry = read_entry(item)
        if entry is None:
            continue
        if entry.id in entries:
            first = entries[entry.id].place
            item.error(f"the node id {entry.id!r} stands here again, first in line {first.line}; rename one")
            continue
        entries[entry.id] = entry
    return tuple(entries.values())


def read_module(document: YamlDocument, findings: Findings) -> ModuleFile:
    """Read a module file; what is wrong goes to ``findings``."""
    spot = Spot(document, findings, document.data)
    header = spot.get("module")
    if header is None:
        spot.error("this is no module file: there is no 'module:' with a name")
        return ModuleFile("", (), (), (), (), spot)
    spot.warn_unknown({"module", "nodes", "build"}, "a module file")
    header.warn_unknown({"name", "inputs", "inputs_optional", "outputs"}, "a module's header")
    return ModuleFile(
        name=header.text_of("name"),
        inputs=tuple(_names(header, "inputs")),
        optional=tuple(_names(header, "inputs_optional")),
        outputs=tuple(_names(header, "outputs")),
        entries=read_entries(spot),
        spot=spot,
    )


def _names(header: Spot, key: str) -> Iterator[str]:
    found = header.get(key)
    for item in found.elements(MAX_NODES, "ports") if found else ():
        text = item.text()
        if text and len(text) <= MAX_ID:
            yield text
