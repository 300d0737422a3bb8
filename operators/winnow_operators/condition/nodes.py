"""The parts of a running condition that remember something, and those that know when they will change."""

from collections.abc import Callable
from typing import Any, ClassVar

from winnow_operators.condition.history import History
from winnow_operators.condition.saved import Json, Saved, load, pack, require, unpack
from winnow_operators.condition.signals import SignalSpec
from winnow_schemas.settings.signals import SignalType

Run = Callable[[], Any]
"""Gives a part's value now: a float, bool or str, or None where it is unknown."""


class CellState(Saved, frozen=True):
    """Of a cell."""

    value: list[Any]
    t_ns: int | None
    begun_ns: int | None
    stale: bool


class PreviousState(Saved, frozen=True):
    """Of ``previous``."""

    newest: list[Any]
    before: list[Any]


class ChangeState(Saved, frozen=True):
    """Of ``rising``, ``falling``, ``edge``."""

    last: bool | str | None
    known: bool


class HoldState(Saved, frozen=True):
    """Of ``for_at_least``."""

    since_ns: int | None
    held: bool
    known: bool


class StalenessState(Saved, frozen=True):
    """Of ``stale``."""

    stale: bool


class Clock:
    """Message time, and the step: one update or one instant of timers. A pulse is true for one step."""

    __slots__ = ("now_ns", "start_ns", "step")

    def __init__(self) -> None:
        self.now_ns = 0
        self.step = 0
        self.start_ns: int | None = None


class Node:
    """Base: no memory, no timer. ``sources`` names what it depends on; ``key`` names it as a source."""

    __slots__ = ("clock", "key", "scheduled_ns", "sources")
    timed: ClassVar[bool] = False
    """Whether it may change by itself."""
    samples: ClassVar[bool] = False
    """Whether it looks at messages only, not at timers."""

    def __init__(self, key: str, clock: Clock, sources: frozenset[str]) -> None:
        self.key = key
        self.clock = clock
        self.sources = sources
        self.scheduled_ns: int | None = None
        """The time at which the machine will look at it again."""

    def push(self) -> None:
        """One of the sources changed."""

    def due_ns(self) -> int | None:
        """When it will change by itself."""
        return None

    def fire(self) -> None:
        """Its time has come."""

    def start(self, now_ns: int) -> None:
        """Time begins, or the node joins a running machine."""

    def skip(self, until_ns: int) -> None:
        """A long stretch without any data is left out."""

    def snapshot(self) -> Json:
        return {}

    def restore(self, state: object) -> None:
        """Take over what ``snapshot`` gave.

        Raises:
            BadInputError: it is no state of such a node.

        """


class Cell(Node):
    """A signal's newest value; None while missing, not a number, or stale."""

    __slots__ = ("begun_ns", "is_awake", "is_stale", "spec", "t_ns", "value")
    timed = True

    def __init__(self, spec: SignalSpec, clock: Clock) -> None:
        super().__init__(spec.name, clock, frozenset())
        self.spec = spec
        self.value: Any = None
        self.t_ns: int | None = None
        """Time of the newest message, with or without a usable value."""
        self.begun_ns: int | None = None
        """Since when it is listened to."""
        self.is_stale = False
        self.is_awake = False
        """It has had a message, and is not stale."""

    def start(self, now_ns: int) -> None:
        self.begun_ns = now_ns

    @property
    def heard_ns(self) -> int | None:
        """When it was heard of last, or since when one waits for it."""
        return self.begun_ns if self.t_ns is None else self.t_ns

    def due_ns(self) -> int | None:
        return None if self.is_stale or self.heard_ns is None else self.heard_ns + self.spec.stale_ns

    def fire(self) -> None:
        self.is_stale = True
        self.is_awake = False
        self.value = None

    def snapshot(self) -> Json:
        return CellState(pack(self.value), self.t_ns, self.begun_ns, self.is_stale).to_json()

    def restore(self, state: object) -> None:
        saved = load(CellState, state)
        value = unpack(saved.value)
        wanted = {SignalType.NUMBER: float, SignalType.BOOL: bool, SignalType.TEXT: str}[self.spec.type]
        require(value is None or type(value) is wanted, f"{self.key} is of another type")
        self.value, self.t_ns, self.begun_ns, self.is_stale = value, saved.t_ns, saved.begun_ns, saved.stale
        self.is_awake = self.t_ns is not None and not self.is_stale


class Sampler(Node):
    """Feeds a history with the values of an expression: one sample per message of what it reads."""

    __slots__ = ("history", "item", "whole")
    samples = True

    def __init__(
        self, key: str, clock: Clock, sources: frozenset[str], *, item: Run, history: History, whole: bool
    ) -> None:
        super().__init__(key, clock, sources)
        self.item = item
        self.history = history
        self.whole = whole
        """The item is no number: what is sampled is that it was true (or, of a text, there)."""

    def push(self) -> None:
        now_ns, value = self.clock.now_ns, self.item()
        if self.history.begun_ns is None and value is not None:
            self.history.begun_ns = now_ns
        if self.whole:
            value = 1.0 if value is not None and value is not False else None
        if value is not None and value - value == 0:
            self.history.push(now_ns, value)


