"""Parts of a condition that look at message time only."""

from winnow_operators.condition.nodes import Clock, Node
from winnow_operators.condition.saved import Json, Saved, load, require

DAY_NS = 86_400_000_000_000
HOUR_NS = 3_600_000_000_000
_SECOND_NS = 1_000_000_000
_EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday (Monday = 0)."""


class TimingState(Saved, frozen=True):
    """The next or last time that counts."""

    at_ns: int | None


class Every(Node):
    """A pulse at each full period since the first message, so the grid does not move when one is missed."""

    __slots__ = ("from_start", "next_ns", "period_ns", "pulse_step")
    timed = True

    def __init__(self, key: str, clock: Clock, period_ns: int, from_start: bool) -> None:
        super().__init__(key, clock, frozenset())
        self.period_ns = period_ns
        self.from_start = from_start
        self.next_ns: int | None = None
        self.pulse_step = -1

    def start(self, now_ns: int) -> None:
        begin = self.clock.start_ns
        assert begin is not None
        if self.from_start and now_ns == begin:
            self.next_ns = begin
        else:
            self.next_ns = begin + ((now_ns - begin) // self.period_ns + 1) * self.period_ns

    def due_ns(self) -> int | None:
        return self.next_ns

    def fire(self) -> None:
        self.pulse_step = self.clock.step
        assert self.next_ns is not None
        self.next_ns += self.period_ns

    def skip(self, until_ns: int) -> None:
        assert self.next_ns is not None
        missing = until_ns - self.next_ns
        if missing > 0:
            self.next_ns += -(-missing // self.period_ns) * self.period_ns

    def value(self) -> bool:
        return self.pulse_step == self.clock.step

    def snapshot(self) -> Json:
        return TimingState(self.next_ns).to_json()

    def restore(self, state: object) -> None:
        self.next_ns = load(TimingState, state).at_ns
        require(self.next_ns is None or self.next_ns >= self.clock.now_ns, "a period ended in the past")


class DayClock(Node):
    """Base of what depends on the time of the day; local time is UTC plus a fixed offset."""

    __slots__ = ("last_ns", "offset_ns")
    timed = True

    def __init__(self, key: str, clock: Clock, offset_ns: int) -> None:
        super().__init__(key, clock, frozenset())
        self.offset_ns = offset_ns
        self.last_ns: int | None = None
        """The boundary that was announced last, or the time at which it began to look."""

    def start(self, now_ns: int) -> None:
        self.last_ns = now_ns

    def boundaries_ns(self) -> tuple[int, ...]:
        """Times within a local day at which something changes, ascending, at least one."""
        raise NotImplementedError

    def due_ns(self) -> int | None:
        if self.last_ns is None:
            return None
        local = self.last_ns + self.offset_ns
        day = local - local % DAY_NS
        within = local - day
        inside = self.boundaries_ns()
        following = next((at for at in inside if at > within), inside[0] + DAY_NS)
        return day + following - self.offset_ns

    def fire(self) -> None:
        self.last_ns = self.clock.now_ns

    def skip(self, until_ns: int) -> None:
        assert self.last_ns is not None
        self.last_ns = max(self.last_ns, until_ns - 1)

    def snapshot(self) -> Json:
        return TimingState(self.last_ns).to_json()

    def restore(self, state: object) -> None:
        self.last_ns = load(TimingState, state).at_ns
        now_ns = self.clock.now_ns
        require(
            self.last_ns is None or now_ns - 2 * DAY_NS <= self.last_ns <= now_ns, "its day is another one"
        )


class Hour(DayClock):
    """``hour``: 0 to 23."""

    __slots__ = ()

    def boundaries_ns(self) -> tuple[int, ...]:
        return tuple(HOUR_NS * hour for hour in range(24))

    def value(self) -> float:
        return float((self.clock.now_ns + self.offset_ns) % DAY_NS // HOUR_NS)


class TimeOfDay(DayClock):
    """``time_of_day(begin, end)``: ``[begin, end)``, over midnight where the end comes first."""

    __slots__ = ("begin_ns", "end_ns")

    def __init__(self, key: str, clock: Clock, offset_ns: int, times_s: tuple[int, ...]) -> None:
        super().__init__(key, clock, offset_ns)
        self.begin_ns, self.end_ns = (second * _SECOND_NS for second in times_s)

    def boundaries_ns(self) -> tuple[int, ...]:
        return tuple(sorted((self.begin_ns, self.end_ns)))

    def value(self) -> bool:
        now = (self.clock.now_ns + self.offset_ns) % DAY_NS
        if self.begin_ns <= self.end_ns:
            return self.begin_ns <= now < self.end_ns
        return now >= self.begin_ns or now < self.end_ns


class Schedule(DayClock):
    """``schedule(...)``: a pulse at each of the times, on the days that count."""

    __slots__ = ("days", "pulse_step", "times_ns")

    def __init__(
        self, key: str, clock: Clock, offset_ns: int, times_s: tuple[int, ...], days: tuple[int, ...]
    ) -> None:
        super().__init__(key, clock, offset_ns)
        self.times_ns = tuple(sorted({second * _SECOND_NS for second in times_s}))
        self.days = days
        self.pulse_step = -1

    def start(self, now_ns: int) -> None:
        """A shift that begins exactly at a time of the schedule meets it."""
        self.last_ns = now_ns - 1

    def boundaries_ns(self) -> tuple[int, ...]:
        return self.times_ns

    def fire(self) -> None:
        super().fire()
        weekday = ((self.clock.now_ns + self.offset_ns) // DAY_NS + _EPOCH_WEEKDAY) % 7
        if not self.days or weekday in self.days:
            self.pulse_step = self.clock.step

    def value(self) -> bool:
        return self.pulse_step == self.clock.step
