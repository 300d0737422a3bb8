"""The dashcam nodes pull their videos from the real server: chain, pause, lost leases, shares that go away."""

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.nodes.server.dashcam_devices import Device, drive
from tests.nodes.server.test_api import Tokens, start, until

from winnow_runtime.clock import SystemClock
from winnow_runtime.dashcam import pulling
from winnow_runtime.dashcam.shares import Shares
from winnow_runtime.dashcam.tuning import TUNABLE, tuned
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.dashcam import DashcamSettings
from winnow_schemas.settings.server import TaskSettings
from winnow_schemas.tasks import (
    ARCHIVE_VIDEO,
    HEAVY_PROCESS_VIDEO,
    PREPROCESS_VIDEO,
    Payload,
    Place,
    TaskSpec,
    TaskState,
    TaskView,
)
from winnow_server.accounts import Accounts, Role
from winnow_server.serving import TaskServer

MakeDevice = Callable[..., Device]


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    accounts = Accounts(tmp_path / "server" / "tokens.json")
    return {role.name.lower(): accounts.new_token(role.name.lower(), role) for role in Role}


@pytest.fixture
def server(tmp_path: Path, tokens: Tokens) -> Iterator[TaskServer]:
    del tokens
    with start(tmp_path / "server", lease_s=3.0, backoff_s=0.0) as running:
        yield running


@pytest.fixture
def share(tmp_path: Path) -> Path:
    folder = tmp_path / "share"
    folder.mkdir()
    return folder


