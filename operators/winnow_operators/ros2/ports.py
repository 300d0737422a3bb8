"""Which port of the graph a topic goes out of.

Ports are fixed when a graph starts, topics are not. A topic has the port that the settings give it, or the one
that carries its name; what is left goes, first come first served, to the *spare* ports ``spare_...``.
"""

from collections.abc import Iterable, Mapping, Sequence

from winnow_schemas.ids import port_of, unique_ports

SPARE = "spare_"
"""How the names of ports begin that take any one topic."""


class PortPlan:
    """Topics and the outputs of the source."""

    def __init__(self, outputs: Sequence[str], table: Mapping[str, str], named: Iterable[str]) -> None:
        """``table``: topic to port; ``named``: topics that the settings speak of, whose ports go by their names."""
        self._outputs = frozenset(outputs)
        names = unique_ports(list(named)) | dict(table)
        self._by_topic = {topic: port for topic, port in names.items() if port in self._outputs}
        self._taken = set(self._by_topic.values())
        self._spare = sorted(
            (port for port in outputs if port.startswith(SPARE) and port not in self._taken),
            reverse=True,
            key=_place,
        )
        self._assigned: dict[str, str] = {}

    @property
    def known(self) -> list[str]:
        """Topics with a port of their own, before anything was heard."""
        return sorted(self._by_topic)

    @property
    def is_open(self) -> bool:
        """Whether a topic that nobody named could still get a port."""
        return bool(self._spare) or any(
            port not in self._taken and not port.startswith(SPARE) for port in self._outputs
        )

    @property
    def assigned(self) -> dict[str, str]:
        """Spare ports given away, by topic; what :meth:`restore` takes."""
        return dict(self._assigned)

    def restore(self, assigned: Mapping[str, str]) -> None:
        """Give the same topics the same spare ports as an earlier process of the run did."""
        for topic, port in assigned.items():
            if port in self._spare:
                self._spare.remove(port)
                self._assigned[topic] = self._by_topic[topic] = port
                self._taken.add(port)

    def port(self, topic: str) -> str | None:
        """The topic's port; None when the graph has none. The first question gives a spare port away."""
        known = self._by_topic.get(topic)
        if known is not None:
            return known
        own = port_of(topic)
        if own in self._outputs and own not in self._taken and not own.startswith(SPARE):
            port = own
        elif self._spare:
            port = self._assigned[topic] = self._spare.pop()
        else:
            return None
        self._by_topic[topic] = port
        self._taken.add(port)
        return port


def _place(port: str) -> tuple[int, str]:
    return len(port), port
