"""Things that must be seen for a while before they count."""

import numpy as np

from winnow_operators.condition.saved import Json, Saved, load
from winnow_operators.detectors.geometry import Floats, distances, nearest_pairs


class PlacesState(Saved, frozen=True):
    """x, y, first and newest time of each place."""

    places: list[tuple[float, float, int, int]]


class Persistence:
    """Follows unnamed places from message to message; a place counts once it has been seen for ``persist_s``.

    A place may be missing for ``patience_s`` (a detector misses some sweeps), and may move by ``gate_m`` between
    two sightings: the vehicle moves too.
    """

    def __init__(self, *, gate_m: float, persist_s: float, patience_s: float) -> None:
        self.gate_m = gate_m
        self.persist_ns = round(persist_s * 1e9)
        self.patience_ns = round(patience_s * 1e9)
        self._places: list[tuple[float, float, int, int]] = []
        """x, y, first and newest time of each."""

    def see(self, t_ns: int, places: Floats) -> int:
        """Take the places of one message, shape ``(n, 2)``; how many of them have persisted."""
        kept = [place for place in self._places if t_ns - place[3] <= self.patience_ns]
        before = np.array([place[:2] for place in kept], np.float64).reshape(-1, 2)
        followed = {col: row for row, col in nearest_pairs(distances(before, places), self.gate_m)}
        matched = set(followed.values())
        now = []
        count = 0
        for index, (x, y) in enumerate(places.tolist()):
            since_ns = kept[followed[index]][2] if index in followed else t_ns
            count += t_ns - since_ns >= self.persist_ns
            now.append((x, y, since_ns, t_ns))
        self._places = now + [place for row, place in enumerate(kept) if row not in matched]
        return count

    def snapshot(self) -> Json:
        return PlacesState(self._places).to_json()

    def restore(self, state: object) -> None:
        """Take over what :meth:`snapshot` gave.

        Raises:
            BadInputError: it is no such state.

        """
        self._places = list(load(PlacesState, state).places)
