"""Whatever devices, people, time and crashes do to the queue: it agrees with a model of a dictionary."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event
from tests.fakes import FakeClock
from tests.nodes.server.conftest import wipe

from winnow_operators.tasks.retrying import Backoff
from winnow_schemas.tasks import Payload, Place, TaskSpec, TaskState
from winnow_server.book import QueueRules
from winnow_server.database import Database
from winnow_server.queue import LostLeaseError, TaskQueue, WrongStateError

A, B = "PREPROCESS_VIDEO", "HEAVY_PROCESS_VIDEO"
LEASE_S = 30.0
ATTEMPTS = 3


class PowerCutError(Exception):
    """The server died inside a transaction."""


@dataclass
class Cutter:
    """Dies before the n-th statement from now."""

    left: int = -1

    def __call__(self, *_: Any) -> None:
        if self.left == 0:
            self.left = -1
            raise PowerCutError
        self.left -= 1


def spec(kind: str, number: int, urgency: int = 5) -> TaskSpec:
    payload = Payload(video=Place(share="nas", path=f"{number}.mp4"))
    return TaskSpec(kind=kind, key=f"v{number}", payload=payload, urgency=urgency)


@dataclass
class Held:
    """What a device believes it has."""

    task: str
    fence: int
    worker: str
    until_s: float


@dataclass
class Model:
    """What must be true."""

    published: dict[str, str] = field(default_factory=dict)
    """Task -> the result that was acknowledged first."""
    known: set[tuple[str, str]] = field(default_factory=set)


operation = st.one_of(
    st.tuples(st.just("add"), st.integers(0, 6), st.integers(0, 2)),
    st.tuples(st.just("claim"), st.sampled_from(["jetson", "rtx"]), st.sampled_from([[A], [B], [A, B]])),
    st.tuples(st.just("beat"), st.integers(0, 5), st.just(0)),
    st.tuples(st.just("complete"), st.integers(0, 5), st.just(0)),
    st.tuples(st.just("fail"), st.integers(0, 5), st.booleans()),
    st.tuples(st.just("release"), st.integers(0, 5), st.just(0)),
    st.tuples(st.just("pause"), st.integers(0, 6), st.just(0)),
    st.tuples(st.just("resume"), st.integers(0, 6), st.just(0)),
    st.tuples(st.just("cancel"), st.integers(0, 6), st.just(0)),
    st.tuples(st.just("retry"), st.integers(0, 6), st.just(0)),
    st.tuples(st.just("wait"), st.sampled_from([1, 20, 31]), st.just(0)),
    st.tuples(st.just("step back"), st.sampled_from([5, 3600]), st.just(0)),
)


class World:
    """The queue under test, its devices, and what they were told."""

    def __init__(self, engine: Engine, clock: FakeClock) -> None:
        self.engine = engine
        self.clock = clock
        self.queue = TaskQueue(Database(engine, clock), QueueRules(LEASE_S, ATTEMPTS, Backoff(5.0, 60.0)))
        self.held: list[Held] = []
        self.model = Model()

    def apply(self, what: str, first: Any, second: Any) -> None:
        getattr(self, what.replace(" ", "_"))(first, second)

    def some(self, number: int) -> str | None:
        known = sorted(task.id for task in self.queue.listing(limit=1000))
        return known[number % len(known)] if known else None

    def add(self, number: int, urgency: int) -> None:
        (_, new), *_ = self.queue.add([spec(A, number, urgency)])
        assert new == ((A, f"v{number}") not in self.model.known)
        self.model.known.add((A, f"v{number}"))

    def claim(self, worker: str, kinds: list[str]) -> None:
        now = self.clock.wall_ns() / 1e9
        before = {task.id: task for task in self.queue.listing(limit=1000)}
        task = self.queue.claim(kinds, worker)
        if task is None:
            ready = [t for t in self.queue.listing(states=[TaskState.READY], limit=1000) if t.kind in kinds]
            assert all(each.not_before_s > now for each in ready)
            return
        assert task.kind in kinds
        assert task.id not in self.model.published
        assert task.fence == before[task.id].fence + 1
        others = [
            t
            for t in before.values()
            if t.state is TaskState.READY and t.kind in kinds and t.not_before_s <= now
        ]
        assert all(task.urgency <= other.urgency for other in others)
        assert all(held.task != task.id or held.until_s <= now for held in self.held), "two devices at once"
        self.held.append(Held(task.id, task.fence, worker, now + LEASE_S))

    def _device(self, number: int) -> Held | None:
        return self.held[number % len(self.held)] if self.held else None

    def beat(self, number: int, _: Any) -> None:
        held = self._device(number)
        if held is None:
            return
        try:
            self.queue.heartbeat(held.task, held.worker, held.fence, progress=0.5, checkpoint={"frame": 7})
        except LostLeaseError:
            self.held.remove(held)
        else:
            held.until_s = self.clock.wall_ns() / 1e9 + LEASE_S

    def complete(self, number: int, _: Any) -> None:
        held = self._device(number)
        if held is None:
            return
        task = self.queue.get(held.task)
        result = f"{held.worker} {held.fence}"
        successors = [spec(B, int(task.key[1:]))] if task.kind == A else []
        try:
            self.queue.complete(held.task, held.worker, held.fence, {"by": result}, successors)
        except LostLeaseError:
            self.held.remove(held)
            return
        assert self.model.published.setdefault(held.task, result) == result, "two published results"
        self.model.known |= {(each.kind, each.key) for each in successors}
        # A device whose acknowledgement was lost says it again: the same answer, nothing changes.
        self.queue.complete(held.task, held.worker, held.fence, {"by": result}, successors)

    def fail(self, number: int, again: bool) -> None:
        held = self._device(number)
        if held is None:
            return
        self.held.remove(held)
        try:
            state = self.queue.fail(held.task, held.worker, held.fence, "no frame", retry=again)
        except LostLeaseError:
            return
        assert again or state is not TaskState.READY

    def release(self, number: int, _: Any) -> None:
        held = self._device(number)
        if held is None:
            return
        self.held.remove(held)
        try:
            self.queue.release(held.task, held.worker, held.fence, {"frame": 9}, "stopping")
        except LostLeaseError:
            return

    def _person(self, action: str, number: int) -> None:
        task = self.some(number)
        if task is None:
            return
        state = self.queue.get(task).state
        try:
            getattr(self.queue, action)(task)
        except WrongStateError:
            assert self.queue.get(task).state is state

    def pause(self, number: int, _: Any) -> None:
        self._person("pause", number)

    def resume(self, number: int, _: Any) -> None:
        self._person("resume", number)

    def cancel(self, number: int, _: Any) -> None:
        self._person("cancel", number)

    def retry(self, number: int, _: Any) -> None:
        self._person("retry", number)

    def wait(self, seconds: int, _: Any) -> None:
        self.clock.advance_s(seconds)

    def step_back(self, seconds: int, _: Any) -> None:
        self.clock.step_wall_s(-seconds)
        for held in self.held:  # leases are in the server's wall time: a step back only lengthens them
            held.until_s = max(held.until_s, self.clock.wall_ns() / 1e9 + LEASE_S)

    def check(self) -> None:
        listed = self.queue.listing(limit=1000)
        assert {(task.kind, task.key) for task in listed} == self.model.known, "a task was lost or made up"
        for task in listed:
            if task.id in self.model.published:
                assert task.state is TaskState.DONE
                assert task.result == {"by": self.model.published[task.id]}
                if task.kind == A:
                    assert (B, task.key) in self.model.known
            else:
                assert task.state is not TaskState.DONE
            assert task.attempts <= ATTEMPTS
            assert (task.lease_until_s is not None) == (task.state is TaskState.RUNNING)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(st.tuples(operation, st.integers(-1, 6)), max_size=45))
def test_the_queue_keeps_its_promises_wherever_the_server_dies(
    engine: Engine, steps: list[tuple[tuple[str, Any, Any], int]]
) -> None:
    wipe(engine)
    clock = FakeClock()
    world = World(engine, clock)
    cutter = Cutter()
    event.listen(engine, "before_cursor_execute", cutter)
    try:
        for (what, first, second), dies_at in steps:
            held = [Held(h.task, h.fence, h.worker, h.until_s) for h in world.held]
            published, known = dict(world.model.published), set(world.model.known)
            cutter.left = dies_at
            try:
                world.apply(what, first, second)
            except PowerCutError:
                # Nothing was acknowledged. What had been committed before the cut shows when somebody looks.
                cutter.left = -1
                world = after_the_cut(world, held, published, known)
            cutter.left = -1
            world.check()
    finally:
        event.remove(engine, "before_cursor_execute", cutter)


def after_the_cut(
    world: World, held: list[Held], published: dict[str, str], known: set[tuple[str, str]]
) -> World:
    """A server that started again: all or nothing of the operation that was cut is there."""
    new = World(world.engine, world.clock)
    now = world.clock.wall_ns() / 1e9
    new.held = [Held(h.task, h.fence, h.worker, max(h.until_s, now + LEASE_S)) for h in held]
    new.model.known, new.model.published = known, published
    for task in new.queue.listing(limit=1000):
        if (task.kind, task.key) not in known:
            new.model.known.add((task.kind, task.key))
        if task.state is TaskState.DONE and task.id not in published:
            assert task.result is not None
            new.model.published[task.id] = str(task.result["by"])
        if task.state is TaskState.RUNNING and all(
            h.task != task.id or h.fence != task.fence for h in new.held
        ):
            new.held.append(Held(task.id, task.fence, task.worker, now + LEASE_S))
    return new


@pytest.mark.storm
@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.tuples(operation, st.integers(-1, 6)), max_size=120))
def test_the_same_for_thousands_of_steps(
    engine: Engine, steps: list[tuple[tuple[str, Any, Any], int]]
) -> None:
    test_the_queue_keeps_its_promises_wherever_the_server_dies.hypothesis.inner_test(engine, steps)  # type: ignore[attr-defined]
