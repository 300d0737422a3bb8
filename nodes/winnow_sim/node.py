"""`winnow-sim`: a scripted shift in; the document's full sensor suite out, a port per topic.

Environment: WINNOW_SCRIPT (demo, all28, quiet, or a YAML file), WINNOW_SEED, WINNOW_SCALE (size of clouds
and images), WINNOW_SPEED (`max` or a factor), WINNOW_POOL (1: cycle pre-rendered clouds and images, for
load), WINNOW_LIVE (1: behave like sensors, which nothing holds back; by default below full speed).
"""

import os
from collections.abc import Mapping

from winnow_operators.sim import Simulator
from winnow_runtime import atomic
from winnow_runtime.node import Node, run_as_process
from winnow_runtime.playback import MAX, parse_speed, play
from winnow_runtime.source import SourceStream, payload_outputs
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_schemas.ids import unique_ports
from winnow_schemas.simulation import load_script


def simulator_of(environment: Mapping[str, str]) -> Simulator:
    """The simulator that the environment asks for.

    Raises:
        BadInputError: a value is not allowed.

    """
    script = load_script(environment.get("WINNOW_SCRIPT", "demo"))
    seed = _number(environment, "WINNOW_SEED", "1", int)
    scale = _number(environment, "WINNOW_SCALE", "", float)
    return Simulator(script, int(seed or 0), scale, pool=environment.get("WINNOW_POOL", "") == "1")


def _number(
    environment: Mapping[str, str], name: str, default: str, kind: type[int] | type[float]
) -> float | None:
    text = environment.get(name, default)
    if not text:
        return None
    try:
        return kind(text)
    except ValueError:
        raise BadInputError(f"{name} is {text!r}, which is no number; nothing was simulated.") from None


def wire(node: Node, channels: tuple[Channel, ...]) -> dict[Channel, str]:
    """Which channel goes out of which port.

    Raises:
        BadInputError: the graph lacks a port: a suite with holes would make a ground truth that cannot be met.

    """
    ports = unique_ports([channel.topic for channel in channels])
    missing = sorted(set(ports.values()) - set(payload_outputs(node)))
    if missing:
        raise BadInputError(
            f"Node {node.id} lacks the ports {', '.join(missing[:5])} of the sensor suite; nothing was simulated."
        )
    return {channel: ports[channel.topic] for channel in channels}


def run(node: Node) -> None:
    """Play the shift, then write its ground truth."""
    simulator = simulator_of(os.environ)
    speed = parse_speed(os.environ.get("WINNOW_SPEED", "1"))
    live = os.environ.get("WINNOW_LIVE", "0" if speed == MAX else "1") == "1"
    stream = SourceStream(node, wire(node, simulator.channels), waits=not live, resends=True)
    if stream.greet() and play(node, stream, simulator.messages(stream.pass_over()), speed):
        atomic.write_bytes(node.out / "truth.json", simulator.ground_truth().to_json())
    if stream.forgotten:
        node.decide(
            "source",
            t_ns=simulator.start_ns,
            subject=node.id,
            outcome="forgotten",
            reason=f"{stream.forgotten} messages left the memory for resending before the ring had acknowledged them.",
        )
    node.finish()


def main() -> None:
    """Console script."""
    run_as_process(run)
