"""Makes the scaffold of a recording: surveys it, decides, writes two files that load."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from winnow_runtime.recordings import Recording, open_recording
from winnow_schemas.dora_types import type_files
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.settings import load_settings
from winnow_schemas.yaml_source import load_text
from winnow_tools.scaffold.graph_text import Source, graph_yaml
from winnow_tools.scaffold.plan import Plan, make_plan
from winnow_tools.scaffold.settings_text import settings_yaml
from winnow_tools.scaffold.survey import survey

GRAPH, SETTINGS = "graph.yml", "settings.yml"
DEFAULT_MEMORY_MIB = 1024.0
"""Enough for half a minute of most recordings; the document's vehicle has 6 GiB."""
SHM_SHARE = 0.25
"""Of free shared memory: other rings and dora's own buffers live there too."""
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Scaffold:
    """What was made."""

    graph: Path
    settings: Path
    plan: Plan
    problems: tuple[str, ...]
    """Of the recording, and topics that were left out."""

    def to_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return {
            "graph": str(self.graph),
            "settings": str(self.settings),
            "memory_mib": self.plan.memory_mib,
            "topics": [
                {
                    "topic": port.topic,
                    "port": port.port,
                    "kind": str(port.kind),
                    "messages": port.survey.statistics.count,
                    "bytes": port.survey.statistics.bytes,
                    "rate_hz": round(port.survey.statistics.rate_hz, 3),
                    "queue_size": port.queue_size,
                    "ring_bytes": port.ring.ring_bytes,
                    "latched": port.latched,
                }
                for port in self.plan.ports
            ],
            "signals": [
                {
                    "signal": signal.name,
                    "topic": signal.topic,
                    "field": signal.values.path,
                    "unit": signal.unit,
                }
                for signal in self.plan.signals
            ],
            "problems": list(self.problems),
        }


def default_memory_mib(shm: Path) -> float:
    """The smaller of ``DEFAULT_MEMORY_MIB`` and a quarter of what is free in shared memory."""
    try:
        state = os.statvfs(shm)
    except OSError:
        return DEFAULT_MEMORY_MIB
    free_mib = state.f_bavail * state.f_frsize / _MIB
    return float(max(1, int(min(DEFAULT_MEMORY_MIB, free_mib * SHM_SHARE))))


def make_scaffold(
    path: Path,
    folder: Path,
    *,
    memory_mib: float,
    force: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Scaffold:
    """Write ``graph.yml``, ``settings.yml`` and dora's type files into ``folder``.

    Raises:
        BadInputError: the recording cannot be read or is empty, files are there already, or the memory is
            too small.
        UnavailableError: the folder cannot be written.

    """
    if not memory_mib > 0:
        raise BadInputError(f"--memory-mib is {memory_mib:g}, it must be more than 0; nothing was written.")
    graph, settings = folder / GRAPH, folder / SETTINGS
    present = [str(file) for file in (graph, settings) if file.exists()]
    if present and not force:
        raise BadInputError(
            f"{' and '.join(present)} exist already; nothing was written; use --force to replace."
        )
    with open_recording(path) as recording:
        plan = _plan(recording, memory_mib, progress)
        problems = (*recording.problems, *plan.left_out)
    graph_text = graph_yaml(plan.ports, Source(path.resolve()))
    load_text(graph_text, GRAPH)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(settings, settings_yaml(plan), check=load_settings)
        _write(graph, graph_text)
        for name, text in type_files().items():
            _write(folder / "types" / name, text)
    except OSError as error:
        raise UnavailableError(
            f"{folder} cannot be written ({error.strerror}); the scaffold is incomplete."
        ) from None
    return Scaffold(graph, settings, plan, problems)


def _plan(recording: Recording, memory_mib: float, progress: Callable[[float], None] | None) -> Plan:
    topics = survey(recording, progress)
    if not any(topic.statistics.count for topic in topics):
        found = f" ({recording.problems[0]})" if recording.problems else ""
        raise BadInputError(
            f"{recording.path} holds no message that can be played{found}; nothing was written."
        )
    return make_plan(recording.path, topics, memory_mib)


def _write(path: Path, text: str, check: Callable[[Path], object] | None = None) -> None:
    """Put a whole file in place, after it has been checked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, "utf-8")
        if check is not None:
            check(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
