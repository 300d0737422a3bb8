"""When triggers last fired, and last could have, in the ledger of a run."""

from pathlib import Path
from typing import NamedTuple

from winnow_runtime.ledger import read_ledger
from winnow_schemas.errors import BadInputError
from winnow_tools.triggers.trace import could_fire


class LastTimes(NamedTuple):
    """Message times; None = never."""

    fired_ns: int | None
    possible_ns: int | None
    """Its condition was true, whatever else held it back."""


def last_times(out: Path) -> dict[str, LastTimes]:
    """By trigger, for those that appear.

    Raises:
        BadInputError: there is no ledger.

    """
    if not (out / "ledger").is_dir() and not (out / "ledger.parquet").exists():
        raise BadInputError(f"{out} holds no ledger; nothing was looked up. Name a run's folder with --out.")
    table = read_ledger(out).select(["kind", "subject", "outcome", "reason", "t_ns"])
    found: dict[str, LastTimes] = {}
    for row in table.to_pylist():  # sorted by time
        if row["kind"] == "trigger" and could_fire(row["outcome"], row["reason"]):
            before = found.get(row["subject"], LastTimes(None, None))
            fired_ns = row["t_ns"] if row["outcome"] == "fired" else before.fired_ns
            found[row["subject"]] = LastTimes(fired_ns, row["t_ns"])
    return found
