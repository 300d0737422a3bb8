"""`kill -9` of the real server process while devices work: no task lost, none with two published results."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from winnow_runtime.clock import SystemClock
from winnow_runtime.task_client import NotOursError, ServerClient, TaskPuller
from winnow_schemas.errors import UnavailableError
from winnow_schemas.settings.server import TaskSettings
from winnow_schemas.tasks import ARCHIVE_VIDEO, CHAIN, PREPROCESS_VIDEO, AddRequest, Payload, Place, TaskSpec
from winnow_server.accounts import Accounts, Role

ROOT = Path(__file__).parents[3]


class ServerProcess:
    """The server as users start it, at one port, killed and started again."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder = folder
        self.settings = folder / "settings.yml"
        state = folder / "out" / "state" / "server"
        accounts = Accounts(state / "tokens.json")
        self.device, self.admin = (
            accounts.new_token("device", Role.DEVICE),
            accounts.new_token("admin", Role.ADMIN),
        )
        self.port = 0
        self.database = database
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        self.settings.write_text(
            f"out: out\nserver: {{port: {self.port}, lease_s: 1.0, backoff_s: 0.05, attempts_max: 100, "
            f"database: '{self.database}'}}\n"
        )
        code = "from winnow_tools.cli import main; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "server", "--settings", str(self.settings), "--json"],
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": ":".join(
                    str(ROOT / each) for each in ("nodes", "operators", "schemas", "tools")
                ),
            },
        )
        assert self.process.stdout is not None
        lines = []
        while not lines or lines[-1].strip() != "}":
            line = self.process.stdout.readline()
            assert line, "the server did not start"
            lines.append(line)
        url = str(json.loads("".join(lines))["url"])
        self.port = int(url.rsplit(":", 1)[1])
        return url

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


def device(
    server: ServerProcess,
    url: str,
    folder: Path,
    name: str,
    done: threading.Event,
    published: list[Any],
    chance: random.Random,
) -> None:
    """A device that loses its power now and then: it forgets everything and starts again."""
    token = folder / f"{name}.token"
    token.write_text(server.device)
    clock = SystemClock()
    puller = TaskPuller(TaskSettings(server=url, token_file=str(token), worker=name), CHAIN, folder, clock)
    while not done.is_set():
        try:
            lease = puller.claim()
        except UnavailableError:
            clock.sleep_s(0.05)
            continue
        if lease is None:
            clock.sleep_s(0.02)
            continue
        clock.sleep_s(chance.random() * 0.05)
        if chance.random() < 0.1:
            lease.abandon()
            continue
        task = lease.task
        place = CHAIN.index(task.kind)
        following = CHAIN[place + 1 : place + 2]
        successors = [TaskSpec(kind=each, key=task.key, payload=task.payload) for each in following]
        try:
            lease.complete({"fence": task.fence}, successors)
        except NotOursError:
            continue
        published.append((task.id, task.fence))


def rounds(server: ServerProcess, tmp_path: Path, *, videos: int, kills: int) -> None:
    url = server.start()
    chance = random.Random(7)
    clock = SystemClock()
    done = threading.Event()
    published: list[Any] = []
    specs = [
        TaskSpec(
            kind=PREPROCESS_VIDEO,
            key=f"v{number}",
            payload=Payload(video=Place(share="nas", path=f"{number}.mp4")),
        )
        for number in range(videos)
    ]
    admin = ServerClient(url, server.admin)
    admin.ask("POST", "/api/v1/tasks", AddRequest(tasks=specs), dict)
    threads = [
        threading.Thread(
            target=device, args=(server, url, tmp_path, f"d{number}", done, published, random.Random(number))
        )
        for number in range(3)
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in range(kills):
            clock.sleep_s(chance.random() * 0.8)
            server.kill()
            assert server.start() == url
        end = clock.monotonic_ns() + 90e9
        while (
            admin.ask("GET", "/api/v1/summary", None, dict)["counts"].get(ARCHIVE_VIDEO, {}).get("done", 0)
            < videos
        ):
            assert clock.monotonic_ns() < end, admin.ask("GET", "/api/v1/summary", None, dict)
            clock.sleep_s(0.1)
    finally:
        done.set()
        for thread in threads:
            thread.join()
        tasks = admin.ask("GET", "/api/v1/tasks?limit=1000", None, dict)["tasks"]
        server.kill()
    assert len(tasks) == 3 * videos
    assert {each["state"] for each in tasks} == {"done"}
    results = {each["id"]: each["result"]["fence"] for each in tasks}
    assert len(published) == len(set(published))
    # What a device was told is published is what is published; nobody else was told the same.
    assert all(results[task] == fence for task, fence in published)
    assert len({task for task, _ in published}) == len(published)


def database_of(kind: str, folder: Path, request: pytest.FixtureRequest) -> str:
    if kind == "sqlite":
        return f"sqlite:///{folder}/server.sqlite"
    return str(request.getfixturevalue("postgres_server").url)


def test_the_server_dies_twice(tmp_path: Path) -> None:
    rounds(ServerProcess(tmp_path, f"sqlite:///{tmp_path}/server.sqlite"), tmp_path, videos=6, kills=2)


@pytest.mark.storm
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_server_dies_fifty_times(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    rounds(ServerProcess(tmp_path, database_of(kind, tmp_path, request)), tmp_path, videos=150, kills=50)
