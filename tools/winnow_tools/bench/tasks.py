"""Tasks per second through the server's HTTP interface, beside the bare SQL of the same transactions.

The server is a process of its own; eight devices keep their connections open and claim and complete one task
after the other. SQLite runs with ``synchronous=FULL``. The bare SQL makes the same changes to the same tables
from one thread, without HTTP, checks or JSON: what the database alone allows on this disk. Then: fewer devices, the page
with a search for near matches, and what kills of a worker cost, beside huey.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from winnow_runtime.clock import SystemClock
from winnow_runtime.task_client import ServerClient
from winnow_schemas.errors import UnavailableError
from winnow_schemas.tasks import BATCH_MAX, PREPROCESS_VIDEO, AddRequest, Payload, Place, TaskSpec
from winnow_server.accounts import Role
from winnow_server.database import Database
from winnow_server.queue import TaskQueue
from winnow_server.tables import open_database
from winnow_tools.bench.load import Load
from winnow_tools.bench.plate_search import search_row
from winnow_tools.bench.postgres import Postgres
from winnow_tools.bench.rows import Measured, Row
from winnow_tools.bench.task_kills import kill_row
from winnow_tools.bench.task_server import environment, server

TASKS = 1000
PULLERS = 8
FEWER = (1, 2, 4)
PROCESSES = 2
WANTED = ">= 200"
REPETITIONS = 3
_LONGEST_S = 300


def measure(load: Load) -> Measured:
    """Measure SQLite, and PostgreSQL where it is installed."""
    rows = [_row(load, "sqlite")]
    try:
        postgres = Postgres()
    except UnavailableError as error:
        rows.append(Row("claim + complete, postgresql", None, "tasks/s", WANTED, note=str(error)))
    else:
        with postgres:
            rows.append(_row(load, "postgresql", postgres.url))
    rows += [_fewer(load), search_row(load), kill_row(load)]
    return Measured(
        rows,
        f"{TASKS} tasks, {PULLERS} devices with open connections in {PROCESSES} processes, claim and complete over HTTP; "
        "the median of the repetitions",
        REPETITIONS,
    )


def _row(load: Load, kind: str, url: str = "") -> Row:
    through, bare = [], []
    for number in range(REPETITIONS):
        folder = load.scratch / f"tasks-{kind}-{number}"
        folder.mkdir(parents=True)
        database = url or f"sqlite:///{folder}/server.sqlite"
        load.say(f"tasks on {kind}, {number + 1} of {REPETITIONS} ...")
        through.append(_through_http(folder, database))
        engine = open_database(database)
        bare.append(_bare(engine))
        _wipe(engine)
        engine.dispose()
    value, beside = sorted(through)[REPETITIONS // 2], sorted(bare)[REPETITIONS // 2]
    return Row(
        f"claim + complete, {kind}",
        value,
        "tasks/s",
        WANTED,
        {
            "bare SQL, one thread, tasks/s": beside,
            "ratio": value / beside,
            "all": [round(each) for each in through],
        },
    )


def _fewer(load: Load) -> Row:
    """What more devices of a kind bring; SQLite."""
    rates = {}
    for pullers in FEWER:
        folder = load.scratch / f"tasks-pullers-{pullers}"
        folder.mkdir(parents=True)
        load.say(f"tasks with {pullers} device(s) ...")
        rates[pullers] = _through_http(folder, f"sqlite:///{folder}/server.sqlite", pullers)
    fewest, most = min(FEWER), max(FEWER)
    return Row(
        f"claim + complete, sqlite, {most} devices over {fewest}",
        rates[most] / rates[fewest],
        "ratio",
        beside={f"{pullers} device(s), tasks/s": rate for pullers, rate in rates.items()},
    )


def _specs(prefix: str) -> list[TaskSpec]:
    places = (Place(share="nas", path=f"2026/{prefix}/{number}.mp4") for number in range(TASKS))
    return [
        TaskSpec(kind=PREPROCESS_VIDEO, key=f"{prefix} {number}", payload=Payload(video=place))
        for number, place in enumerate(places)
    ]


def _through_http(folder: Path, database: str, pullers: int = PULLERS) -> float:
    processes = min(PROCESSES, pullers)
    with server(folder, database) as (url, accounts):
        device, admin = accounts.new_token("device", Role.DEVICE), accounts.new_token("admin", Role.ADMIN)
        client = ServerClient(url, admin, timeout_s=60)
        specs = _specs("http")
        for start in range(0, TASKS, BATCH_MAX):
            client.ask("POST", "/api/v1/tasks", AddRequest(tasks=specs[start : start + BATCH_MAX]), dict)
        workers = [
            subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "winnow_tools.bench.task_puller",
                    url,
                    str(pullers // processes),
                    f"p{number}",
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment(),
            )
            for number in range(processes)
        ]
        for worker in workers:
            assert worker.stdin is not None
            assert worker.stdout is not None
            worker.stdin.write(device + "\n")
            worker.stdin.flush()
            worker.stdout.readline()  # it has imported everything
        clock = SystemClock()
        began = clock.monotonic_ns()
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        done = [int(worker.communicate(timeout=_LONGEST_S)[0]) for worker in workers]
        took_s = (clock.monotonic_ns() - began) / 1e9
        counts: dict[str, Any] = client.ask("GET", "/api/v1/summary", None, dict)["counts"]
    if sum(done) != TASKS or counts[PREPROCESS_VIDEO].get("done") != TASKS:
        raise UnavailableError(
            f"{sum(done)} of {TASKS} tasks were done ({counts}); the measurement is worth nothing."
        )
    return TASKS / took_s


_CLAIM = text(
    "UPDATE winnow_tasks SET state = 'running', worker = 'w', fence = fence + 1, attempts = attempts + 1, "
    "lease_until_ns = :until WHERE id = :id AND state = 'ready'"
)
_PICK = "SELECT id FROM winnow_tasks WHERE state = 'ready' AND kind = :kind ORDER BY urgency, created_ns, id LIMIT 1"
_DONE = text(
    "UPDATE winnow_tasks SET state = 'done', lease_until_ns = NULL, finished_ns = :until WHERE id = :id AND fence = 1"
)
_NOTE = text(
    "INSERT INTO winnow_task_history (task, at_ns, what, worker, fence, note) VALUES (:id, :until, :what, 'w', 1, '')"
)


def _bare(engine: Engine) -> float:
    database = Database(engine, SystemClock())
    _wipe(engine)
    TaskQueue(database).add(_specs("bare"))
    pick = text(_PICK + (" FOR UPDATE SKIP LOCKED" if engine.dialect.name == "postgresql" else ""))
    clock = SystemClock()
    began = clock.monotonic_ns()
    for _ in range(TASKS):
        with database.writing() as (connection, now):
            identity = connection.execute(pick, {"kind": PREPROCESS_VIDEO}).scalar()
            connection.execute(_CLAIM, {"id": identity, "until": now})
            connection.execute(_NOTE, {"id": identity, "until": now, "what": "claimed"})
        with database.writing() as (connection, now):
            connection.execute(_DONE, {"id": identity, "until": now})
            connection.execute(_NOTE, {"id": identity, "until": now, "what": "done"})
    return TASKS / ((clock.monotonic_ns() - began) / 1e9)


def _wipe(engine: Engine) -> None:
    with Database(engine, SystemClock()).writing() as (connection, _):
        connection.execute(text("DELETE FROM winnow_task_history"))
        connection.execute(text("DELETE FROM winnow_tasks"))
