"""Requests in one transaction: durable before the answer, and none hurt by its neighbours."""

import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from tests.fakes import FakeClock
from tests.nodes.server.conftest import MakeQueue, wipe
from tests.nodes.server.test_api import spec, until

from winnow_runtime.clock import SystemClock
from winnow_schemas.errors import UnavailableError
from winnow_schemas.tasks import PREPROCESS_VIDEO, TaskState
from winnow_server import grouping
from winnow_server.database import Database
from winnow_server.grouping import Grouped
from winnow_server.queue import LostLeaseError, TaskQueue
from winnow_server.tables import open_database


def held_up(database: Database, queue: TaskQueue) -> tuple[Grouped, threading.Event]:
    """A group that waits until the event, so that what is asked meanwhile is done together."""
    del queue
    grouped = Grouped(database)
    go = threading.Event()
    grouped.submit(lambda: go.wait(20))
    return grouped, go


def outcome(answer: "Future[Any]") -> Any:
    try:
        return answer.result(20)
    except LostLeaseError:
        return LostLeaseError


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["claim", "complete", "stranger"]), min_size=1, max_size=12))
def test_a_group_does_what_its_requests_would_have_done_alone(
    engine: Engine, make_queue: MakeQueue, clock: FakeClock, wishes: list[str]
) -> None:
    results = []
    for together in (False, True):
        wipe(engine)
        queue = make_queue()
        queue.add([spec(f"{n}.mp4") for n in range(6)])
        mine = [queue.claim([PREPROCESS_VIDEO], "d") for _ in range(3)]
        held = [task for task in mine if task is not None]

        def work(wish: str, place: int, queue: TaskQueue = queue, held: list[Any] = held) -> Any:
            task = held[place % len(held)]
            if wish == "claim":
                found = queue.claim([PREPROCESS_VIDEO], "e")
                return found and found.id
            worker = "d" if wish == "complete" else "stranger"
            return queue.complete(task.id, worker, task.fence, {"by": worker}, [spec(task.id)])

        database = Database(engine, clock)
        queue._database = database
        if together:
            grouped, go = held_up(database, queue)
            answers = [
                grouped.submit(lambda wish=wish, place=place: work(wish, place))  # type: ignore[misc]
                for place, wish in enumerate(wishes)
            ]
            go.set()
            said = [outcome(answer) for answer in answers]
            grouped.stop()
        else:
            said = []
            for place, wish in enumerate(wishes):
                try:
                    said.append(work(wish, place))
                except LostLeaseError:
                    said.append(LostLeaseError)
        states = sorted((task.key, task.state, task.fence, str(task.result)) for task in queue.listing())
        results.append((said, states))
    assert results[0] == results[1]


def test_an_answer_is_durable(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/s.sqlite"
    database = Database(open_database(url), SystemClock())
    queue = TaskQueue(database)
    queue.add([spec(f"{n}.mp4") for n in range(4)])
    grouped, go = held_up(database, queue)
    answers = [grouped.submit(lambda: queue.claim([PREPROCESS_VIDEO], "d")) for _ in range(4)]
    go.set()
    seen = []
    for answer in answers:
        task = answer.result(20)
        other = TaskQueue(Database(open_database(url), SystemClock()))  # as another process sees it
        seen.append(other.get(task.id).state)  # type: ignore[union-attr]
    assert seen == [TaskState.RUNNING] * 4
    grouped.stop()


def test_too_many_and_too_late_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "WAITING_MAX", 3)
    database = Database(open_database(f"sqlite:///{tmp_path}/s.sqlite"), SystemClock())
    grouped, go = held_up(database, TaskQueue(database))
    until(grouped._asked.empty)
    answers = [grouped.submit(lambda: 1) for _ in range(3)]
    with pytest.raises(UnavailableError, match="are waiting"):
        grouped.submit(lambda: 1)
    go.set()
    assert [answer.result(20) for answer in answers] == [1] * len(answers)
    grouped.stop()
    with pytest.raises(UnavailableError, match="about to end"):
        grouped.submit(lambda: 1)
