"""Message definitions of one ROS generation in the form of the other, for payloads of the same shape."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from winnow_operators.fields import FieldError
from winnow_operators.fields.idl_definition import MAX_IDL_BYTES
from winnow_operators.fields.standard_types import full_name, standard_definition
from winnow_schemas.channel import Channel
from winnow_schemas.ros.definitions import suite_typestore

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

MAX_DEFINITION_BYTES = MAX_IDL_BYTES
"""rosbags parses with backtracking; the longest definition in use has 120 kB."""
HEADER = "std_msgs/msg/Header"
_TIMES = ("builtin_interfaces/msg/Time", "builtin_interfaces/msg/Duration")
_NEW_NAMES = {"tf/msg/tfMessage": "tf2_msgs/msg/TFMessage"}
"""Types that ROS 2 has only under another name."""

Fields = dict[str, Any]
"""rosbags' definitions by type name: constants, and fields as (name, (kind, details))."""


class UnknownTypeError(Exception):
    """A definition is absent, malformed or beyond a limit; the text says which, without the topic."""


@dataclass(frozen=True, slots=True)
class RosType:
    """A type with everything that it uses, for payloads of either generation."""

    name: str
    """``package/msg/Name``."""
    fields: Fields
    store: "Typestore"
    """Of its own: recordings hold different definitions of one name."""

    def as_ros2(self) -> tuple[str, bytes]:
        """Name and ``ros2msg`` text: ROS 2's own where the payloads are the same, as CameraInfo with ``k`` for ``K``."""
        name = _NEW_NAMES.get(self.name, self.name)
        standard = suite_typestore()
        if _same_shape(self.fields, self.name, standard.fielddefs, name):
            return name, standard.generate_msgdef(name, ros_version=2)[0].encode()
        return self.name, self.store.generate_msgdef(self.name, ros_version=2)[0].encode()

    def as_ros1(self) -> tuple[str, str, str]:
        """Name, ``ros1msg`` text and MD5: ROS 1's own where the payloads are the same."""
        standard = _noetic()
        if _same_shape(self.fields, self.name, standard.fielddefs, self.name):
            return (self.name, *standard.generate_msgdef(self.name, ros_version=1))
        store = _store({**self.fields, HEADER: standard.fielddefs[HEADER]})
        return (self.name, *store.generate_msgdef(self.name, ros_version=1))


def ros_type(channel: Channel) -> RosType:
    """The type of a channel of CDR or ROS 1 messages.

    Raises:
        UnknownTypeError: the definition cannot be used.

    """
    from rosbags.typesys import TypesysError

    try:
        name = full_name(channel.schema_name)
        fields = _completed(_parsed(channel, name), is_ros1=channel.encoding == "ros1")
        store = _store(fields)
        store.get_msgdef(name)
    except (TypesysError, FieldError, ValueError, KeyError, AssertionError, RecursionError) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0][:120]
        raise UnknownTypeError(
            f"the definition of {channel.schema_name!r} is not understood ({reason})"
        ) from None
    return RosType(name, fields, store)


def _parsed(channel: Channel, name: str) -> Fields:
    from rosbags.typesys import get_types_from_idl, get_types_from_msg

    text = channel.schema_data.decode("utf-8", "replace")
    if len(text) > MAX_DEFINITION_BYTES:
        raise ValueError(f"{len(text):,} characters, the limit is {MAX_DEFINITION_BYTES:,}")
    if channel.schema_encoding != "ros2idl":
        if not text.strip():
            text = standard_definition(name, is_ros1=channel.encoding == "ros1") or ""
        return dict(get_types_from_msg(text, name))
    types: Fields = {}
    for section in text.split("=" * 80 + "\n"):
        body = section.partition("\n")[2] if section.startswith("IDL: ") else section
        if body.strip():
            types.update(get_types_from_idl(body))
    return types


def _completed(fields: Fields, *, is_ros1: bool) -> Fields:
    """With standard types that the definition uses without bringing them, and ROS 2's header."""
    standard = _noetic() if is_ros1 else suite_typestore()
    found: Fields = {}
    waiting = list(fields)
    while waiting:
        name = waiting.pop()
        if name in found or name in _TIMES:
            continue
        found[name] = fields.get(name) or standard.fielddefs[name]
        waiting += [used for _, kind in found[name][1] if (used := _named(kind))]
    if HEADER in found:
        found[HEADER] = suite_typestore().fielddefs[HEADER]
    return found


def _named(kind: Any) -> str | None:
    """The type that a field, or each of its elements, is of; None for numbers and texts."""
    from rosbags.interfaces import Nodetype

    if kind[0] in (Nodetype.ARRAY, Nodetype.SEQUENCE):
        kind = kind[1][0]
    return str(kind[1]) if kind[0] == Nodetype.NAME else None


def _same_shape(ours: Fields, name: str, theirs: Fields, their_name: str) -> bool:
    """Whether payloads of both are read alike: the same fields in order, but for capital letters."""
    if name == their_name and name in (HEADER, *_TIMES):
        return True
    if name not in ours or their_name not in theirs:
        return False
    mine, other = ours[name][1], theirs[their_name][1]
    if [field.lower() for field, _ in mine] != [field.lower() for field, _ in other]:
        return False
    for (_, kind), (_, their_kind) in zip(mine, other, strict=True):
        if kind != their_kind:
            return False
        used = _named(kind)
        if used and not _same_shape(ours, used, theirs, used):
            return False
    return True


def _store(fields: Fields) -> "Typestore":
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.EMPTY)
    store.register(fields)
    return store


@cache
def _noetic() -> "Typestore":
    from rosbags.typesys import Stores, get_typestore

    return get_typestore(Stores.ROS1_NOETIC)
