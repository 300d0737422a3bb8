"""Quality of service as rmw_zenoh writes it into tokens, and as rosbag2 writes it into recordings.

In a token: ``reliability:durability:history,depth:deadline s,ns:lifespan s,ns:liveliness,lease s,ns``, with
nothing where the value is rmw_zenoh's default (``qos.cpp``: reliable, volatile, keep last 42, infinite).
Values are those of rmw's enumerations (``rmw/types.h``).
"""

from dataclasses import dataclass

from winnow_schemas.errors import BadInputError

INFINITE = (9_223_372_036, 854_775_807)
"""RMW_DURATION_INFINITE: seconds, nanoseconds."""
DEFAULT_DEPTH = 42
RELIABLE, TRANSIENT_LOCAL, KEEP_LAST, AUTOMATIC = 1, 1, 1, 1
VOLATILE = 2
_RELIABILITY = ("system_default", "reliable", "best_effort", "unknown", "best_available")
_DURABILITY = ("system_default", "transient_local", "volatile", "unknown", "best_available")
_HISTORY = ("system_default", "keep_last", "keep_all", "unknown")
_LIVELINESS = (
    "system_default",
    "automatic",
    "manual_by_node",
    "manual_by_topic",
    "unknown",
    "best_available",
)
_FIELDS = (1, 1, 2, 2, 2, 3)
"""Numbers in each part of a token's last part."""
_MAX_CHARS = 512
_MAX_DIGITS = 20
"""Of an unsigned 64-bit number."""

Duration = tuple[int, int]
"""Seconds, nanoseconds."""


@dataclass(frozen=True, slots=True)
class Qos:
    """What a publisher offers."""

    reliability: int = RELIABLE
    durability: int = VOLATILE
    history: int = KEEP_LAST
    depth: int = DEFAULT_DEPTH
    deadline: Duration = INFINITE
    lifespan: Duration = INFINITE
    liveliness: int = AUTOMATIC
    lease: Duration = INFINITE

    @property
    def is_latched(self) -> bool:
        """Whether late joiners get the last messages (transient local)."""
        return self.durability == TRANSIENT_LOCAL

    def to_token(self) -> str:
        """As the last part of a liveliness token."""
        default = _DEFAULT

        def text(value: int, usual: int) -> str:
            return "" if value == usual else str(value)

        def pair(value: Duration, usual: Duration) -> str:
            return f"{text(value[0], usual[0])},{text(value[1], usual[1])}"

        history = f"{text(self.history, default.history)},{text(self.depth, default.depth)}"
        lease = f"{text(self.liveliness, default.liveliness)},{pair(self.lease, default.lease)}"
        return ":".join(
            (
                text(self.reliability, default.reliability),
                text(self.durability, default.durability),
                history,
                pair(self.deadline, default.deadline),
                pair(self.lifespan, default.lifespan),
                lease,
            )
        )

    def to_rosbag2(self) -> str:
        """One entry of a channel's ``offered_qos_profiles``, as rosbag2 of Jazzy writes it."""
        return (
            f"- history: {_HISTORY[self.history]}\n  depth: {self.depth}\n"
            f"  reliability: {_RELIABILITY[self.reliability]}\n  durability: {_DURABILITY[self.durability]}\n"
            f"  deadline:\n    sec: {self.deadline[0]}\n    nsec: {self.deadline[1]}\n"
            f"  lifespan:\n    sec: {self.lifespan[0]}\n    nsec: {self.lifespan[1]}\n"
            f"  liveliness: {_LIVELINESS[self.liveliness]}\n"
            f"  liveliness_lease_duration:\n    sec: {self.lease[0]}\n    nsec: {self.lease[1]}\n"
            "  avoid_ros_namespace_conventions: false\n"
        )


_DEFAULT = Qos()


def parse_qos(text: str) -> Qos:
    """Read the last part of a token; parts that later versions add behind are passed over.

    Raises:
        BadInputError: it does not follow the convention.

    """
    parts = text.split(":") if len(text) <= _MAX_CHARS else []
    fields = [part.split(",") for part in parts[:6]]
    if len(fields) < 6 or any(len(field) < least for field, least in zip(fields, _FIELDS, strict=True)):
        raise _refused(text)
    default = _DEFAULT
    try:
        return Qos(
            reliability=_one_of(fields[0][0], _RELIABILITY, default.reliability),
            durability=_one_of(fields[1][0], _DURABILITY, default.durability),
            history=_one_of(fields[2][0], _HISTORY, default.history),
            depth=_number(fields[2][1], default.depth),
            deadline=_pair(fields[3], default.deadline),
            lifespan=_pair(fields[4], default.lifespan),
            liveliness=_one_of(fields[5][0], _LIVELINESS, default.liveliness),
            lease=_pair(fields[5][1:], default.lease),
        )
    except (ValueError, IndexError):
        raise _refused(text) from None


def _one_of(text: str, names: tuple[str, ...], default: int) -> int:
    value = _number(text, default)
    if value >= len(names):
        raise ValueError(text)
    return value


def _pair(texts: list[str], default: Duration) -> Duration:
    return _number(texts[0], default[0]), _number(texts[1], default[1])


def _number(text: str, default: int) -> int:
    if not text:
        return default
    if len(text) > _MAX_DIGITS or not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    return int(text)


def _refused(text: str) -> BadInputError:
    return BadInputError(
        f"The quality of service {text[:60]!r} of a liveliness token was ignored: it has not the form "
        "reliability:durability:history,depth:deadline:lifespan:liveliness."
    )
