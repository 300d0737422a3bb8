"""Watches a run and writes down what must and may fire."""

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import structs

from winnow_operators.sim.incidents.director import Director
from winnow_operators.sim.incidents.happening import Happening
from winnow_operators.sim.tick import TICK_NS, TICK_S, Tick
from winnow_operators.sim.truth.conditions import Condition, conditions
from winnow_operators.sim.world import WARM_UP_TICKS
from winnow_schemas.simulation.script import Script
from winnow_schemas.simulation.truth import Expectation, GroundTruth, IncidentTruth, Odometer

ORDINARY = ("gps_denied_transition", "new_area")
"""Types that ordinary driving causes and that then must fire: the depot's roof, an apron on the route."""
AFTERMATH_S = 12.0
"""So long after an incident what happens is still taken for its consequence."""


@dataclass(slots=True)
class _Spell:
    """A time during which a condition's loose predicate holds."""

    start_s: float
    due_s: float | None = None
    """When the strict predicate had held long enough."""
    end_s: float | None = None
    settled: bool = True


@dataclass(slots=True)
class _Watch:
    """One condition over time."""

    condition: Condition
    spells: list[_Spell]
    strict_since_s: float | None = None

    def see(self, tick: Tick) -> None:
        called = self.condition.predicate(tick)
        if tick.t_s < 0:
            return
        open_spell = self.spells[-1] if self.spells and self.spells[-1].end_s is None else None
        if called.loose and open_spell is None:
            last_s = self.spells[-1].end_s if self.spells else None
            # What is so from the beginning is no event.
            settled = tick.index > 0 and (last_s is None or tick.t_s - last_s >= self.condition.settle_s)
            open_spell = _Spell(tick.t_s, settled=settled)
            self.spells.append(open_spell)
        if not called.strict:
            self.strict_since_s = None
        elif self.strict_since_s is None:
            self.strict_since_s = tick.t_s
        held = (
            self.strict_since_s is not None and tick.t_s - self.strict_since_s >= self.condition.hold_s - 1e-9
        )
        if open_spell is not None and open_spell.due_s is None and held:
            open_spell.due_s = tick.t_s
        if open_spell is not None and not called.loose:
            open_spell.end_s = tick.t_s


class Observer:
    """Takes ticks in order; knows the expectations at the end."""

    def __init__(self, script: Script, seed: int) -> None:
        self._script = script
        self._seed = seed
        self._watches = [_Watch(condition, []) for condition in conditions(script.weather)]
        self._metres: list[float] = []

    def see(self, tick: Tick) -> None:
        """One tick, warming up included."""
        if tick.index >= 0 and tick.index % round(1.0 / TICK_S) == 0:
            self._metres.append(round(tick.odometer_m, 3))
        for watch in self._watches:
            watch.see(tick)

    def result(self, happenings: list[Happening]) -> GroundTruth:
        """The ground truth of the whole run."""
        script = self._script
        expectations = [
            each
            for watch in self._watches
            for spell in watch.spells
            for each in self._expected(watch.condition, spell, happenings)
        ]
        return GroundTruth(
            script=script.name,
            seed=self._seed,
            start_ns=script.start_ns,
            end_ns=script.end_ns,
            incidents=[self._incident(happening) for happening in happenings],
            expectations=_merged(expectations),
            odometer=Odometer(start_ns=script.start_ns, every_ns=1_000_000_000, metres=self._metres),
            every_s=script.samples.every_s,
            every_m=script.samples.every_m,
        )

    def _ns(self, t_s: float) -> int:
        return self._script.start_ns + round(t_s * 1e9)

    def _expected(
        self, condition: Condition, spell: _Spell, happenings: list[Happening]
    ) -> list[Expectation]:
        end_s = self._script.duration_s if spell.end_s is None else spell.end_s
        start_s = max(0.0, spell.start_s - condition.lead_s)
        cause, meant = _cause(condition, spell, happenings)
        number = None if cause is None else cause.number
        wanted = meant or condition.type in ORDINARY
        result = [
            Expectation(
                type=condition.type,
                must=False,
                start_ns=self._ns(start_s),
                end_ns=self._ns(end_s + condition.tail_s),
                incident=number,
                why=condition.why,
            )
        ]
        if spell.due_s is not None and spell.settled and wanted:
            latest_s = spell.due_s + condition.after_s
            if latest_s <= self._script.duration_s:
                must = Expectation(
                    type=condition.type,
                    must=True,
                    start_ns=self._ns(start_s),
                    end_ns=self._ns(latest_s),
                    incident=number,
                    why=condition.why,
                )
                result.append(must)
        return result

    def _incident(self, happening: Happening) -> IncidentTruth:
        return IncidentTruth(
            number=happening.number,
            kind=happening.settings.kind,
            causes=list(happening.expected()),
            armed_ns=self._ns(happening.settings.at_s),
            begun_ns=None if happening.begun_s is None else self._ns(happening.begun_s),
            over_ns=None if happening.over_s is None else self._ns(happening.over_s),
        )


def _merged(expectations: list[Expectation]) -> list[Expectation]:
    """In order, and may-windows of a type that overlap as one."""
    result = [each for each in expectations if each.must]
    last: dict[str, Expectation] = {}
    for each in sorted(expectations, key=lambda one: one.start_ns):
        if each.must:
            continue
        before = last.get(each.type)
        if before is not None and each.start_ns <= before.end_ns:
            result.remove(before)
            each = structs.replace(before, end_ns=max(before.end_ns, each.end_ns))  # noqa: PLW2901 - the union
        last[each.type] = each
        result.append(each)
    return sorted(result, key=lambda one: (one.start_ns, one.type, not one.must))


def _cause(condition: Condition, spell: _Spell, happenings: list[Happening]) -> tuple[Happening | None, bool]:
    """The incident behind a spell, and whether it is made for that type: such a one goes before others."""
    running = [
        happening
        for happening in happenings
        if happening.begun_s is not None
        and happening.begun_s <= spell.start_s + 1e-9
        and (happening.over_s is None or spell.start_s < happening.over_s + AFTERMATH_S)
    ]
    meant = [happening for happening in running if condition.type in happening.expected()]
    if meant:
        return meant[-1], True
    return (running[-1], False) if running else (None, False)


class WatchedRun:
    """The ticks of a run, warming up included, and one more; ``truth`` is there when they are used up."""

    def __init__(self, script: Script, seed: int) -> None:
        self._director = Director(script, seed)
        self._observer = Observer(script, seed)
        self._left = WARM_UP_TICKS - (-round(script.duration_s * 1e9) // TICK_NS)
        self._truth: GroundTruth | None = None

    def __iter__(self) -> Iterator[Tick]:
        return self

    def __next__(self) -> Tick:
        if self._left < 0:
            raise StopIteration
        if self._left == 0:
            self._truth = self._observer.result(self._director.happenings)
        tick = self._director.step()
        if self._left > 0:
            self._observer.see(tick)
        self._left -= 1
        return tick

    @property
    def truth(self) -> GroundTruth:
        """The ground truth of the whole run."""
        assert self._truth is not None, "the run is not over"
        return self._truth


def observe(script: Script, seed: int) -> GroundTruth:
    """Run the world from beginning to end, without rendering anything, and write down the truth."""
    run = WatchedRun(script, seed)
    for _ in run:
        pass
    return run.truth
