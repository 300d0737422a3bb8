"""Sequence numbers of messages: per topic, from 1, in the order of play."""

from collections.abc import Iterable, Iterator

from winnow_schemas.channel import Message


def numbered(messages: Iterable[Message]) -> Iterator[tuple[int, Message]]:
    """Give every message its number within its topic.

    A recording always plays in the same order, so its numbers are always the same; they start from the
    first message that is passed in, so number whole recordings and select afterwards.
    """
    numbers: dict[str, int] = {}
    for message in messages:
        topic = message.channel.topic
        number = numbers[topic] = numbers.get(topic, 0) + 1
        yield number, message
