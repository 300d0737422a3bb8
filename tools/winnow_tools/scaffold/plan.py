"""Everything that goes into the files, decided before a line is written."""

import keyword
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from winnow_operators.fields import Value
from winnow_schemas.ids import port_of, unique_ports
from winnow_schemas.settings.topics import Compression, Kind
from winnow_tools.scaffold.kinds import judge
from winnow_tools.scaffold.sizing import RingSize, queue_size, ring_sizes
from winnow_tools.scaffold.survey import FieldValues, TopicSurvey
from winnow_tools.scaffold.units import unit_of

MAX_SIGNALS_PER_TOPIC = 12
MAX_SIGNALS = 200
"""Signals cost a decode per message; a scaffold is a start, not a census."""
MAX_TOPIC_LENGTH = 255
"""Of a topic in settings."""
_MAX_SIGNAL_LENGTH = 64
_FIX_TYPES = ("NavSatFix", "LocationFix")
_COORDINATES = ("latitude", "longitude")
_SHORTER = (("linear_acceleration", "accel"), ("angular_velocity", "turn_rate"))
_RESERVED = frozenset(
    # What the condition language knows by name already.
    [
        "median",
        "mean",
        "std",
        "min",
        "max",
        "percentile",
        "slope",
        "rate",
        "count",
        "sum",
        "previous",
        "delta",
        "for_at_least",
        "edge",
        "rising",
        "falling",
        "stale",
        "distance_m",
        "in_zone",
        "new_cell",
        "hour",
        "time_of_day",
        "every",
        "schedule",
        "abs",
        "clamp",
        "sqrt",
        "hypot",
        "and",
        "or",
        "not",
        "in",
        "is",
        "true",
        "false",
        "none",
        "if",
        "else",
        "msg",
        "value",
        "threshold",
        "from_start",
    ]
)


@dataclass(frozen=True, slots=True)
class PortPlan:
    """One topic: an output of the source, an input of the ring, an entry in the settings."""

    topic: str
    port: str
    queue_size: int
    kind: Kind
    compression: Compression
    latched: bool
    drop_order: int
    ring: RingSize
    survey: TopicSurvey


@dataclass(frozen=True, slots=True)
class SignalPlan:
    """One field as a signal."""

    name: str
    topic: str
    unit: str
    values: FieldValues


@dataclass(frozen=True, slots=True)
class Plan:
    """What is written."""

    recording: Path
    memory_mib: float
    ports: tuple[PortPlan, ...]
    signals: tuple[SignalPlan, ...]
    position: tuple[str, str] | None
    """Names of the signals of latitude and longitude."""
    left_out: tuple[str, ...]
    """Sentences about topics that have no port."""
    live: str = ""
    """Settings of a live source, as text; empty for a recording."""


def make_plan(recording: Path, topics: Sequence[TopicSurvey], memory_mib: float) -> Plan:
    """Decide.

    Raises:
        BadInputError: the memory cannot hold the rings.

    """
    usable = [topic for topic in topics if 0 < len(topic.statistics.topic) <= MAX_TOPIC_LENGTH]
    left_out = tuple(
        f"The topic {topic.statistics.topic[:40]!r}... has a name of {len(topic.statistics.topic)} characters "
        f"(allowed: 1 to {MAX_TOPIC_LENGTH}); it has no port and is not played."
        for topic in topics
        if topic not in usable
    )
    # Over all topics, as the replay node does it: whether names collide must not depend on what is left out.
    ports = unique_ports([topic.statistics.topic for topic in topics])
    rings = ring_sizes([topic.statistics for topic in usable], memory_mib)
    drops = _drop_orders(usable)
    planned = []
    for topic, ring in zip(usable, rings, strict=True):
        judged = judge(topic.channel)
        name = topic.statistics.topic
        planned.append(
            PortPlan(
                topic=name,
                port=ports[name],
                queue_size=queue_size(topic.statistics),
                kind=judged.kind,
                compression=judged.compression,
                latched=topic.statistics.latched,
                drop_order=drops.get(name, 0),
                ring=ring,
                survey=topic,
            )
        )
    signals, position = _signals(usable)
    return Plan(recording, memory_mib, tuple(planned), signals, position, left_out)


