"""The uploader's loop around its worker: journals first, positions only when all is queued, and when to leave."""

import queue
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from tests.nodes.vehicle_rig import ScriptedSeam, Vehicle, live

from winnow_runtime.node import GRACE_S, ORPHANED_S
from winnow_schemas.messages import Decision, Outgoing, Receipt
from winnow_schemas.settings.upload import LinkMode
from winnow_uploader import node as uploader
from winnow_uploader.node import NO_PROGRESS_S, Loop, run
from winnow_uploader.results import Happened, Step

SECOND = 1_000_000_000


def outgoing(number: int) -> Outgoing:
    return Outgoing(
        clip_id=f"clip-{number}",
        name=f"name-{number}",
        path=f"clips/P1/name-{number}.mcap",
        derived_from="",
        priority=1,
        upload_class=1,
        annotation_priority=0.5,
        diversity_score=0.5,
        withheld_topics=[],
    )


def receipt(clip: Outgoing) -> Receipt:
    return Receipt(
        clip_id=clip.clip_id,
        name=clip.name,
        path=clip.path,
        bucket="b",
        key=clip.name,
        size_bytes=1,
        sha256="",
        verified=True,
    )


def decision(clip: Outgoing, outcome: str) -> Decision:
    return Decision(
        decision_id=f"{clip.clip_id}-{outcome}",
        run_id="run-1",
        wall_ns=0,
        t_ns=0,
        node="uploader",
        kind="upload",
        subject=clip.clip_id,
        outcome=outcome,
        reason="So it was.",
        values="{}",
    )


STATUS = SimpleNamespace(
    trouble="",
    budget_bytes=50_000_000_000,
    spent_today_bytes=1_500_000_000,
    queued_clips=0,
    queued_bytes=0,
    link_mode=LinkMode.ETHERNET_DEPOT,
    queued_by_class={},
    paused="",
    sending="",
    unit_bytes=0,
    wire_bytes=0,
    goodput_bytes_per_s=None,
)


