"""Which topics are wanted: names and patterns.

``*`` and ``?`` stand for characters of one part of a name, ``**`` for any number of parts.
"""

import re
from collections.abc import Iterable

from winnow_operators.ros2.keys import is_topic


class TopicSelection:
    """``include`` without ``exclude``; a name that is in both is excluded."""

    def __init__(self, include: Iterable[str], exclude: Iterable[str] = ()) -> None:
        patterns = list(include)
        self.names = frozenset(pattern for pattern in patterns if is_topic(pattern))
        """Topics that are included by their name, and not excluded."""
        self._include = [_compiled(pattern) for pattern in patterns]
        self._exclude = [_compiled(pattern) for pattern in exclude]
        self.names = frozenset(name for name in self.names if self.wants(name))

    def wants(self, topic: str) -> bool:
        """Whether this topic is to be brought in."""
        return any(pattern.fullmatch(topic) for pattern in self._include) and not any(
            pattern.fullmatch(topic) for pattern in self._exclude
        )


_TOKENS = re.compile(r"/\*\*(?=/|$)|\*\*|\*|\?|[^*?/]+|/")
_MEANINGS = {"/**": "(?:/[^/]+)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _compiled(pattern: str) -> re.Pattern[str]:
    """``/a/**`` is everything below ``/a`` and ``/a`` itself, ``/a/**/b`` also ``/a/b``."""
    text = pattern if pattern.startswith(("/", "**")) else f"/{pattern}"
    return re.compile("".join(_MEANINGS.get(part, re.escape(part)) for part in _TOKENS.findall(text)))
