"""The times at which parts of conditions change by themselves."""

import heapq
from collections.abc import Iterable, Iterator

from winnow_operators.condition.nodes import Clock, Node

NEVER_NS = 2**63
MAX_GAP_NS = 86_400_000_000_000
"""What lies more than a day after the last call is left out by periodic timers: one absurd stamp must not make
thirty years of time samples."""


class Timers:
    """A heap with at most one valid entry per node; nodes are asked again when their entry comes up."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.next_ns = NEVER_NS
        """The time of the next entry, at or before the next instant."""
        self._heap: list[tuple[int, str]] = []
        self._nodes: dict[str, Node] = {}

    def set_nodes(self, nodes: Iterable[Node]) -> None:
        """These nodes and no others."""
        self._nodes = {node.key: node for node in nodes if node.timed}
        self._heap = []
        for node in self._nodes.values():
            node.scheduled_ns = None
            self.see(node)
        self._set_next()

    def see(self, node: Node) -> None:
        """The node may have become due, not earlier than it said before.

        One that joins with a due time in the past is due now: time never goes back.
        """
        if not node.timed or node.scheduled_ns is not None:
            return
        due_ns = node.due_ns()
        if due_ns is not None:
            due_ns = max(due_ns, self.clock.now_ns)
            node.scheduled_ns = due_ns
            heapq.heappush(self._heap, (due_ns, node.key))
            self._set_next()

    def see_sooner(self, node: Node) -> None:
        """The node may have become due, earlier than it said before too."""
        due_ns = node.due_ns()
        if due_ns is not None and node.scheduled_ns is not None and due_ns < node.scheduled_ns:
            node.scheduled_ns = None  # the old entry stays, and is passed over when its time comes
        self.see(node)

    def instants(self, until_ns: int) -> Iterator[tuple[int, list[Node]]]:
        """Each time before ``until_ns`` at which nodes are due, with those nodes in the order of their keys."""
        far_ns = self.clock.now_ns + MAX_GAP_NS
        while self._heap and self._heap[0][0] < until_ns:
            due_ns = self._heap[0][0]
            if due_ns > far_ns:
                far_ns = NEVER_NS
                for node in self._nodes.values():
                    node.skip(until_ns)
            fired = self._pop(due_ns)
            if fired:
                self.clock.now_ns = due_ns
                self.clock.step += 1
                for node in fired:
                    node.fire()
                yield due_ns, fired
                for node in fired:
                    self.see(node)
        self._set_next()

    def _pop(self, due_ns: int) -> list[Node]:
        """Take the entries of this time; those whose node has moved on are entered again."""
        fired = []
        while self._heap and self._heap[0][0] == due_ns:
            key = heapq.heappop(self._heap)[1]
            node = self._nodes[key]
            node.scheduled_ns = None
            actual_ns = node.due_ns()
            if node in fired:
                continue
            if actual_ns is not None and actual_ns <= due_ns:
                fired.append(node)
            else:
                self.see(node)
        return fired

    def _set_next(self) -> None:
        self.next_ns = self._heap[0][0] if self._heap else NEVER_NS
