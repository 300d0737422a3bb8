"""A node that behaves like a sensor: it plays WINNOW_RECORDING once at its own pace, waits for nobody, repeats nothing.

Not a console script: the benchmark `restart` puts its path into a graph. It leaves how many messages it sent
in ``sent.json`` of its state folder.
"""

import os
from pathlib import Path

from winnow_replay.node import wire
from winnow_runtime import atomic
from winnow_runtime.node import Node, run_as_process
from winnow_runtime.recordings import Recording, open_recording
from winnow_runtime.source import SourceStream
from winnow_schemas.channel import Channel

LAST_WORDS_S = 10.0
"""How long to wait until the ring has the end: it cannot be said again for ever."""


def run(node: Node) -> None:
    """Send everything when it is due."""
    with open_recording(Path(os.environ["WINNOW_RECORDING"])) as recording:
        wired = wire(node, recording)
        stream = SourceStream(node, wired, waits=False, resends=False)
        sent = _send_all(node, stream, recording, wired) if stream.greet() else 0
    stream.end()
    end_ns = node.clock.monotonic_ns() + int(LAST_WORDS_S * 1e9)
    while not stream.done and node.closed is None and node.clock.monotonic_ns() < end_ns:
        stream.handle(node.next(0.05))
    atomic.write_json(node.state / "sent.json", {"sent": sent})
    node.finish()


def _send_all(node: Node, stream: SourceStream, recording: Recording, wired: dict[Channel, str]) -> int:
    begun_ns = node.clock.monotonic_ns() - recording.start_ns
    sent = 0
    for message in recording.messages(topics={channel.topic for channel in wired}):
        while (wait_ns := begun_ns + message.t_ns - node.clock.monotonic_ns()) > 0:
            stream.promise(message.t_ns, now=stream.owes_promise)
            stream.handle(node.next(wait_ns / 1e9))
            if node.closed is not None:
                return sent
        number = stream.number(message.channel)
        stream.send(message.channel, number, message.t_ns, message.pub_ns, message.data)
        stream.promise(message.t_ns)
        sent += 1
    return sent


if __name__ == "__main__":
    run_as_process(run)
