"""Names of places in scripts, checked when the script is read."""

import difflib
from typing import Annotated

from pydantic import AfterValidator

from winnow_schemas.simulation.airside import STATIONS, STOPS


def _station(name: str) -> str:
    return _known(name, tuple(STATIONS), "station")


def _stop(name: str) -> str:
    return _known(name, STOPS, "stop")


def _known(name: str, allowed: tuple[str, ...], what: str) -> str:
    if name in allowed:
        return name
    close = difflib.get_close_matches(name, allowed, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"allowed: {', '.join(sorted(allowed))}"
    raise ValueError(f"there is no {what} of that name; {hint}")


StationName = Annotated[str, AfterValidator(_station)]
"""A station of the road network."""
StopName = Annotated[str, AfterValidator(_stop)]
"""A station at which a vehicle may stop for a while."""