class Worker:
    """Sends one clip per step, or waits while ``blocked``; keeps what it was not told to be kept, as the real one."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.rebuilt = False
        self.queued: list[Outgoing] = []
        self.sent: list[str] = []
        self.blocked = ""
        self.closed = False
        self.stepped = threading.Event()

    def add(self, clip: Outgoing) -> Decision:
        self.queued.append(clip)
        return decision(clip, "queued")

    def step(self) -> Step:
        self.stepped.set()
        if not self.queued:
            return Step(Happened.IDLE)
        if self.blocked:
            return Step(Happened.WAITING, detail=self.blocked)
        clip = self.queued.pop(0)
        self.sent.append(clip.clip_id)
        return Step(
            Happened.DONE, clip.clip_id, receipts=(receipt(clip),), decisions=(decision(clip, "uploaded"),)
        )

    def status(self) -> Any:
        return SimpleNamespace(**{**vars(STATUS), "queued_clips": len(self.queued)})

    def stop(self) -> None:
        pass

    def make_way(self) -> None:
        pass

    def set_link(self, *_: Any) -> None:
        pass

    def close(self) -> None:
        self.closed = True


class Hand:
    """A sender without a thread: the test plays it."""

    def __init__(self) -> None:
        self.results: queue.Queue[Step | Decision] = queue.Queue()
        self.added: list[Outgoing] = []
        self.busy = 0
        self.kept_when: list[tuple[int, int]] = []
        self.failure: BaseException | None = None
        self.vehicle: Vehicle | None = None

    def add(self, clip: Outgoing) -> None:
        self.busy += 1
        self.added.append(clip)

    def kept(self) -> None:
        assert self.vehicle is not None
        self.kept_when.append(
            (
                len(self.vehicle.records("uploader", "receipts")),
                len(self.vehicle.records("uploader", "decisions")),
            )
        )


@pytest.fixture
def loop(vehicle: Vehicle) -> Loop:
    node = vehicle.node("uploader")
    hand = Hand()
    hand.vehicle = vehicle
    return Loop(node, node.inbox("outgoing", Outgoing), hand, Worker())  # type: ignore[arg-type]


def hand_of(loop: Loop) -> Hand:
    assert isinstance(loop.sender, Hand)
    return loop.sender


def position(loop: Loop) -> int:
    return int((loop.node.load_checkpoint() or {}).get("outgoing", 0))


def feed(vehicle: Vehicle, count: int, run_id: str = "run-1") -> list[Outgoing]:
    clips = [outgoing(number) for number in range(count)]
    vehicle.feed("redactor", "outgoing", {clip.clip_id: clip for clip in clips}, run_id)
    return clips


def test_the_position_moves_only_when_every_clip_is_in_the_queue_on_disk(
    vehicle: Vehicle, loop: Loop
) -> None:
    clips = feed(vehicle, 3)
    loop.take(look=True)
    assert len(hand_of(loop).added) == 3
    assert position(loop) == 0
    for clip in clips[:2]:
        hand_of(loop).results.put(decision(clip, "queued"))
    loop.take(look=False)
    assert position(loop) == 0
    hand_of(loop).results.put(decision(clips[2], "queued"))
    loop.take(look=False)
    assert position(loop) == 3


def test_receipts_and_decisions_are_in_the_journals_before_the_worker_goes_on(
    vehicle: Vehicle, loop: Loop
) -> None:
    (clip,) = feed(vehicle, 1)
    step = Step(
        Happened.DONE, clip.clip_id, receipts=(receipt(clip),), decisions=(decision(clip, "uploaded"),)
    )
    for _ in range(2):  # killed before the next step was asked for: the worker hands them out again
        hand_of(loop).results.put(step)
        loop.take(look=False)
    assert hand_of(loop).kept_when == [(1, 1), (1, 1)]
    hand_of(loop).results.put(Step(Happened.PART_SENT, clip.clip_id))
    loop.take(look=False)
    assert len(hand_of(loop).kept_when) == 2, "nobody waits for a step without news"


def test_a_failure_of_the_worker_ends_the_node(loop: Loop) -> None:
    hand_of(loop).failure = RuntimeError("broken")
    with pytest.raises(RuntimeError, match="broken"):
        loop.take(look=False)


class TestWhenAFiniteRunIsOver:
    def test_not_before_the_redactor_has_ended(self, loop: Loop) -> None:
        loop.idle = True
        assert not loop.done(ended=False)

    def test_when_the_queue_is_empty(self, loop: Loop) -> None:
        loop.idle = True
        assert not loop.done(ended=True)  # the first look; the worker may not have seen the last clip
        assert loop.done(ended=True)

    def test_not_while_clips_are_handed_over(self, loop: Loop) -> None:
        loop.idle = True
        hand_of(loop).busy = 1
        assert not loop.done(ended=True)
        assert not loop.done(ended=True)

    def test_when_nothing_moves(self, vehicle: Vehicle, loop: Loop) -> None:
        assert not loop.done(ended=True)
        vehicle.clock.advance_s(NO_PROGRESS_S - 1)
        assert not loop.done(ended=True)
        hand_of(loop).results.put(Step(Happened.PART_SENT))
        loop.take(look=False)
        vehicle.clock.advance_s(2)
        assert not loop.done(ended=True)
        vehicle.clock.advance_s(NO_PROGRESS_S)
        assert loop.done(ended=True)

    def test_or_after_the_drain_time(self, vehicle: Vehicle, loop: Loop) -> None:
        drain_s = loop.node.settings.upload.drain_s
        assert not loop.done(ended=True)
        for _ in range(int(drain_s) // 10 + 1):
            vehicle.clock.advance_s(10)
            hand_of(loop).results.put(Step(Happened.PART_SENT))
            loop.take(look=False)
        assert loop.done(ended=True)


def test_health_has_what_10_3_asks_for(loop: Loop) -> None:
    level, message, values = loop.health()
    assert (level, message) == (0, "Uploaded: 1.5 GB / 50.0 GB today")
    assert values["queue_size"] == 0
    assert values["connectivity"] == "ETHERNET_DEPOT"
    assert values["remaining_gb"] == 48.5


@pytest.mark.parametrize(
    ("spent", "trouble", "level"), [(45, "", 0), (45.1, "", 1), (0, "the store is down", 1)]
)
def test_health_warns(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, spent: float, trouble: str, level: int
) -> None:
    status = SimpleNamespace(**{**vars(STATUS), "spent_today_bytes": int(spent * 1e9), "trouble": trouble})
    monkeypatch.setattr(loop.worker, "status", lambda: status)
    found, message, _ = loop.health()
    assert found == level
    assert trouble in message


class TestAsAProcess:
    """With the real thread between loop and worker."""

    @pytest.fixture
    def worker(self, monkeypatch: pytest.MonkeyPatch) -> Worker:
        worker = Worker()
        monkeypatch.setattr(uploader, "UploadWorker", lambda *_, **__: worker)
        return worker

    @staticmethod
    def seam_of(node: Any) -> ScriptedSeam:
        seam = node.seam
        assert isinstance(seam, ScriptedSeam)
        seam.patience = 200_000
        return seam

    def until_stepped(self, worker: Worker) -> Iterator[None]:
        """Fake time stands while the real thread works."""
        while True:
            worker.stepped.clear()
            worker.stepped.wait(0.001)
            yield

    def test_every_clip_gets_its_receipt(self, vehicle: Vehicle, worker: Worker) -> None:
        clips = feed(vehicle, 5)
        node = vehicle.node("uploader")
        self.seam_of(node).script = self.until_stepped(worker)
        run(node)
        assert vehicle.ids("uploader", "receipts") == [clip.clip_id for clip in clips] == worker.sent
        assert vehicle.ended("uploader", "receipts")
        assert worker.closed
        assert position_of(vehicle) == 5

    def test_what_waits_is_said_at_the_end(self, vehicle: Vehicle, worker: Worker) -> None:
        feed(vehicle, 2)
        worker.blocked = "the link is gone"
        node = vehicle.node("uploader")
        self.seam_of(node).script = self.until_stepped(worker)
        run(node)
        assert vehicle.records("uploader", "receipts") == []
        (row,) = [row for row in vehicle.decisions("uploader") if row[3] == "waits"]
        assert row[4] == "2 clips (0 bytes) wait for the next run: the link is gone"

    def test_with_a_dead_redactor_and_a_store_that_is_down_it_leaves(
        self, vehicle: Vehicle, worker: Worker
    ) -> None:
        """Both at once used to keep it for ever: it was never idle, and nobody ended its input."""
        journal = vehicle.journal("redactor", "outgoing")
        import json

        journal.append("clip-1", json.loads(outgoing(1).to_json()))
        journal.close()
        worker.blocked = "the store is down"
        node = vehicle.node("uploader")
        seam = self.seam_of(node)
        seam.close(stopped=False)
        begun = vehicle.clock.monotonic_ns()
        original = vehicle.clock.sleep_s
        turns = self.until_stepped(worker)

        def sleep(seconds: float) -> None:
            if vehicle.clock.monotonic_ns() - begun < 2 * SECOND:
                next(turns)  # until the worker has said that it waits
            assert vehicle.clock.monotonic_ns() - begun < 100 * SECOND
            original(seconds)

        vehicle.clock.sleep_s = sleep  # type: ignore[method-assign]
        run(node)
        assert (vehicle.clock.monotonic_ns() - begun) / SECOND < NO_PROGRESS_S + ORPHANED_S + 5

    def test_a_stop_leaves_within_the_grace_time(self, vehicle: Vehicle, worker: Worker) -> None:
        vehicle.journal("redactor", "outgoing").close()
        node = vehicle.node("uploader")
        self.seam_of(node).close(stopped=True)
        begun = vehicle.clock.monotonic_ns()
        run(node)
        assert (vehicle.clock.monotonic_ns() - begun) / SECOND < GRACE_S + 1
        assert vehicle.ended("uploader", "receipts")


def position_of(vehicle: Vehicle) -> int:
    node = vehicle.node("uploader")
    return int((node.load_checkpoint() or {})["outgoing"])


@pytest.mark.parametrize("kills", [[], [0], [3], [5, 2], [1, 1, 1, 9]])
def test_when_uploading_is_off_each_clip_is_told_once(vehicle: Vehicle, kills: list[int]) -> None:
    vehicle.settings = {"upload": {"enabled": False}}
    feed(vehicle, 3)
    for countdown in [*kills, None]:
        live(vehicle, "uploader", run, countdown)
    assert [row[2:4] for row in vehicle.decisions("uploader")] == [(f"clip-{n}", "off") for n in range(3)]
    assert vehicle.ended("uploader", "receipts")
    assert vehicle.leftovers() == []
