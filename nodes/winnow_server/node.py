"""`winnow-server`: the task queue and the review pages, supervised by dora like every other node."""

from collections.abc import Mapping
from typing import Any

from winnow_runtime.node import Node, run_as_process
from winnow_server.serving import TaskServer

IDLE_S = 0.5


def run(node: Node) -> None:
    """Serve until the dataflow stops."""
    settings = node.settings.server
    with TaskServer(
        settings, node.state, node.clock, lambda sentence: node.seam.log("warn", sentence)
    ) as server:
        node.seam.log("info", f"The task server listens at {server.url}.")
        while node.closed is None and server.alive:
            node.next(IDLE_S)
            node.report(lambda: _health(server))
    node.finish()


def _health(server: TaskServer) -> tuple[int, str, Mapping[str, Any]]:
    totals: dict[str, int] = {}
    for states in server.queue.counts().values():
        for state, count in states.items():
            totals[state] = totals.get(state, 0) + count
    dead = totals.get("dead", 0)
    return (1 if dead else 0), f"{server.url}: {sum(totals.values())} tasks, {dead} dead", totals


def main() -> None:
    """Console script."""
    run_as_process(run)


if __name__ == "__main__":
    main()
