"""A live ROS 2 system, listened to for a while as if it were a recording."""

from collections.abc import Callable, Iterator
from pathlib import Path

from winnow_operators.ros2.keys import TopicKey
from winnow_operators.ros2.ports import SPARE, PortPlan
from winnow_ros2.arrivals import Arrivals
from winnow_ros2.channels import ChannelMaker
from winnow_ros2.definitions import Definitions
from winnow_ros2.graph import RosGraph
from winnow_ros2.link import Link, configuration
from winnow_ros2.subscriptions import Subscriptions
from winnow_runtime.clock import Clock
from winnow_schemas.channel import Channel, Message
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.settings.ros2 import Ros2Settings

PREFIX = "ros2:"
"""How a live system is named where a recording could be: ``ros2:DOMAIN``."""
CONNECT_S = 5.0
"""How long a router is waited for."""
_WAIT_S = 0.05


def domain_of(name: str) -> int | None:
    """The domain of ``ros2:DOMAIN``; None for anything else.

    Raises:
        BadInputError: what stands behind ``ros2:`` is no domain id.

    """
    if not name.startswith(PREFIX):
        return None
    text = name.removeprefix(PREFIX)
    if not (text.isascii() and text.isdigit()) or int(text) > 232:
        raise BadInputError(f"{name[:40]!r} names no ROS domain: 0 to 232 are allowed; nothing was written.")
    return int(text)


class Listening:
    """What is published while it listens. Fills itself while :meth:`messages` is taken."""

    def __init__(
        self,
        settings: Ros2Settings,
        seconds: float,
        clock: Clock,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        self._settings = settings.model_copy(update={"look_s": min(seconds, 60.0), "visible": True})
        self._seconds = seconds
        self._clock = clock
        self._progress = progress
        self._link = Link(configuration(settings, Path.cwd(), {}), clock)
        self._maker = ChannelMaker(
            Definitions(settings.distribution, [Path(path) for path in settings.definitions])
        )
        self._arrivals = Arrivals(settings, clock)
        self._graph = RosGraph(settings.max_topics)
        self.channels: list[Channel] = []
        self.problems: list[str] = []
        self.start_ns = self.end_ns = 0

    def messages(self) -> Iterator[Message]:
        """Every message that arrives within the time.

        Raises:
            UnavailableError: no router answers.

        """
        try:
            subscriptions = self._joined()
            self.start_ns = self._arrivals.horizon_ns()
            begun = self._clock.monotonic_ns()
            while (elapsed_s := (self._clock.monotonic_ns() - begun) / 1e9) < self._seconds:
                if self._progress is not None:
                    self._progress(elapsed_s / self._seconds)
                self._link.step()
                subscriptions.step()
                self._arrivals.wait(_WAIT_S)
                yield from self._waiting()
            subscriptions.stop()
        finally:
            self._link.close()
        yield from self._waiting()
        self.end_ns = self._arrivals.horizon_ns()
        self._conclude()

    def _joined(self) -> Subscriptions:
        begun = self._clock.monotonic_ns()
        while not self._link.connected:
            self._link.step()
            if self._clock.monotonic_ns() - begun > CONNECT_S * 1e9:
                where = "as configured" if self._settings.config else ", ".join(self._settings.connect)
                raise UnavailableError(
                    f"No Zenoh router answers at {where}; nothing was written. "
                    "Start one (`ros2 run rmw_zenoh_cpp rmw_zenohd`) or say where it is with --connect."
                )
            self._clock.sleep_s(_WAIT_S)
        assert self._link.session is not None
        every_topic = PortPlan([f"{SPARE}{number}" for number in range(self._settings.max_topics)], {}, [])
        subscriptions = Subscriptions(
            self._link.session, self._settings, every_topic, self._arrivals, self._graph, self._clock
        )
        subscriptions.start()
        return subscriptions

    def _waiting(self) -> Iterator[Message]:
        while (arrived := self._arrivals.head()) is not None:
            self._arrivals.pop()
            channel = self._maker.channel(arrived.key, self._graph.profiles(arrived.key))
            published_ns = arrived.receive_ns if arrived.source_ns is None else arrived.source_ns
            yield Message(channel, arrived.receive_ns, published_ns, arrived.payload.to_bytes())

    def _conclude(self) -> None:
        """Topics that were announced and silent, and what went wrong."""
        silent = [key for key in self._graph.keys(self._settings.domain) if self._is_silent(key)]
        self.channels += [self._maker.channel(key, self._graph.profiles(key)) for key in silent]
        self.problems += [
            f"{topic} ({type_name}) has no schema: {problem}; it is recorded without."
            for topic, type_name, problem in self._maker.problems
        ]
        self.problems += self._arrivals.malformed_reasons
        for topic, counts in sorted(self._arrivals.topics.items()):
            if counts.missed or counts.lost_here:
                self.problems.append(
                    f"{counts.missed + counts.lost_here} messages of {topic} did not arrive while it listened."
                )

    def _is_silent(self, key: TopicKey) -> bool:
        return key.topic not in self._arrivals.topics
