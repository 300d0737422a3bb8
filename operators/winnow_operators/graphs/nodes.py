"""Reads one entry of ``nodes:``, as it stands, references not yet resolved."""

from dataclasses import dataclass

from winnow_operators.graphs.grammar import MAX_ID, node_id_flaw
from winnow_operators.graphs.model import (
    Deploy,
    Input,
    Node,
    NodeKind,
    Operator,
    Output,
    Place,
    RestartPolicy,
)
from winnow_operators.graphs.ports import MAX_PORTS, read_inputs, read_outputs
from winnow_operators.graphs.reading import Spot, pairs, shown

_SOURCES = ("path", "operator", "operators", "ros2", "hub", "module")
_EXTRA = (
    *("build", "git", "branch", "tag", "rev", "path_sha256", "pattern", "cpu_affinity"),
    *("send_stdout_as", "send_logs_as", "min_log_level", "max_log_size", "max_rotated_files"),
    *("max_restarts", "restart_delay", "max_restart_delay", "restart_window"),
    *("health_check_timeout", "startup_timeout", "finish_grace_secs", "shared_memory_pool_size"),
)
_PORTS = ("inputs", "outputs", "input_types", "output_types", "output_framing", "output_metadata")
_FIELDS = frozenset(
    {
        "id",
        "name",
        "description",
        "args",
        "env",
        "deploy",
        "restart_policy",
        "params",
        *_SOURCES,
        *_EXTRA,
        *_PORTS,
    }
)
_OPERATOR_SOURCES = ("python", "shared-library", "wasm")
_OPERATOR_FIELDS = frozenset({"id", "name", "description", *_OPERATOR_SOURCES, *_EXTRA, *_PORTS})


@dataclass(frozen=True, slots=True)
class ModuleUse:
    """An entry that stands for the nodes of a module file."""

    id: str
    file: str
    """As written: relative to the file that says so."""
    place: Place
    spot: Spot
    inputs: tuple[Input, ...]
    params: tuple[tuple[str, str], ...]
    env: tuple[tuple[str, str], ...]
    deploy: Deploy


Entry = Node | ModuleUse


def read_entry(spot: Spot) -> Entry | None:
    """Read a node or the use of a module; None when it has no usable id."""
    if not isinstance(spot.value, dict):
        spot.wrong("it must be a mapping with at least 'id'")
        return None
    spot.warn_unknown(_FIELDS | {"_unstable_deploy"}, "a node")
    node_id = _node_id(spot)
    if not node_id:
        return None
    env, deploy = pairs(spot.get("env")), _deploy(spot)
    module = spot.get("module")
    if module:
        params = pairs(spot.get("params"))
        inputs = tuple(read_inputs(spot, ""))
        return ModuleUse(node_id, module.text(), module.place, spot, inputs, params, env, deploy)
    kind, runs = _runs(spot)
    operators, inputs, outputs = _ports(spot)
    return Node(
        id=node_id,
        kind=kind,
        place=spot.place,
        name=spot.text_of("name"),
        description=spot.text_of("description"),
        runs=runs,
        args=spot.text_of("args"),
        env=env,
        deploy=deploy,
        restart=_restart(spot),
        inputs=inputs,
        outputs=outputs,
        operators=operators,
        extra=tuple((key, found.plain()) for key in sorted(_EXTRA) if (found := spot.get(key))),
    )


def _node_id(spot: Spot) -> str:
    found = spot.get("id")
    if found is None:
        spot.error(f"{spot.name}: a node needs an 'id'; add one")
        return ""
    text = found.text()
    if not text or "/" in text or len(text) > MAX_ID:
        found.wrong(f"a node's id is 1 to {MAX_ID} characters without '/'")
        return ""
    if flaw := node_id_flaw(text):
        found.warn(f"{shown(text)}: {flaw}")
    return text


def _runs(spot: Spot) -> tuple[NodeKind, str]:
    given = [key for key in _SOURCES if spot.get(key)]
    if len(given) > 1:
        spot.warn(
            f"{spot.name}: only one of {', '.join(_SOURCES)} may stand here, there are {' and '.join(given)}"
        )
    if path := spot.get("path"):
        runs = path.text()
        return (NodeKind.DYNAMIC if runs == "dynamic" else NodeKind.PROGRAM), runs
    if operator := spot.get("operator"):
        return NodeKind.OPERATOR, _operator_source(operator)
    if spot.get("operators"):
        return NodeKind.RUNTIME, ""
    if ros2 := spot.get("ros2"):
        return NodeKind.ROS2, ros2.plain()
    if spot.get("hub"):
        return NodeKind.HUB, spot.text_of("hub")
    spot.warn(f"{spot.name}: nothing says what the node runs; dora wants one of {', '.join(_SOURCES)}")
    return NodeKind.UNKNOWN, ""


def _ports(spot: Spot) -> tuple[tuple[Operator, ...], tuple[Input, ...], tuple[Output, ...]]:
    inputs, outputs = list(read_inputs(spot, "")), list(read_outputs(spot, ""))
    operators: list[Operator] = []
    single, several = spot.get("operator"), spot.get("operators")
    parts = [(single, "")] if single else []
    if several:
        for index, part in enumerate(several.elements(MAX_PORTS, "operators")):
            parts.append((part, part.text_of("id") or f"operator{index + 1}"))
            if not part.get("id"):
                part.error(f"{part.name}: an operator of a list needs an 'id'; add one")
    for part, name in parts:
        part.warn_unknown(_OPERATOR_FIELDS, "an operator")
        prefix = f"{name}/" if name else ""
        inputs += read_inputs(part, prefix)
        outputs += read_outputs(part, prefix)
        if name:
            operators.append(Operator(name, _operator_source(part), part.place, part.text_of("description")))
    return tuple(operators), tuple(inputs), tuple(outputs)


def _operator_source(spot: Spot) -> str:
    for key in _OPERATOR_SOURCES:
        if found := spot.get(key):
            inner = found.get("source")
            return (inner or found).text()
    return ""


def _deploy(spot: Spot) -> Deploy:
    found = spot.get("deploy") or spot.get("_unstable_deploy")
    if found is None:
        return Deploy()
    if spot.get("_unstable_deploy"):
        found.warn("dora 1.1 calls '_unstable_deploy' 'deploy' and refuses the old name; rename it")
    if not isinstance(found.value, dict):
        found.wrong("it must be a mapping with 'machine'")
        return Deploy()
    return Deploy(found.text_of("machine"), found.text_of("working_dir"), pairs(found.get("labels")))


def _restart(spot: Spot) -> RestartPolicy:
    found = spot.get("restart_policy")
    if found is None:
        return RestartPolicy.NEVER
    if found.value in list(RestartPolicy):
        return RestartPolicy(found.value)
    found.wrong(f"allowed: {', '.join(RestartPolicy)}")
    return RestartPolicy.NEVER
