"""All checks of a graph and its settings, gathered."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from winnow_extractor.calibration import read_calibration
from winnow_operators.campaign import BareTriggers, merge
from winnow_operators.graphs.model import Graph, Node, OutputRef, Place
from winnow_operators.graphs.rules import (
    RING,
    Finding,
    Severity,
    edge_types,
    lossless_edges,
    program,
    ways_around_redactor,
)
from winnow_operators.triggers.feeding import resolve
from winnow_operators.triggers.resolve import Resolution
from winnow_runtime.campaign.signing import verify
from winnow_runtime.ring.layout import ENTRY_BYTES
from winnow_schemas.campaign import CampaignRefusedError, read_campaign_file
from winnow_schemas.errors import BadInputError, WinnowError
from winnow_schemas.ids import unique_ports
from winnow_schemas.settings import DeviceSettings, load_settings
from winnow_schemas.yaml_source import FileProblemsError, Problem, YamlDocument
from winnow_tools.checking.programs import programs
from winnow_tools.checking.signals import recording_of, signals
from winnow_tools.checking.windows import longest_window_s, windows
from winnow_tools.graphpage.files import load_graph
from winnow_tools.running.launch import dora_program, node_environment

_MIB = 2**20


@dataclass(frozen=True, slots=True)
class RingBudget:
    """Memory of one topic's ring, and what it is expected to hold."""

    topic: str
    port: str
    bytes: int
    expected_mb_s: float
    hot_s: float | None
    """Expected message time in memory; None when no rate is known."""


@dataclass(frozen=True, slots=True)
class Report:
    """What `winnow check` says."""

    graph: Path
    findings: tuple[Finding, ...]
    rings: tuple[RingBudget, ...]
    memory_bytes: int
    limit_bytes: int
    active_triggers: tuple[str, ...]
    inactive_triggers: tuple[tuple[str, str], ...]
    shm_dir: Path = Path("/dev/shm")  # noqa: S108 - where rings live unless settings say otherwise

    @property
    def errors(self) -> int:
        return sum(finding.severity is Severity.ERROR for finding in self.findings)


def check(path: Path, settings_path: Path | None = None, recording: Path | None = None) -> Report:
    """Check a graph with its settings and recording, or with others; everything that is wrong is in the report.

    Raises:
        BadInputError: the graph does not exist.

    """
    if not path.is_file():
        raise BadInputError(f"{path} does not exist; nothing was checked.")
    findings: list[Finding] = []
    graph = _graph(path, findings)
    if graph is None:
        return Report(path, tuple(findings), (), 0, 0, (), ())
    findings += [_finding(Severity.WARNING, problem) for problem in graph.warnings]
    findings += [*lossless_edges(graph), *edge_types(graph), *programs(path, graph)]
    findings += _dora(path, findings)
    settings, document = _settings(path, graph, findings, settings_path)
    if settings is None:
        return Report(path, _sorted(findings), (), 0, 0, (), ())
    cameras = [port for topic, port in _ports(settings).items() if settings.topic(topic).kind.shows_people]
    cameras += _unnamed_inputs(graph, settings) if settings.default_topic.kind.shows_people else []
    findings += ways_around_redactor(graph, cameras)
    findings += _topics(graph, settings, document)
    findings += signals(settings, document, recording or recording_of(path, graph))
    resolution = _triggers(settings, document, findings)
    findings += _campaign(settings, document, resolution)
    findings += _calibration(settings, document)
    rings = tuple(_rings(graph, settings))
    memory = sum(ring.bytes for ring in rings)
    limit = int(settings.ring.memory_mib * _MIB)
    findings += windows(settings, document, resolution, rings)
    findings += _memory(settings, document, rings, memory, limit)
    return Report(
        path,
        _sorted(findings),
        rings,
        memory,
        limit,
        tuple(resolution.active) if resolution else (),
        tuple(resolution.inactive.items()) if resolution else (),
        Path(settings.ring.shm_dir),
    )


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    unique = dict.fromkeys(findings)
    return tuple(
        sorted(
            unique,
            key=lambda item: (
                item.place is None,
                str(item.place and item.place.file),
                item.place.line if item.place else 0,
            ),
        )
    )