class Previous(Node):
    """The sample before the newest."""

    __slots__ = ("before", "item", "newest")
    samples = True

    def __init__(self, key: str, clock: Clock, sources: frozenset[str], item: Run) -> None:
        super().__init__(key, clock, sources)
        self.item = item
        self.newest: Any = None
        self.before: Any = None

    def push(self) -> None:
        value = self.item()
        if value is not None:
            self.before, self.newest = self.newest, value

    def snapshot(self) -> Json:
        return PreviousState(pack(self.newest), pack(self.before)).to_json()

    def restore(self, state: object) -> None:
        saved = load(PreviousState, state)
        newest, before = unpack(saved.newest), unpack(saved.before)
        require(before is None or type(before) is type(newest), "the values before are of another type")
        self.newest, self.before = newest, before


class Change(Node):
    """``rising``, ``falling``, ``edge``: true for the step in which the item's known value changes."""

    __slots__ = ("is_known", "item", "last", "on_fall", "on_rise", "pulse_step")

    def __init__(self, key: str, clock: Clock, sources: frozenset[str], item: Run, function: str) -> None:
        super().__init__(key, clock, sources)
        self.item = item
        self.on_rise = function in ("rising", "edge")
        self.on_fall = function in ("falling", "edge")
        self.last: bool | str | None = None
        self.is_known = False
        self.pulse_step = -1

    def push(self) -> None:
        value = self.item()
        self.is_known = value is not None
        if value is None:
            return
        rose = value is not False  # a text that changes rises and falls
        if self.last is not None and value != self.last and (self.on_rise if rose else self.on_fall):
            self.pulse_step = self.clock.step
        self.last = value

    def value(self) -> bool | None:
        if self.pulse_step == self.clock.step:
            return True
        return False if self.is_known else None

    def snapshot(self) -> Json:
        return ChangeState(self.last, self.is_known).to_json()

    def restore(self, state: object) -> None:
        saved = load(ChangeState, state)
        self.last, self.is_known = saved.last, saved.known


class Hold(Node):
    """``for_at_least``: true once the item has been true without a break for the duration."""

    __slots__ = ("duration_ns", "held", "is_known", "item", "since_ns")
    timed = True

    def __init__(self, key: str, clock: Clock, sources: frozenset[str], item: Run, duration_ns: int) -> None:
        super().__init__(key, clock, sources)
        self.item = item
        self.duration_ns = duration_ns
        self.since_ns: int | None = None
        self.held = False
        self.is_known = False

    def push(self) -> None:
        value = self.item()
        self.is_known = value is not None
        if value is not True:
            self.since_ns = None
            self.held = False
        elif self.since_ns is None:
            self.since_ns = self.clock.now_ns

    def due_ns(self) -> int | None:
        return None if self.since_ns is None or self.held else self.since_ns + self.duration_ns

    def fire(self) -> None:
        self.held = True

    def value(self) -> bool | None:
        return self.held if self.is_known else None

    def snapshot(self) -> Json:
        return HoldState(self.since_ns, self.held, self.is_known).to_json()

    def restore(self, state: object) -> None:
        saved = load(HoldState, state)
        self.since_ns, self.held, self.is_known = saved.since_ns, saved.held, saved.known


class Staleness(Node):
    """``stale(x)``: nothing heard of a signal for the limit; set after the messages of that very instant."""

    __slots__ = ("cell", "is_stale", "limit_ns")
    timed = samples = True

    def __init__(self, key: str, cell: Cell, limit_ns: int) -> None:
        super().__init__(key, cell.clock, frozenset({cell.key}))
        self.cell = cell
        self.limit_ns = limit_ns
        self.is_stale = False

    def push(self) -> None:
        self.is_stale = False

    def due_ns(self) -> int | None:
        heard_ns = self.cell.heard_ns
        return None if self.is_stale or heard_ns is None else heard_ns + self.limit_ns

    def fire(self) -> None:
        self.is_stale = True

    def value(self) -> bool:
        return self.is_stale

    def snapshot(self) -> Json:
        return StalenessState(self.is_stale).to_json()

    def restore(self, state: object) -> None:
        self.is_stale = load(StalenessState, state).stale


class Expiry(Node):
    """Wakes conditions with ``count`` and ``rate`` when a sample leaves their window."""

    __slots__ = ("capacity", "history", "window_ns")
    timed = True

    def __init__(
        self, key: str, clock: Clock, sources: frozenset[str], window: tuple[History, int, int]
    ) -> None:
        super().__init__(key, clock, sources)
        self.history, self.window_ns, self.capacity = window

    def due_ns(self) -> int | None:
        history = self.history
        low = history.first_in(self.clock.now_ns, self.window_ns, self.capacity)
        if low == history.end:
            return None
        return history.times[low - history.base] + self.window_ns
