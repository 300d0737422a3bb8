"""`winnow-replay`: a recording in (WINNOW_RECORDING, WINNOW_SPEED); its messages out, a port per topic."""

import os
from pathlib import Path

from winnow_runtime.node import Node, run_as_process
from winnow_runtime.playback import parse_speed, play
from winnow_runtime.recordings import Recording, open_recording
from winnow_runtime.source import SourceStream, payload_outputs
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_schemas.ids import unique_ports


def wire(node: Node, recording: Recording) -> dict[Channel, str]:
    """Which channel goes out of which port; what has no port is named in the ledger.

    Raises:
        BadInputError: the graph has a port for none of the topics.

    """
    ports = unique_ports(sorted({channel.topic for channel in recording.channels}))
    outputs = set(payload_outputs(node))
    wired = {
        channel: ports[channel.topic] for channel in recording.channels if ports[channel.topic] in outputs
    }
    if recording.channels and not wired:
        topics = ", ".join(sorted(ports)[:5])
        raise BadInputError(
            f"{recording.path} has {len(ports)} topics ({topics}, ...) and node {node.id} has a port for none of them; "
            "nothing was played. `winnow scaffold` writes a graph that fits."
        )
    for topic, port in sorted(ports.items()):
        if port not in outputs:
            node.decide(
                "topic",
                t_ns=recording.start_ns,
                subject=topic,
                outcome="not wired",
                reason=f"The graph has no port {port} on {node.id}: {topic} was not played.",
            )
    return wired


def run(node: Node) -> None:
    """Play the recording, then wait until the ring has it all."""
    name = os.environ.get("WINNOW_RECORDING", "")
    if not name:
        raise BadInputError(
            "No recording was named; nothing was played. Set WINNOW_RECORDING, or `winnow run GRAPH --recording FILE`."
        )
    speed = parse_speed(os.environ.get("WINNOW_SPEED", "1"))
    with open_recording(Path(name)) as recording:
        wired = wire(node, recording)
        stream = SourceStream(node, wired, waits=True, resends=True)
        if stream.greet():
            topics = {channel.topic for channel in wired}
            play(node, stream, recording.messages(topics=topics), speed)
        for problem in recording.problems:
            node.decide(
                "recording",
                t_ns=recording.start_ns,
                subject=Path(name).name,
                outcome="damaged",
                reason=problem,
            )
    node.finish()


def main() -> None:
    """Console script."""
    run_as_process(run)
