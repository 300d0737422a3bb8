"""The part of the settings that a live ROS 2 source needs beside a recording's."""

import os
from pathlib import Path

from winnow_schemas.settings.ros2 import Ros2Settings
from winnow_tools.scaffold.plan import Plan
from winnow_tools.scaffold.writing import scalar

SPARE_PORTS = 4
"""For topics that turn up later; each costs memory only when it is taken."""
SPARE_RING_MIB = 8.0
"""Ten seconds of a topic of 0.8 MB/s; larger ones are better named."""


def live_settings(plan: Plan, system: Ros2Settings, folder: Path) -> str:
    """``ros2:`` and what topics without a name get; paths are said relative to the settings' folder."""
    lines = [
        "ros2:",
        f"  domain: {system.domain}",
        f"  connect: [{_list(system.connect)}]",
        f"  mode: {system.mode}",
    ]
    if system.config:
        lines.append(f"  config: {scalar(_relative(system.config, folder))}")
    if system.include != ("**",):
        lines.append(f"  include: [{_list(system.include)}]")
    if system.exclude:
        lines.append(f"  exclude: [{_list(system.exclude)}]")
    lines.append(f"  distribution: {system.distribution}")
    if system.definitions:
        paths = [_relative(path, folder) for path in system.definitions]
        lines.append(f"  definitions: [{_list(tuple(paths))}]")
    lines.append("  time: receive            # or source: the publishers' stamps, where their clocks are one")
    lines.append("  ports:")
    lines += [f"    {scalar(port.topic)}: {port.port}" for port in plan.ports]
    lines += [
        "",
        "default_topic:",
        f"  ring_mib: {SPARE_RING_MIB:g}              # of topics that turn up later, on spare ports",
    ]
    return "\n".join(lines) + "\n"


def _list(texts: tuple[str, ...]) -> str:
    return ", ".join(scalar(text) for text in texts)


def _relative(path: str, folder: Path) -> str:
    return os.path.relpath(Path(path).resolve(), folder.resolve())