def _finding(severity: Severity, problem: Problem) -> Finding:
    return Finding(severity, Place(problem.file, problem.line, problem.column), problem.message)


def _graph(path: Path, findings: list[Finding]) -> Graph | None:
    try:
        return load_graph(path)
    except FileProblemsError as error:
        findings += [_finding(Severity.ERROR, problem) for problem in error.problems]
    except BadInputError as error:
        findings.append(Finding(Severity.ERROR, None, str(error)))
    return None


def _dora(path: Path, before: list[Finding]) -> list[Finding]:
    """What `dora validate --strict-types` says that was not found already."""
    try:
        done = subprocess.run(
            [dora_program(), "validate", "--strict-types", "--offline", str(path)],
            capture_output=True,
            text=True,
            check=False,
            env=node_environment(),
            timeout=60,
        )
    except (WinnowError, subprocess.TimeoutExpired) as error:
        return [Finding(Severity.WARNING, None, f"dora could not validate the types: {error}")]
    if done.returncode == 0 or any(finding.severity is Severity.ERROR for finding in before):
        return []
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines()]
    said = [line.removeprefix("- ") for line in lines if line.startswith("- ") or line[:2] in ("0:", "1:")]
    return [Finding(Severity.ERROR, None, f"dora: {line}") for line in said[:20]] or [
        Finding(Severity.ERROR, None, "dora refuses the graph; run `dora validate` on it")
    ]


def _settings(
    path: Path, graph: Graph, findings: list[Finding], other: Path | None
) -> tuple[DeviceSettings | None, YamlDocument | None]:
    names = {value for node in graph.nodes for key, value in node.env if key == "WINNOW_SETTINGS"}
    uses_winnow = any(program(node) == RING for node in graph.nodes)
    if not names and not uses_winnow:
        return None, None
    if other is None and len(names) > 1:
        findings.append(
            Finding(Severity.ERROR, None, f"the nodes use different settings: {', '.join(sorted(names))}")
        )
        return None, None
    name = min(names) if names else "settings.yml"
    try:
        return load_settings(other or _shown(path.parent / name))
    except FileProblemsError as error:
        findings += [_finding(Severity.ERROR, problem) for problem in error.problems]
    except BadInputError as error:
        findings.append(Finding(Severity.ERROR, None, str(error)))
    return None, None


def _shown(path: Path) -> Path:
    """The path as short as it can be said from here."""
    relative = os.path.relpath(path)
    return Path(relative) if len(relative) < len(str(path.absolute())) else path


def _ports(settings: DeviceSettings) -> dict[str, str]:
    return unique_ports(list(settings.topics))


def _ring_inputs(graph: Graph) -> dict[str, tuple[Node, Place]]:
    """Payload inputs of the rings: id -> (node, place)."""
    return {
        port.id: (node, port.place)
        for node in graph.nodes
        if program(node) == RING
        for port in node.inputs
        if isinstance(port.source, OutputRef) and port.source.output != "control"
    }


def _unnamed_inputs(graph: Graph, settings: DeviceSettings) -> list[str]:
    named = set(_ports(settings).values())
    return [port for port in _ring_inputs(graph) if port not in named]


def _topics(graph: Graph, settings: DeviceSettings, document: YamlDocument | None) -> Iterator[Finding]:
    inputs = _ring_inputs(graph)
    if not inputs or document is None:
        return
    for topic, port in _ports(settings).items():
        if port not in inputs:
            problem = document.problem(
                ("topics", topic), f"topics.{topic}: the ring has no input {port}; its messages will not come"
            )
            yield _finding(Severity.WARNING, problem)
    by_topic = set(settings.topics)
    for name, signal in settings.signals.items():
        for topic in [signal.topic] if signal.topic else signal.inputs.values():
            if (
                topic not in by_topic
                and unique_ports([topic])[topic] not in inputs
                and settings.suite == "none"
            ):
                problem = document.problem(
                    ("signals", name),
                    f"signals.{name}: the graph does not bring the topic {topic}; the signal stays unknown",
                )
                yield _finding(Severity.WARNING, problem)