def _drop_orders(topics: Sequence[TopicSurvey]) -> dict[str, int]:
    """Over a clip's size cap single LiDARs go first, then cameras, then thermal (errata 3.3).

    The largest LiDAR topic stays: it is the merged cloud, or the only one.
    """
    order = {Kind.LIDAR: 30, Kind.CAMERA: 20, Kind.THERMAL: 10}
    kinds = {topic.statistics.topic: judge(topic.channel).kind for topic in topics}
    drops = {name: order[kind] for name, kind in kinds.items() if kind in order}
    lidars = [topic for topic in topics if kinds[topic.statistics.topic] is Kind.LIDAR]
    if lidars:
        largest = max(lidars, key=lambda topic: (topic.statistics.max_bytes, topic.statistics.topic))
        drops[largest.statistics.topic] = 0
    return drops


def _signals(topics: Sequence[TopicSurvey]) -> tuple[tuple[SignalPlan, ...], tuple[str, str] | None]:
    fix = _fix_topic(topics)
    chosen: list[tuple[TopicSurvey, FieldValues]] = []
    for topic in [*([fix] if fix else []), *(topic for topic in topics if topic is not fix)]:
        needed = _COORDINATES if topic is fix else ()
        fields = [seen for seen in topic.fields if seen.count and (seen.varies or seen.path in needed)]
        chosen += [(topic, seen) for seen in fields[:MAX_SIGNALS_PER_TOPIC]]
    chosen = chosen[:MAX_SIGNALS]
    shared = Counter(_short_name(seen.path) for _, seen in chosen)
    taken: set[str] = set()
    signals = []
    for topic, seen in chosen:
        name = _signal_name(
            topic.statistics.topic, seen.path, taken, is_shared=shared[_short_name(seen.path)] > 1
        )
        taken.add(name)
        unit = unit_of(topic.channel.schema_name, seen.path) if seen.value is Value.NUMBER else ""
        signals.append(SignalPlan(name, topic.statistics.topic, unit, seen))
    if fix is None:
        return tuple(signals), None
    of_fix = {signal.values.path: signal.name for signal in signals if signal.topic == fix.statistics.topic}
    return tuple(signals), (of_fix[_COORDINATES[0]], of_fix[_COORDINATES[1]])


def _fix_topic(topics: Sequence[TopicSurvey]) -> TopicSurvey | None:
    """The topic that says where the vehicle is: the most frequent fix."""
    fixes = [
        topic
        for topic in topics
        if re.split(r"[/.]", topic.channel.schema_name)[-1] in _FIX_TYPES
        and set(_COORDINATES) <= {seen.path for seen in topic.fields if seen.count}
    ]
    return max(fixes, key=lambda topic: topic.statistics.count, default=None)


def _short_name(path: str) -> str:
    """The end of a path: ``linear_acceleration.x`` is ``accel_x``."""
    for long, short in _SHORTER:
        path = path.replace(long, short)
    steps = path.split(".")
    first = next((number for number in range(len(steps) - 1, -1, -1) if len(steps[number]) > 1), 0)
    return _as_name("_".join(steps[first:]))


def _signal_name(topic: str, path: str, taken: set[str], *, is_shared: bool) -> str:
    """The end of the path; behind the topic where several topics share it or it means something else."""
    short, port = _short_name(path), port_of(topic)
    candidates = [] if is_shared else [short]
    candidates += [_as_name(f"{port}_{short}"), _as_name(f"{port}_{path}")]
    for name in candidates:
        if name not in taken and name not in _RESERVED and not keyword.iskeyword(name):
            return name
    base = candidates[-1][: _MAX_SIGNAL_LENGTH - 6]
    return next(name for number in range(2, len(taken) + 3) if (name := f"{base}_{number}") not in taken)


def _as_name(text: str) -> str:
    """Letters, digits and underscores, starting with a letter, not too long."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower(), flags=re.ASCII).strip("_") or "signal"
    return (name if name[0].isalpha() else f"n_{name}")[:_MAX_SIGNAL_LENGTH].rstrip("_")
