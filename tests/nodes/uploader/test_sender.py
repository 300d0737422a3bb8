"""The worker's thread: it waits for the journals where there is something to be kept, and only there."""

import threading
from collections.abc import Iterator

import pytest

from winnow_schemas.messages import Decision
from winnow_uploader.results import Happened, Step
from winnow_uploader.sender import Sender

DECISION = Decision(
    decision_id="d",
    run_id="r",
    wall_ns=0,
    t_ns=0,
    node="uploader",
    kind="upload",
    subject="id-a",
    outcome="sent",
    reason="",
    values="{}",
)
LIMIT_S = 10.0


class Worker:
    """Sends parts, and says something after the third."""

    def __init__(self) -> None:
        self.steps = 0
        self.asked_after_news = threading.Event()

    def step(self) -> Step:
        self.steps += 1
        if self.steps == 3:
            return Step(Happened.DONE, "id-a", decisions=(DECISION,))
        if self.steps > 3:
            self.asked_after_news.set()
            return Step(Happened.IDLE)
        return Step(Happened.PART_SENT, "id-a")

    def stop(self) -> None:
        pass


@pytest.fixture
def sender() -> Iterator[tuple[Sender, Worker]]:
    worker = Worker()
    one = Sender(worker)  # type: ignore[arg-type] # as much of it as a sender asks for
    yield one, worker
    assert one.leave()


def test_it_waits_for_what_has_to_be_kept_and_for_nothing_else(sender: tuple[Sender, Worker]) -> None:
    one, worker = sender
    happened = [one.results.get(timeout=LIMIT_S).happened for _ in range(3)]
    assert happened == [Happened.PART_SENT, Happened.PART_SENT, Happened.DONE]
    assert not worker.asked_after_news.wait(0.05)
    one.kept()
    assert worker.asked_after_news.wait(LIMIT_S)
