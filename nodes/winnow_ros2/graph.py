"""The ROS graph as tokens tell it: who publishes what, with which quality of service."""

from dataclasses import dataclass

from winnow_operators.ros2.keys import TopicKey
from winnow_operators.ros2.qos import Qos
from winnow_operators.ros2.tokens import EntityKind, Token

MAX_PROFILES = 8
"""Different profiles per topic and type that go into a channel's metadata."""
MAX_TYPES = 16
"""Different types and hashes per topic that are told apart."""


@dataclass(slots=True)
class _Offer:
    profiles: list[Qos]
    publishers: int = 0


class RosGraph:
    """Publishers by topic, type and hash. Profiles are remembered when their publisher has gone."""

    def __init__(self, max_topics: int) -> None:
        self._max_topics = max_topics
        self._topics: dict[str, dict[tuple[str, str], _Offer]] = {}
        self._tokens: dict[str, Token] = {}
        self.beyond = 0
        """Publishers that were not looked at: too many topics or types."""

    def appear(self, text: str, token: Token) -> bool:
        """A token is there; True when it is a publisher of a topic or type that was not known."""
        end = token.endpoint
        if token.kind is not EntityKind.PUBLISHER or end is None or text in self._tokens:
            return False
        types = self._topics.get(end.topic)
        is_new = types is None or (end.type_name, end.type_hash) not in types
        if (
            len(self._topics if types is None else types)
            >= (self._max_topics if types is None else MAX_TYPES)
            and is_new
        ):
            self.beyond += 1
            return False
        types = self._topics.setdefault(end.topic, {})
        offer = types.setdefault((end.type_name, end.type_hash), _Offer([]))
        offer.publishers += 1
        self._tokens[text] = token
        if end.qos not in offer.profiles and len(offer.profiles) < MAX_PROFILES:
            offer.profiles.append(end.qos)
        return is_new

    def disappear(self, text: str) -> None:
        """A token is gone."""
        token = self._tokens.pop(text, None)
        if token is not None and token.endpoint is not None:
            end = token.endpoint
            self._topics[end.topic][end.type_name, end.type_hash].publishers -= 1

    def publishers(self, topic: str) -> int:
        """How many are there now."""
        return sum(offer.publishers for offer in self._topics.get(topic, {}).values())

    def profiles(self, key: TopicKey) -> tuple[Qos, ...]:
        """What the publishers of a topic and type have offered so far, in a fixed order."""
        offer = self._topics.get(key.topic, {}).get((key.type_name, key.type_hash))
        return tuple(sorted(offer.profiles, key=Qos.to_token)) if offer else ()

    def keys(self, domain: int) -> list[TopicKey]:
        """Every topic and type that was announced."""
        return [
            TopicKey(domain, topic, type_name, type_hash)
            for topic, types in sorted(self._topics.items())
            for type_name, type_hash in sorted(types)
        ]
