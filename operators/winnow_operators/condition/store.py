"""The remembering parts of all conditions, each once; a new generation takes over the parts it still needs."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from winnow_operators.condition.building import View
from winnow_operators.condition.history import History
from winnow_operators.condition.limits import ConditionLimits
from winnow_operators.condition.nodes import Cell, Clock, Node
from winnow_operators.condition.places import Position
from winnow_operators.condition.signals import SignalSpec

N = TypeVar("N", bound=Node)


class Store:
    """Cells, nodes, histories and views by key. Nodes stand in the order in which they must be told of changes."""

    def __init__(
        self,
        signals: Mapping[str, SignalSpec],
        position: Position,
        limits: ConditionLimits,
        utc_offset_ns: int,
        before: "Store | None" = None,
    ) -> None:
        self.signals = signals
        self.position = position
        self.clock: Clock = position.clock
        self.limits = limits
        self.utc_offset_ns = utc_offset_ns
        self.cells: dict[str, Cell] = {cell.key: cell for cell in position.cells.values()}
        self.nodes: dict[str, Node] = {}
        self.histories: dict[str, History] = {}
        self.views: dict[str, View] = {}
        self.new: list[Node] = []
        """Cells and nodes that the generation before did not have."""
        self._before = before

    def cell(self, name: str) -> Cell:
        if name not in self.cells:
            kept = self._before.cells.get(name) if self._before else None
            self.cells[name] = kept or self._note(Cell(self.signals[name], self.clock))
        return self.cells[name]

    def node(self, key: str, make: Callable[[], Node]) -> Node:
        if key not in self.nodes:
            kept = self._before.nodes.get(key) if self._before else None
            self.nodes[key] = kept or self._note(make())
        return self.nodes[key]

    def history(self, key: str) -> History:
        if key not in self.histories:
            kept = self._before.histories.get(key) if self._before else None
            self.histories[key] = kept or History()
        return self.histories[key]

    def view(self, key: str, make: Callable[[], View]) -> View:
        if key not in self.views:
            kept = self._before.views.get(key) if self._before else None
            self.views[key] = kept or make()
        return self.views[key]

    def forget_before(self) -> None:
        """Let the parts go that nothing needs any more."""
        self._before = None

    def _note(self, node: N) -> N:
        self.new.append(node)
        return node
