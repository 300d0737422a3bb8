"""The server and the devices as processes, killed at random: each video ends once, with the results of a quiet run."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from tests.nodes.server.dashcam_devices import drive
from tests.nodes.server.test_server_killed import ServerProcess, database_of

from winnow_archive.stage import damaged
from winnow_runtime.clock import SystemClock
from winnow_runtime.dashcam.shares import forget_older
from winnow_runtime.task_client import ServerClient
from winnow_runtime.video.file import Video
from winnow_schemas.errors import UnavailableError
from winnow_schemas.settings.dashcam import DashcamSettings, ProposerSettings
from winnow_schemas.tasks import ARCHIVE_VIDEO, CHAIN, PREPROCESS_VIDEO, AddRequest, Payload, Place, TaskSpec
from winnow_tools.video.going import Watcher, go_through, open_stages

PROCESS = Path(__file__).with_name("pulling_process.py")
DEVICES = (
    ("preprocess", "jetson-1"),
    ("preprocess", "jetson-2"),
    ("plates", "workstation"),
    ("archive", "workstation"),
)


class DeviceProcess:
    """A node that pulls; killed without a word, and started again on the same disk."""

    def __init__(self, stage: str, name: str, base: Path, share: Path, url: str, token: str) -> None:
        folder = base / f"{name}-{stage}"
        self._command = [sys.executable, str(PROCESS), stage, str(folder), str(share), url, token, name]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def kill(self) -> None:
        self.process.kill()
        self._wait()

    def stop(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self._wait()

    def _wait(self) -> int:
        code = self.process.wait(30)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        return code


def quiet_results(videos: list[Path], folder: Path) -> dict[str, bytes]:
    """What the stages make of the videos when nothing disturbs them."""
    settings = DashcamSettings(threads=1, proposer=ProposerSettings(kind="none"))
    go_through(videos, folder, settings, lambda: open_stages(settings), Watcher())
    return made(folder)


def made(folder: Path) -> dict[str, bytes]:
    """Everything but the encoded videos: x264 makes other bytes of the same frames each time, on one thread too.

    Those are checked against their manifests, which are whole, and hold the same number of frames.
    """
    for manifest in (folder / "archive").glob("*/manifest.json"):
        value = json.loads(manifest.read_text())
        assert list(damaged(manifest.parent, value)) == []
        assert {path.name for path in manifest.parent.iterdir()} == {*value["files"], manifest.name}
        with Video(manifest.parent / "video.mp4") as video:
            record = json.loads((folder / "records" / f"{manifest.parent.name}.json").read_text())
            assert sum(1 for _ in video.small()) == record["frames"]
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for name in ("artifacts", "records", "crops", "archive")
        for path in sorted((folder / name).rglob("*"))
        if path.is_file() and path.name not in {"video.mp4", "manifest.json"}
    }


def done(admin: ServerClient) -> int:
    try:
        counts = admin.ask("GET", "/api/v1/summary", None, dict)["counts"]
    except UnavailableError:
        return 0
    return int(counts.get(ARCHIVE_VIDEO, {}).get("done", 0))


def rounds(tmp_path: Path, database: str, *, videos: int, kills: int, frames: int, within_s: float) -> None:
    share = tmp_path / "share"
    files = [
        drive(share / f"v{n}.mp4", seed=n, frames=frames, plate="RK891AU" if n % 2 else "")
        for n in range(videos)
    ]
    wanted = quiet_results(files, tmp_path / "quiet")
    assert sum(name.startswith("records/") for name in wanted) == videos
    chance, clock = random.Random(11), SystemClock()
    server = ServerProcess(tmp_path / "server", database)
    url = server.start()
    admin = ServerClient(url, server.admin)
    specs = [
        TaskSpec(
            kind=PREPROCESS_VIDEO, key=path.name, payload=Payload(video=Place(share="indoor", path=path.name))
        )
        for path in files
    ]
    admin.ask("POST", "/api/v1/tasks", AddRequest(tasks=specs), dict)
    devices = [DeviceProcess(stage, name, tmp_path, share, url, server.device) for stage, name in DEVICES]
    end = clock.monotonic_ns() + within_s * 1e9
    killed = 0
    try:
        while done(admin) < videos or killed < kills:
            assert clock.monotonic_ns() < end, admin.ask("GET", "/api/v1/summary", None, dict)
            clock.sleep_s(chance.uniform(0.2, 2.5))
            if killed >= kills:
                continue
            killed += 1
            victim = chance.randrange(len(devices) + 1)
            if victim == len(devices):
                server.kill()
                assert server.start() == url
            else:
                devices[victim].kill()
                devices[victim].start()
        tasks = admin.ask("GET", "/api/v1/tasks?limit=1000", None, dict)["tasks"]
    finally:
        codes = [device.stop() for device in devices]
        server.kill()
    assert codes == [0] * len(devices)
    assert sorted((task["kind"], task["state"]) for task in tasks) == sorted(
        (kind, "done") for kind in CHAIN for _ in range(videos)
    )
    assert made(share / "winnow") == wanted
    assert not list(share.rglob("*.part"))
    for name in (
        "jetson-1-preprocess",
        "jetson-2-preprocess",
    ):  # what another device finished goes with the time
        here = tmp_path / name / "out/tasks/preprocess_video"
        forget_older(here, clock.wall_ns() + 1_000_000_000)
        assert [path for path in here.rglob("*") if path.is_file()] == []


def test_two_videos_and_three_kills(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    database = f"sqlite:///{tmp_path}/server/server.sqlite"
    rounds(tmp_path, database, videos=2, kills=3, frames=24, within_s=100)


@pytest.mark.storm
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_ten_videos_and_twenty_kills(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    (tmp_path / "server").mkdir()
    database = database_of(kind, tmp_path / "server", request)
    rounds(tmp_path, database, videos=10, kills=20, frames=40, within_s=900)
