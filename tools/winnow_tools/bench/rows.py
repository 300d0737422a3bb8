"""What a benchmark says: rows with a measured value, what was wanted of it, and what it was compared with."""

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_COMPARES = {">=": operator.ge, "<=": operator.le, "==": operator.eq}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. Its ``measure`` is a name that others rely on: it is never changed."""

    measure: str
    value: float | None
    """None: it could not be measured here; ``note`` says why."""
    unit: str
    wanted: str = ""
    """``>= 0.85``, ``<= 1500``, ``== 0``, or empty where nothing was asked for."""
    beside: Mapping[str, Any] = field(default_factory=dict)
    """What it was compared with, measured in the same run, and what else belongs to it."""
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the value is what was wanted; None where nothing was, or nothing could be measured."""
        if not self.wanted or self.value is None:
            return None
        sign, limit = self.wanted.split()
        return bool(_COMPARES[sign](self.value, float(limit)))

    def to_dict(self) -> dict[str, Any]:
        """The row as ``--json`` prints it."""
        row: dict[str, Any] = {
            "measure": self.measure,
            "value": None if self.value is None else rounded(self.value),
            "unit": self.unit,
            "wanted": self.wanted or None,
            "met": self.met,
            "beside": {
                key: rounded(item) if isinstance(item, float) else item for key, item in self.beside.items()
            },
        }
        if self.note:
            row["note"] = self.note
        return row


@dataclass(frozen=True, slots=True)
class Measured:
    """All rows of one benchmark."""

    rows: Sequence[Row]
    load: str
    """What was put through, in a sentence."""
    repetitions: int


def rounded(value: float) -> float:
    """Four figures: more than these machines repeat."""
    return float(f"{value:.4g}")
