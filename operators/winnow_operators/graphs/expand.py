"""Replaces each use of a module by the module's nodes, as dora 1.1 does before it starts anything."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from winnow_operators.graphs.model import Deploy, Input, Module, Node, NodeKind, OutputRef
from winnow_operators.graphs.module_file import (
    MAX_MODULE_DEPTH,
    MAX_NODES,
    MAX_TOTAL_PORTS,
    ModuleFile,
    folder_of,
    module_key,
    read_module,
)
from winnow_operators.graphs.nodes import Entry, ModuleUse
from winnow_operators.graphs.reading import Findings, shown
from winnow_schemas.yaml_source import Problem, YamlDocument

Exports = dict[str, dict[str, OutputRef]]
"""Module id -> its declared outputs -> who really produces them."""
_FILES = (NodeKind.PROGRAM, NodeKind.OPERATOR)
"""Kinds whose ``runs`` is a file that dora looks for beside the module."""


@dataclass(slots=True)
class Expansion:
    """Expands the modules of one graph, collecting problems."""

    files: Mapping[str, YamlDocument]
    """Module files by their path relative to the graph's folder."""
    findings: Findings
    modules: list[Module] = field(default_factory=list)
    _read: dict[str, ModuleFile] = field(default_factory=dict)
    _nodes: int = 0
    _ports: int = 0
    _full: bool = False

    def flatten(self, entries: Iterable[Entry]) -> list[Node]:
        """The graph's own entries, modules expanded."""
        return self._scope(entries, "", "", ())[0]

    def _scope(
        self, entries: Iterable[Entry], parent: str, folder: str, open_files: tuple[str, ...]
    ) -> tuple[list[Node], Exports]:
        nodes: list[Node] = []
        exports: Exports = {}
        for entry in entries:
            if self._is_full(entry):
                break
            if isinstance(entry, ModuleUse):
                inner, exports[entry.id] = self._module(entry, parent, folder, open_files)
                nodes += inner
            else:
                self._nodes += 1
                self._ports += len(entry.inputs) + len(entry.outputs)
                nodes.append(entry)
        return [self._with_exports(node, exports) for node in nodes], exports

    def _is_full(self, entry: Entry) -> bool:
        """Whether a limit is reached, so that a module that uses others a million times ends here."""
        for count, limit, what in (
            (self._nodes, MAX_NODES, "nodes"),
            (len(self.modules), MAX_NODES, "uses of modules"),
            (self._ports, MAX_TOTAL_PORTS, "inputs and outputs"),
        ):
            if count >= limit:
                if not self._full:
                    self._report(entry, f"the graph has more than {limit} {what}, which is the limit")
                self._full = True
                return True
        return False

    def _module(
        self, use: ModuleUse, parent: str, folder: str, open_files: tuple[str, ...]
    ) -> tuple[list[Node], dict[str, OutputRef]]:
        key = self._key(use, folder, open_files)
        if not key:
            return [], {}
        if key not in self._read:
            self._read[key] = read_module(self.files[key], self.findings)
        module = self._read[key]
        self.modules.append(Module(use.id, module.name, key, use.place, parent))
        self._check_inputs(use, module)
        siblings = {entry.id for entry in module.entries}
        placed = [
            placed_entry
            for entry in module.entries
            if (placed_entry := self._place(entry, use, module, siblings, folder_of(key)))
        ]
        nodes, exports = self._scope(placed, use.id, folder_of(key), (*open_files, key))
        return nodes, self._outputs(module, placed, exports)

    def _key(self, use: ModuleUse, folder: str, open_files: tuple[str, ...]) -> str:
        key = module_key(folder, use.file)
        problem = ""
        if not key:
            problem = f"the module {shown(use.file)} lies outside the graph's folder; put it beside the graph"
        elif key in open_files:
            problem = f"the module {shown(key)} uses itself"
        elif len(open_files) >= MAX_MODULE_DEPTH:
            problem = f"modules nest deeper than {MAX_MODULE_DEPTH} levels"
        elif key not in self.files:
            problem = f"the module file {shown(key)} does not exist beside the graph"
        if problem:
            self._report(use, problem)
        return "" if problem else key

    def _check_inputs(self, use: ModuleUse, module: ModuleFile) -> None:
        given = {port.id for port in use.inputs}
        for name in module.inputs:
            if name not in given:
                self._report(
                    use, f"the module {shown(module.name)} needs the input {shown(name)}; connect it"
                )
        for port in use.inputs:
            if port.id not in module.declared:
                allowed = ", ".join(module.declared) or "none"
                self._report(
                    port, f"the module {shown(module.name)} has no input {shown(port.id)}; it has: {allowed}"
                )

    def _place(
        self, entry: Entry, use: ModuleUse, module: ModuleFile, siblings: set[str], folder: str
    ) -> Entry:
        """The entry with the id, inputs and surroundings that it has inside this use of its module."""
        env = dict(use.env) | dict(entry.env)
        env |= {f"PARAM_{key.upper()}": value for key, value in use.params}
        inputs = (self._rewire(port, use, module, siblings) for port in entry.inputs)
        deploy = use.deploy if entry.deploy == Deploy() else entry.deploy
        wired = tuple(port for port in inputs if port)
        new_id, new_env = f"{use.id}.{entry.id}", tuple(sorted(env.items()))
        if isinstance(entry, ModuleUse):
            return replace(entry, id=new_id, inputs=wired, env=new_env, deploy=deploy)
        self._warn_about_script(entry, folder)
        return replace(
            entry,
            id=new_id,
            inputs=wired,
            env=new_env,
            deploy=deploy,
            module=use.id,
            args=_with_params(entry.args, dict(use.params)),
            runs=_from_folder(folder, entry.runs) if entry.kind in _FILES else entry.runs,
            operators=tuple(
                replace(part, source=_from_folder(folder, part.source)) for part in entry.operators
            ),
        )

    def _warn_about_script(self, node: Node, folder: str) -> None:
        if folder and node.kind is NodeKind.PROGRAM and re.fullmatch(r"[\w-]+", node.runs):
            self._warn(
                node,
                f"dora looks for {shown(node.runs)} as {shown(f'{folder}/{node.runs}')}, since the module lies in "
                "a folder of its own; put the module file beside the graph",
            )

    def _rewire(self, port: Input, use: ModuleUse, module: ModuleFile, siblings: set[str]) -> Input | None:
        source = port.source
        if not isinstance(source, OutputRef):
            return port
        if source.node in siblings:
            return replace(port, source=OutputRef(f"{use.id}.{source.node}", source.output))
        if source.node != "_mod":
            return port
        bound = next((given for given in use.inputs if given.id == source.output), None)
        if bound is None:
            if source.output not in module.declared:
                self._report(
                    port, f"the module's header declares no input {shown(source.output)}; add it there"
                )
            return None
        return replace(
            port,
            source=bound.source,
            place=bound.place,
            queue_size=bound.queue_size if port.queue_size is None else port.queue_size,
            queue_policy=port.queue_policy or bound.queue_policy,
            timeout_s=bound.timeout_s if port.timeout_s is None else port.timeout_s,
        )

    def _outputs(self, module: ModuleFile, placed: list[Entry], exports: Exports) -> dict[str, OutputRef]:
        found: dict[str, OutputRef] = {}
        for name in module.outputs:
            makers = [maker for entry in placed for maker in _makers(entry, name, exports)]
            if len(makers) == 1:
                found[name] = makers[0]
                continue
            who = " and ".join(map(str, makers))
            problem = f"{who} both produce" if makers else "no node of the module produces"
            module.spot.error(f"{problem} the output {shown(name)} that the module's header declares")
        return found

    def _with_exports(self, node: Node, exports: Exports) -> Node:
        """The node with references to a module's outputs replaced by their real producers."""
        inputs = list(node.inputs)
        for index, port in enumerate(inputs):
            source = port.source
            if isinstance(source, OutputRef) and source.node in exports:
                maker = exports[source.node].get(source.output)
                if maker:
                    inputs[index] = replace(port, source=maker)
        return replace(node, inputs=tuple(inputs))

    def _report(self, entry: Entry | Input, message: str) -> None:
        place = entry.place
        self.findings.problems.append(Problem(place.file, place.line, place.column, message))

    def _warn(self, entry: Entry, message: str) -> None:
        place = entry.place
        self.findings.warnings.append(Problem(place.file, place.line, place.column, message))


def _from_folder(folder: str, path: str) -> str:
    """A module's path as dora rewrites it: relative to the graph's folder."""
    if path in ("", "shell") or path.startswith("/") or "://" in path:
        return path
    return module_key(folder, path) or path


def _makers(entry: Entry, name: str, exports: Exports) -> list[OutputRef]:
    if isinstance(entry, ModuleUse):
        return [exports[entry.id][name]] if name in exports.get(entry.id, {}) else []
    ids = [port.id for port in entry.outputs]
    whole = [port for port in ids if port == name or (entry.operators and port.rpartition("/")[2] == name)]
    return [OutputRef(entry.id, port) for port in whole]


def _with_params(text: str, params: dict[str, str]) -> str:
    """Put parameters into arguments: ``$PARAM_NAME`` and ``${_param.name}``; unknown ones stay as they are."""
    upper = {key.upper(): value for key, value in params.items()}

    def value(match: re.Match[str]) -> str:
        braced, plain = match.group("braced"), match.group("plain")
        found = params.get(braced) if braced is not None else upper.get(plain)
        return match.group() if found is None else found

    return re.sub(r"\$\{_param\.(?P<braced>[^}]*)\}|\$PARAM_(?P<plain>\w+)", value, text, flags=re.ASCII)
