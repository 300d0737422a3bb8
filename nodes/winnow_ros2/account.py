"""What is said about losses and problems: rows of the ledger, health, and totals; each thing once."""

from dataclasses import asdict
from typing import Any

from winnow_ros2.arrivals import Arrivals, Gap, TopicCounts
from winnow_runtime import atomic
from winnow_runtime.node import Node

MAX_ROWS = 200
"""Rows of the ledger per report; what is beyond is in the totals."""
_HERE = (
    (
        "overflow",
        "the graph was too slow and the queue full",
        "Raise ros2.queue_mib, or bring in fewer topics.",
    ),
    ("oversize", "they are larger than a message may be", "Raise ros2.max_message_mib."),
)
_ONCE = (
    ("bad_attachment", "attachment", "whose attachment is none of rmw_zenoh's"),
    ("no_attachment", "attachment", "without an attachment"),
    ("anew", "publisher", "after which a publisher counts from the start again"),
    ("repeated", "repeated", "that were here already"),
    ("disbelieved", "stamp", "whose source stamp is too far from the receive time (ros2.max_skew_s)"),
)
_CONSEQUENCE = {
    "attachment": "They are kept; gaps cannot be counted, and the receive time is their publish time",
    "publisher": "They are kept",
    "repeated": "They were dropped",
    "stamp": "Their log time is the receive time",
}


class Account:
    """Compares counts with what was said before."""

    def __init__(self, node: Node, arrivals: Arrivals) -> None:
        self._node = node
        self._arrivals = arrivals
        self._said_here: dict[tuple[str, str], int] = {}
        self._said_once: set[tuple[str, str]] = set()
        self._said_reasons = 0
        self._said_late: dict[str, int] = {}
        self._said_steps = 0
        self._rows = 0

    def say(self, kind: str, t_ns: int, subject: str, outcome: str, reason: str) -> None:
        """One row of the ledger, as long as this report has room."""
        self._rows += 1
        if self._rows <= MAX_ROWS:
            self._node.decide(kind, t_ns=t_ns, subject=subject, outcome=outcome, reason=reason)

    def report(self, t_ns: int) -> None:
        """Say what is new."""
        self._rows = 0
        for gap in self._arrivals.drain_gaps():
            self._gap(gap)
        for topic, counts in list(self._arrivals.topics.items()):
            self._here(t_ns, topic, counts)
            self._oddities(t_ns, topic, counts)
        reasons = self._arrivals.malformed_reasons
        while self._said_reasons < len(reasons):
            self.say("sample", t_ns, self._node.id, "ignored", reasons[self._said_reasons])
            self._said_reasons += 1
        if self._arrivals.untracked and ("", "untracked") not in self._said_once:
            self._said_once.add(("", "untracked"))
            limit = self._node.settings.ros2.max_topics
            reason = f"More than {limit} topics send messages; those of further topics are counted and lost. Raise ros2.max_topics."
            self.say("topic", t_ns, self._node.id, "not taken", reason)
        if self._arrivals.steps_back > self._said_steps:
            self._said_steps = self._arrivals.steps_back
            reason = "The clock of this machine was set back; message time goes on where it was, ahead of the clock, until a restart."
            self.say("clock", t_ns, self._node.id, "set back", reason)

    def _gap(self, gap: Gap) -> None:
        count = gap.last - gap.first + 1
        how_many = f"{'At most ' if gap.while_down else ''}{count} messages"
        when = " while this source was down" if gap.while_down else ""
        reason = (
            f"{how_many} of {gap.topic} from the publisher {gap.gid.hex()} never arrived{when}: "
            f"its numbers {gap.first} to {gap.last} are missing."
        )
        self.say("message", gap.t_ns, gap.topic, "lost before the source", reason)

    def _here(self, t_ns: int, topic: str, counts: TopicCounts) -> None:
        for name, why, remedy in _HERE:
            count = getattr(counts, name)
            fresh = count - self._said_here.get((topic, name), 0)
            if fresh:
                self._said_here[topic, name] = count
                reason = f"{fresh} messages of {topic} were lost here: {why} ({count} so far). {remedy}"
                self.say("message", t_ns, topic, "lost at the source", reason)
        fresh = counts.late - self._said_late.get(topic, 0)
        if fresh:
            self._said_late[topic] = counts.late
            reason = f"{fresh} messages of {topic} that had been counted as lost came late ({counts.late} so far); they are kept."
            self.say("message", t_ns, topic, "came late", reason)

    def _oddities(self, t_ns: int, topic: str, counts: TopicCounts) -> None:
        for name, outcome, what in _ONCE:
            if getattr(counts, name) and (topic, name) not in self._said_once:
                self._said_once.add((topic, name))
                reason = f"{topic} brings messages {what}. {_CONSEQUENCE[outcome]}; this is said once, the totals count them."
                self.say("message", t_ns, topic, outcome, reason)

    def totals(self, **more: Any) -> dict[str, Any]:
        """JSON values: every count of every topic, and what the caller adds."""
        arrivals = self._arrivals
        return {
            **more,
            "malformed": arrivals.malformed,
            "untracked": arrivals.untracked,
            "publishers": len(arrivals.numbering),
            "publishers_forgotten": arrivals.numbering.forgotten,
            "topics": {topic: asdict(counts) for topic, counts in sorted(arrivals.topics.items())},
        }

    def write_totals(self, totals: dict[str, Any]) -> None:
        """``totals.json`` in the node's state."""
        atomic.write_json(self._node.state / "totals.json", totals, durable=False)
