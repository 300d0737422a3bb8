"""One trigger: when a true condition fires, and what is said when it does not.

A trigger is *clear* when it may fire at the next rise of its condition. It stops being clear when the condition
becomes true, and is clear again when the condition has not been true (or ``clear_when`` has been true) for
``min_gap_s``. A rise within the cooldown *waits*: if the condition is still true when the cooldown ends, it fires
at that very time. P0 triggers pass no storm breaker and no limit.
"""

from dataclasses import dataclass
from typing import Any, Literal

from winnow_operators.condition.machine import Program
from winnow_operators.condition.nodes import Clock, Node, Run
from winnow_operators.condition.saved import Json, Saved, load, require
from winnow_operators.condition.timers import NEVER_NS
from winnow_operators.triggers.covering import Asked, RunningCover, acting, covered
from winnow_operators.triggers.notes import Notes
from winnow_operators.triggers.outcomes import TriggerDecision, Verdict
from winnow_operators.triggers.quota import Quota
from winnow_schemas.priority import Priority
from winnow_schemas.settings.triggers import Mode, StormSettings, TriggerSettings

_MINUTE_NS = 60_000_000_000
_HOUR_NS = 3_600_000_000_000
_DAY_NS = 86_400_000_000_000
_NOT_ASKED: Literal["not asked"] = "not asked"
"""Truth of a condition that was never evaluated."""


class TriggerState(Saved, frozen=True):
    """Everything that a trigger remembers."""

    truth: bool | Literal["not asked"] | None
    clear: bool
    clear_since_ns: int
    settled: bool
    fired_ns: int | None
    waits_until_ns: int | None
    muted_until_ns: int | None
    events: int
    muted_events: int
    recent: list[int]
    per_hour: list[int]
    per_day: list[int]
    notes: dict[str, tuple[int, int]]
    thinned: int = 0
    covered: tuple[int, ...] = ()


@dataclass(slots=True)
class SharedLimits:
    """The limits for all triggers together, P0 excepted."""

    max_events: int
    per_hour: Quota
    events: int = 0


class Wake(Node):
    """The timer of a trigger: the end of its cooldown while it waits, and the end of its muting."""

    __slots__ = ("trigger",)
    timed = True

    def __init__(self, trigger: "Trigger", clock: Clock) -> None:
        super().__init__(f"@trigger:{trigger.name}", clock, frozenset())
        self.trigger = trigger

    def due_ns(self) -> int | None:
        trigger = self.trigger
        due = min(
            trigger.waits_until_ns if trigger.waits_until_ns is not None else NEVER_NS,
            trigger.muted_until_ns if trigger.muted_until_ns is not None else NEVER_NS,
        )
        return None if due == NEVER_NS else due

    def skip(self, until_ns: int) -> None:
        trigger = self.trigger
        if trigger.waits_until_ns is not None:
            trigger.waits_until_ns = max(trigger.waits_until_ns, until_ns)


