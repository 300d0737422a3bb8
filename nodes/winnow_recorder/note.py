"""What the recorder has to tell the ledger."""

from typing import NamedTuple


class Note(NamedTuple):
    """Something for the ledger."""

    kind: str
    t_ns: int
    subject: str
    outcome: str
    reason: str
