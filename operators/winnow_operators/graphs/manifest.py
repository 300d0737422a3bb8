"""Node manifests (``dora-node.yml``), in the form that ``dora validate --node-manifest`` accepts.

dora's format has no field for a node's role and refuses unknown ones; the keyword ``winnow-role:ROLE``
carries it.
"""

from dataclasses import dataclass

from winnow_operators.graphs.model import Role
from winnow_operators.graphs.ports import MAX_PORTS
from winnow_operators.graphs.reading import Findings, Spot
from winnow_schemas.yaml_source import FileProblemsError, YamlDocument

ROLE_KEYWORD = "winnow-role:"
_REQUIRED = ("apiVersion", "namespace", "runtime", "entrypoint")
_FIELDS = frozenset(
    {*_REQUIRED, "name", "description", "categories", "keywords", "build", "platforms", "dora"}
    | {"inputs", "outputs", "env", "types", "requirements", "example"}
)


@dataclass(frozen=True, slots=True)
class PortContract:
    """What a manifest promises about a port."""

    id: str
    type: str
    required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says about a node."""

    name: str
    entrypoint: str
    """What a graph's ``path`` names."""
    description: str
    role: Role
    inputs: tuple[PortContract, ...]
    outputs: tuple[PortContract, ...]
    env: tuple[tuple[str, str], ...]
    """Name and description of each variable that the node reads."""


def parse_manifest(document: YamlDocument) -> Manifest:
    """Read a manifest.

    Raises:
        FileProblemsError: with all problems.

    """
    findings = Findings()
    spot = Spot(document, findings, document.data)
    if not isinstance(document.data, dict):
        spot.error("this is no node manifest; a manifest is a mapping that begins with 'apiVersion: 1'")
    for key in _REQUIRED:
        if isinstance(document.data, dict) and spot.get(key) is None:
            spot.error(f"a node manifest needs {key!r}; add it")
    version = spot.get("apiVersion")
    if version and version.value != 1:
        version.wrong("Winnow reads version 1")
    manifest = Manifest(
        name=spot.text_of("name"),
        entrypoint=spot.text_of("entrypoint"),
        description=spot.text_of("description"),
        role=_role(spot),
        inputs=_contracts(spot.get("inputs")),
        outputs=_contracts(spot.get("outputs")),
        env=_variables(spot.get("env")),
    )
    spot.warn_unknown(_FIELDS, "a node manifest")
    problems = findings.problems + findings.warnings
    if problems:
        raise FileProblemsError(problems, "the manifest was not used.")
    return manifest


def _role(spot: Spot) -> Role:
    found = spot.get("keywords")
    for item in found.elements(MAX_PORTS, "keywords") if found else ():
        text = item.text()
        if text.startswith(ROLE_KEYWORD):
            name = text.removeprefix(ROLE_KEYWORD)
            if name in list(Role):
                return Role(name)
            item.wrong(f"allowed: {', '.join(ROLE_KEYWORD + role for role in Role)}")
    return Role.OTHER


def _contracts(spot: Spot | None) -> tuple[PortContract, ...]:
    ports = []
    for key, value in spot.items(MAX_PORTS, "ports") if spot else ():
        required = value.get("required")
        ports.append(
            PortContract(
                key,
                value.text_of("type"),
                required is not None and required.value is True,
                value.text_of("description"),
            )
        )
    return tuple(ports)


def _variables(spot: Spot | None) -> tuple[tuple[str, str], ...]:
    return (
        tuple((key, value.text_of("description")) for key, value in spot.items(MAX_PORTS, "variables"))
        if spot
        else ()
    )
