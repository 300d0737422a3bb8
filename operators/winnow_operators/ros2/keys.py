"""Key expressions of topics: ``<domain>/<topic>/<type>/<type hash>``.

The topic stands without its outer slashes and keeps the inner ones; the type stands in its DDS form
(``std_msgs::msg::dds_::String_``). Source: rmw_zenoh's design document and ``liveliness_utils.cpp``.
"""

import re
from dataclasses import dataclass

from winnow_schemas.errors import BadInputError

MAX_KEY_CHARS = 1024
"""Four times the longest topic that settings allow; Zenoh itself has no limit."""
MAX_TOPIC_CHARS = 255
"""As in settings."""
MAX_NAME_CHARS = 255
"""Of a type, a type hash, a node or a namespace; ROS limits names to 255."""
UNHASHED = "TypeHashNotSupported"
"""What Humble, which knows no type hashes, puts in their place."""
_DOMAIN = re.compile(r"[0-9]{1,9}", re.ASCII)
_WILD = frozenset("*$?#")
_TYPE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(::[A-Za-z_][A-Za-z0-9_]*)+", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)+", re.ASCII)
_DDS = "dds_"
_SHOWN_CHARS = 80


@dataclass(frozen=True, slots=True)
class TopicKey:
    """What the key of a sample says."""

    domain: int
    topic: str
    """With its leading slash."""
    type_name: str
    """ROS form: ``std_msgs/msg/String``."""
    type_hash: str
    """``RIHS01_`` and 64 hexadecimal digits, or ``UNHASHED``."""


def parse_topic_key(text: str) -> TopicKey:
    """Read a sample's key.

    Raises:
        BadInputError: it does not follow the convention, has wildcards, or is too long.

    """
    if len(text) > MAX_KEY_CHARS:
        raise refused(text, f"it has {len(text)} characters, at most {MAX_KEY_CHARS} are allowed")
    parts = text.split("/")
    if len(parts) < 4:
        raise refused(text, "it has not the form domain/topic/type/hash")
    for part in parts:
        check_part(text, part)
    domain, topic = parse_domain(text, parts[0]), "/" + "/".join(parts[1:-2])
    if len(topic) > MAX_TOPIC_CHARS:
        raise refused(text, f"its topic has {len(topic)} characters, at most {MAX_TOPIC_CHARS} are allowed")
    return TopicKey(domain, topic, type_of_dds(text, parts[-2]), parts[-1])


def topic_key_text(key: TopicKey) -> str:
    """The inverse of :func:`parse_topic_key`."""
    return f"{key.domain}/{key.topic.strip('/')}/{dds_of_type(key.type_name)}/{key.type_hash}"


def topic_selector(domain: int, topic: str) -> str:
    """The key expression of a topic whatever its type and hash."""
    return f"{domain}/{topic.strip('/')}/*/*"


def is_topic(name: str) -> bool:
    """Whether a name can be a topic's: absolute, within the limits, nothing that Zenoh reads as a pattern."""
    return (
        name.startswith("/")
        and len(name) <= MAX_TOPIC_CHARS
        and name.isprintable()
        and all(part and not part.startswith("@") and _WILD.isdisjoint(part) for part in name[1:].split("/"))
    )


def type_of_dds(text: str, dds_type: str) -> str:
    """``std_msgs::msg::dds_::String_`` is ``std_msgs/msg/String``; ``text``: where it stands.

    Raises:
        BadInputError: not a type in DDS form.

    """
    parts = dds_type.split("::")
    is_dds = _DDS in parts[:-1] and dds_type.endswith("_") and _TYPE.fullmatch(dds_type)
    if not is_dds or len(parts) < 3 or len(dds_type) > MAX_NAME_CHARS:
        raise refused(text, f"{shown(dds_type)} is no message type of the form package::msg::dds_::Name_")
    parts.remove(_DDS)
    name = "/".join(parts)[:-1]
    if not _NAME.fullmatch(name):
        raise refused(text, f"{shown(dds_type)} is no message type of the form package::msg::dds_::Name_")
    return name


def dds_of_type(name: str) -> str:
    """``std_msgs/msg/String`` is ``std_msgs::msg::dds_::String_``."""
    *scope, last = name.split("/")
    return "::".join([*scope, _DDS, f"{last}_"])


def parse_domain(text: str, part: str) -> int:
    """The domain id at the head of a key; ``text``: where it stands.

    Raises:
        BadInputError: not a number.

    """
    if not _DOMAIN.fullmatch(part):
        raise refused(text, f"{shown(part)} is no domain id")
    return int(part)


def check_part(text: str, part: str) -> None:
    """Refuse what cannot be a part of a key that somebody publishes on.

    Raises:
        BadInputError: it is empty, too long, not printable, or a pattern.

    """
    if not part or len(part) > MAX_TOPIC_CHARS:
        raise refused(text, f"a part of it has {len(part)} characters, 1 to {MAX_TOPIC_CHARS} are allowed")
    if not part.isprintable() or not _WILD.isdisjoint(part) or part.startswith("@"):
        raise refused(text, f"{shown(part)} is no name")


def refused(text: str, reason: str) -> BadInputError:
    """The sentence about a key that cannot be used."""
    return BadInputError(f"The key {shown(text)} was ignored: {reason}.")


def shown(text: str) -> str:
    """A hostile text as it may stand in a sentence."""
    line = "".join(letter if letter.isprintable() else "?" for letter in text[: _SHOWN_CHARS + 1])
    return repr(line if len(line) <= _SHOWN_CHARS else line[:_SHOWN_CHARS] + "...")
