"""`winnow-ros2`: a live ROS 2 system in, over Zenoh; its messages out, a port per topic (docs/ros2.md)."""

from winnow_ros2.source import LiveSource
from winnow_runtime.node import Node, run_as_process

EVENTS = 64
"""Of the graph, looked at in one round: credits are cumulative, old ones must not pile up."""


def run(node: Node) -> None:
    """Bring messages in until the graph stops."""
    source = LiveSource(node)
    try:
        if source.greet():
            while node.closed is None:
                source.arrivals.wait(node.settings.ring.heartbeat_ms / 1000)
                for _ in range(EVENTS):
                    event = node.next(0.0)
                    if event is None or node.closed is not None:
                        break
                    source.stream.handle(event)
                source.step()
        source.close()
    finally:
        source.link.close()
    node.finish()


def main() -> None:
    """Console script."""
    run_as_process(run)
