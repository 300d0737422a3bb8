"""The task queue: leases, fences, and completion that publishes what comes next in the same transaction.

Leases are counted by the server's clock alone; what a device's clock says never matters. Every claim raises
the task's *fence*, and whoever reports must name the fence that it was given: a device that lost its lease
can neither complete the task nor publish anything, however late it wakes up.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from winnow_schemas.errors import WinnowError
from winnow_schemas.ids import content_id
from winnow_schemas.tasks import FINAL, Options, TaskSpec, TaskState, TaskView, Wish
from winnow_server.book import TaskBook, unknown
from winnow_server.rows import dumped, view
from winnow_server.tables import history, holds, tasks

_NS = 1_000_000_000
_S = TaskState


class LostLeaseError(WinnowError):
    """The device that reports is no longer the one that has the task."""


class WrongStateError(WinnowError):
    """The task is in a state in which this cannot be done."""


class TaskQueue(TaskBook):
    """All tasks of one database. Any number of threads, and on PostgreSQL of servers, may use it at once."""

    _looked: tuple[Any, frozenset[str]] = (None, frozenset())
    """The transaction in which leases and holds were last looked at, and the held kinds: once is enough for a group."""

    # --- adding -------------------------------------------------------------------------------------------

    def add(self, specs: Sequence[TaskSpec]) -> list[tuple[str, bool]]:
        """Add tasks; (id, whether it is new) each, in order. Known ones stay as they are."""
        with self._database.writing() as (connection, now):
            return [self._insert(connection, spec, "", now) for spec in specs]

    def _insert(self, connection: Connection, spec: TaskSpec, parent: str, now: int) -> tuple[str, bool]:
        identity = content_id("task", spec.kind, spec.key)
        values = {
            "id": identity,
            "kind": spec.kind,
            "key": spec.key,
            "state": _S.READY,
            "urgency": spec.urgency,
            "payload": dumped(spec.payload, "payload"),
            "parent": parent,
            "attempts": 0,
            "worker": "",
            "fence": 0,
            "wish": Wish.NOTHING,
            "progress": 0.0,
            "progress_begun": 0.0,
            "note": "",
            "error": "",
            "created_ns": now,
            "not_before_ns": now + round(spec.delay_s * _NS),
        }
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        statement = dialect.insert(tasks).values(values).on_conflict_do_nothing().returning(tasks.c.id)
        new = connection.execute(statement).scalar() is not None
        if new:
            self._note(connection, identity, now, "added", note=f"by {parent}" if parent else "")
        return identity, new

    # --- devices ------------------------------------------------------------------------------------------

    def claim(self, kinds: Sequence[str], worker: str) -> TaskView | None:
        """Hand out the most urgent, then oldest, task of these kinds; None when none is ready.

        A device that asks again while it holds a task is a device that restarted: its lease stays until it
        expires, and the new claim is independent of it.
        """
        with self._database.writing() as (connection, now):
            held = self._looked_around(connection, now)
            open_kinds = [kind for kind in kinds if kind not in held]
            if not open_kinds:
                return None
            candidate = (
                select(tasks.c.id)
                .where(_kind_is(open_kinds), tasks.c.state == _S.READY, tasks.c.not_before_ns <= now)
                .order_by(tasks.c.urgency, tasks.c.created_ns, tasks.c.id)
                .limit(1)
                .with_for_update(skip_locked=True)
                .scalar_subquery()
            )
            row = connection.execute(
                update(tasks)
                .where(tasks.c.id == candidate)
                .values(
                    state=_S.RUNNING,
                    worker=worker,
                    fence=tasks.c.fence + 1,
                    attempts=tasks.c.attempts + 1,
                    progress_begun=tasks.c.progress,
                    started_ns=now,
                    wish=Wish.NOTHING,
                    lease_until_ns=now + round(self.rules.lease_s * _NS),
                )
                .returning(*tasks.c)
            ).one_or_none()
            if row is None:
                return None
            self._note(connection, row.id, now, "claimed", worker, row.fence)
            return view(row, self.rules.attempts_max, now)

    def _looked_around(self, connection: Connection, now: int) -> frozenset[str]:
        transaction = connection.get_transaction()
        if self._looked[0] is not transaction:
            self._expire(connection, now)
            held = connection.execute(select(holds.c.kind).where(holds.c.held)).scalars()
            self._looked = (transaction, frozenset(held))
        return self._looked[1]

    def _expire(self, connection: Connection, now: int) -> None:
        """Take tasks back whose device has not been heard of in time."""
        lapsed = select(tasks).where(tasks.c.state == _S.RUNNING, tasks.c.lease_until_ns <= now).limit(100)
        for row in connection.execute(lapsed.with_for_update(skip_locked=True)).all():
            note = f"nothing was heard of {row.worker} for {self.rules.lease_s:g} s"
            state = _WISHED.get(row.wish) or (
                _S.DEAD if row.attempts >= self.rules.attempts_max else _S.READY
            )
            self._leave(connection, row, state, now, error=f"The lease ran out: {note}.")
            self._note(connection, row.id, now, "expired", row.worker, row.fence, note)

    def heartbeat(
        self,
        identity: str,
        worker: str,
        fence: int,
        *,
        progress: float | None = None,
        note: str = "",
        checkpoint: Options | None = None,
    ) -> Wish:
        """Lengthen the lease and keep what the device says; what is wanted of it comes back.

        Raises:
            LostLeaseError: somebody else has the task, or nobody.
            UnknownTaskError: there is none.

        """
        with self._database.writing() as (connection, now):
            values: dict[str, Any] = {"lease_until_ns": now + round(self.rules.lease_s * _NS)}
            if progress is not None:
                values["progress"] = progress
            if note:
                values["note"] = note
            if checkpoint is not None:
                values["checkpoint"] = dumped(checkpoint, "checkpoint")
            row = self._owned_update(connection, identity, worker, fence, values)
            return Wish(row.wish)

    def complete(
        self, identity: str, worker: str, fence: int, result: Options, successors: Sequence[TaskSpec]
    ) -> list[str]:
        """Publish the result and the successors, and end the task: all of it, or nothing.

        Reporting again with the same fence gives the same answer and changes nothing.
        """
        with self._database.writing() as (connection, now):
            row = self._locked(connection, identity)
            if row.state == _S.DONE and row.fence == fence and row.worker == worker:
                done = select(tasks.c.id).where(tasks.c.parent == identity).order_by(tasks.c.id)
                return sorted(
                    {
                        *connection.execute(done).scalars(),
                        *(content_id("task", s.kind, s.key) for s in successors),
                    }
                )
            self._must_own(row, worker, fence)
            self._leave(connection, row, _S.DONE, now, progress=1.0, result=dumped(result, "result"))
            made = sorted(self._insert(connection, spec, identity, now)[0] for spec in successors)
            self._note(connection, identity, now, "done", worker, fence)
            return made

    def fail(self, identity: str, worker: str, fence: int, error: str, *, retry: bool) -> TaskState:
        """The device could not do it: later again, or never when it is hopeless or was tried too often."""
        with self._database.writing() as (connection, now):
            row = self._locked(connection, identity)
            self._must_own(row, worker, fence)
            again = retry and row.attempts < self.rules.attempts_max
            state = _WISHED.get(row.wish) or (_S.READY if again else _S.DEAD)
            wait_s = self.rules.backoff.wait_s(identity, row.attempts) if again else 0.0
            self._leave(connection, row, state, now, error=error, not_before_ns=now + round(wait_s * _NS))
            self._note(connection, identity, now, "failed", worker, fence, error)
            return state

    def release(
        self, identity: str, worker: str, fence: int, checkpoint: Options | None, note: str
    ) -> TaskState:
        """The device gives the task back; being asked to is no failed attempt."""
        with self._database.writing() as (connection, now):
            row = self._locked(connection, identity)
            self._must_own(row, worker, fence)
            values: dict[str, Any] = {"attempts": row.attempts - 1}
            if checkpoint is not None:
                values["checkpoint"] = dumped(checkpoint, "checkpoint")
            if note:
                values["note"] = note
            state = _WISHED.get(row.wish, _S.READY)
            self._leave(connection, row, state, now, **values)
            self._note(connection, identity, now, "released", worker, fence, note)
            return state

    # --- people -------------------------------------------------------------------------------------------

    def pause(self, identity: str) -> TaskState:
        """Take a task out; one that runs stops at its device's next heartbeat and keeps its checkpoint."""
        return self._ask(identity, Wish.PAUSE, _S.PAUSED, (_S.READY,))

    def cancel(self, identity: str) -> TaskState:
        """End a task without a result."""
        return self._ask(identity, Wish.CANCEL, _S.CANCELLED, (_S.READY, _S.PAUSED))

    def _ask(self, identity: str, wish: Wish, state: TaskState, at_once: tuple[TaskState, ...]) -> TaskState:
        with self._database.writing() as (connection, now):
            row = self._locked(connection, identity)
            if row.state == state:
                return state
            if row.state == _S.RUNNING:
                connection.execute(update(tasks).where(tasks.c.id == identity).values(wish=wish))
                self._note(connection, identity, now, f"asked {wish}")
                return _S.RUNNING
            if row.state not in at_once:
                raise WrongStateError(
                    f"Task {identity} is {row.state}: it cannot be {state}; nothing was changed."
                )
            self._leave(connection, row, state, now)
            self._note(connection, identity, now, state)
            return state

    def resume(self, identity: str) -> TaskState:
        """Let a paused task go on; one that was only asked to pause is not asked any more."""
        with self._database.writing() as (connection, now):
            row = self._locked(connection, identity)
            if row.state == _S.RUNNING and row.wish == Wish.PAUSE:
                connection.execute(update(tasks).where(tasks.c.id == identity).values(wish=Wish.NOTHING))
            elif row.state == _S.PAUSED:
                self._leave(connection, row, _S.READY, now)
            elif row.state not in (_S.READY, _S.RUNNING):
                raise WrongStateError(
                    f"Task {identity} is {row.state}, not paused; nothing was changed. "
                    "`winnow tasks retry` sends a dead or cancelled task round again."
                )
            self._note(connection, identity, now, "resumed")
            return _S.RUNNING if row.state == _S.RUNNING else _S.READY

    def retry(self, identity: str) -> TaskState:
        """Send a dead or cancelled task round again, with all its attempts; a waiting one goes at once."""
        with self._database.writing() as (connection, now):
            row = self._locked(connection, identity)
            if row.state not in (_S.DEAD, _S.CANCELLED, _S.READY):
                raise WrongStateError(
                    f"Task {identity} is {row.state}: there is nothing to retry; nothing was changed."
                )
            self._leave(connection, row, _S.READY, now, attempts=0, not_before_ns=now)
            self._note(connection, identity, now, "retried")
            return _S.READY

    def move(self, identity: str, urgency: int) -> None:
        """Change how urgent a task is."""
        with self._database.writing() as (connection, now):
            row = self._locked(connection, identity)
            connection.execute(update(tasks).where(tasks.c.id == identity).values(urgency=urgency))
            self._note(connection, identity, now, "moved", note=f"urgency {row.urgency} to {urgency}")

    def hold_kind(self, kind: str, *, held: bool) -> int:
        """Stop or go on handing out a kind; those that run are asked to pause, or go on. How many were asked."""
        with self._database.writing() as (connection, now):
            connection.execute(delete(holds).where(holds.c.kind == kind))
            connection.execute(insert(holds).values(kind=kind, held=held))
            changed = 0
            if held:
                running = tasks.c.kind == kind, tasks.c.state == _S.RUNNING, tasks.c.wish == Wish.NOTHING
                changed = connection.execute(update(tasks).where(*running).values(wish=Wish.PAUSE)).rowcount
            else:
                asked = tasks.c.kind == kind, tasks.c.state == _S.RUNNING, tasks.c.wish == Wish.PAUSE
                changed = connection.execute(update(tasks).where(*asked).values(wish=Wish.NOTHING)).rowcount
                paused = select(tasks).where(tasks.c.kind == kind, tasks.c.state == _S.PAUSED)
                for row in connection.execute(paused).all():
                    self._leave(connection, row, _S.READY, now)
                    self._note(connection, row.id, now, "resumed", note="with its kind")
                    changed += 1
            return changed

    def purge(self, states: Sequence[TaskState], older_than_s: float) -> int:
        """Forget finished tasks; what a later task came from stays known only by its id."""
        wanted = [state for state in states if state in FINAL]
        with self._database.writing() as (connection, now):
            before = now - round(older_than_s * _NS)
            old = select(tasks.c.id).where(tasks.c.state.in_(wanted), tasks.c.finished_ns <= before)
            connection.execute(delete(history).where(history.c.task.in_(old)))
            return connection.execute(delete(tasks).where(tasks.c.id.in_(old))).rowcount

    # --- inside -------------------------------------------------------------------------------------------

    def _leave(
        self, connection: Connection, row: Row[Any], state: TaskState, now: int, **values: Any
    ) -> None:
        """Move a task on: no lease, nothing wanted of anybody."""
        finished = now if state in FINAL else None
        connection.execute(
            update(tasks)
            .where(tasks.c.id == row.id)
            .values(state=state, wish=Wish.NOTHING, lease_until_ns=None, finished_ns=finished, **values)
        )

    def _owned_update(
        self, connection: Connection, identity: str, worker: str, fence: int, values: dict[str, Any]
    ) -> Row[Any]:
        mine = (
            tasks.c.id == identity,
            tasks.c.state == _S.RUNNING,
            tasks.c.worker == worker,
            tasks.c.fence == fence,
        )
        row = connection.execute(
            update(tasks).where(*mine).values(**values).returning(*tasks.c)
        ).one_or_none()
        if row is None:
            self._must_own(self._locked(connection, identity), worker, fence)
            raise AssertionError("a task that is owned was not updated")
        return row

    @staticmethod
    def _locked(connection: Connection, identity: str) -> Row[Any]:
        row = connection.execute(select(tasks).where(tasks.c.id == identity).with_for_update()).one_or_none()
        if row is None:
            raise unknown(identity)
        return row

    @staticmethod
    def _must_own(row: Row[Any], worker: str, fence: int) -> None:
        if row.state == _S.RUNNING and row.worker == worker and row.fence == fence:
            return
        holder = (
            f"{row.worker} has it with fence {row.fence}" if row.state == _S.RUNNING else f"it is {row.state}"
        )
        raise LostLeaseError(
            f"Task {row.id} is not {worker}'s with fence {fence} any more ({holder}); nothing was changed. "
            "Throw the work away and ask for another task."
        )

    @staticmethod
    def _note(
        connection: Connection,
        identity: str,
        now: int,
        what: str,
        worker: str = "",
        fence: int = 0,
        note: str = "",
    ) -> None:
        connection.execute(
            insert(history).values(task=identity, at_ns=now, what=what, worker=worker, fence=fence, note=note)
        )


def _kind_is(kinds: Sequence[str]) -> ColumnElement[bool]:
    """Most devices take one kind; a plain comparison is compiled once."""
    return tasks.c.kind == kinds[0] if len(kinds) == 1 else tasks.c.kind.in_(kinds)


_WISHED = {Wish.PAUSE.value: _S.PAUSED, Wish.CANCEL.value: _S.CANCELLED}