@pytest.fixture
def device(
    tmp_path: Path, share: Path, server: TaskServer, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> MakeDevice:
    monkeypatch.setattr(pulling, "AWAY_S", 0.3)

    def make(stage: str, name: str = "jetson", **changes: Any) -> Device:
        return Device(stage, tmp_path / name, share, server.url, tokens["device"], name, **changes)

    return make


def add(server: TaskServer, name: str, kind: str = PREPROCESS_VIDEO, **payload: Any) -> str:
    spec = TaskSpec(kind=kind, key=name, payload=Payload(video=Place(share="indoor", path=name), **payload))
    return server.queue.add([spec])[0][0]


def wait_for(server: TaskServer, kind: str, state: TaskState, number: int = 1, within_s: float = 60) -> None:
    until(lambda: server.queue.counts().get(kind, {}).get(state, 0) >= number, within_s)


def only(server: TaskServer, kind: str) -> TaskView:
    (task,) = server.queue.listing(kind=kind)
    return task


def test_a_video_goes_through_the_whole_chain(
    server: TaskServer, device: MakeDevice, share: Path, tmp_path: Path
) -> None:
    drive(share / "in/a.mp4", seed=1, plate="RK891AU")
    add(server, "in/a.mp4")
    with device("preprocess"):
        wait_for(server, HEAVY_PROCESS_VIDEO, TaskState.READY)
    with device("plates", "workstation"):
        wait_for(server, ARCHIVE_VIDEO, TaskState.READY)
    with device("archive", "workstation"):
        wait_for(server, ARCHIVE_VIDEO, TaskState.DONE)
    tasks = {task.kind: task for task in server.queue.listing()}
    assert {task.state for task in tasks.values()} == {TaskState.DONE}
    video = str(tasks[ARCHIVE_VIDEO].result["video_id"])  # type: ignore[index]
    record = json.loads((share / f"winnow/records/{video}.json").read_text())
    assert [plate["text"] for plate in record["plates"]] == ["RK891AU"]
    assert (share / "winnow" / record["plates"][0]["crop"]).is_file()
    manifest = json.loads((share / f"winnow/archive/{video}/manifest.json").read_text())
    assert {"video.mp4", f"{video}.json", f"{video}.parquet"} <= set(manifest["files"])
    # Nothing of the video stays on the devices, and nothing half-written on the share.
    for left in tmp_path.glob("*/out/tasks"):
        assert [path for path in left.rglob("*") if path.is_file() and "sqlite" not in path.name] == []
    assert not [path for path in share.rglob("*") if path.name.endswith(".part")]
    assert not list((share / "winnow").glob("handed-over/*"))


def test_pause_comes_within_a_second_and_another_device_goes_on_at_the_frame(
    server: TaskServer, device: MakeDevice, share: Path
) -> None:
    drive(share / "long.mp4", seed=2, frames=1500)
    identity = add(server, "long.mp4")
    clock = SystemClock()
    with device("preprocess", "first") as first:
        until(lambda: server.queue.get(identity).progress > 0.05, 30)
        server.queue.pause(identity)
        asked = clock.monotonic_ns()
        until(lambda: server.queue.get(identity).state is TaskState.PAUSED, 5)
        assert (clock.monotonic_ns() - asked) / 1e9 < 1.0
        assert first.node.closed is None
    paused = server.queue.get(identity)
    frames = int(paused.checkpoint["frames"])  # type: ignore[index, arg-type]
    assert 75 <= frames < 1500
    server.queue.resume(identity)
    with device("preprocess", "second") as second:
        wait_for(server, PREPROCESS_VIDEO, TaskState.DONE)
        lines = second.node.out / "tasks"
    assert not [path for path in lines.rglob("*") if path.is_file()]
    done = server.queue.get(identity)
    assert done.result is not None
    assert done.result["frames"] == 1500
    # As one device would have done it alone.
    artifact = share / f"winnow/artifacts/{done.result['video_id']}.parquet"
    parts = artifact.read_bytes()
    with device("preprocess", "alone"):
        copy = add(server, "long.mp4", kind=PREPROCESS_VIDEO, options={"gate.new_shift": 0.012})
        assert copy == identity  # known by its key: nothing happens
        server.queue.add(
            [TaskSpec(kind=PREPROCESS_VIDEO, key="again", payload=server.queue.get(identity).payload)]
        )
        wait_for(server, PREPROCESS_VIDEO, TaskState.DONE, 2)
    assert artifact.read_bytes() == parts


def test_a_stopped_graph_gives_its_task_back(server: TaskServer, device: MakeDevice, share: Path) -> None:
    drive(share / "long.mp4", seed=3, frames=1500)
    identity = add(server, "long.mp4")
    with device("preprocess"):
        until(lambda: server.queue.get(identity).progress > 0.02, 30)
    task = server.queue.get(identity)
    assert task.state is TaskState.READY
    assert task.attempts == 0
    assert int(task.checkpoint["frames"]) > 0  # type: ignore[index, arg-type]


def test_cancelled_work_is_removed(
    server: TaskServer, device: MakeDevice, share: Path, tmp_path: Path
) -> None:
    drive(share / "long.mp4", seed=4, frames=1500)
    identity = add(server, "long.mp4")
    with device("preprocess"):
        until(lambda: server.queue.get(identity).progress > 0.02, 30)
        server.queue.cancel(identity)
        until(lambda: server.queue.get(identity).state is TaskState.CANCELLED)
    assert not [path for path in (tmp_path / "jetson/out/tasks").rglob("*") if path.is_file()]
    assert not (share / "winnow").exists()


def test_what_is_no_video_is_dead_at_once_and_one_that_is_missing_is_tried_again(
    server: TaskServer, device: MakeDevice, share: Path
) -> None:
    (share / "text.mp4").write_text("no video")
    text, missing = add(server, "text.mp4"), add(server, "missing.mp4")
    with device("preprocess"):
        until(lambda: server.queue.get(text).state is TaskState.DEAD)
        until(lambda: server.queue.get(missing).state is TaskState.DEAD)
    assert "not a video" in server.queue.get(text).error
    assert server.queue.get(text).attempts == 1
    assert "is not on indoor" in server.queue.get(missing).error
    assert server.queue.get(missing).attempts == 5


def test_a_share_that_is_away_costs_no_attempt(server: TaskServer, device: MakeDevice, share: Path) -> None:
    drive(share / "a.mp4", seed=5)
    identity = add(server, "a.mp4")
    away = share.with_name("away")
    share.rename(away)
    with device("preprocess") as one:
        until(lambda: any("No task is taken meanwhile" in each for each in one.said))
        assert server.queue.get(identity).attempts == 0
        away.rename(share)
        wait_for(server, PREPROCESS_VIDEO, TaskState.DONE)


def test_a_share_that_goes_away_under_the_work_costs_no_attempt(
    server: TaskServer, device: MakeDevice, share: Path
) -> None:
    drive(share / "long.mp4", seed=6, frames=1500)
    identity = add(server, "long.mp4")
    away = share.with_name("away")
    with device("preprocess"):
        until(lambda: server.queue.get(identity).progress > 0.02, 30)
        share.rename(away)
        until(lambda: server.queue.get(identity).state is TaskState.READY, 30)
        task = server.queue.get(identity)
        assert task.attempts == 0
        assert "went away" in task.note or "refuses" in task.note
        away.rename(share)
        wait_for(server, PREPROCESS_VIDEO, TaskState.DONE)


def test_a_device_that_lost_its_lease_publishes_nothing(
    server: TaskServer, device: MakeDevice, share: Path
) -> None:
    drive(share / "long.mp4", seed=7, frames=2000)
    identity = add(server, "long.mp4")
    with device("preprocess") as one:
        until(lambda: server.queue.get(identity).progress > 0.02, 30)
        task = server.queue.get(identity)
        # As if it had slept past its lease and another device were done by now.
        server.queue.fail(identity, task.worker, task.fence, "slept", retry=True)
        other = server.queue.claim([PREPROCESS_VIDEO], "another")
        assert other is not None
        server.queue.complete(identity, "another", other.fence, {"by": "another"}, [])
        until(lambda: any("thrown away" in each or "comes back" in each for each in one.said))
    assert server.queue.get(identity).result == {"by": "another"}
    assert not (share / "winnow").exists()


def test_the_server_may_be_away_while_a_video_is_worked_on(
    tmp_path: Path, tokens: Tokens, share: Path
) -> None:
    drive(share / "long.mp4", seed=8, frames=900)
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(start(tmp_path / "server", lease_s=60.0))
        port = int(first.url.rsplit(":", 1)[1])
        identity = add(first, "long.mp4")
        stack.enter_context(
            Device("preprocess", tmp_path / "d", share, first.url, tokens["device"], "jetson")
        )
        until(lambda: first.queue.get(identity).progress > 0.02, 30)
        first.stop()
        SystemClock().sleep_s(0.3)
        settings = first.settings.model_copy(update={"port": port})
        second = stack.enter_context(TaskServer(settings, tmp_path / "server", SystemClock(), lambda _: None))
        wait_for(second, PREPROCESS_VIDEO, TaskState.DONE)
        assert second.queue.get(identity).attempts == 1


def test_a_wrong_token_is_a_sentence_and_no_end(server: TaskServer, share: Path, tmp_path: Path) -> None:
    with Device("preprocess", tmp_path / "d", share, server.url, "wrong", "jetson") as one:
        until(lambda: any("needs a valid token" in each for each in one.said))
        assert one.trouble is None


def test_other_thresholds_give_another_result_of_the_same_video(
    server: TaskServer, device: MakeDevice, share: Path
) -> None:
    drive(share / "a.mp4", seed=9, frames=40)
    identity = add(server, "a.mp4")
    with device("preprocess"):
        wait_for(server, PREPROCESS_VIDEO, TaskState.DONE)
        again = add(server, "a.mp4 other", options={"gate.least_interval_ms": 2000})
        # The name in the key is not the video's place.
        server.queue.cancel(again)
        other = TaskSpec(
            kind=PREPROCESS_VIDEO,
            key="other",
            payload=Payload(
                video=Place(share="indoor", path="a.mp4"), options={"gate.least_interval_ms": 2000}
            ),
        )
        (changed, _) = server.queue.add([other])[0]
        until(lambda: server.queue.get(changed).state is TaskState.DONE)
    first, second = server.queue.get(identity).result, server.queue.get(changed).result
    assert first is not None
    assert second is not None
    assert first["video_id"] == second["video_id"]
    assert int(str(second["kept"])) < int(str(first["kept"]))
    assert len(server.queue.listing(kind=HEAVY_PROCESS_VIDEO)) == 2


def test_thresholds_that_no_task_may_set() -> None:
    settings = DashcamSettings()
    assert tuned(settings, []) is settings
    assert tuned(settings, [("gate.new_shift", 0.5)]).gate.new_shift == 0.5
    assert "plates.detector" not in TUNABLE
    for options in (
        [("plates.detector", "/etc/passwd")],
        [("gate.new_shift", 7)],
        [("gate.new_shift", "x")],
        [("threads", 1)],
    ):
        with pytest.raises(BadInputError, match="nothing was done"):
            tuned(settings, options)


def test_places_stay_on_their_share(tmp_path: Path) -> None:
    shares = Shares({"nas": str(tmp_path / "nas")}, "nas:winnow")
    (tmp_path / "nas").mkdir()
    (tmp_path / "nas/link").symlink_to("/etc")
    with pytest.raises(BadInputError, match="leaves its share"):
        shares.path_of(Place(share="nas", path="link/passwd"))
    with pytest.raises(BadInputError, match="not mounted here"):
        shares.path_of(Place(share="other", path="a"))
    with pytest.raises(BadInputError, match=r"tasks\.results"):
        Shares({"nas": str(tmp_path)}, "")
    for results in ("nas:../x", "other:x", "nas:/etc"):
        with pytest.raises(ValueError, match="results"):
            TaskSettings(shares={"nas": "/mnt"}, results=results)


def test_results_in_the_devices_own_folder_are_refused(
    server: TaskServer, share: Path, tokens: Tokens, tmp_path: Path
) -> None:
    one = Device("preprocess", share / "winnow/d", share, server.url, tokens["device"], "jetson")
    with pytest.raises(BadInputError, match="lies in the shared results"):
        one._run(one.node)
    one.node.lock.release()
    shutil.rmtree(share / "winnow")
