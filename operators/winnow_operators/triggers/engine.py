"""The trigger engine: signals and time go in, events and decisions come out.

What comes out depends on the messages only: neither on how they are batched nor on when :meth:`advance` is
called. The caller brings messages in the order of their times; one that is older than the time reached counts as
late and is decided on arrival.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from winnow_operators.condition.machine import Machine, Program
from winnow_operators.condition.places import FIX, ZONES, Distance
from winnow_operators.condition.saved import Json, Saved, load, require
from winnow_operators.condition.unknown import why_unknown
from winnow_operators.condition.zones import Zone
from winnow_operators.triggers.checking import CheckedTrigger, Inputs, check_triggers
from winnow_operators.triggers.covering import Asked, RunningCover
from winnow_operators.triggers.firing import Compared, comparisons, fired_reason, make_event, told_unit
from winnow_operators.triggers.outcomes import Outcome, TriggerDecision, Verdict
from winnow_operators.triggers.quota import Quota
from winnow_operators.triggers.trigger import SharedLimits, Trigger
from winnow_operators.triggers.tuning import NO_TUNING, Tuning
from winnow_schemas.errors import BadInputError
from winnow_schemas.priority import Priority
from winnow_schemas.settings.triggers import TriggerSettings, TriggersSettings

_HOUR_NS = 3_600_000_000_000
_VERSION = 1
STRAY_NS = 10_000_000_000
"""A message this much older than the time reached is no late one (lateness is a fraction of a second)."""
STRAYS = 20
"""So many of them in a row mean that the time reached is wrong, by a clock set back or one absurd stamp."""
_NOTHING: Sequence[Outcome] = ()


class EngineState(Saved, frozen=True):
    """Everything that an engine remembers."""

    version: int
    machine: Json
    triggers: dict[str, Json]
    events: int
    per_hour: list[int]
    strays: tuple[int, int]


class Reading(NamedTuple):
    """What a trigger sees at this moment."""

    truth: bool | None
    """Of its condition; None is unknown."""
    compared: tuple[Compared, ...]
    """The comparisons of its condition, SI."""


class TriggerEngine:
    """All triggers of a device."""

    def __init__(
        self,
        triggers: Mapping[str, TriggerSettings],
        inputs: Inputs,
        rules: TriggersSettings | None = None,
        tuning: Tuning = NO_TUNING,
    ) -> None:
        """Check and start the triggers; disabled ones are left out.

        Raises:
            ConditionError: a condition is not valid.
            BadInputError: too many triggers, or too much window memory.

        """
        self._inputs = inputs
        self._rules = rules or TriggersSettings()
        self._shared = SharedLimits(self._rules.max_events, Quota(self._rules.max_per_hour, _HOUR_NS))
        self._settings: dict[str, TriggerSettings] = {}
        self._tuning = tuning
        self._triggers: dict[str, Trigger] = {}
        self._out: list[Outcome] = []
        self._strays = 0
        self._stray_now_ns = 0
        self._machine = self._new_machine()
        self.replace(triggers, tuning)

    def _new_machine(self) -> Machine:
        return Machine(
            self._inputs.specs,
            self._inputs.position,
            limits=self._inputs.limits,
            utc_offset_ns=round(self._rules.utc_offset_h * _HOUR_NS),
        )

    # --- configuration ------------------------------------------------------------------------------------

    def replace(self, triggers: Mapping[str, TriggerSettings], tuning: Tuning = NO_TUNING) -> None:
        """Run these triggers from now on.

        Windows that some trigger still needs keep their samples; triggers of the same name keep cooldowns, counts
        and muting. Nothing changes when one of them is not valid.

        Raises:
            ConditionError: a condition is not valid.
            BadInputError: too many triggers, or too much window memory.

        """
        checked = check_triggers(triggers, self._inputs, self._rules, tuning)
        before, self._triggers = self._triggers, {}
        for name in sorted(checked, key=lambda name: (checked[name].settings.priority, name)):
            trigger = before.get(name) or Trigger(name, self._machine.clock)
            keep = tuning.keep_percent.get(name, 100)
            trigger.set_settings(checked[name].settings, self._rules.storm, self._shared, keep)
            self._triggers[name] = trigger
        conditions = [each for name in self._triggers for each in checked[name].conditions]
        wakes = [trigger.wake for trigger in self._triggers.values()]
        programs = iter(self._machine.build(conditions, wakes))
        for name, trigger in self._triggers.items():
            self._set_programs(trigger, checked[name], programs)
        self._settings = dict(triggers)
        self._tuning = tuning
        self._link()

    def _set_programs(self, trigger: Trigger, checked: CheckedTrigger, programs: Iterator[Program]) -> None:
        own = Asked(next(programs), next(programs) if checked.clear else None)
        covers = []
        for each in checked.covers:
            condition = next(programs)
            asked = Asked(next(programs), next(programs) if each.clear else None) if each.when else own
            covers.append(RunningCover(each.cover, condition, asked))
        trigger.set_programs(own.program, own.clear, tuple(covers))

    def _link(self) -> None:
        machine = self._machine
        for order, trigger in enumerate(self._triggers.values()):
            trigger.order = order
        sources = {source for trigger in self._triggers.values() for source in trigger.sources}
        self._readers = {
            source: tuple(trigger for trigger in self._triggers.values() if source in trigger.sources)
            for source in sources
        }
        self._wakes = {trigger.wake.key for trigger in self._triggers.values()}
        self._inputs_of = {name: (plan, self._readers.get(name, ())) for name, plan in machine.plans.items()}
        self._odometers = {
            node.key: node for node in machine.store.nodes.values() if isinstance(node, Distance)
        }

    @property
    def names(self) -> tuple[str, ...]:
        """The triggers that run, most urgent first."""
        return tuple(self._triggers)

    @property
    def signals(self) -> frozenset[str]:
        """The signals that anything here looks at; others need not be decoded."""
        return frozenset(self._machine.plans)

    @property
    def counters(self) -> dict[str, int]:
        """What went otherwise than planned, for metrics."""
        machine = self._machine
        return {
            "late": machine.late,
            "mistyped": machine.mistyped,
            "window_overflow": machine.overflowed,
            "relocations": machine.position.relocations,
        }

    def reading(self, name: str) -> Reading:
        """What a running trigger sees; for looking at, it changes nothing.

        Raises:
            BadInputError: no such trigger runs.

        """
        trigger = self._triggers.get(name)
        if trigger is None:
            raise BadInputError(f"The trigger {name!r} does not run; running: {', '.join(self._triggers)}.")
        truth: bool | None = trigger.program.run()
        return Reading(truth, comparisons(trigger.program))

    def happened(self) -> dict[str, dict[Verdict, int]]:
        """Trigger -> how often it did not fire, and why; also what the ledger only tells in sums. Not in snapshots."""
        return {name: dict(trigger.notes.happened) for name, trigger in self._triggers.items()}

    # --- messages and time --------------------------------------------------------------------------------

    def start(self, t_ns: int) -> None:
        """The first message of any topic has this time; otherwise the first signal starts the clock."""
        self._machine.start(t_ns)

    def update(self, t_ns: int, name: str, value: object) -> Sequence[Outcome]:
        """A message of a signal; what came of it, and of the timers that were due before it."""
        machine = self._machine
        clock = machine.clock
        if clock.now_ns <= t_ns <= machine.timers.next_ns and clock.start_ns is not None:
            clock.now_ns = at_ns = t_ns
        else:
            at_ns = self._arrive(t_ns)
            machine = self._machine
        found = self._inputs_of.get(name)
        if found is not None:
            plan, readers = found
            if machine.receive(plan, at_ns, value):
                readers = self._union((name, FIX))
            self._ask(readers, at_ns, t_ns)
        return self._take() if self._out else _NOTHING

    def update_all(self, t_ns: int, values: Mapping[str, object]) -> Sequence[Outcome]:
        """Several signals of one message: no condition sees one of them without the others."""
        at_ns = self._arrive(t_ns)
        found = [
            (name, self._inputs_of[name][0], value)
            for name, value in values.items()
            if name in self._inputs_of
        ]
        if found:
            has_fix = self._machine.receive_all([(plan, value) for _, plan, value in found], at_ns)
            self._ask(self._union([name for name, _, _ in found] + [FIX] * has_fix), at_ns, t_ns)
        return self._take()

    def set_zones(self, t_ns: int, zones: Sequence[Zone]) -> Sequence[Outcome]:
        """A message with the zones of the map.

        Raises:
            BadInputError: beyond the limits of a map; the old one stays.

        """
        at_ns = self._arrive(t_ns)
        self._machine.set_zones(zones)
        self._ask(self._readers.get(ZONES, ()), at_ns, t_ns)
        return self._take()

    def advance(self, t_ns: int) -> Sequence[Outcome]:
        """Everything before ``t_ns`` has been seen: run the timers due before it, each at its own time."""
        if self._machine.clock.start_ns is not None and t_ns > self._machine.clock.now_ns:
            self._machine.run_timers(t_ns, self._on_instant)
            self._machine.clock.now_ns = t_ns
        return self._take()

    def finish(self, t_ns: int) -> Sequence[Outcome]:
        """The last message had this time: run the timers due up to and including it, and tell what was counted."""
        if self._machine.clock.start_ns is not None:
            self._machine.run_timers(t_ns + 1, self._on_instant)
        for trigger in self._triggers.values():
            trigger.notes.close(t_ns)
            self._out += trigger.decisions()
        return self._take()

    def _arrive(self, t_ns: int) -> int:
        """Pass time up to a message; the time at which it is decided."""
        clock = self._machine.clock
        if clock.start_ns is not None and t_ns < clock.now_ns - STRAY_NS:
            # Strays count while time stands still: a message in time moves it.
            self._strays = self._strays + 1 if clock.now_ns == self._stray_now_ns else 1
            self._stray_now_ns = clock.now_ns
            if self._strays >= STRAYS:
                self._turn_back(t_ns)
        return self._machine.pass_time(t_ns, self._on_instant)

    def _turn_back(self, t_ns: int) -> None:
        """Take the messages' time for the true one."""
        before, back_s = self._machine, (self._machine.clock.now_ns - t_ns) / 1e9
        self._machine = self._new_machine()
        self.replace(self._settings, self._tuning)
        self._machine.go_back(before, t_ns)
        for trigger in self._triggers.values():
            trigger.turn_back(t_ns)
        self._shared.per_hour.turn_back(t_ns)
        self._strays = 0
        reason = (
            f"{STRAYS} messages in a row came from {back_s:.1f} s before the time reached; time goes on from there, "
            "windows and cooldowns begin anew."
        )
        self._out.append(
            TriggerDecision(t_ns, "*", Priority.P0, Verdict.TIME_WENT_BACK, reason, {"back_s": back_s})
        )

    # --- asking the triggers ------------------------------------------------------------------------------

    def _union(self, sources: Iterable[str]) -> tuple[Trigger, ...]:
        found = {trigger.order: trigger for source in sources for trigger in self._readers.get(source, ())}
        return tuple(found[order] for order in sorted(found))

    def _on_instant(self, t_ns: int, keys: list[str]) -> None:
        self._ask(self._union(keys), t_ns, t_ns)
        for trigger in self._union(key for key in keys if key in self._wakes):
            if trigger.ring(t_ns):
                self._fire(trigger, t_ns, t_ns)
            self._look_after(trigger)

    def _ask(self, readers: tuple[Trigger, ...], at_ns: int, t_ns: int) -> None:
        """Evaluate triggers at ``at_ns`` because of a message of ``t_ns`` (earlier when it came late)."""
        has_pulse = False
        for trigger in readers:
            truth = trigger.run()
            if truth is trigger.truth and trigger.is_settled:
                continue
            self._settle(trigger, truth, at_ns, t_ns)
            has_pulse = has_pulse or trigger.has_pulse
        if has_pulse:
            self._end_pulses(readers, at_ns, t_ns)

    def _end_pulses(self, readers: tuple[Trigger, ...], at_ns: int, t_ns: int) -> None:
        """What was true for one step only is over, so that the next pulse is a rise again."""
        self._machine.clock.step += 1
        for trigger in readers:
            if trigger.has_pulse and trigger.truth is True:
                truth = trigger.run()
                if truth is not True:
                    self._settle(trigger, truth, at_ns, t_ns)

    def _settle(self, trigger: Trigger, truth: bool | None, at_ns: int, t_ns: int) -> None:
        if truth is None and trigger.truth is not None and trigger.truth is not True:
            trigger.notes.say(at_ns, Verdict.UNKNOWN, why_unknown(self._machine, trigger.program))
        if trigger.step(truth, at_ns):
            self._fire(trigger, at_ns, t_ns)
        self._look_after(trigger)

    def _look_after(self, trigger: Trigger) -> None:
        """What follows from having asked a trigger."""
        if trigger.was_attempted:
            trigger.was_attempted = False
            odometer = self._odometers.get(f"distance_m({trigger.name})")
            if odometer is not None:
                odometer.reset()
        if trigger.notes:
            self._out += trigger.decisions()
        if trigger.covers:
            self._machine.timers.see_sooner(trigger.wake)
        else:
            self._machine.timers.see(trigger.wake)

    def _fire(self, trigger: Trigger, at_ns: int, t_ns: int) -> None:
        now = trigger.now
        event = make_event(trigger.name, now.settings, trigger.program, self._machine, t_ns)
        unit = told_unit(trigger.program, self._inputs.specs)
        trigger.fired(at_ns)
        self._out.append(event)
        reason = fired_reason(event, unit, now.reason)
        values = {"event_id": event.event_id, "value": event.value, "threshold": event.threshold}
        self._out.append(
            TriggerDecision(t_ns, trigger.name, now.settings.priority, Verdict.FIRED, reason, values)
        )

    def _take(self) -> Sequence[Outcome]:
        out, self._out = self._out, []
        return out

    # --- state --------------------------------------------------------------------------------------------

    def snapshot(self) -> Json:
        """Everything that is remembered, as JSON-able values; what :meth:`update` returned is not part of it."""
        return EngineState(
            _VERSION,
            self._machine.snapshot(),
            {name: trigger.snapshot() for name, trigger in self._triggers.items()},
            self._shared.events,
            self._shared.per_hour.snapshot(),
            (self._strays, self._stray_now_ns),
        ).to_json()

    def restore(self, state: object) -> None:
        """Go on from a snapshot, as if nothing had happened in between.

        Triggers and windows that the snapshot does not know begin anew.

        Raises:
            BadInputError: it is no snapshot of this version; the engine then begins anew.

        """
        self._begin_anew()
        try:
            saved = load(EngineState, state)
            require(saved.version == _VERSION, f"version {saved.version}, expected {_VERSION}")
            for name, trigger in self._triggers.items():
                if name in saved.triggers:
                    trigger.restore(saved.triggers[name])
            self._shared.events = saved.events
            self._strays, self._stray_now_ns = saved.strays
            self._shared.per_hour.restore(saved.per_hour)
            self._machine.restore(saved.machine)
            for trigger in self._triggers.values():
                trigger.require_waits_ahead()
        except BadInputError as error:
            self._begin_anew()
            raise BadInputError(
                f"The saved state of the triggers cannot be used ({error}); it was left aside, windows and cooldowns "
                "begin anew."
            ) from None

    def _begin_anew(self) -> None:
        self._machine = self._new_machine()
        self._triggers = {}
        self._shared = SharedLimits(self._rules.max_events, Quota(self._rules.max_per_hour, _HOUR_NS))
        self.replace(self._settings, self._tuning)
