"""Settings of the live source for ROS 2 over Zenoh (`winnow-ros2`, docs/ros2.md)."""

import re
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from winnow_schemas.validation import Strict

Pattern = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[!-~]+$")]
"""A topic, or a pattern with `*` (inside one part of a name), `**` (any number of parts) and `?`."""
PortName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
"""An output of the source in the graph."""
Endpoint = Annotated[str, StringConstraints(max_length=255, pattern=r"^[a-z0-9_-]+/[!-~]+$")]
"""Where a Zenoh router or peer listens: `tcp/192.168.1.5:7447`."""
DISTRIBUTIONS = ("humble", "iron", "jazzy", "kilted", "lyrical")
"""Whose message definitions ship with rosbags."""


class Ros2Settings(Strict):
    """A live ROS 2 system, joined over Zenoh as rmw_zenoh does."""

    domain: int = Field(default=0, ge=0, le=232)
    """ROS_DOMAIN_ID."""
    connect: tuple[Endpoint, ...] = Field(default=("tcp/localhost:7447",), min_length=1, max_length=16)
    """The Zenoh router; on another host its address."""
    mode: str = Field(default="peer", pattern=r"^(peer|client)$")
    """`peer`: as ROS nodes do, with direct connections on the same host; `client`: everything through the router,
    which is right when it runs on another host."""
    config: str = ""
    """A Zenoh configuration (JSON5) instead of `connect` and `mode`, relative to this file; otherwise
    ZENOH_SESSION_CONFIG_URI or ZENOH_CONFIG may name one."""
    include: tuple[Pattern, ...] = Field(default=("**",), max_length=1000)
    """Topics and patterns that are brought in, as far as the graph has ports."""
    exclude: tuple[Pattern, ...] = Field(default=(), max_length=1000)
    """Topics and patterns that are not."""
    ports: dict[str, PortName] = Field(default_factory=dict, max_length=10_000)
    """Topic to output of the source, where the name of the output does not follow from the topic's."""
    time: str = Field(default="receive", pattern=r"^(receive|source)$")
    """What log time is: when a message arrived here (one clock, in order), or its publisher's stamp."""
    max_skew_s: float = Field(default=5.0, gt=0, le=3600)
    """`time: source`: a stamp further than this from the receive time is not believed; the receive time stands in."""
    distribution: str = Field(default="jazzy", pattern=rf"^({'|'.join(DISTRIBUTIONS)})$")
    """Whose standard message definitions are used."""
    definitions: tuple[str, ...] = Field(default=(), max_length=1000)
    """Message definitions of your own: `.msg` files in `PACKAGE/msg/`, or folders with such; relative to this file."""
    latched_depth: int = Field(default=64, ge=1, le=1000)
    """How many of its last messages a transient-local publisher is asked for at start."""
    look_every_s: float = Field(default=10.0, ge=0, le=3600)
    """How often the whole domain is listened to for `look_s`, for topics of publishers without liveliness tokens
    (zenoh-pico); 0 = never."""
    look_s: float = Field(default=1.0, gt=0, le=60)
    """How long such a look lasts."""
    visible: bool = True
    """Be seen in the ROS graph as a node with subscriptions: publishers that wait for a subscriber need it."""
    node_name: str = Field(default="winnow", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")
    """The name of that node."""
    queue_mib: float = Field(default=64.0, gt=0, le=16_384)
    """Messages that wait for the graph; what does not fit is lost here, counted and named."""
    max_message_mib: float = Field(default=64.0, gt=0, le=4096)
    """A larger message is lost here, counted and named."""
    max_topics: int = Field(default=2000, ge=1, le=100_000)
    """Topics that are looked at; further ones are counted only."""

    @model_validator(mode="after")
    def _ports_are_distinct(self) -> Self:
        seen: dict[str, str] = {}
        for topic, port in self.ports.items():
            if not re.fullmatch(r"/[!-~]{1,254}", topic):
                raise ValueError(f"ports: {topic!r} is no topic; it must begin with '/'")
            if port in seen:
                raise ValueError(f"ports: {seen[port]} and {topic} cannot both go out of {port}")
            seen[port] = topic
        return self