def _triggers(
    settings: DeviceSettings, document: YamlDocument | None, findings: list[Finding]
) -> Resolution | None:
    try:
        _, resolution = resolve(settings, document)
    except BadInputError as error:
        findings.append(Finding(Severity.ERROR, None, str(error)))
        return None
    findings += [_finding(Severity.ERROR, problem) for problem in resolution.problems]
    longest = longest_window_s(resolution)
    if longest > settings.clips.max_length_s:
        place = document.problem(("clips", "max_length_s"), "") if document else None
        findings.append(
            Finding(
                Severity.ERROR,
                Place(place.file, place.line, place.column) if place else None,
                f"clips.max_length_s is {settings.clips.max_length_s:g}, a trigger wants a window of {longest:g} s; raise it",
            )
        )
    return resolution


def _campaign(
    settings: DeviceSettings, document: YamlDocument | None, resolution: Resolution | None
) -> Iterator[Finding]:
    """A campaign beside the settings that would be refused: the graph runs all the same, without it."""
    if not settings.campaign.file or document is None or resolution is None or resolution.problems:
        return
    path = Path(document.name).resolve().parent / settings.campaign.file
    try:
        campaign = read_campaign_file(path)
        verify(campaign, settings.campaign.keys)
        inputs, _ = resolve(settings, document)
        bare = BareTriggers(resolution, inputs, settings.triggers, settings.clips.max_length_s)
        merge(campaign.campaign, bare)
    except CampaignRefusedError as error:
        problem = document.problem(("campaign", "file"), f"campaign.file: {error}")
        yield _finding(Severity.WARNING, problem)


def _calibration(settings: DeviceSettings, document: YamlDocument | None) -> Iterator[Finding]:
    """A file for every clip that is not there: the extractor would not start."""
    if document is None:
        return
    try:
        read_calibration(settings.clips.calibration, Path(document.name).resolve().parent)
    except BadInputError as error:
        problem = document.problem(("clips", "calibration"), f"clips.calibration: {error}")
        yield _finding(Severity.ERROR, problem)


def _rings(graph: Graph, settings: DeviceSettings) -> Iterator[RingBudget]:
    topics = {port: topic for topic, port in _ports(settings).items()}
    for port in _ring_inputs(graph):
        topic = topics.get(port, f"/{port}")
        wanted = settings.topic(topic)
        rate = wanted.expected_mb_s
        yield RingBudget(
            topic,
            port,
            wanted.ring_bytes + wanted.index_entries * ENTRY_BYTES,
            rate,
            wanted.ring_bytes / 1e6 / rate if rate else None,
        )


def _memory(
    settings: DeviceSettings,
    document: YamlDocument | None,
    rings: tuple[RingBudget, ...],
    memory: int,
    limit: int,
) -> Iterator[Finding]:
    if not rings or document is None:
        return
    place = document.problem(("ring", "memory_mib"), "")
    where = Place(place.file, place.line, place.column)
    if memory > limit:
        yield Finding(
            Severity.ERROR,
            where,
            f"the rings need {memory / _MIB:.0f} MiB, ring.memory_mib allows {limit / _MIB:.0f}; lower some ring_mib or raise it",
        )
    try:
        free = shutil.disk_usage(settings.ring.shm_dir).free
    except OSError as error:
        yield Finding(
            Severity.ERROR, where, f"ring.shm_dir {settings.ring.shm_dir} cannot be used ({error.strerror})"
        )
        return
    if memory > free and sys.platform == "linux":
        yield Finding(
            Severity.ERROR,
            where,
            f"the rings need {memory / _MIB:.0f} MiB, {settings.ring.shm_dir} has {free / _MIB:.0f} MiB free",
        )
