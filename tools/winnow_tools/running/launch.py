"""Prepares a graph for one run and starts it under dora."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from winnow_schemas.errors import BadInputError, UnavailableError

SOURCES = ("winnow-sim", "winnow-replay", "winnow-ros2")
"""Console scripts that a recording given on the command line may replace."""


_LEFT_OUT = ("deploy", "debug", "strict_types")
"""Of the flat graph: types were checked before, and their files do not lie beside the copy."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What the user asked for."""

    graph: Path
    out: Path
    recording: Path | None = None
    speed: str = ""
    """``max``, a factor, or empty for what the graph says."""
    environment: tuple[tuple[str, str], ...] = ()
    name: str = "graph"
    """Of the copy of the graph in ``out/dora``: one folder may hold the runs of several."""


def dora_program() -> str:
    """The dora command line that belongs to this Python.

    Raises:
        UnavailableError: it is not installed.

    """
    beside = Path(sys.executable).parent / "dora"
    program = str(beside) if beside.exists() else shutil.which("dora")
    if program is None:
        raise UnavailableError(
            "The dora command line is not installed; nothing was started. `pip install dora-rs-cli`."
        )
    return program


def node_environment() -> dict[str, str]:
    """The environment in which nodes find their console scripts and behave well.

    The allocator's thresholds stay fixed: glibc otherwise moves them with the first large message and then
    returns and takes memory from the system for every chunk (measured: half of the recorder's system time).
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {
        **os.environ,
        "PATH": path,
        "MALLOC_MMAP_THRESHOLD_": "268435456",
        "MALLOC_TRIM_THRESHOLD_": "268435456",
        "MALLOC_TOP_PAD_": "16777216",
    }


def expand(graph: Path) -> dict[str, Any]:
    """The flat dataflow, modules resolved, as dora sees it.

    Raises:
        BadInputError: dora cannot read it.

    """
    if not graph.is_file():
        raise BadInputError(f"{graph} does not exist; nothing was started.")
    done = subprocess.run(
        [dora_program(), "expand", str(graph)],
        capture_output=True,
        text=True,
        check=False,
        env=node_environment(),
    )
    if done.returncode:
        causes = [
            line.strip() for line in done.stderr.splitlines() if line.strip()[:2] in ("0:", "1:", "2:", "3:")
        ]
        reason = causes[-1][2:].strip() if causes else (done.stderr.strip().splitlines() or ["unknown"])[-1]
        raise BadInputError(f"{graph} is not a dataflow: {reason}; nothing was started.")
    value = yaml.safe_load(done.stdout)
    assert isinstance(value, dict)
    return value


def recording_of(graph: Path) -> Path | None:
    """The recording that a graph names for its replay; None when it names none, or cannot be read."""
    try:
        value = yaml.safe_load(graph.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None  # the check says why
    environment = value.get("env") if isinstance(value, dict) else None
    name = environment.get("WINNOW_RECORDING") if isinstance(environment, dict) else None
    return graph.resolve().parent / str(name) if name else None


def prepare(request: RunRequest) -> Path:
    """Write the graph of this run to ``out/dora/NAME.yml`` with absolute paths; it records what ran.

    Raises:
        BadInputError: the graph, its settings or the recording are not there.

    """
    flat = expand(request.graph)
    original = yaml.safe_load(request.graph.read_text("utf-8"))
    base = request.graph.resolve().parent
    environment = dict((original.get("env") or {}) | (flat.get("env") or {}))
    environment["WINNOW_SETTINGS"] = str(
        (base / str(environment.get("WINNOW_SETTINGS", "settings.yml"))).resolve()
    )
    environment["WINNOW_OUT"] = str(request.out.resolve())
    if request.recording is not None:
        environment["WINNOW_RECORDING"] = str(request.recording.resolve())
    elif "WINNOW_RECORDING" in environment:
        environment["WINNOW_RECORDING"] = str((base / str(environment["WINNOW_RECORDING"])).resolve())
    if request.speed:
        environment["WINNOW_SPEED"] = request.speed
    environment.update(request.environment)
    for node in flat["nodes"]:
        path = str(node.get("path") or "")
        if "/" in path or path.endswith(".py"):
            node["path"] = str((base / path).resolve())
        if request.recording is not None and path in SOURCES:
            node["path"] = "winnow-replay"
        own = node.get("env") or {}
        node["env"] = {key: value for key, value in own.items() if key not in environment} or None
        for key in [key for key, value in node.items() if value is None]:
            del node[key]
    for key in ("health_check_interval", "exit_when_nodes_finish"):
        if key in original:
            flat[key] = original[key]
    flat["env"] = {key: str(value) for key, value in environment.items()}
    flat = {key: value for key, value in flat.items() if value is not None and key not in _LEFT_OUT}
    target = request.out / "dora" / f"{request.name}.yml"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(yaml.safe_dump(flat, sort_keys=False, allow_unicode=True), "utf-8")
    return target


def start(graph: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start ``dora run``; everything it and the nodes say goes into ``log``."""
    with log.open("wb") as file:
        return subprocess.Popen(
            [dora_program(), "run", str(graph)],
            stdout=file,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=node_environment(),
            start_new_session=True,
        )
