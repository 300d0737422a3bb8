"""What every container gives to a recording: channels, an extent, and messages in time order."""

from collections.abc import Collection, Iterator
from typing import Protocol

from winnow_runtime.recordings.sizes import Sizes, sizes_of
from winnow_schemas.channel import Channel, Message

SMALL_BYTES = 4096
"""Smaller payloads are copied out: that costs as much as a view, and a kept message keeps no chunk alive."""


class SourceFile(Protocol):
    """One file of a recording."""

    channels: dict[int, Channel]
    """By the number that the file uses."""
    start_ns: int
    """Of the first message; 0 without messages."""
    end_ns: int
    """One after the last message; 0 without messages."""
    message_count: int | None
    """What the file says, or what was counted; None when neither."""

    @property
    def name(self) -> str:
        """The file's name, for sentences."""

    def messages(
        self, topics: Collection[str] | None, start_ns: int | None, end_ns: int | None
    ) -> Iterator[Message]:
        """In time order, of these topics, in ``[start_ns, end_ns)``."""

    def keep_sizes(self, from_ns: int) -> None:  # noqa: ARG002 - some containers need not keep any
        """From now on remember the sizes of what is opened for playing, those from before ``from_ns`` excepted."""
        return

    def sizes(self, start_ns: int, end_ns: int, *, checked: bool = False) -> Iterator[Sizes]:  # noqa: ARG002
        """Sizes of all messages that playing ``[start_ns, end_ns)`` would give; others may be among them.

        ``checked``: what an index says is not enough, so that damage counts as it does in playing.
        """
        return sizes_of(self.messages(None, start_ns, end_ns), self.channels)

    def close(self) -> None:
        """Give descriptors and temporary files back."""
