"""The live source's state: everything that a test needs to drive it without dora."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from winnow_operators.ros2.keys import TopicKey
from winnow_operators.ros2.numbering import PublisherNumbering
from winnow_operators.ros2.ports import PortPlan
from winnow_operators.ros2.stamps import TimeSource, log_time_ns
from winnow_ros2.account import Account
from winnow_ros2.arrivals import Arrivals, Arrived
from winnow_ros2.channels import ChannelMaker
from winnow_ros2.definitions import Definitions
from winnow_ros2.graph import RosGraph
from winnow_ros2.link import Link, LinkChange, configuration
from winnow_ros2.subscriptions import Subscriptions
from winnow_runtime.node import Node
from winnow_runtime.source import SourceStream, payload_outputs
from winnow_schemas.channel import Channel

STEP_MESSAGES = 256
"""Sent in one go before credits are looked at again."""
REPORT_S = 1.0
"""How often losses are named, health is said, and the checkpoint is written."""
PATIENCE_S = 5.0
"""How long the router may take to answer before the ledger says that none does."""
SETTLE_S = 0.3
"""After a restart: how long to listen for what the ring still takes in of the process before."""


class LiveSource:
    """Brings a ROS 2 system's messages into the graph."""

    def __init__(self, node: Node, environment: Mapping[str, str] = os.environ) -> None:
        self.node = node
        self.settings = node.settings.ros2
        folder = Path(node.document.name).resolve().parent
        self.link = Link(configuration(self.settings, folder, environment), node.clock)
        self.channels = ChannelMaker(
            Definitions(self.settings.distribution, [folder / path for path in self.settings.definitions])
        )
        self.plan = PortPlan(payload_outputs(node), self.settings.ports, node.settings.topics)
        self.arrivals = Arrivals(self.settings, node.clock)
        self.graph = RosGraph(self.settings.max_topics)
        self.stream = SourceStream(node, {}, waits=False, resends=True)
        self.account = Account(node, self.arrivals)
        self.subscriptions: Subscriptions | None = None
        self._time = TimeSource(self.settings.time)
        self._skew_ns = int(self.settings.max_skew_s * 1e9)
        self._lateness_ns = (
            int(node.settings.ring.lateness_ms * 1e6) if self._time is TimeSource.SOURCE else 0
        )
        self._open: dict[TopicKey, tuple[tuple[object, ...], Channel]] = {}
        self._types: dict[str, set[tuple[str, str]]] = {}
        self._reported_ns = node.clock.monotonic_ns()
        self._promised_ns = 0
        self._warned_ns: int | None = None
        self._unported_said = 0

    # --- start --------------------------------------------------------------------------------------------

    def greet(self) -> bool:
        """Find out what the ring has; False when the graph stopped before."""
        if not self.stream.greet():
            return False
        until_ns = self.node.clock.monotonic_ns() + SETTLE_S * 1e9
        saved = self.node.load_checkpoint() or {}
        if saved.get("run_id") == self.node.run_id:
            self._restore(saved)
            while self.node.closed is None and self.node.clock.monotonic_ns() < until_ns:
                self.stream.handle(self.node.next(SETTLE_S / 10))
        self.stream.pass_over()
        return self.node.closed is None

    def _restore(self, saved: dict[str, Any]) -> None:
        self.plan.restore(saved["spare"])
        for topic, gid, last, newest_ns in saved["publishers"]:
            publisher = PublisherNumbering(int(last), int(newest_ns))
            self.arrivals.numbering.remember(topic, bytes.fromhex(gid), publisher)

    # --- one round ----------------------------------------------------------------------------------------

    def step(self) -> None:
        """Take in what the link says, send what has arrived; the caller has handled the graph's events."""
        self.stream.handle(None)
        for change in self.link.step():
            self._linked(change)
        if self.subscriptions is not None:
            self.subscriptions.step()
        self.pump()
        now = self.node.clock.monotonic_ns()
        if now - self._promised_ns >= self.node.settings.ring.heartbeat_ms * 1e6:
            self._promised_ns = now
            self.stream.promise(self.arrivals.horizon_ns() - self._lateness_ns, now=True)
        if now - self._reported_ns >= REPORT_S * 1e9:
            self._reported_ns = now
            self.report()

    def pump(self) -> None:
        """Send what waits, as long as the graph has room."""
        for _ in range(STEP_MESSAGES):
            arrived = self.arrivals.head()
            if arrived is None or not self._offer(arrived):
                return
            self.arrivals.pop()

    def _offer(self, arrived: Arrived) -> bool:
        channel = self._channel(arrived.key)
        if channel is None:
            return True
        if not self.stream.has_room(channel, arrived.size):
            return False
        counts = self.arrivals.topics[arrived.key.topic]
        t_ns, published_ns = arrived.receive_ns, arrived.receive_ns
        if arrived.source_ns is not None:
            published_ns = arrived.source_ns
            t_ns, believed = log_time_ns(self._time, t_ns, published_ns, self._skew_ns)
            counts.disbelieved += not believed
        data = arrived.payload.to_bytes()
        self.stream.send(channel, self.stream.number(channel), t_ns, published_ns, data)
        counts.sent += 1
        return True

    def _channel(self, key: TopicKey) -> Channel | None:
        """The open channel of a key; None when the graph has no port for the topic."""
        profiles = self.graph.profiles(key)
        known = self._open.get(key)
        if known is not None and known[0] == profiles:
            return known[1]
        port = self.plan.port(key.topic)
        if port is None:
            return None
        channel = self.channels.channel(key, profiles)
        self.stream.open(channel, port)
        self._open[key] = (profiles, channel)
        self._notice_type(key)
        return channel

    def _notice_type(self, key: TopicKey) -> None:
        types = self._types.setdefault(key.topic, set())
        is_change = bool(types) and (key.type_name, key.type_hash) not in types
        types.add((key.type_name, key.type_hash))
        if is_change:
            reason = (
                f"{key.topic} is published as {key.type_name} ({key.type_hash[:24]}) beside another type or version; "
                "both are kept, each message with its own."
            )
            self.account.say("topic", self.arrivals.horizon_ns(), key.topic, "another type", reason)

    # --- the link -----------------------------------------------------------------------------------------

    def _linked(self, change: LinkChange) -> None:
        t_ns, where = self.arrivals.horizon_ns(), self._where
        if change is LinkChange.OPENED and self.link.session is not None:
            self.subscriptions = Subscriptions(
                self.link.session, self.settings, self.plan, self.arrivals, self.graph, self.node.clock
            )
            self.subscriptions.start()
        elif change is LinkChange.CONNECTED and self.link.outages:
            reason = f"The Zenoh router is back after {self.link.out_s():.1f} s ({where}); what publishers numbered meanwhile and never came is counted per topic."
            self.account.say("link", t_ns, "zenoh", "back", reason)
        elif change is LinkChange.LOST:
            reason = f"The Zenoh router is gone ({where}), outage {self.link.outages}; only publishers that are connected directly go on. It is tried again every second."
            self.account.say("link", t_ns, "zenoh", "lost", reason)

    @property
    def _where(self) -> str:
        return "as configured" if self.settings.config else ", ".join(self.settings.connect)

    def _waits_for_link(self, t_ns: int) -> str:
        """Why there is no connection yet; said once."""
        if self.link.connected or self.link.outages:
            return ""
        refusal = f" ({self.link.refusal})" if self.link.refusal else ""
        reason = f"No Zenoh router answers at {self._where}{refusal}; nothing arrives. Start one (`ros2 run rmw_zenoh_cpp rmw_zenohd`) or set ros2.connect."
        if self._warned_ns is None and self.link.out_s() > PATIENCE_S:
            self._warned_ns = t_ns
            self.account.say("link", t_ns, "zenoh", "waiting", reason)
            self.node.seam.log("warn", reason)
        return reason

    # --- saying how it goes -------------------------------------------------------------------------------

    def report(self) -> None:
        """Losses, problems, health, checkpoint, totals."""
        t_ns = self.arrivals.horizon_ns()
        self.account.report(t_ns)
        waiting = self._waits_for_link(t_ns)
        self._name_topics(t_ns)
        totals = self.totals()
        lost = sum(
            counts["missed"] + counts["overflow"] + counts["oversize"] for counts in totals["topics"].values()
        )
        totals["lost"] = lost
        self.account.write_totals(totals)
        values = {key: value for key, value in totals.items() if key != "topics"}
        is_lossy = lost > self.node.settings.monitor.dropped_warn
        message = "OK" if self.link.connected else waiting or "The Zenoh router is gone"
        level = 0 if self.link.connected and not is_lossy else 1
        self.node.health(level, f"Lost: {lost}" if is_lossy and self.link.connected else message, values)
        self.node.save_checkpoint(
            {
                "run_id": self.node.run_id,
                "spare": self.plan.assigned,
                "publishers": [
                    [topic, gid.hex(), last, newest] for topic, gid, last, newest in self.arrivals.snapshot()
                ],
            }
        )

    def _name_topics(self, t_ns: int) -> None:
        for topic, type_name, problem in self.channels.problems:
            reason = f"{topic} ({type_name}) has no schema: {problem}. It is recorded without; give its definition in ros2.definitions."
            self.account.say("topic", t_ns, topic, "no schema", reason)
        self.channels.problems.clear()
        unported = list(self.subscriptions.unported.items()) if self.subscriptions else []
        for topic, type_name in unported[self._unported_said :]:
            kind = f" ({type_name})" if type_name else ""
            reason = f"The graph has no port for {topic}{kind}, and no spare one: it is not subscribed to. `winnow scaffold ros2:{self.settings.domain}` writes a graph that has."
            self.account.say("topic", t_ns, topic, "not wired", reason)
        self._unported_said = len(unported)

    def totals(self) -> dict[str, Any]:
        """JSON values."""
        messages, waiting_bytes = self.arrivals.waiting
        return self.account.totals(
            domain=self.settings.domain,
            connected=self.link.connected,
            outages=self.link.outages,
            subscriptions=len(self.subscriptions.topics) if self.subscriptions else 0,
            not_wired=len(self.subscriptions.unported) if self.subscriptions else 0,
            beyond_limits=self.graph.beyond,
            waiting=messages,
            waiting_bytes=waiting_bytes,
            forgotten=self.stream.forgotten,
        )

    def close(self) -> None:
        """Leave the ROS system and say what is left to say."""
        self.link.close()
        self.pump()
        messages, size = self.arrivals.waiting
        if messages:
            reason = (
                f"{messages} messages ({size} bytes) still waited here when the graph stopped; they are lost."
            )
            self.account.say(
                "message", self.arrivals.horizon_ns(), self.node.id, "lost at the source", reason
            )
        self.report()
