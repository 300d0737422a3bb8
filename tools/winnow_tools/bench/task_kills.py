"""What `kill -9` of a worker costs: this queue, and huey on SQLite, with the same work and the same kills.

Each job takes some milliseconds; the worker is killed at random moments and started again. In the end it is
counted which jobs never came to an end. huey hands a job out by deleting it from its table, so what a worker
was at is gone with it; here the lease runs out and the job is handed out again.
"""

import importlib.util
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from winnow_runtime.clock import SystemClock
from winnow_runtime.task_client import ServerClient
from winnow_schemas.tasks import PREPROCESS_VIDEO, AddRequest, Payload, Place, TaskSpec
from winnow_server.accounts import Role
from winnow_tools.bench.load import Load
from winnow_tools.bench.rows import Row
from winnow_tools.bench.task_server import environment, server

JOBS = 60
KILLS = 10
WORK_S = 0.05
LEASE_S = 0.6
_IDLE_S = 4.0
"""Nothing came to an end for so long: it is over. Several leases."""

_OURS = """
import sys
from winnow_runtime.clock import SystemClock
from winnow_runtime.task_client import ServerClient
from winnow_schemas.errors import WinnowError
from winnow_schemas.tasks import ClaimReply, ClaimRequest, CompleteRequest, Payload, Place, TaskSpec
url, token, work_s = sys.argv[1:]
client, clock = ServerClient(url, token), SystemClock()
while True:
    task = client.ask("POST", "/api/v1/claim", ClaimRequest(kinds=["PREPROCESS_VIDEO"], worker="w"), ClaimReply).task
    if task is None:
        clock.sleep_s(0.05)
        continue
    clock.sleep_s(float(work_s))
    follower = TaskSpec(kind="ARCHIVE_VIDEO", key=f"{task.id} {task.fence}", payload=task.payload)
    try:
        client.ask("POST", f"/api/v1/tasks/{task.id}/complete", CompleteRequest(worker="w", fence=task.fence, successors=[follower]), dict)
    except WinnowError:
        pass
"""
_THEIRS = """
import sys, time
from huey import SqliteHuey
queue = SqliteHuey(filename=sys.argv[1], fsync=True)
@queue.task()
def job(number):
    time.sleep(float(sys.argv[2]))
    with open(sys.argv[3], "a") as file:
        file.write(f"{number}\\n")
if sys.argv[4] == "add":
    for number in range(int(sys.argv[5])):
        job(number)
else:
    queue.create_consumer(workers=1, initial_delay=0.02, max_delay=0.05, check_worker_health=False).run()
"""


def kill_row(load: Load) -> Row:
    """How many of the jobs were lost, and how many were published twice."""
    load.say(f"{KILLS} kills of a worker ...")
    lost, twice = _ours(load.scratch / "kills-ours")
    beside: dict[str, float | str] = {"published twice": twice}
    if importlib.util.find_spec("huey") is None:
        beside["huey"] = "not installed (extra peers)"
    else:
        beside["huey: lost"] = _theirs(load.scratch / "kills-huey")
    return Row("tasks lost by kill -9 of a worker", lost + twice, "tasks", "<= 0", beside)


def _ours(folder: Path) -> tuple[int, int]:
    folder.mkdir(parents=True)
    with server(folder, f"sqlite:///{folder}/server.sqlite", lease_s=LEASE_S) as (url, accounts):
        device, admin = accounts.new_token("device", Role.DEVICE), accounts.new_token("admin", Role.ADMIN)
        client = ServerClient(url, admin)
        places = [Place(share="nas", path=f"{number}.mp4") for number in range(JOBS)]
        specs = [
            TaskSpec(kind=PREPROCESS_VIDEO, key=each.path, payload=Payload(video=each)) for each in places
        ]
        client.ask("POST", "/api/v1/tasks", AddRequest(tasks=specs), dict)

        def counts() -> dict[str, dict[str, int]]:
            found: dict[str, dict[str, int]] = client.ask("GET", "/api/v1/summary", None, dict)["counts"]
            return found

        command = [sys.executable, "-c", _OURS, url, device, str(WORK_S)]
        _killed(command, lambda: counts().get(PREPROCESS_VIDEO, {}).get("done", 0))
        found = counts()
    done = found.get(PREPROCESS_VIDEO, {}).get("done", 0)
    return JOBS - done, sum(found.get("ARCHIVE_VIDEO", {}).values()) - done


def _theirs(folder: Path) -> int:
    folder.mkdir(parents=True)
    ended = folder / "ended"
    ended.touch()
    command = [sys.executable, "-c", _THEIRS, str(folder / "huey.sqlite"), str(WORK_S), str(ended)]
    subprocess.run([*command, "add", str(JOBS)], check=True, env=environment(), capture_output=True)
    _killed([*command, "work", "0"], lambda: len(set(ended.read_text().split())))
    return JOBS - len(set(ended.read_text().split()))


def _killed(command: list[str], done: Callable[[], int]) -> None:
    """Run a worker until nothing happens any more, killing it now and then."""
    chance, clock = random.Random(3), SystemClock()  # noqa: S311 - the same moments for everybody
    kills = 0
    worker = subprocess.Popen(
        command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        last, since_ns = done(), clock.monotonic_ns()
        while last < JOBS and clock.monotonic_ns() - since_ns < _IDLE_S * 1e9:
            clock.sleep_s(0.05)
            now = done()
            if now > last:
                # It is at work: a little later it is in the middle of a job.
                last, since_ns = now, clock.monotonic_ns()
                if kills < KILLS and chance.random() < 0.5:
                    clock.sleep_s(chance.random() * WORK_S)
                    worker.kill()
                    worker.wait()
                    kills += 1
                    worker = subprocess.Popen(
                        command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                    )
                    since_ns = clock.monotonic_ns() + 10_000_000_000  # it has to import everything again
    finally:
        worker.kill()
        worker.wait()
