"""The window functions as closures: unknown while a signal is stale or samples are too few."""

import math
from typing import NamedTuple

from winnow_operators.condition.history import History
from winnow_operators.condition.moments import SlidingMoments, deviation, mean, slope, total
from winnow_operators.condition.nodes import Cell, Clock, Node, Run
from winnow_operators.condition.saved import Json, Saved, load
from winnow_operators.condition.views import ExtremeView, RankedView, ends_at


class Windowed(NamedTuple):
    """What all window functions share."""

    history: History
    clock: Clock
    window_ns: int
    capacity: int
    min_samples: int
    cells: tuple[Cell, ...]
    """The signals that the samples come from."""

    @property
    def is_stale(self) -> bool:
        for cell in self.cells:  # noqa: SIM110 - a generator for any() costs more than all the rest
            if cell.is_stale:
                return True
        return False

    def size(self) -> int:
        """Samples in the window now."""
        low = self.history.first_in(self.clock.now_ns, self.window_ns, self.capacity)
        return self.history.end - low


class MovedState(Saved, frozen=True):
    """Of a window's moments; the rest follows from its history."""

    middle: int
    low: int


class Moved(Node):
    """Tells sliding moments of each new sample of an expression or signal."""

    __slots__ = ("moments", "seen")

    def __init__(self, key: str, clock: Clock, sources: frozenset[str], moments: SlidingMoments) -> None:
        super().__init__(key, clock, sources)
        self.moments = moments
        self.seen = moments.history.end

    def push(self) -> None:
        end = self.moments.history.end
        if end != self.seen:
            self.seen = end
            self.moments.push(self.clock.now_ns)

    def snapshot(self) -> Json:
        return MovedState(self.moments.middle, self.moments.low).to_json()

    def restore(self, state: object) -> None:
        saved = load(MovedState, state)
        self.moments.restore(saved.middle, saved.low)
        self.seen = self.moments.history.end


def quantile_of(window: Windowed, view: RankedView, fraction: float) -> Run:
    """``median``, ``percentile``."""
    clock, least = window.clock, window.min_samples

    def run() -> float | None:
        if window.is_stale:
            return None
        ranking = view.at(clock.now_ns)
        return ranking.quantile(fraction) if ranking.size >= least else None

    return run


def extreme_of(window: Windowed, view: ExtremeView) -> Run:
    """``min``, ``max``."""
    clock, least = window.clock, window.min_samples

    def run() -> float | None:
        if window.is_stale:
            return None
        count, value = view.at(clock.now_ns)
        return value if count >= least else None

    return run


def delta_of(window: Windowed) -> Run:
    """``delta`` over a window."""

    def run() -> float | None:
        if window.is_stale:
            return None
        count, change = ends_at(window.history, window.clock.now_ns, window.window_ns, window.capacity)
        return change if count >= window.min_samples and math.isfinite(change) else None

    return run


def moments_of(window: Windowed, moments: SlidingMoments, name: str) -> Run:
    """``mean``, ``std``, ``sum``, ``slope``."""
    compute = {"mean": mean, "std": deviation, "sum": total, "slope": slope}[name]
    clock, least = window.clock, max(1, window.min_samples)

    def run() -> float | None:
        if window.is_stale:
            return None
        now = moments.at(clock.now_ns)
        result = compute(now) if now[0] >= least else None
        return result if result is not None and math.isfinite(result) else None

    return run


def counted(window: Windowed) -> Run:
    """``count``: known from the first message on, also when the signal has gone stale."""

    def run() -> float | None:
        return None if window.history.begun_ns is None else float(window.size())

    return run


def rated(window: Windowed) -> Run:
    """``rate``: unknown until the window has been covered once."""

    def run() -> float | None:
        begun_ns = window.history.begun_ns
        if begun_ns is None or window.clock.now_ns - begun_ns < window.window_ns:
            return None
        return window.size() / (window.window_ns / 1e9)

    return run