class Trigger:
    """The state of one trigger; the engine asks it at each message and timer that concerns it."""

    def __init__(self, name: str, clock: Clock) -> None:
        """Make one; it needs settings and programs before it is asked."""
        self.name = name
        self.order = 0
        """Place among all triggers: the most urgent are asked first."""
        self.wake = Wake(self, clock)
        self.notes = Notes(name)
        self.truth: Any = _NOT_ASKED
        self.is_clear = True
        self.clear_since_ns = -NEVER_NS // 2
        self.fired_ns: int | None = None
        self.waits_until_ns: int | None = None
        self.muted_until_ns: int | None = None
        self.events = 0
        self.muted_events = 0
        self.is_settled = False
        """Nothing happens while the condition's truth stays the same."""
        self.was_attempted = False
        """The condition asked for an event and was not put off by the cooldown, since the engine last looked."""
        self.sources: frozenset[str] = frozenset()
        self.recent = self.per_hour = self.per_day = Quota(0, _MINUTE_NS)
        self.keep_percent = 100
        self.thinned = 0
        """Hundredths of an event that are owed, while a campaign thins it."""
        self.active: tuple[int, ...] = ()
        """Places of the covers that act."""

    def set_settings(
        self, settings: TriggerSettings, storm: StormSettings, shared: SharedLimits, keep_percent: int = 100
    ) -> None:
        """Take other settings; what has happened stays."""
        self.settings = settings
        self.keep_percent = 100 if settings.priority is Priority.P0 else keep_percent
        if self.keep_percent == 100:
            self.thinned = 0
        self.storm = storm
        self.shared = shared
        self.is_edge = settings.mode is Mode.EDGE
        self.is_p0 = settings.priority is Priority.P0
        self.gap_ns = round(settings.min_gap_s * 1e9)
        self.recent = self.recent.changed(0 if self.is_p0 else storm.max_per_minute, _MINUTE_NS)
        self.per_hour = self.per_hour.changed(settings.max_per_hour, _HOUR_NS)
        self.per_day = self.per_day.changed(settings.max_per_day, _DAY_NS)
        if self.is_p0:
            self.muted_until_ns = None

    def set_programs(
        self, program: Program, clear: Program | None, covers: tuple[RunningCover, ...] = ()
    ) -> None:
        """Ask these conditions from now on."""
        self.own = Asked(program, clear)
        self.covers = covers
        asked = [self.own, *(each.asked for each in covers)]
        self.sources = frozenset({self.wake.key}).union(
            *(each.sources for each in asked), *(each.condition.sources for each in covers)
        )
        self.has_pulse = any(each.program.has_pulse for each in asked)
        self.is_settled = False
        self.cover(tuple(place for place in self.active if place < len(covers)))

    def cover(self, active: tuple[int, ...], *, keeps_waiting: bool = False) -> None:
        """Behave as these covers want; none for the trigger by itself."""
        self.active = active
        self.now = covered(self.settings, self.own, self.covers, active)
        self.program, clear = self.now.asked
        self.run: Run = self._run_covered if self.covers else self.program.run
        self.clear_run: Run | None = clear.run if clear else None
        self.cooldown_ns = round(self.now.settings.cooldown_s * 1e9)
        if self.waits_until_ns is not None and self.fired_ns is not None and not keeps_waiting:
            self.waits_until_ns = max(self.fired_ns + self.cooldown_ns, self.wake.clock.now_ns)

    def _run_covered(self) -> bool | None:
        active = acting(self.covers)
        if active != self.active:
            self.cover(active)
            self.is_settled = False
        truth: bool | None = self.program.run()
        return truth

    # --- what the engine asks -----------------------------------------------------------------------------

    def step(self, truth: bool | None, t_ns: int) -> bool:
        """The condition was evaluated; whether to fire."""
        before, self.truth = self.truth, truth
        if truth is True:
            fires = self._risen(before, t_ns) if self.is_edge else self._attempt(t_ns, before is not True)
            self.is_settled = self.is_edge
            return fires
        self.waits_until_ns = None
        if not self.is_clear and (self.clear_run is None or self.clear_run() is True):
            self.is_clear = True
            self.clear_since_ns = t_ns
        self.is_settled = self.is_clear
        return False

    def _risen(self, before: Any, t_ns: int) -> bool:
        if before is True:
            return False
        was_clear, self.is_clear = self.is_clear, False
        if not was_clear:
            self.notes.say(
                t_ns, Verdict.NOT_CLEAR, "its condition came true again before clear_when was true"
            )
            return False
        if t_ns - self.clear_since_ns < self.gap_ns:
            gap_s = (t_ns - self.clear_since_ns) / 1e9
            self.notes.say(
                t_ns,
                Verdict.NOT_CLEAR,
                f"its condition had been clear for {gap_s:.3g} s only, min_gap_s is {self.settings.min_gap_s:g}",
            )
            return False
        return self._attempt(t_ns, is_rise=True)

    def ring(self, t_ns: int) -> bool:
        """Its timer went off; whether to fire now."""
        if self.muted_until_ns is not None and t_ns >= self.muted_until_ns:
            self.end_storm(t_ns)
        if self.waits_until_ns is None or t_ns < self.waits_until_ns:
            return False
        return self.truth is True and self._attempt(t_ns, is_rise=True)

    def _attempt(self, t_ns: int, is_rise: bool) -> bool:
        """The condition asks for an event; whether nothing speaks against it."""
        if self.fired_ns is not None and t_ns - self.fired_ns < self.cooldown_ns:
            self.waits_until_ns = self.fired_ns + self.cooldown_ns
            if is_rise:
                left_s = (self.waits_until_ns - t_ns) / 1e9
                self.notes.say(
                    t_ns,
                    Verdict.COOLING_DOWN,
                    f"it fired {(t_ns - self.fired_ns) / 1e9:.3g} s ago and cools down for another {left_s:.3g} s; "
                    "if its condition is still true then, it fires then",
                )
            return False
        self.waits_until_ns = None
        if self.fired_ns == t_ns:
            return False
        self.was_attempted = True
        return self.is_p0 or self._allowed(t_ns)

    def _allowed(self, t_ns: int) -> bool:
        if self.muted_until_ns is not None:
            self.muted_events += 1
            left_s = (self.muted_until_ns - t_ns) / 1e9
            self.notes.say(
                t_ns, Verdict.MUTED, f"it is muted by the storm breaker for another {left_s:.3g} s"
            )
            return False
        if self.recent.is_full(t_ns):
            self._begin_storm(t_ns)
            return False
        limit = self._full_limit(t_ns)
        if limit:
            self.notes.say(t_ns, Verdict.OVER_LIMIT, f"it has reached {limit}")
            return False
        return self.keep_percent == 100 or bool(self.active) or self._kept(t_ns)

    def _kept(self, t_ns: int) -> bool:
        """Whether this event is among the part that goes out; one that does not counts for the cooldown all the same."""
        if self.thinned <= 0:
            self.thinned += 100 - self.keep_percent
            return True
        self.thinned -= self.keep_percent
        self.fired_ns = t_ns
        self.notes.say(
            t_ns,
            Verdict.THINNED,
            f"its scenario is saturated, so the campaign lets {self.keep_percent} of 100 events through",
        )
        return False

    def _begin_storm(self, t_ns: int) -> None:
        self.muted_until_ns = t_ns + round(self.storm.mute_s * 1e9)
        self.muted_events = 1
        self.notes.always(
            t_ns,
            Verdict.STORM,
            f"it fired {self.storm.max_per_minute} times within a minute, so it is muted for {self.storm.mute_s:g} s",
        )

    def end_storm(self, t_ns: int) -> None:
        """Let it fire again, as often as before the storm."""
        self.muted_until_ns = None
        self.recent = Quota(self.recent.limit, _MINUTE_NS)
        times = "time" if self.muted_events == 1 else "times"
        self.notes.always(
            t_ns,
            Verdict.STORM_OVER,
            f"it may fire again; while muted it would have fired {self.muted_events} {times}",
        )

    def _full_limit(self, t_ns: int) -> str:
        """The limit that is reached, in words; empty when none is."""
        settings, shared = self.settings, self.shared
        if settings.max_events and self.events >= settings.max_events:
            return f"its limit of {settings.max_events} events per run"
        if self.per_hour.is_full(t_ns):
            return f"its limit of {settings.max_per_hour} events per hour"
        if self.per_day.is_full(t_ns):
            return f"its limit of {settings.max_per_day} events per day"
        if shared.max_events and shared.events >= shared.max_events:
            return f"the limit of {shared.max_events} events per run for all triggers together"
        if shared.per_hour.is_full(t_ns):
            return f"the limit of {shared.per_hour.limit} events per hour for all triggers together"
        return ""

    def fired(self, t_ns: int) -> None:
        """An event went out."""
        self.fired_ns = t_ns
        self.events += 1
        if self.is_p0:
            return
        for quota in (self.recent, self.per_hour, self.per_day, self.shared.per_hour):
            quota.add(t_ns)
        self.shared.events += 1

    def decisions(self) -> list[TriggerDecision]:
        """What was noted since the last call."""
        return self.notes.take(self.now.settings.priority)

    def turn_back(self, t_ns: int) -> None:
        """Time has gone back: forget what has not happened yet, and what the condition was."""
        self.truth, self.is_settled, self.is_clear = _NOT_ASKED, False, True
        self.clear_since_ns = -NEVER_NS // 2
        self.waits_until_ns = self.muted_until_ns = None
        if self.fired_ns is not None and self.fired_ns > t_ns:
            self.fired_ns = None
        for quota in (self.recent, self.per_hour, self.per_day):
            quota.turn_back(t_ns)
        self.notes.turn_back(t_ns)

    # --- state --------------------------------------------------------------------------------------------

    def snapshot(self) -> Json:
        return TriggerState(
            self.truth,
            self.is_clear,
            self.clear_since_ns,
            self.is_settled,
            self.fired_ns,
            self.waits_until_ns,
            self.muted_until_ns,
            self.events,
            self.muted_events,
            self.recent.snapshot(),
            self.per_hour.snapshot(),
            self.per_day.snapshot(),
            self.notes.snapshot(),
            self.thinned,
            self.active,
        ).to_json()

    def restore(self, state: object) -> None:
        """Take over what :meth:`snapshot` gave.

        Raises:
            BadInputError: it is no state of a trigger.

        """
        saved = load(TriggerState, state)
        self.truth, self.is_settled = saved.truth, saved.settled
        self.is_clear, self.clear_since_ns = saved.clear, saved.clear_since_ns
        self.fired_ns, self.waits_until_ns = saved.fired_ns, saved.waits_until_ns
        self.muted_until_ns = None if self.is_p0 else saved.muted_until_ns
        self.events, self.muted_events = saved.events, saved.muted_events
        self.recent.restore(saved.recent)
        self.per_hour.restore(saved.per_hour)
        self.per_day.restore(saved.per_day)
        self.notes.restore(saved.notes)
        self.thinned = saved.thinned
        self.cover(
            tuple(place for place in saved.covered if 0 <= place < len(self.covers)), keeps_waiting=True
        )

    def require_waits_ahead(self) -> None:
        """A restored wait that is over already would never end.

        Raises:
            BadInputError: there is one.

        """
        for until_ns in (self.waits_until_ns, self.muted_until_ns):
            require(until_ns is None or until_ns >= self.wake.clock.now_ns, "a wait ended in the past")
