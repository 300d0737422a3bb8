"""Decisions of one trigger, bounded: the first of a kind at once, its repetitions counted."""

from typing import Any

from winnow_operators.triggers.outcomes import TriggerDecision, Verdict
from winnow_schemas.priority import Priority

QUIET_NS = 60_000_000_000
"""After a decision of a kind, its repetitions are only counted for a minute of message time: a flickering
condition must not fill the ledger."""

SUMMED_UP = "after it was last told"
"""How the sentence ends that counts repetitions at the end of a run; its time is that end, not theirs."""


class Notes:
    """What a trigger has to say."""

    __slots__ = ("_open", "_pending", "happened", "trigger")

    def __init__(self, trigger: str) -> None:
        self.trigger = trigger
        self._pending: list[tuple[int, Verdict, str, dict[str, Any]]] = []
        self._open: dict[Verdict, tuple[int, int]] = {}
        """Kind -> when it was said last, and how often it happened since."""
        self.happened: dict[Verdict, int] = {}
        """How often each kind happened, said or only counted, since this object was made."""

    def say(self, t_ns: int, verdict: Verdict, clause: str) -> None:
        """Say it, unless the same kind was said less than a minute ago."""
        self.happened[verdict] = self.happened.get(verdict, 0) + 1
        said_ns, more = self._open.get(verdict, (None, 0))
        if said_ns is not None and t_ns - said_ns < QUIET_NS:
            self._open[verdict] = (said_ns, more + 1)
            return
        self._open[verdict] = (t_ns, 0)
        self._pending.append((t_ns, verdict, clause, {"repeated": more} if more else {}))

    def always(self, t_ns: int, verdict: Verdict, clause: str) -> None:
        """Say what happens rarely by its nature."""
        self.happened[verdict] = self.happened.get(verdict, 0) + 1
        self._pending.append((t_ns, verdict, clause, {}))

    def close(self, t_ns: int) -> None:
        """At the end, say how often what was only counted happened."""
        for verdict, (said_ns, more) in sorted(self._open.items()):
            if more:
                self._open[verdict] = (said_ns, 0)
                clause = f"this happened {more} more {'time' if more == 1 else 'times'} {SUMMED_UP}"
                self._pending.append((t_ns, verdict, clause, {"repeated": more}))

    def take(self, priority: Priority) -> list[TriggerDecision]:
        """What was said since the last call."""
        pending, self._pending = self._pending, []
        return [
            TriggerDecision(
                t_ns, self.trigger, priority, verdict, f"{self.trigger} {_LEAD[verdict]}: {clause}.", values
            )
            for t_ns, verdict, clause, values in pending
        ]

    def turn_back(self, t_ns: int) -> None:
        """Forget what has not been said yet."""
        self._open = {verdict: when for verdict, when in self._open.items() if when[0] <= t_ns}

    def __bool__(self) -> bool:
        return bool(self._pending)

    def snapshot(self) -> dict[str, tuple[int, int]]:
        return {str(verdict): when for verdict, when in self._open.items()}

    def restore(self, state: dict[str, tuple[int, int]]) -> None:
        """Take over what :meth:`snapshot` gave; kinds that this version does not know are left out."""
        known = {str(verdict): verdict for verdict in Verdict}
        self._open = {known[name]: when for name, when in state.items() if name in known}


_LEAD = {
    Verdict.FIRED: "fired",
    Verdict.COOLING_DOWN: "did not fire",
    Verdict.NOT_CLEAR: "did not fire",
    Verdict.MUTED: "did not fire",
    Verdict.STORM: "was muted",
    Verdict.STORM_OVER: "is no longer muted",
    Verdict.OVER_LIMIT: "did not fire",
    Verdict.THINNED: "did not fire",
    Verdict.UNKNOWN: "could not be decided",
}
