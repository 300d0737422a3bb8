"""The order in which messages are decided: by time, equal times by topic, equal topics as recorded."""

from collections.abc import Iterable, Iterator
from operator import attrgetter

from winnow_schemas.channel import Message

_TOPIC = attrgetter("channel.topic")


def in_decision_order(messages: Iterable[Message]) -> Iterator[Message]:
    """Reorder messages that come by time: those of one time by topic, stably.

    This is the order ``(t_ns, topic, seq)`` in which the triggers node decides what it finds in the rings.
    """
    tied: list[Message] = []
    for message in messages:
        if tied and message.t_ns != tied[0].t_ns:
            if len(tied) > 1:
                tied.sort(key=_TOPIC)
            yield from tied
            tied.clear()
        tied.append(message)
    tied.sort(key=_TOPIC)
    yield from tied
