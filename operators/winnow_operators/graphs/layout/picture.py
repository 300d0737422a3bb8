"""What is drawn: boxes with slots, links between slots, and the regions that hold boxes."""

from dataclasses import dataclass, field
from enum import Enum

from winnow_operators.graphs.model import Connection, QueuePolicy, Role


class SlotKind(Enum):
    """What ends at a slot."""

    PORT = "port"
    BUNDLE = "bundle"
    """Several parallel connections with the same neighbour."""
    COLLECTOR = "collector"
    """Inputs from several neighbours that come in together."""
    BUILTIN = "builtin"
    """An input from dora's timer or logs: a mark, no line."""
    LOOSE = "loose"
    """Outputs that nobody takes."""


class RegionKind(Enum):
    """What a region stands for."""

    ROOT = "root"
    MACHINE = "machine"
    MODULE = "module"
    RUNTIME = "runtime"
    """A runtime node; the boxes inside are its operators."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place at a box's upper (inputs) or lower (outputs) edge where lines end."""

    key: str
    """Unique among the box's inputs, or outputs."""
    label: str
    """As drawn, already shortened."""
    kind: SlotKind
    ports: tuple[str, ...]
    """Ids of the ports that it stands for."""
    note: str = ""
    """After the label, paler: the queue size that an input sets."""
    chip: str = ""
    """Text of the mark on the line above an input."""


@dataclass(frozen=True, slots=True)
class Box:
    """A node, or an operator of a runtime node."""

    key: str
    node: str
    """The id of its node in the graph."""
    title: str
    subtitle: str
    role: Role
    restarts: bool
    ins: tuple[Slot, ...]
    outs: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A drawn line, standing for one connection or a bundle."""

    source: str
    """Key of a box."""
    source_slot: str
    target: str
    target_slot: str
    connections: tuple[Connection, ...]
    policy: QueuePolicy


@dataclass(frozen=True, slots=True)
class Region:
    """A labelled rectangle around boxes and regions."""

    key: str
    kind: RegionKind
    title: str
    children: "tuple[Box | Region, ...]" = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything to be drawn, without coordinates."""

    root: Region
    links: tuple[Link, ...]
    boxes: dict[str, Box] = field(default_factory=dict, compare=False, repr=False)
    """By key, derived from ``root``."""

    def __post_init__(self) -> None:
        self.boxes.update({box.key: box for box in boxes_of(self.root)})


def boxes_of(region: Region) -> list[Box]:
    """All boxes inside, in order."""
    found: list[Box] = []
    for child in region.children:
        if isinstance(child, Box):
            found.append(child)
        else:
            found += boxes_of(child)
    return found
