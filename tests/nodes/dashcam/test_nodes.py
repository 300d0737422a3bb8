"""The dashcam nodes without dora: tasks once each, kills anywhere, shares and disks that are away for a while."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dashcam_drives import write_small_drive
from tests.fakes import FakeClock, FakeSeam

from winnow_archive.node import run as run_archive
from winnow_runtime.dashcam.job import Job, PausedError
from winnow_runtime.dashcam.working import ARCHIVE, HEAVY, PREPROCESS, RETRY_S, Outcome, Worker
from winnow_runtime.journal import JournalReader
from winnow_runtime.node import Node
from winnow_runtime.seam import Input
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.messages import VideoOutcome, VideoTask
from winnow_video.node import run as run_video
from winnow_video.node import wanted_of

DATAFLOWS = Path(__file__).parents[3] / "dataflows"
JETSON, RTX = (yaml.safe_load((DATAFLOWS / f"{name}.yml").read_text()) for name in ("jetson", "rtx4090"))
MakeNode = Callable[..., Node]


class KilledError(BaseException):
    """kill -9: nothing catches it."""


def records(node: Node, output: str) -> list[dict[str, Any]]:
    return [line.record for line in JournalReader(node.out / "state" / node.id / output).read()]


def hand_out(make_node: MakeNode, count: int, kind: str = PREPROCESS, run_id: str = "run-1") -> Node:
    """What winnow-video would have written."""
    node = make_node("video", JETSON, run_id=run_id)
    for number in range(count):
        name = f"{number:016x}"
        node.emit(
            "tasks",
            VideoTask(task_id=f"{kind}-{name}", kind=kind, video=f"/v/{number}.mp4", video_id=name),
            f"{kind}-{name}",
        )
    node.finish()
    return node


def work(node: Node, stage: Any, kind: str = PREPROCESS, follow_up: str = HEAVY) -> None:
    Worker(node, stage, kind=kind, follow_up=follow_up).run()


def good(job: Job, _watch: Any) -> Outcome:
    return Outcome(f"{job.video.name}: done.", 10, 2, 0)


def test_each_task_becomes_one_of_the_next_kind(make_node: MakeNode):
    hand_out(make_node, 3)
    node = make_node("preprocess", JETSON)
    work(node, good)
    assert [each["kind"] for each in records(node, "next_tasks")] == [HEAVY] * 3
    assert records(node, "outcomes") == [], "the next stage says how a video ends"


def test_tasks_of_the_other_graph_are_left_alone(make_node: MakeNode):
    hand_out(make_node, 2)
    hand_out(make_node, 1, HEAVY, "run-2")
    node = make_node("plates", RTX, run_id="run-2")
    seen = []
    work(node, lambda job, _: seen.append(job.id) or good(job, _), HEAVY, ARCHIVE)
    assert seen == [f"{0:016x}"]


def test_a_bad_video_is_parked_and_the_rest_goes_on(make_node: MakeNode):
    hand_out(make_node, 3)
    node = make_node("preprocess", JETSON)

    def stage(job: Job, watch: Any) -> Outcome:
        if job.video.name == "1.mp4":
            raise BadInputError("1.mp4 is empty (0 bytes); no frame was looked at.")
        return good(job, watch)

    work(node, stage)
    (parked,) = records(node, "outcomes")
    assert VideoOutcome.from_builtins(parked).outcome == "parked"
    assert parked["reason"].startswith("1.mp4 is empty")
    assert len(records(node, "next_tasks")) == 2
    assert (node.out / "parked" / f"{1:016x}.json").is_file()


@pytest.mark.parametrize(
    "trouble",
    [
        UnavailableError("The archive /nas is not there; nothing was marked."),
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    ],
)
def test_what_is_away_for_a_minute_is_waited_for(make_node: MakeNode, clock: FakeClock, trouble: Exception):
    hand_out(make_node, 2)
    node = make_node("preprocess", JETSON)
    begun = clock.monotonic_ns()
    tries = []

    def stage(job: Job, watch: Any) -> Outcome:
        tries.append(job.id)
        if clock.monotonic_ns() - begun < 60e9:
            raise trouble
        return good(job, watch)

    work(node, stage)
    assert 60 / RETRY_S <= len(tries) - 2 <= 60 / RETRY_S + 1
    assert len(records(node, "next_tasks")) == 2
    seam = node.seam
    assert isinstance(seam, FakeSeam)
    assert all("tried again every 5 s" in text for level, text in seam.logged if level == "error")


def test_a_stop_while_waiting_leaves_the_task_for_the_next_run(make_node: MakeNode):
    hand_out(make_node, 1)
    node = make_node("preprocess", JETSON)
    seam = node.seam
    assert isinstance(seam, FakeSeam)

    def stage(_job: Job, _watch: Any) -> Outcome:
        seam.close(stopped=True)
        raise UnavailableError("The archive is away; nothing was marked.")

    work(node, stage)
    assert records(node, "next_tasks") == []
    again = make_node("preprocess", JETSON, run_id="run-2")
    hand_out(make_node, 1, run_id="run-2")
    work(again, good)
    assert len(records(again, "next_tasks")) == 1


def test_a_pause_in_a_stage_leaves_at_once(make_node: MakeNode):
    hand_out(make_node, 2)
    node = make_node("preprocess", JETSON)
    seen = []

    def stage(job: Job, _watch: Any) -> Outcome:
        seen.append(job.id)
        raise PausedError

    work(node, stage)
    assert len(seen) == 1


@settings(deadline=None, max_examples=25)
@given(kills=st.lists(st.integers(0, 6), max_size=4), bad=st.sets(st.integers(0, 3)))
def test_killed_anywhere_every_video_ends_once(tmp_path_factory: Any, kills: list[int], bad: set[int]):
    folder = tmp_path_factory.mktemp("killed")
    clock = FakeClock()
    source = _node(folder, "video", clock)
    for number in range(4):
        name = f"{number:016x}"
        source.emit(
            "tasks", VideoTask(task_id=name, kind=PREPROCESS, video=f"/v/{number}.mp4", video_id=name), name
        )
    source.finish()
    source.lock.release()
    for left in [*kills, None]:
        node = _node(folder, "preprocess", clock)
        _killing(node, left)
        try:
            work(node, lambda job, watch: _perhaps(job, watch, bad))
        except KilledError:
            continue
        finally:
            node.lock.release()
    node = _node(folder, "preprocess", clock)
    ended = [each["video_id"] for output in ("next_tasks", "outcomes") for each in records(node, output)]
    node.lock.release()
    assert sorted(ended) == [f"{number:016x}" for number in range(4)]


def _perhaps(job: Job, watch: Any, bad: set[int]) -> Outcome:
    if int(job.id, 16) in bad:
        raise BadInputError(f"{job.video.name} is no video; nothing was looked at.")
    return good(job, watch)


def _killing(node: Node, left: int | None) -> None:
    """Die at the so-manieth thing that is made to last."""
    count = [0]

    def dying(work_: Callable[..., Any]) -> Callable[..., Any]:
        def once(*arguments: Any, **options: Any) -> Any:
            if left is not None and count[0] == left:
                raise KilledError
            count[0] += 1
            return work_(*arguments, **options)

        return once

    for name in ("emit", "save_checkpoint", "insist"):
        setattr(node, name, dying(getattr(node, name)))


def _node(folder: Path, name: str, clock: FakeClock) -> Node:
    from winnow_schemas.settings import load_settings

    path = folder / "settings.yml"
    path.write_text("dashcam: {}\n")
    parsed, document = load_settings(path)
    (folder / "out").mkdir(exist_ok=True)
    return Node(FakeSeam(name, JETSON, "run-1", clock), parsed, document, folder / "out", clock)


def test_videos_are_handed_out_once_and_copies_are_named(make_node: MakeNode, tmp_path: Path):
    folder = tmp_path / "card"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(b"one")
    (folder / "b.mp4").write_bytes(b"two")
    (folder / "c.mp4").write_bytes(b"one")
    node = make_node("video", JETSON)
    run_video(node, [folder], PREPROCESS)
    assert [Path(each["video"]).name for each in records(node, "tasks")] == ["a.mp4", "b.mp4"]
    (row,) = records(node, "decisions")
    assert row["outcome"] == "same"
    again = make_node("video", JETSON, run_id="run-2")
    run_video(again, [folder], PREPROCESS)
    assert len(records(again, "tasks")) == 2


def test_what_was_not_preprocessed_is_not_read(make_node: MakeNode, tmp_path: Path):
    (tmp_path / "a.mp4").write_bytes(b"one")
    node = make_node("video", RTX)
    run_video(node, [tmp_path / "a.mp4"], HEAVY)
    assert records(node, "tasks") == []
    assert [each["outcome"] for each in records(node, "decisions")] == ["not ready"]


def test_nothing_named_and_wrong_kinds_are_sentences(make_node: MakeNode):
    node = make_node("video", JETSON)
    with pytest.raises(BadInputError, match="No video is named"):
        wanted_of(node, {})
    with pytest.raises(BadInputError, match="WINNOW_TASK is 'READ'"):
        wanted_of(node, {"WINNOW_TASK": "READ"})
    assert wanted_of(node, {"WINNOW_VIDEOS": "/a:/b"}) == ([Path("/a"), Path("/b")], PREPROCESS)


def test_the_share_is_waited_for_and_never_made(make_node: MakeNode, tmp_path: Path, clock: FakeClock):
    video = write_small_drive(tmp_path / "a.mp4", frames=6)
    share = tmp_path / "nas"
    node = make_node("plates", RTX)
    for folder, name in (("records", "cafe.json"), ("artifacts", "cafe.parquet")):
        (node.out / folder).mkdir(parents=True)
        (node.out / folder / name).write_text('{"frames": 6, "kept": 1, "plates": [], "vehicles": []}')
    task = VideoTask(task_id="t", kind=ARCHIVE, video=str(video), video_id="cafe")
    node.emit("next_tasks", task, "t")
    node.finish()
    archive = make_node("archive", RTX, {"dashcam": {"archive_folder": str(share)}})
    begun = clock.monotonic_ns()
    sleep = clock.sleep_s

    def waiting(seconds: float) -> None:
        sleep(seconds)
        assert not share.exists() or clock.monotonic_ns() - begun >= 60e9
        if clock.monotonic_ns() - begun >= 60e9:
            share.mkdir(exist_ok=True)

    clock.sleep_s = waiting  # type: ignore[method-assign]
    run_archive(archive)
    (outcome,) = records(archive, "outcomes")
    assert outcome["outcome"] == "done"
    assert (share / "cafe" / "manifest.json").is_file()
    assert not (archive.out / "archive").exists()


def test_a_message_that_comes_twice_is_one_task(make_node: MakeNode):
    hand_out(make_node, 1)
    node = make_node("preprocess", JETSON)
    seam = node.seam
    assert isinstance(seam, FakeSeam)
    task = VideoTask(
        task_id=f"{PREPROCESS}-{0:016x}", kind=PREPROCESS, video="/v/0.mp4", video_id=f"{0:016x}"
    )
    for _ in range(2):
        seam.events.append(Input("tasks", task.to_arrow(), {"n": 1}))
    seen = []
    work(node, lambda job, watch: seen.append(job.id) or good(job, watch))
    assert len(seen) == 1
