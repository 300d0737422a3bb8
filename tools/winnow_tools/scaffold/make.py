"""Makes the scaffold of a recording or a live system: surveys it, decides, writes two files that load."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from winnow_operators.ros2.ports import SPARE
from winnow_runtime.clock import SystemClock
from winnow_runtime.recordings import open_recording
from winnow_runtime.ring.layout import ENTRY_BYTES
from winnow_schemas.dora_types import type_files
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.settings import load_settings
from winnow_schemas.settings.ros2 import Ros2Settings
from winnow_schemas.settings.topics import TopicSettings
from winnow_schemas.yaml_source import load_text
from winnow_tools.scaffold.graph_text import Source, graph_yaml
from winnow_tools.scaffold.live_settings import SPARE_PORTS, SPARE_RING_MIB, live_settings
from winnow_tools.scaffold.plan import Plan, make_plan
from winnow_tools.scaffold.settings_text import settings_yaml
from winnow_tools.scaffold.survey import Surveyed, survey

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
    """Write ``graph.yml``, ``settings.yml`` and dora's type files for a recording into ``folder``.

    Raises:
        BadInputError: the recording cannot be read or is empty, files are there already, or the memory is
            too small.
        UnavailableError: the folder cannot be written.

    """
    _require_room(folder, memory_mib, force=force)
    with open_recording(path) as recording:
        plan = _plan(recording.path, recording, recording.problems, memory_mib, progress)
        problems = (*recording.problems, *plan.left_out)
    return _write_all(folder, plan, Source.replay(path.resolve()), problems)


def make_live_scaffold(
    system: Ros2Settings,
    folder: Path,
    *,
    seconds: float,
    memory_mib: float,
    force: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Scaffold:
    """Listen to a ROS 2 system, then write the same files with ``winnow-ros2`` as the source.

    Raises:
        BadInputError: nothing was published, files are there already, or the memory is too small.
        UnavailableError: no Zenoh router answers, or the folder cannot be written.

    """
    from winnow_tools.scaffold.listening import PREFIX, Listening

    if not 0.1 <= seconds <= 3600:
        raise BadInputError(f"--seconds is {seconds:g}, 0.1 to 3600 are allowed; nothing was written.")
    _require_room(folder, memory_mib, force=force)
    name = f"{PREFIX}{system.domain}"
    listening = Listening(system, seconds, SystemClock(), progress)
    rings_mib = memory_mib - SPARE_PORTS * spare_ring_mib()
    if rings_mib <= 0:
        raise BadInputError(
            f"--memory-mib is {memory_mib:g}, the {SPARE_PORTS} spare ports alone need {memory_mib - rings_mib:.1f}; "
            "nothing was written."
        )
    plan = _plan(Path(name), listening, listening.problems, rings_mib, None)
    spare = tuple(f"{SPARE}{number + 1}" for number in range(SPARE_PORTS))
    plan = replace(plan, memory_mib=memory_mib, live=live_settings(plan, system, folder))
    return _write_all(folder, plan, Source.ros2(name, spare), (*listening.problems, *plan.left_out))


def spare_ring_mib() -> float:
    """What the ring of a topic that turns up later takes, with its index."""
    spare = TopicSettings(ring_mib=SPARE_RING_MIB)
    return (spare.ring_bytes + spare.index_entries * ENTRY_BYTES) / _MIB


def _require_room(folder: Path, memory_mib: float, *, force: bool) -> None:
    if not memory_mib > 0:
        raise BadInputError(f"--memory-mib is {memory_mib:g}, it must be more than 0; nothing was written.")
    present = [str(file) for file in (folder / GRAPH, folder / SETTINGS) if file.exists()]
    if present and not force:
        raise BadInputError(
            f"{' and '.join(present)} exist already; nothing was written; use --force to replace."
        )


def _write_all(folder: Path, plan: Plan, source: Source, problems: tuple[str, ...]) -> Scaffold:
    graph, settings = folder / GRAPH, folder / SETTINGS
    graph_text = graph_yaml(plan.ports, source)
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


def _plan(
    path: Path,
    surveyed: Surveyed,
    problems: Sequence[str],
    memory_mib: float,
    progress: Callable[[float], None] | None,
) -> Plan:
    topics = survey(surveyed, progress)
    if not any(topic.statistics.count for topic in topics):
        found = f" ({problems[0]})" if problems else ""
        raise BadInputError(f"{path} holds no message that can be played{found}; nothing was written.")
    return make_plan(path, topics, memory_mib)


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
