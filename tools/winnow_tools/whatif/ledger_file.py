"""The decisions of a what-if run as a run's ledger: `winnow why` reads it, and it compares with that of a graph."""

from collections.abc import Sequence
from pathlib import Path

from winnow_runtime.ledger import write_ledger
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_tools.whatif.replaying import Replayed


def write_decisions(folder: Path, replayed: Sequence[Replayed]) -> list[Path]:
    """Write ``FOLDER/RECORDING/SETTINGS/ledger.parquet`` for each pair; the files.

    Raises:
        BadInputError: two recordings or settings files would have the same place.
        UnavailableError: the folder cannot be written.

    """
    places: dict[Path, Replayed] = {}
    written = []
    for one in replayed:
        for decided in one.decided:
            place = folder / one.path.stem / decided.variant.path.stem
            if place in places:
                raise BadInputError(
                    f"The decisions of two recordings or settings files would go to {place}; not all ledgers were "
                    "written; name the files differently."
                )
            places[place] = one
            try:
                place.mkdir(parents=True, exist_ok=True)
                written.append(write_ledger(place, decided.decisions))
            except OSError as error:
                raise UnavailableError(
                    f"{place} cannot be written ({error.strerror}); not all ledgers were written."
                ) from None
    return written
