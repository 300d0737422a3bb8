"""What a dora 1.1 dataflow says, flat and typed: modules expanded, every reference resolved."""

from dataclasses import dataclass, field
from enum import StrEnum

from winnow_schemas.yaml_source import Problem

DEFAULT_QUEUE_SIZE = 10
"""dora's queue of an input that names none (``dora_message::config::DEFAULT_QUEUE_SIZE``)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands; 1-based."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class QueuePolicy(StrEnum):
    """What happens to messages that a consumer has not taken yet."""

    DROP_OLDEST = "drop_oldest"
    """At ``queue_size`` messages the oldest is dropped (dora's default)."""
    BACKPRESSURE = "backpressure"
    """Up to ten times ``queue_size`` messages are kept; then the oldest is dropped, with an error log."""


class RestartPolicy(StrEnum):
    """When the daemon starts a node's process again."""

    NEVER = "never"
    ON_FAILURE = "on-failure"
    ALWAYS = "always"


class NodeKind(StrEnum):
    """What a node runs."""

    PROGRAM = "program"
    """``path``: a program or script."""
    DYNAMIC = "dynamic"
    """``path: dynamic``: a process started by hand that joins the graph."""
    OPERATOR = "operator"
    """``operator``: one operator inside dora's runtime process."""
    RUNTIME = "runtime"
    """``operators``: several operators in one runtime process."""
    ROS2 = "ros2"
    """``ros2``: dora's bridge to a ROS 2 topic, service or action."""
    HUB = "hub"
    """``hub``: a package of dora's node hub."""
    UNKNOWN = "unknown"
    """Nothing says what it runs; dora refuses such a node."""


class Role(StrEnum):
    """What a node is for; decides its colour."""

    SOURCE = "source"
    """Brings messages in: sensors, recordings, simulators."""
    RING = "ring"
    """Holds recent messages for the others."""
    DECISION = "decision"
    """Decides what is worth keeping."""
    OUTPUT = "output"
    """Writes or sends what was kept."""
    OBSERVER = "observer"
    """Watches the others: metrics, ledgers, logs."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class OutputRef:
    """Another node's output."""

    node: str
    output: str
    """``operator/output`` for an operator of a runtime node."""

    def __str__(self) -> str:
        return f"{self.node}/{self.output}"


@dataclass(frozen=True, slots=True)
class Timer:
    """dora's built-in timer."""

    interval_ns: int

    def __str__(self) -> str:
        """``every 100 ms``, in the largest unit that gives a whole number, frequencies where rounder."""
        ns = self.interval_ns
        for unit, size in (("s", 10**9), ("ms", 10**6), ("µs", 10**3)):
            if ns % size == 0:
                return f"every {ns // size} {unit}"
        hertz = 1e9 / ns
        return f"{round(hertz)} Hz" if abs(hertz - round(hertz)) < 1e-6 * hertz else f"every {ns} ns"


@dataclass(frozen=True, slots=True)
class Logs:
    """dora's built-in stream of log messages."""

    level: str = ""
    """The least level; empty = all."""
    node: str = ""
    """Only this node's; empty = all nodes."""

    def __str__(self) -> str:
        return " ".join(filter(None, ["logs", self.level, self.node and f"of {self.node}"]))


Source = OutputRef | Timer | Logs


@dataclass(frozen=True, slots=True)
class Input:
    """An input port and what it listens to."""

    id: str
    source: Source
    place: Place
    queue_size: int | None = None
    """Messages; None = dora's default (10)."""
    queue_policy: QueuePolicy | None = None
    """None = dora's default (drop_oldest)."""
    timeout_s: float | None = None
    """``input_timeout``: after this silence dora closes the input."""
    type: str = ""
    """Type URN from ``input_types``; empty = not annotated."""

    @property
    def policy(self) -> QueuePolicy:
        """The policy that applies."""
        return self.queue_policy or QueuePolicy.DROP_OLDEST

    @property
    def size(self) -> int:
        """The queue size that applies, in messages."""
        return DEFAULT_QUEUE_SIZE if self.queue_size is None else self.queue_size


@dataclass(frozen=True, slots=True)
class Output:
    """An output port."""

    id: str
    place: Place
    type: str = ""
    """Type URN from ``output_types``; empty = not annotated."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator of a runtime node. Its ports are the node's, with ids ``operator/port``."""

    id: str
    source: str
    """What it runs: a Python file, a shared library."""
    place: Place
    description: str = ""


@dataclass(frozen=True, slots=True)
class Deploy:
    """Where a node runs."""

    machine: str = ""
    """``machine``: id of the dora daemon; empty = wherever the coordinator likes."""
    working_dir: str = ""
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """One process of the flat graph."""

    id: str
    """With modules expanded: ``module.inner``."""
    kind: NodeKind
    place: Place
    name: str = ""
    description: str = ""
    runs: str = ""
    """What it runs: the path, the operator's file, the hub package, the ROS 2 topic."""
    args: str = ""
    env: tuple[tuple[str, str], ...] = ()
    """Name and value as written, sorted; module and graph environments included."""
    deploy: Deploy = Deploy()
    restart: RestartPolicy = RestartPolicy.NEVER
    inputs: tuple[Input, ...] = ()
    """In the order of the file."""
    outputs: tuple[Output, ...] = ()
    """In the order of the file."""
    operators: tuple[Operator, ...] = ()
    module: str = ""
    """Id of the module instance that it belongs to (dotted when nested); empty = the graph itself."""
    extra: tuple[tuple[str, str], ...] = ()
    """Other settings that dora knows (``build``, ``max_restarts``, ``git``...), as text, sorted."""
    role: Role = Role.OTHER

    @property
    def local_id(self) -> str:
        """The id without the modules' prefix."""
        return self.id.removeprefix(f"{self.module}.") if self.module else self.id


@dataclass(frozen=True, slots=True)
class Module:
    """One use of a module file."""

    id: str
    """Dotted when nested."""
    name: str
    """From the module file's header."""
    file: str
    place: Place
    parent: str = ""
    """Id of the module instance that holds it; empty = the graph itself."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One output feeding one input."""

    source: OutputRef
    target_node: str
    target: Input
    type: str = ""
    """The output's type, or the input's where the output names none."""


@dataclass(frozen=True, slots=True)
class Graph:
    """A dataflow."""

    name: str
    """The file's name as the user gave it."""
    nodes: tuple[Node, ...] = ()
    """In the order of the file, module instances expanded in place."""
    modules: tuple[Module, ...] = ()
    connections: tuple[Connection, ...] = ()
    """In the order of the consuming inputs."""
    warnings: tuple[Problem, ...] = ()
    """What dora will refuse or ignore, though it can be drawn."""
    index: dict[str, Node] = field(default_factory=dict, repr=False, compare=False)
    """Node by id, derived from ``nodes``."""

    def __post_init__(self) -> None:
        self.index.update({node.id: node for node in self.nodes})

    @property
    def machines(self) -> tuple[str, ...]:
        """The machines that nodes are deployed to, in order of appearance."""
        return tuple(dict.fromkeys(node.deploy.machine for node in self.nodes if node.deploy.machine))
