"""How a node finds the rings of its run."""

from pathlib import Path

from winnow_runtime.node import Node
from winnow_runtime.ring.view import RingView, try_open
from winnow_runtime.seam import Closed, Event
from winnow_schemas.errors import UnavailableError

WAIT_S = 60.0
"""The ring pre-faults its memory before it answers; 6 GiB take a few seconds."""


def attach(node: Node) -> RingView:
    """Open the rings, waiting for the ring node to make them.

    Raises:
        UnavailableError: there is no ring node, or it did not get that far.

    """
    shm = Path(node.settings.ring.shm_dir)
    end = node.clock.monotonic_ns() + int(WAIT_S * 1e9)
    came: list[Event] = []
    while (view := try_open(shm, node.run_id)) is None:
        event = node.next(0.05)
        if event is not None and not isinstance(event, Closed):
            came.append(event)
        if node.clock.monotonic_ns() > end or (node.closed is not None and node.closed.stopped):
            raise UnavailableError(
                f"The rings of this run did not appear in {shm} within {WAIT_S:.0f} s; {node.id} did nothing. "
                "Is there a ring node in the graph, and did it start?"
            )
    node.postpone(came)
    return view
