"""What the task table says: tasks, counts, durations, and what happened to each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, func, or_, select

from winnow_operators.tasks.retrying import Backoff
from winnow_schemas.errors import WinnowError
from winnow_schemas.tasks import CHAIN, TaskState, TaskView
from winnow_server.database import Database
from winnow_server.rows import view
from winnow_server.tables import history, holds, tasks

_NS = 1_000_000_000
_S = TaskState


class UnknownTaskError(WinnowError):
    """There is no such task."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class QueueRules:
    """How the queue treats its devices."""

    lease_s: float = 30.0
    attempts_max: int = 5
    backoff: Backoff = field(default_factory=Backoff)


class TaskBook:
    """Reads the tasks of one database. Any number of threads, and on PostgreSQL of servers, may do so at once."""

    def __init__(self, database: Database, rules: QueueRules | None = None) -> None:
        self._database = database
        self.rules = rules or QueueRules()

    def get(self, identity: str) -> TaskView:
        """One task."""
        with self._database.reading() as connection:
            row = connection.execute(select(tasks).where(tasks.c.id == identity)).one_or_none()
            if row is None:
                raise unknown(identity)
            return view(row, self.rules.attempts_max, self._database.clock.wall_ns())

    def listing(
        self, *, states: Sequence[TaskState] = (), kind: str = "", after: str = "", limit: int = 100
    ) -> list[TaskView]:
        """Tasks in the order of their creation, newest first; ``after`` is the id that the page before ended with."""
        statement = select(tasks).order_by(tasks.c.created_ns.desc(), tasks.c.id.desc()).limit(limit)
        if states:
            statement = statement.where(tasks.c.state.in_(states))
        if kind:
            statement = statement.where(tasks.c.kind == kind)
        with self._database.reading() as connection:
            if after:
                last = connection.execute(select(tasks.c.created_ns).where(tasks.c.id == after)).scalar()
                if last is None:
                    raise unknown(after)
                older = and_(tasks.c.created_ns == last, tasks.c.id < after)
                statement = statement.where(or_(tasks.c.created_ns < last, older))
            now = self._database.clock.wall_ns()
            return [view(row, self.rules.attempts_max, now) for row in connection.execute(statement)]

    def counts(self) -> dict[str, dict[str, int]]:
        """Kind -> state -> how many."""
        result: dict[str, dict[str, int]] = {}
        statement = select(tasks.c.kind, tasks.c.state, func.count()).group_by(tasks.c.kind, tasks.c.state)
        with self._database.reading() as connection:
            for kind, state, number in connection.execute(statement):
                result.setdefault(kind, {})[state] = number
        order = {kind: place for place, kind in enumerate(CHAIN)}
        return dict(sorted(result.items(), key=lambda each: (order.get(each[0], len(order)), each[0])))

    def durations_s(self, kind: str, newest: int = 50) -> list[float]:
        """How long the newest finished tasks of a kind ran, seconds."""
        statement = (
            select(tasks.c.started_ns, tasks.c.finished_ns)
            .where(tasks.c.kind == kind, tasks.c.state == _S.DONE, tasks.c.started_ns.is_not(None))
            .order_by(tasks.c.finished_ns.desc())
            .limit(newest)
        )
        with self._database.reading() as connection:
            return [(row.finished_ns - row.started_ns) / _NS for row in connection.execute(statement)]

    def past(self, identity: str) -> list[dict[str, Any]]:
        """What happened to a task, oldest first."""
        statement = select(history).where(history.c.task == identity).order_by(history.c.id)
        with self._database.reading() as connection:
            return [
                {
                    "at_s": row.at_ns / _NS,
                    "what": row.what,
                    "worker": row.worker,
                    "fence": row.fence,
                    "note": row.note,
                }
                for row in connection.execute(statement)
            ]

    def held_kinds(self) -> list[str]:
        """The kinds that are not handed out."""
        with self._database.reading() as connection:
            return sorted(connection.execute(select(holds.c.kind).where(holds.c.held)).scalars())


def unknown(identity: str) -> UnknownTaskError:
    """The error for an id that no task has."""
    return UnknownTaskError(
        f"There is no task {identity[:40]!r}; nothing was changed. `winnow tasks ls` lists them."
    )
