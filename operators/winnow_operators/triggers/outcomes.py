"""What the engine says: events, and decisions that answer "why was there no clip?"."""

from enum import StrEnum
from typing import Any, NamedTuple

from winnow_schemas.messages import TriggerEvent
from winnow_schemas.priority import Priority


class Verdict(StrEnum):
    """What became of a condition that was true, or might have been."""

    FIRED = "fired"
    COOLING_DOWN = "cooling_down"
    """It became true within the cooldown; if it is still true when that ends, it fires then."""
    NOT_CLEAR = "not_clear"
    """It became true again before it had been clear (``clear_when``, ``min_gap_s``)."""
    MUTED = "muted"
    """The storm breaker holds it."""
    STORM = "storm"
    """The storm breaker has just muted it."""
    STORM_OVER = "storm_over"
    """The storm breaker lets it go."""
    OVER_LIMIT = "over_limit"
    """A limit on counts is reached."""
    THINNED = "thinned"
    """A campaign says that there is enough of it: only a part of its events goes out."""
    UNKNOWN = "unknown"
    """An input is missing, stale or not a number: it might have been true."""
    TIME_WENT_BACK = "time_went_back"
    """Messages keep coming from the past: the clock was set back, or one stamp was absurd. Windows begin anew."""


class TriggerDecision(NamedTuple):
    """Material for a row of the ledger (`winnow_schemas.messages.Decision`)."""

    t_ns: int
    trigger: str
    priority: Priority
    verdict: Verdict
    reason: str
    """One sentence."""
    values: dict[str, Any]


Outcome = TriggerEvent | TriggerDecision
