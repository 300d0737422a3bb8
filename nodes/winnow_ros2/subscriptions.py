"""What is subscribed to: topics that the settings name at once, others when a token or a look reveals them."""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from winnow_operators.ros2.keys import TopicKey, parse_topic_key, topic_selector
from winnow_operators.ros2.ports import PortPlan
from winnow_operators.ros2.qos import TRANSIENT_LOCAL, Qos
from winnow_operators.ros2.selection import TopicSelection
from winnow_operators.ros2.tokens import (
    Endpoint,
    EntityKind,
    Token,
    parse_token,
    token_selector,
    token_text,
)
from winnow_ros2.arrivals import Arrivals
from winnow_ros2.graph import RosGraph
from winnow_runtime.clock import Clock
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.ros2 import Ros2Settings

if TYPE_CHECKING:
    import zenoh

MAX_TOKEN_EVENTS = 100_000
"""Token changes that wait for the loop: a robot of 2,000 topics that comes back has some 10,000."""


class Subscriptions:
    """One subscriber per topic, so that what nobody wants is never sent here."""

    def __init__(
        self,
        session: "zenoh.Session",
        settings: Ros2Settings,
        plan: PortPlan,
        arrivals: Arrivals,
        graph: RosGraph,
        clock: Clock,
    ) -> None:
        self._session = session
        self._settings = settings
        self._selection = TopicSelection(settings.include, settings.exclude)
        self._plan = plan
        self._arrivals = arrivals
        self._graph = graph
        self._clock = clock
        self._tokens: deque[tuple[str, bool]] = deque(maxlen=MAX_TOKEN_EVENTS)
        self._revealed: deque[TopicKey] = deque(maxlen=MAX_TOKEN_EVENTS)
        self._subscribers: dict[str, Any] = {}
        self._shown: dict[tuple[str, str, str], Any] = {}
        self._lookout: Any = None
        self._looked_ns: int | None = None
        self._listener: Any = None
        self.unported: dict[str, str] = {}
        """Topics that are wanted and have no port, with their type: to be named once each."""

    @property
    def topics(self) -> list[str]:
        """What is subscribed to."""
        return list(self._subscribers)

    def start(self) -> None:
        """Subscribe to what is known by name, and listen for tokens."""
        known = {*self._plan.known, *self._selection.names}
        for topic in sorted(known):
            if self._selection.wants(topic):
                self._subscribe(topic, "")
        if self._settings.visible:
            self._shown["", "", ""] = self._declare("0", EntityKind.NODE, None)
        self._listener = self._session.liveliness().declare_subscriber(
            token_selector(self._settings.domain), self._on_token, history=True
        )

    def step(self) -> None:
        """Act on tokens and looks; on the node's loop."""
        while self._tokens:
            self._act(*self._tokens.popleft())
        while self._revealed:
            key = self._revealed.popleft()
            self._subscribe(key.topic, key.type_name)
        self._look()

    def stop(self) -> None:
        """Let go; the session itself is closed by its owner."""
        self._lookout = self._listener = None
        self._subscribers.clear()
        self._shown.clear()

    # --- tokens -------------------------------------------------------------------------------------------

    def _on_token(self, sample: "zenoh.Sample") -> None:
        from zenoh import SampleKind

        self._tokens.append((str(sample.key_expr), sample.kind == SampleKind.PUT))

    def _act(self, text: str, is_there: bool) -> None:
        if not is_there:
            self._graph.disappear(text)
            return
        try:
            token = parse_token(text)
        except BadInputError as error:
            self._arrivals.refuse(str(error))
            return
        is_new = self._graph.appear(text, token)
        end = token.endpoint
        if is_new and end is not None and self._selection.wants(end.topic):
            self._subscribe(end.topic, end.type_name)
            if end.topic in self._subscribers:
                self._show(end)

    def _subscribe(self, topic: str, type_name: str) -> None:
        if topic in self._subscribers or topic in self.unported:
            return
        if len(self._subscribers) >= self._settings.max_topics:
            self._graph.beyond += 1
            return
        if self._plan.port(topic) is None:
            if len(self.unported) < self._settings.max_topics:
                self.unported[topic] = type_name
            return
        self._subscribers[topic] = None  # before it is declared: a look that runs stops taking the topic
        self._subscribers[topic] = self._declared(
            topic_selector(self._settings.domain, topic), self._arrivals.take
        )

    def _declared(self, selector: str, callback: "Callable[[zenoh.Sample], None]") -> Any:
        """A subscriber that asks publishers' caches for what they keep, now and when they appear later."""
        from zenoh import ext

        return ext.declare_advanced_subscriber(
            self._session,
            selector,
            callback,
            history=ext.HistoryConfig(detect_late_publishers=True, max_samples=self._settings.latched_depth),
            recovery=ext.RecoveryConfig(periodic_queries=None, heartbeat=True),
        )

    # --- being seen ---------------------------------------------------------------------------------------

    def _show(self, end: Endpoint) -> None:
        """Announce the subscription: publishers that wait for a subscriber look for this token."""
        key = (end.topic, end.type_name, end.type_hash)
        if self._settings.visible and key not in self._shown:
            durability = TRANSIENT_LOCAL if end.qos.is_latched else Qos().durability
            seen = Endpoint(end.topic, end.type_name, end.type_hash, Qos(durability=durability))
            self._shown[key] = self._declare(str(len(self._shown)), EntityKind.SUBSCRIPTION, seen)

    def _declare(self, entity: str, kind: EntityKind, end: Endpoint | None) -> Any:
        token = Token(
            domain=self._settings.domain,
            session=str(self._session.zid()),
            node_id="0",
            entity_id=entity,
            kind=kind,
            enclave="/",
            namespace="/",
            node=self._settings.node_name,
            endpoint=end,
        )
        return self._session.liveliness().declare_token(token_text(token))

    # --- looks --------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Open the lookout now and then: a subscription to everything costs the traffic of everything."""
        now = self._clock.monotonic_ns()
        settings = self._settings
        if self._lookout is not None:
            if self._looked_ns is not None and now - self._looked_ns >= settings.look_s * 1e9:
                self._lookout.undeclare()
                self._lookout = None
            return
        is_due = self._looked_ns is None or now - self._looked_ns >= settings.look_every_s * 1e9
        if settings.look_every_s and is_due and self._plan.is_open:
            self._looked_ns = now
            self._lookout = self._session.declare_subscriber(f"{settings.domain}/**", self._on_look)

    def _on_look(self, sample: "zenoh.Sample") -> None:
        try:
            key = parse_topic_key(str(sample.key_expr))
        except BadInputError as error:
            self._arrivals.refuse(str(error))
            return
        if (
            key.topic not in self._subscribers
            and key.topic not in self.unported
            and self._selection.wants(key.topic)
        ):
            self._revealed.append(key)
            self._arrivals.take(sample)
