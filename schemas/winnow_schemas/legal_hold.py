"""A legal hold (vehicle document 6.3): a span of message time of which nothing may be deleted."""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from winnow_schemas.errors import BadInputError
from winnow_schemas.ids import content_id

MAX_BYTES = 64 * 1024
"""A hold is one file of a few hundred bytes."""
MAX_HOLDS = 1000
"""Holds at a time; an investigation has one or two."""
MAX_REASON_CHARS = 500

MOST_NS = 2**62
"""The year 2116 and its mirror before 1970: far from where int64 nanoseconds overflow in sums."""

_Time = Annotated[int, msgspec.Meta(ge=-MOST_NS, le=MOST_NS)]


class LegalHold(msgspec.Struct, frozen=True):
    """Freezes what overlaps ``[start_ns, end_ns)``."""

    hold_id: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{12}\Z")]
    start_ns: _Time
    end_ns: _Time
    reason: Annotated[str, msgspec.Meta(max_length=MAX_REASON_CHARS)]
    added_wall_ns: _Time

    def covers(self, start_ns: int, end_ns: int) -> bool:
        """Whether a window, or an instant where both are equal, lies in the span, or part of it does."""
        return start_ns < self.end_ns and max(end_ns, start_ns + 1) > self.start_ns

    @property
    def told(self) -> str:
        """For a sentence."""
        return f"{self.hold_id}, {self.reason}" if self.reason else self.hold_id


def make_hold(start_ns: int, end_ns: int, reason: str, added_wall_ns: int) -> LegalHold:
    """A hold; the same span and reason make the same id.

    Raises:
        BadInputError: the span is empty or beyond any time, or the reason too long.

    """
    if start_ns < -MOST_NS or end_ns > MOST_NS:
        raise BadInputError(
            f"The hold from {start_ns} ns to {end_ns} ns reaches beyond {MOST_NS} ns; nothing was held. "
            "Give times within a century of now."
        )
    if end_ns <= start_ns:
        raise BadInputError(
            f"The hold would end at {end_ns} ns, which is not after its start, {start_ns} ns; nothing was held. "
            "Give --to a later time than --from."
        )
    if len(reason) > MAX_REASON_CHARS:
        raise BadInputError(
            f"The reason has {len(reason)} characters, the limit is {MAX_REASON_CHARS}; nothing was held. Shorten it."
        )
    hold_id = content_id("legal hold", start_ns, end_ns, reason, digits=12)
    return LegalHold(hold_id, start_ns, end_ns, reason, added_wall_ns)


def parse_hold(data: bytes, name: str) -> LegalHold:
    """Read a hold's file.

    Raises:
        BadInputError: it is none.

    """
    try:
        if len(data) > MAX_BYTES:
            raise msgspec.ValidationError(f"more than {MAX_BYTES} bytes")
        hold = msgspec.json.decode(data, type=LegalHold)
        if hold.end_ns <= hold.start_ns:
            raise msgspec.ValidationError("its end is not after its start")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadInputError(
            f"The hold {name} cannot be read ({error}); until it is mended or removed nothing is deleted at all."
        ) from None
    return hold


def covering(holds: Iterable[LegalHold], start_ns: int, end_ns: int) -> LegalHold | None:
    """The oldest hold on any of ``[start_ns, end_ns)``."""
    found = [hold for hold in holds if hold.covers(start_ns, end_ns)]
    return min(found, key=lambda hold: (hold.added_wall_ns, hold.hold_id), default=None)
