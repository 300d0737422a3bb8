"""Which connections are drawn as one line, so that forty sensor topics do not become forty lines."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from winnow_operators.graphs.model import Connection, QueuePolicy

BUNDLE_FROM = 4
"""Parallel connections of one type and policy are drawn as one line from this number on."""
LINES_PER_PAIR = 6
"""More lines than this between two boxes are bundled whatever their types."""
COLLECT_FROM = 8
"""Inputs of one type and policy from this many neighbours come in together..."""
COLLECT_OBSERVER_FROM = 3
"""...and for an observer, which listens to everybody, from this many."""


@dataclass(frozen=True, slots=True)
class Strand:
    """Connections that become one line between two boxes."""

    source: str
    """Key of a box."""
    target: str
    connections: tuple[Connection, ...]
    collected: str = ""
    """Not empty: lines with the same value end in one slot of the target."""

    @property
    def policy(self) -> QueuePolicy:
        return self.connections[0].target.policy


def strands(
    connections: Iterable[Connection],
    source_box: Callable[[Connection], str],
    target_box: Callable[[Connection], str],
    observers: frozenset[str],
) -> list[Strand]:
    """Group connections; those of one strand have one policy. ``observers`` are keys of boxes."""
    pairs: dict[tuple[str, str], list[Connection]] = {}
    for connection in connections:
        pairs.setdefault((source_box(connection), target_box(connection)), []).append(connection)
    found = [
        Strand(source, target, group)
        for (source, target), members in pairs.items()
        for group in _bundles(members)
    ]
    return _collected(found, observers)


def _bundles(members: list[Connection]) -> list[tuple[Connection, ...]]:
    by_kind = _grouped(members, lambda one: (one.target.policy, one.type))
    drawn = [
        part
        for group in by_kind
        for part in ([group] if len(group) >= BUNDLE_FROM else [(c,) for c in group])
    ]
    if len(drawn) <= LINES_PER_PAIR:
        return drawn
    return _grouped(members, lambda one: (one.target.policy, ""))


def _collected(found: list[Strand], observers: frozenset[str]) -> list[Strand]:
    keys = [(one.target, one.policy, one.connections[0].type) for one in found]
    sources: dict[tuple[str, QueuePolicy, str], set[str]] = {}
    for one, key in zip(found, keys, strict=True):
        if len(one.connections) == 1:
            sources.setdefault(key, set()).add(one.source)
    result = []
    for one, key in zip(found, keys, strict=True):
        enough = COLLECT_OBSERVER_FROM if one.target in observers else COLLECT_FROM
        if len(one.connections) == 1 and len(sources[key]) >= enough:
            result.append(Strand(one.source, one.target, one.connections, f"{one.policy}:{key[2]}"))
        else:
            result.append(one)
    return result


def _grouped(
    members: list[Connection], kind: Callable[[Connection], tuple[QueuePolicy, str]]
) -> list[tuple[Connection, ...]]:
    groups: dict[tuple[QueuePolicy, str], list[Connection]] = {}
    for member in members:
        groups.setdefault(kind(member), []).append(member)
    return [tuple(group) for group in groups.values()]
