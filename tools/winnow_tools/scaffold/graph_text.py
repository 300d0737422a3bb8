"""The text of ``graph.yml``: a source with a port per topic, the ring, and the chain behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from winnow_tools.scaffold.chain import LINES_OF_EVERY_NODE, chain_yaml
from winnow_tools.scaffold.plan import PortPlan
from winnow_tools.scaffold.writing import comment, number, scalar, size

PAYLOAD = "winnow/stream/v1/Payload"
SPARE_QUEUE = 100
"""Messages on the edge of a topic that nobody has measured: 16 MiB of messages of 160 kB."""


@dataclass(frozen=True, slots=True)
class Source:
    """The node that brings the messages."""

    name: str
    """Of the recording or the live system, for the reader."""
    node_id: str
    path: str
    environment: tuple[tuple[str, str], ...] = ()
    spare: tuple[str, ...] = ()
    """Ports for topics that turn up later."""
    speaks: bool = False
    """Whether it tells the monitor its health."""

    @classmethod
    def replay(cls, recording: Path) -> "Source":
        """A recording."""
        environment = (("WINNOW_RECORDING", scalar(str(recording))), ("WINNOW_SPEED", '"1"'))
        return cls(recording.name, "replay", "winnow-replay", environment)

    @classmethod
    def ros2(cls, name: str, spare: tuple[str, ...]) -> "Source":
        """A live ROS 2 system."""
        return cls(name, "ros2", "winnow-ros2", (), spare, speaks=True)


def graph_yaml(ports: Sequence[PortPlan], source: Source) -> str:
    """Write the graph; ``ports`` in the order of the source's outputs."""
    lines = [
        f"# Made by `winnow scaffold` from {comment(source.name)}.",
        "# One port per topic. Queue sizes follow message size and rate: about 16 MiB or a quarter of a second per",
        "# edge, between 2 and 1,000 messages. `winnow graph graph.yml` draws this.",
        "strict_types: true",
        "health_check_interval: 5.0",
        "env:",
        "  WINNOW_SETTINGS: settings.yml",
        *(f"  {name}: {value}" for name, value in source.environment),
        "nodes:",
        *_source_node(ports, source),
        "",
        *_ring_node(ports, source),
        "",
        chain_yaml(source.node_id, speaks=source.speaks),
    ]
    return "\n".join(lines)


def _source_node(ports: Sequence[PortPlan], source: Source) -> list[str]:
    return [
        f"  - id: {source.node_id}",
        f"    path: {source.path}",
        *(f"    {line}" for line in LINES_OF_EVERY_NODE),
        "    inputs:",
        "      credit: ring/credit",
        "    outputs:",
        *(f"      - {port.port}" for port in ports),
        *(f"      - {port}" for port in source.spare),
        "      - control",
        *(["      - health"] if source.speaks else []),
        "      - decisions",
        "    input_types:",
        "      credit: winnow/stream/v1/Credit",
        "    output_types:",
        *(f"      {port.port}: {PAYLOAD}" for port in ports),
        *(f"      {port}: {PAYLOAD}" for port in source.spare),
        "      control: winnow/stream/v1/Control",
        *(["      health: winnow/health/v1/Health"] if source.speaks else []),
        "      decisions: winnow/ledger/v1/Decision",
    ]


def _ring_node(ports: Sequence[PortPlan], source: Source) -> list[str]:
    lines = [
        "  - id: ring",
        "    path: winnow-ring",
        *(f"    {line}" for line in LINES_OF_EVERY_NODE),
        "    inputs:",
    ]
    for port in ports:
        statistics = port.survey.statistics
        seen = f"up to {size(statistics.max_bytes)}, {number(statistics.rate_hz)} Hz"
        lines.append(f"      # {comment(port.topic)}: {seen}")
        lines.append(
            f"      {port.port}: {{source: {source.node_id}/{port.port}, queue_size: {port.queue_size}, "
            "queue_policy: backpressure}"
        )
    if source.spare:
        lines.append("      # For topics that turn up later, first come first served.")
    lines += [
        f"      {port}: {{source: {source.node_id}/{port}, queue_size: {SPARE_QUEUE}, queue_policy: backpressure}}"
        for port in source.spare
    ]
    return [
        *lines,
        f"      control: {{source: {source.node_id}/control, queue_size: 1000, queue_policy: backpressure}}",
        "    outputs: [credit, heartbeat, health, decisions]",
        "    input_types:",
        *(f"      {port.port}: {PAYLOAD}" for port in ports),
        *(f"      {port}: {PAYLOAD}" for port in source.spare),
        "      control: winnow/stream/v1/Control",
        "    output_types:",
        "      credit: winnow/stream/v1/Credit",
        "      heartbeat: winnow/ring/v1/Heartbeat",
        "      health: winnow/health/v1/Health",
        "      decisions: winnow/ledger/v1/Decision",
    ]
