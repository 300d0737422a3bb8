"""Liveliness tokens: how rmw_zenoh announces nodes, publishers and subscriptions.

``@ros2_lv/<domain>/<session>/<node>/<entity>/<kind>/<enclave>/<namespace>/<node name>``, and for all but
nodes ``/<topic>/<type>/<type hash>/<qos>`` behind; inside a part every slash is a ``%``.
"""

from dataclasses import dataclass
from enum import StrEnum

from winnow_operators.ros2.keys import (
    MAX_KEY_CHARS,
    check_part,
    dds_of_type,
    is_topic,
    parse_domain,
    refused,
    shown,
    type_of_dds,
)
from winnow_operators.ros2.qos import Qos, parse_qos

ADMIN_SPACE = "@ros2_lv"
MAX_TOKEN_CHARS = 2 * MAX_KEY_CHARS
"""A key, a namespace, a node's name and a little more."""
_NODE_PARTS = 9
_TOPIC_PARTS = 13


class EntityKind(StrEnum):
    """What a token stands for."""

    NODE = "NN"
    PUBLISHER = "MP"
    SUBSCRIPTION = "MS"
    SERVICE = "SS"
    CLIENT = "SC"


_KINDS = {kind.value: kind for kind in EntityKind}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What the entity speaks: nothing for a node."""

    topic: str
    type_name: str
    """ROS form."""
    type_hash: str
    qos: Qos


@dataclass(frozen=True, slots=True)
class Token:
    """One entity of the ROS graph."""

    domain: int
    session: str
    """Zenoh's id of the session, hexadecimal."""
    node_id: str
    entity_id: str
    kind: EntityKind
    enclave: str
    namespace: str
    node: str
    endpoint: Endpoint | None = None


def token_selector(domain: int) -> str:
    """The key expression of all tokens of a domain."""
    return f"{ADMIN_SPACE}/{domain}/**"


def parse_token(text: str) -> Token:
    """Read a token's key; parts that later versions add behind are passed over.

    Raises:
        BadInputError: it does not follow the convention.

    """
    if len(text) > MAX_TOKEN_CHARS:
        raise refused(text, f"it has {len(text)} characters, at most {MAX_TOKEN_CHARS} are allowed")
    admin, _, rest = text.partition("/")
    parts = rest.split("/")
    if admin != ADMIN_SPACE or len(parts) < _NODE_PARTS - 1:
        raise refused(text, f"it has not the form {ADMIN_SPACE}/domain/session/node/entity/kind/...")
    for part in parts:
        check_part(text, part)
    kind = _KINDS.get(parts[4])
    if kind is None:
        raise refused(text, f"{shown(parts[4])} is no kind of entity")
    return Token(
        domain=parse_domain(text, parts[0]),
        session=parts[1],
        node_id=parts[2],
        entity_id=parts[3],
        kind=kind,
        enclave=_demangled(parts[5]),
        namespace=_demangled(parts[6]),
        node=_demangled(parts[7]),
        endpoint=None if kind is EntityKind.NODE else _endpoint(text, parts[8:]),
    )


def _endpoint(text: str, parts: list[str]) -> Endpoint:
    if len(parts) < _TOPIC_PARTS - _NODE_PARTS:
        raise refused(text, "it names no topic, type, type hash and quality of service")
    topic = _demangled(parts[0])
    if not is_topic(topic):
        raise refused(text, f"{shown(topic)} is no topic")
    return Endpoint(topic, type_of_dds(text, _demangled(parts[1])), _demangled(parts[2]), parse_qos(parts[3]))


def token_text(token: Token) -> str:
    """The inverse of :func:`parse_token`."""
    parts = [
        ADMIN_SPACE,
        str(token.domain),
        token.session,
        token.node_id,
        token.entity_id,
        str(token.kind),
        _mangled(token.enclave),
        _mangled(token.namespace),
        _mangled(token.node),
    ]
    end = token.endpoint
    if end is not None:
        parts += [
            _mangled(end.topic),
            _mangled(dds_of_type(end.type_name)),
            _mangled(end.type_hash),
            end.qos.to_token(),
        ]
    return "/".join(parts)


def _mangled(name: str) -> str:
    return name.replace("/", "%")


def _demangled(name: str) -> str:
    return name.replace("%", "/")
