"""A stand-in for a ROS 2 system over Zenoh, by the convention that docs/ros2.md describes.

A router and sessions of Zenoh itself; publishers declare liveliness tokens, put CDR bytes with attachments, and
keep a cache where they are transient local. It refuses what rmw_zenoh would not send.
"""

import json
import socket
from dataclasses import dataclass
from typing import Any

import zenoh
from zenoh import ext

from winnow_operators.ros2.attachment import Attachment
from winnow_operators.ros2.keys import TopicKey, topic_key_text
from winnow_operators.ros2.qos import TRANSIENT_LOCAL, Qos
from winnow_operators.ros2.tokens import Endpoint, EntityKind, Token, token_text

STRING = "std_msgs/msg/String"
STRING_HASH = "RIHS01_df668c740482bbd48fb39d76a70dfd4bd59db1288021743503259e948f6b1a18"
SECOND_NS = 1_000_000_000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def open_session(mode: str, endpoint: str, *, listens: bool = False) -> zenoh.Session:
    config = zenoh.Config()
    values: dict[str, Any] = {
        "mode": mode,
        "scouting/multicast/enabled": False,
        "scouting/delay": 20,
        "timestamping/enabled": True,
        "connect/retry": {"period_init_ms": 50, "period_max_ms": 200, "period_increase_factor": 2},
    }
    if listens:
        values["listen/endpoints"] = [endpoint]
    else:
        values["connect/endpoints"] = [endpoint]
        if mode == "peer":
            values["listen/endpoints"] = ["tcp/127.0.0.1:0"]
    for key, value in values.items():
        config.insert_json5(key, json.dumps(value))
    return zenoh.open(config)


def string_cdr(text: str) -> bytes:
    """A ``std_msgs/msg/String``, little-endian CDR."""
    raw = text.encode() + b"\0"
    return b"\x00\x01\x00\x00" + len(raw).to_bytes(4, "little") + raw


@dataclass(frozen=True)
class Sent:
    """What was published."""

    sequence: int
    source_ns: int
    data: bytes


class Publisher:
    """One publisher; ``skip`` loses numbers as a network would."""

    def __init__(
        self,
        robot: "Robot",
        topic: str,
        *,
        type_name: str = STRING,
        type_hash: str = STRING_HASH,
        qos: Qos | None = None,
        gid: bytes = b"",
        token: bool = True,
        entity: str = "1",
        named_fields: bool = False,
    ) -> None:
        assert topic.startswith("/")
        self.qos = qos or Qos()
        self.topic = topic
        self.gid = gid or (topic.encode() + entity.encode() + bytes(16))[:16]
        self.sent: list[Sent] = []
        self._named = named_fields
        robot.publishers.append(self)
        self._next = 1
        session = robot.session
        key = topic_key_text(TopicKey(robot.domain, topic, type_name, type_hash))
        self._token: Any = None
        if self.qos.durability == TRANSIENT_LOCAL:
            self._publisher: Any = ext.declare_advanced_publisher(
                session,
                key,
                cache=ext.CacheConfig(max_samples=self.qos.depth),
                publisher_detection=True,
                congestion_control=zenoh.CongestionControl.BLOCK,
                sample_miss_detection=ext.MissDetectionConfig(heartbeat=None, sporadic_heartbeat=0.5),
            )
        else:
            # Blocking, as keep-all reliable publishers are: a loaded machine must not lose what a test counts.
            self._publisher = session.declare_publisher(key, congestion_control=zenoh.CongestionControl.BLOCK)
        if token:
            endpoint = Endpoint(topic, type_name, type_hash, self.qos)
            name = Token(
                robot.domain,
                str(session.zid()),
                "0",
                entity,
                EntityKind.PUBLISHER,
                "/",
                "/",
                "talker",
                endpoint,
            )
            self._token = session.liveliness().declare_token(token_text(name))

    @property
    def is_matched(self) -> bool:
        """Whether somebody subscribes; a cache keeps what comes before that."""
        return self.qos.durability == TRANSIENT_LOCAL or bool(self._publisher.matching_status.matching)

    def skip(self, count: int) -> None:
        self._next += count

    def put(
        self, data: bytes, source_ns: int = 1_800_000_000 * SECOND_NS, attachment: bytes | None = None
    ) -> None:
        told = Attachment(self._next, source_ns + self._next, self.gid)
        self._publisher.put(
            data, attachment=told.to_bytes(named=self._named) if attachment is None else attachment
        )
        self.sent.append(Sent(told.sequence, told.source_ns, data))
        self._next += 1

    def put_bare(self, data: bytes) -> None:
        """Without any attachment."""
        self._publisher.put(data)

    def close(self) -> None:
        if self._token is not None:
            self._token.undeclare()
        self._publisher.undeclare()


class Robot:
    """A router and one session behind it."""

    def __init__(self, domain: int = 0) -> None:
        self.domain = domain
        self.publishers: list[Publisher] = []
        """Kept: one that nobody holds is undeclared."""
        self.endpoint = f"tcp/127.0.0.1:{free_port()}"
        self.router: zenoh.Session | None = open_session("router", self.endpoint, listens=True)
        self.session = open_session("peer", self.endpoint)

    def stop_router(self) -> None:
        assert self.router is not None
        self.router.close()
        self.router = None

    def start_router(self) -> None:
        self.router = open_session("router", self.endpoint, listens=True)

    def close(self) -> None:
        self.session.close()
        if self.router is not None:
            self.router.close()
