"""Videos on a share become tasks when they have stopped growing, each once."""

from pathlib import Path

import pytest
from sqlalchemy import Engine
from tests.fakes import FakeClock
from tests.nodes.server.conftest import MakeQueue

from winnow_schemas.settings.server import WatchSettings
from winnow_server.watching import FolderWatch


@pytest.fixture
def share(tmp_path: Path) -> Path:
    (tmp_path / "nas" / "cam").mkdir(parents=True)
    return tmp_path / "nas"


def watch_of(make_queue: MakeQueue, share: Path, said: list[str], **changes: object) -> FolderWatch:
    settings = WatchSettings(share="indoor", quiet_s=10, **changes)  # type: ignore[arg-type]
    return FolderWatch(settings, share, make_queue(), said.append)


def test_a_video_that_still_grows_waits(make_queue: MakeQueue, share: Path) -> None:
    watch = watch_of(make_queue, share, [])
    video = share / "cam" / "a.MP4"
    for second in range(0, 30, 5):
        video.write_bytes(bytes(second + 1))
        assert watch.look(second) == 0
    assert watch.look(34) == 0
    assert watch.look(35) == 1
    assert watch.look(60) == 0
    (task,) = watch.queue.listing()
    assert (task.payload.video.share, task.payload.video.path) == ("indoor", "cam/a.MP4")
    assert task.payload.size_bytes == 26


def test_a_server_that_starts_again_adds_nothing_twice(
    make_queue: MakeQueue, share: Path, engine: Engine
) -> None:
    (share / "a.mp4").write_bytes(b"x")
    for _ in range(2):
        watch = watch_of(make_queue, share, [])
        watch.look(0)
        watch.look(10)
    assert len(watch.queue.listing()) == 1
    (share / "a.mp4").write_bytes(b"another one")
    watch.look(20)
    assert watch.look(30) == 1


def test_what_is_no_video_is_left_alone(make_queue: MakeQueue, share: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.mp4").write_bytes(b"x")
    (share / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    (share / "dir").symlink_to(tmp_path)
    (share / ".hidden.mp4").write_bytes(b"x")
    (share / "empty.mp4").write_bytes(b"")
    (share / "notes.txt").write_bytes(b"x")
    odd = share / "new\nline.mp4"
    odd.write_bytes(b"x")
    said: list[str] = []
    watch = watch_of(make_queue, share, said)
    assert [watch.look(second) for second in (0, 10, 20)] == [0, 0, 0]
    assert len(said) == 1
    assert "new\\nline" in said[0]


def test_a_share_that_is_gone_is_said_once_and_comes_back(make_queue: MakeQueue, share: Path) -> None:
    said: list[str] = []
    watch = watch_of(make_queue, share, said, folder="later")
    assert [watch.look(second) for second in (0, 5, 10)] == [0, 0, 0]
    assert len(said) == 1
    (share / "later").mkdir()
    (share / "later" / "a.mp4").write_bytes(b"x")
    watch.look(20)
    assert watch.look(30) == 1


def test_a_crowded_folder_is_limited(make_queue: MakeQueue, share: Path) -> None:
    for number in range(30):
        (share / f"{number}.mp4").write_bytes(b"x")
    said: list[str] = []
    watch = watch_of(make_queue, share, said, files_max=20)
    watch.look(0)
    assert 0 < watch.look(10) <= 20
    assert "more than 20 files" in said[0]


def test_a_database_that_is_away_loses_no_video(make_queue: MakeQueue, share: Path, clock: FakeClock) -> None:
    from winnow_schemas.errors import UnavailableError

    (share / "a.mp4").write_bytes(b"x")
    said: list[str] = []
    watch = watch_of(make_queue, share, said)
    real = watch.queue.add

    def away(_: object) -> list[tuple[str, bool]]:
        raise UnavailableError("The database is away.")

    watch.queue.add = away  # type: ignore[method-assign]
    watch.look(0)
    assert watch.look(10) == 0
    assert said == ["The database is away."]
    watch.queue.add = real  # type: ignore[method-assign]
    watch.look(20)
    assert watch.look(30) == 1
