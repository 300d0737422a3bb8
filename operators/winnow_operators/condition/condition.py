"""One condition by itself: for tests, benchmarks, and whoever needs no triggers around it."""

from collections.abc import Mapping
from typing import Any

from winnow_operators.condition.checking import Checked, check
from winnow_operators.condition.limits import DEFAULT_LIMITS, ConditionLimits
from winnow_operators.condition.machine import Machine
from winnow_operators.condition.saved import Json
from winnow_operators.condition.scope import Scope
from winnow_operators.condition.signals import SignalSpec
from winnow_operators.condition.zones import Zone

_SCOPE_ROLES = ("x_m", "y_m")


class Condition:
    """A condition over signals, asked after each message.

    ``update`` gives True, False, or None for unknown. A pulse (``rising``, ``every``, ...) is True only in the
    answer to the message, or in the instant of :attr:`instants`, that brings it.
    """

    def __init__(
        self,
        text: str,
        signals: Mapping[str, SignalSpec],
        *,
        params: Mapping[str, float | bool | str] | None = None,
        aliases: Mapping[str, str] | None = None,
        position: Mapping[str, str] | None = None,
        limits: ConditionLimits = DEFAULT_LIMITS,
        utc_offset_ns: int = 0,
    ) -> None:
        """Check and prepare the condition.

        Raises:
            ConditionError: it is not valid.

        """
        scope = Scope(
            signals,
            params or {},
            aliases or {},
            has_position=bool(position),
            has_map_position=all(role in (position or {}) for role in _SCOPE_ROLES),
            utc_offset_ns=utc_offset_ns,
        )
        self.checked: Checked = check(text, scope, limits=limits)
        self.machine = Machine(signals, position, limits=limits, utc_offset_ns=utc_offset_ns)
        self.program = self.machine.build([self.checked])[0]
        self._run = self.program.run
        self.instants: list[tuple[int, bool | None]] = []
        """Times of timers with the answer at each, since it was last emptied."""

    def update(self, t_ns: int, name: str, value: Any) -> bool | None:
        """A message of a signal; the answer after it."""
        machine = self.machine
        if machine.clock.now_ns <= t_ns <= machine.timers.next_ns and machine.clock.start_ns is not None:
            machine.clock.now_ns = t_ns
        else:
            t_ns = machine.pass_time(t_ns, self._on_instant)
        plan = machine.plans.get(name)
        if plan is None:
            machine.clock.step += 1  # also a message that nobody looks at ends the pulses before it
        else:
            machine.receive(plan, t_ns, value)
        answer: bool | None = self._run()
        return answer

    def advance(self, t_ns: int) -> None:
        """Everything before ``t_ns`` has been seen: run the timers due before it."""
        self.machine.pass_time(t_ns, self._on_instant)

    def set_zones(self, zones: tuple[Zone, ...]) -> None:
        """A new map."""
        self.machine.set_zones(zones)

    def value(self) -> bool | None:
        """The answer now."""
        answer: bool | None = self._run()
        return answer

    def snapshot(self) -> Json:
        return self.machine.snapshot()

    def restore(self, state: object) -> None:
        self.machine.restore(state)

    def _on_instant(self, t_ns: int, _keys: list[str]) -> None:
        self.instants.append((t_ns, self._run()))
