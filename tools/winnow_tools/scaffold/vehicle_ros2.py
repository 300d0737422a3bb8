"""``dataflows/vehicle-ros2.yml``: the vehicle graph with the live ROS 2 source in place of the simulator.

Made from ``vehicle.yml`` line by line, so that both have the same chain, queues and comments.
"""

import re

from winnow_operators.ros2.ports import SPARE
from winnow_schemas.errors import BadInputError
from winnow_tools.scaffold.graph_text import PAYLOAD, SPARE_QUEUE

SOURCE = "vehicle.yml"
TARGET = "vehicle-ros2.yml"
SPARE_PORTS = 8
_HEAD = """\
# The vehicle computer beside a ROS 2 system that speaks over Zenoh (rmw_zenoh): docs/ros2.md.
# Made from vehicle.yml by `winnow types --write`: the same graph with another source. Domain, router and topics
# are set under `ros2:` in the settings. `winnow graph dataflows/vehicle-ros2.yml` draws this.
"""
_PLAYED = ("WINNOW_SCRIPT", "WINNOW_SPEED")
_COMMENT = (
    "  # A live ROS 2 system: the topics of docs/topics.md, and whatever else turns up on the spare ports."
)


def vehicle_ros2(vehicle: str) -> str:
    """The graph's text, from that of ``vehicle.yml``.

    Raises:
        BadInputError: the text is not that of a graph with the simulator as its source.

    """
    spare = [f"{SPARE}{number + 1}" for number in range(SPARE_PORTS)]
    lines: list[str] = []
    section = node = ""
    for line in vehicle[vehicle.find("strict_types:") :].splitlines():
        if any(name in line for name in _PLAYED):
            continue
        if match := re.match(r"  - id: (\S+)", line):
            node = match[1]
        elif match := re.match(r"    (\w+):", line):
            section = match[1]
        lines += _before(node, section, line, spare)
        lines.append(_renamed(line))
        lines += _after(node, section, line)
    text = _HEAD + "\n".join(lines) + "\n"
    if "winnow-ros2" not in text or f"{spare[0]}:" not in text or "health_ros2" not in text:
        raise BadInputError(f"{SOURCE} is not the graph that {TARGET} is made from; nothing was written.")
    return text


def _renamed(line: str) -> str:
    if "sensor suite, simulated" in line:
        return _COMMENT
    line = line.replace("- id: sim", "- id: ros2").replace("winnow-sim", "winnow-ros2")
    return re.sub(r"\bsim/", "ros2/", line).replace("decisions_sim", "decisions_ros2")


def _before(node: str, section: str, line: str, spare: list[str]) -> list[str]:
    """What goes in before the control of the source or the ring: the spare ports."""
    if line.strip() == "- control" and node == "sim":
        return [f"      - {port}" for port in spare]
    if not line.startswith("      control:"):
        return []
    if section == "inputs":
        edge = f"queue_size: {SPARE_QUEUE}, queue_policy: backpressure"
        return [f"      {port}: {{source: ros2/{port}, {edge}}}" for port in spare]
    return [f"      {port}: {PAYLOAD}" for port in spare]


def _after(node: str, section: str, line: str) -> list[str]:
    """The source's health, and who hears it."""
    if node == "sim" and line.strip() == "- control":
        return ["      - health"]
    if node == "sim" and line.startswith("      control:"):
        return ["      health: winnow/health/v1/Health"]
    if node == "monitor" and section == "inputs" and line.startswith("    inputs:"):
        return ["      health_ros2: {source: ros2/health, queue_size: 10}"]
    if node == "monitor" and section == "input_types" and line.startswith("    input_types:"):
        return ["      health_ros2: winnow/health/v1/Health"]
    return []
