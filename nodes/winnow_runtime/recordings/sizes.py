"""Sizes of messages without their payloads: what a window holds, exactly, without reading it twice.

While a file is played for a few topics, the sizes of all messages in the blocks that are opened anyway are
kept (24 bytes each). Blocks that are passed over are opened only when somebody asks for their time.
"""

from array import array
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow_operators.clips.judging import Amount
from winnow_schemas.channel import Channel, Message

_BATCH = 65_536


class Sizes(NamedTuple):
    """Some messages of one file, in any order; three columns of equal length."""

    channels: NDArray[np.int64]
    """By the number that the file uses."""
    times_ns: NDArray[np.int64]
    lengths: NDArray[np.int64]
    """Payload bytes."""


class SizeColumns:
    """Collects sizes; what is not kept costs nothing."""

    __slots__ = ("_channels", "_lengths", "_times")

    def __init__(self) -> None:
        self._channels, self._times, self._lengths = array("q"), array("q"), array("q")

    def add(self, channel: int, t_ns: int, length: int) -> None:
        self._channels.append(channel)
        self._times.append(t_ns)
        self._lengths.append(length)

    def sizes(self) -> Sizes:
        """What was collected."""
        columns = (self._channels, self._times, self._lengths)
        return Sizes(*(np.frombuffer(column, np.int64) for column in columns))


class SizeBook:
    """Sizes per block of a file, from some time on."""

    def __init__(self) -> None:
        self.is_kept = False
        self._blocks: dict[int, tuple[int, Sizes]] = {}
        """Order of the block -> time of its last message, sizes."""

    def note(self, order: int, sizes: Sizes) -> None:
        """Keep the sizes of a block."""
        last_ns = int(sizes.times_ns.max()) if len(sizes.times_ns) else -1
        self._blocks[order] = (last_ns, sizes)

    def get(self, order: int) -> Sizes | None:
        """The sizes of a block, if it was opened and not forgotten."""
        found = self._blocks.get(order)
        return found[1] if found else None

    def forget(self, before_ns: int) -> None:
        """Let go of blocks that end before this time."""
        for order in [order for order, (last_ns, _) in self._blocks.items() if last_ns < before_ns]:
            del self._blocks[order]


def sizes_of(messages: Iterable[Message], channels: dict[int, Channel]) -> Iterator[Sizes]:
    """Sizes of messages that are read whole, where a container has no cheaper way."""
    numbers = {channel: number for number, channel in channels.items()}
    columns, held = SizeColumns(), 0
    for message in messages:
        columns.add(numbers[message.channel], message.t_ns, len(message.data))
        held += 1
        if held == _BATCH:
            yield columns.sizes()
            columns, held = SizeColumns(), 0
    yield columns.sizes()


def window_amounts(parts: Iterable[Sizes], start_ns: int, end_ns: int) -> dict[int, Amount]:
    """Messages and payload bytes per channel number in ``[start_ns, end_ns)``."""
    inside = []
    for part in parts:
        chosen = (part.times_ns >= start_ns) & (part.times_ns < end_ns)
        whole = bool(chosen.all())
        inside.append(
            (part.channels, part.lengths) if whole else (part.channels[chosen], part.lengths[chosen])
        )
    if not inside:
        return {}
    channels = np.concatenate([each for each, _ in inside])
    lengths = np.concatenate([each for _, each in inside])
    numbers, places, counts = np.unique(channels, return_inverse=True, return_counts=True)
    summed = np.zeros(len(numbers), np.int64)
    np.add.at(summed, places, lengths)
    return {
        number: Amount(messages, length)
        for number, messages, length in zip(numbers.tolist(), counts.tolist(), summed.tolist(), strict=True)
    }
