"""Runs conditions: signals come in, time passes, and whoever listens is told which parts changed.

One machine serves all triggers, so equal windows exist once. It decides at two kinds of instants only: at a
message, and at the exact time at which a part said that it would change. Timers due before a message run before
it; a timer due at the very time of a message runs after all messages of that time.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from winnow_operators.condition.building import Builder
from winnow_operators.condition.checking import Checked
from winnow_operators.condition.expression import Memory, Place, Timing, walk
from winnow_operators.condition.history import History
from winnow_operators.condition.limits import DEFAULT_LIMITS, ConditionLimits
from winnow_operators.condition.nodes import Cell, Clock, Node, Run
from winnow_operators.condition.places import FIX, ZONES, Distance, NewCell, Position
from winnow_operators.condition.saved import Json, Saved, load, require
from winnow_operators.condition.signals import SignalSpec
from winnow_operators.condition.store import Store
from winnow_operators.condition.timers import Timers
from winnow_operators.condition.values import convert
from winnow_operators.condition.zones import Zone, check_zones
from winnow_schemas.settings.signals import SignalType

_PULSES = ("rising", "falling", "edge", "every", "schedule", "new_cell")

OnInstant = Callable[[int, list[str]], None]
"""Called at each instant of timers, with the time and the keys of the parts that fired."""


@dataclass(frozen=True, slots=True)
class Program:
    """A condition that runs on a machine."""

    checked: Checked
    run: Run
    """True, False, or None for unknown."""
    runs: Mapping[str, Run]
    """Of every part, by its key."""
    sources: frozenset[str]
    """Everything whose change may change the result."""
    has_pulse: bool
    """Whether some part is true for one step only."""


class MachineState(Saved, frozen=True):
    """Everything that a machine remembers."""

    now_ns: int
    start_ns: int | None
    late: int
    mistyped: int
    position: Json
    cells: dict[str, Json]
    histories: dict[str, Json]
    nodes: dict[str, Json]


class Plan:
    """What happens at a message of a signal, in the right order."""

    __slots__ = ("cell", "history", "is_plain", "is_position", "nodes", "timed")

    def __init__(
        self, cell: Cell, history: History | None, nodes: tuple[Node, ...], *, is_position: bool
    ) -> None:
        self.cell = cell
        self.history = history
        self.nodes = nodes
        self.timed = tuple(node for node in nodes if node.timed)
        self.is_position = is_position
        self.is_plain = cell.spec.type is SignalType.NUMBER and cell.spec.is_si
        """A float needs no conversion."""


class Machine:
    """All conditions of a vehicle, running."""

    def __init__(
        self,
        signals: Mapping[str, SignalSpec],
        position: Mapping[str, str] | None = None,
        *,
        limits: ConditionLimits = DEFAULT_LIMITS,
        utc_offset_ns: int = 0,
    ) -> None:
        self.clock = Clock()
        cells = {role: Cell(signals[name], self.clock) for role, name in (position or {}).items()}
        self.position = Position(self.clock, cells)
        self.store = Store(signals, self.position, limits, utc_offset_ns)
        self.plans: dict[str, Plan] = {}
        self._dependents: dict[str, tuple[Node, ...]] = {}
        self._others: tuple[Node, ...] = ()
        self.timers = Timers(self.clock)
        self.late = 0
        """Messages older than the time that had already been reached."""
        self.mistyped = 0
        """Values that did not have their signal's type; they were taken as unknown."""

    def build(self, conditions: Iterable[Checked], others: Iterable[Node] = ()) -> list[Program]:
        """Run these conditions from now on. Parts that were there before keep what they remember.

        ``others`` are nodes of the caller whose timers run along.
        """
        before = self.store
        store = Store(before.signals, self.position, before.limits, before.utc_offset_ns, before)
        self.store = store
        programs = [self._program(checked, Builder(store)) for checked in conditions]
        store.forget_before()
        self._link()
        if self.clock.start_ns is not None:
            for node in store.new:
                node.start(self.clock.now_ns)
        self._others = tuple(others)
        self._set_timers()
        return programs

    def _program(self, checked: Checked, builder: Builder) -> Program:
        run = builder.build(checked.root)
        pulse = any(
            isinstance(part, Memory | Timing | Place) and part.function in _PULSES
            for part in walk(checked.root)
        )
        return Program(checked, run, builder.runs, builder.sources(checked.root), pulse)

    def _link(self) -> None:
        store = self.store
        self._dependents = {
            source: tuple(
                node for node in store.nodes.values() if source in node.sources and node.key != source
            )
            for source in (FIX, ZONES, *store.cells, *store.nodes)
        }
        position = {cell.key for cell in self.position.cells.values()}
        self.plans = {
            name: Plan(cell, store.histories.get(name), self._dependents[name], is_position=name in position)
            for name, cell in store.cells.items()
        }

    def _nodes_of(self, source: str) -> tuple[Node, ...]:
        return self._dependents.get(source, ())

    # --- messages -----------------------------------------------------------------------------------------

    def start(self, t_ns: int) -> None:
        """Message time begins; the first message does it otherwise."""
        if self.clock.start_ns is not None:
            return
        self.clock.start_ns = self.clock.now_ns = t_ns
        for node in (*self.store.cells.values(), *self.store.nodes.values()):
            node.start(t_ns)
        self._set_timers()

    def _set_timers(self) -> None:
        self.timers.set_nodes([*self.store.cells.values(), *self.store.nodes.values(), *self._others])

    def pass_time(self, t_ns: int, on_instant: OnInstant) -> int:
        """Run the timers due before ``t_ns``; give the time at which a message of that time is decided."""
        clock = self.clock
        if clock.start_ns is None:
            self.start(t_ns)
        if t_ns < clock.now_ns:
            self.late += 1
            return clock.now_ns
        if self.timers.next_ns < t_ns:
            self.run_timers(t_ns, on_instant)
        clock.now_ns = t_ns
        return t_ns

    def run_timers(self, until_ns: int, on_instant: OnInstant) -> None:
        """Run all timers due before ``until_ns``, each instant by itself."""
        for t_ns, fired in self.timers.instants(until_ns):
            keys = [node.key for node in fired]
            if any(node in self.position.cells.values() for node in fired):
                keys.append(FIX)  # the position is stale
            self._push({node.key for key in keys for node in self._nodes_of(key)}, by_message=False)
            on_instant(t_ns, keys)
        self.clock.step += 1

    def receive(self, plan: Plan, now_ns: int, value: object) -> bool:
        """A signal's message, at a time that :meth:`pass_time` gave; whether it made a new position."""
        cell = plan.cell
        if type(value) is float and plan.is_plain and cell.is_awake and value - value == 0:
            # What nearly all messages are: finite numbers of a signal that is alive.
            cell.value = value
            cell.t_ns = now_ns
            if plan.history is not None:
                plan.history.push(now_ns, value)
        else:
            self._take(plan, now_ns, value)
        self.clock.step += 1
        if plan.is_position:
            return self._tell((plan,), now_ns)
        for node in plan.nodes:
            node.push()
        for node in plan.timed:
            self.timers.see(node)
        return False

    def receive_all(self, values: Sequence[tuple[Plan, object]], now_ns: int) -> bool:
        """Several signals of one message: nobody sees one of them without the others."""
        for plan, value in values:
            self._take(plan, now_ns, value)
        self.clock.step += 1
        return self._tell([plan for plan, _ in values], now_ns)

    def _take(self, plan: Plan, now_ns: int, value: object) -> None:
        cell, history = plan.cell, plan.history
        cell.value = converted = self._converted(cell, value)
        if not cell.is_awake:
            self._wake(cell, history, now_ns)
        cell.t_ns = now_ns
        if history is not None and isinstance(converted, float) and math.isfinite(converted):
            history.push(now_ns, converted)

    def _converted(self, cell: Cell, value: object) -> object:
        converted, fits = convert(cell.spec, value)
        if not fits:
            self.mistyped += 1
        return converted

    def _wake(self, cell: Cell, history: History | None, now_ns: int) -> None:
        """The first message of a signal, or the first after it was stale."""
        cell.is_awake = True
        cell.is_stale = False
        cell.t_ns = now_ns
        self.timers.see(cell)
        if history is not None and history.begun_ns is None:
            history.begun_ns = now_ns

    def _tell(self, plans: Sequence[Plan], now_ns: int) -> bool:
        """Tell each node once; whether there is a new position."""
        has_fix = any(plan.is_position for plan in plans) and self.position.take_fix(now_ns)
        keys = {node.key for plan in plans for node in plan.nodes}
        if has_fix:
            keys.update(node.key for node in self._nodes_of(FIX))
        self._push(keys, by_message=True)
        return has_fix

    def _push(self, keys: set[str], *, by_message: bool) -> None:
        for key, node in self.store.nodes.items() if keys else ():
            if key in keys and (by_message or not node.samples):
                node.push()
                self.timers.see(node)

    def set_zones(self, zones: Sequence[Zone]) -> None:
        """A new map.

        Raises:
            BadInputError: beyond the limits of a map; the old one stays.

        """
        self.position.zones = check_zones(zones)
        self.clock.step += 1
        self._push({node.key for node in self._nodes_of(ZONES)}, by_message=False)

    @property
    def overflowed(self) -> int:
        """Samples and cells that had to leave their window early, because there were too many."""
        cells = sum(node.forgotten for node in self.store.nodes.values() if isinstance(node, NewCell))
        return cells + sum(history.overflowed for history in self.store.histories.values())

    def go_back(self, before: "Machine", t_ns: int) -> None:
        """Begin at an earlier time than a machine had reached; the map, the way and the places visited stay."""
        self.late, self.mistyped = before.late, before.mistyped
        old, new = before.position, self.position
        new.zones, new.origin = old.zones, old.origin
        new.odometer_m, new.relocations = old.odometer_m, old.relocations
        for key, node in self.store.nodes.items():
            kept = before.store.nodes.get(key)
            if isinstance(node, NewCell | Distance) and kept is not None:
                node.restore(kept.snapshot())
        self.start(t_ns)

    # --- state --------------------------------------------------------------------------------------------

    def snapshot(self) -> Json:
        """Everything it remembers, as JSON-able values."""
        store, clock = self.store, self.clock
        return MachineState(
            clock.now_ns,
            clock.start_ns,
            self.late,
            self.mistyped,
            self.position.snapshot(),
            {key: cell.snapshot() for key, cell in store.cells.items()},
            {key: history.snapshot() for key, history in store.histories.items()},
            {key: state for key, node in store.nodes.items() if (state := node.snapshot())},
        ).to_json()

    def restore(self, state: object) -> None:
        """Go on from a snapshot. Parts that it does not know begin anew, what it knows beyond is left out.

        Raises:
            BadInputError: it is no state of a machine; this one is then of no more use.

        """
        saved = load(MachineState, state)
        store, clock = self.store, self.clock
        require(saved.start_ns is None or saved.now_ns >= saved.start_ns, "it is earlier than its own start")
        clock.start_ns, clock.now_ns = saved.start_ns, saved.now_ns
        self.late, self.mistyped = saved.late, saved.mistyped
        for node in store.nodes.values():
            if clock.start_ns is not None:
                node.start(clock.now_ns)
        for key, cell in store.cells.items():
            if key in saved.cells:
                cell.restore(saved.cells[key])
        for key, history in store.histories.items():
            if key in saved.histories:
                history.restore(saved.histories[key])
        for view in store.views.values():
            view.reset()
        self.position.restore(saved.position)
        for key, node in store.nodes.items():
            if key in saved.nodes:
                node.restore(saved.nodes[key])
        self._set_timers()
