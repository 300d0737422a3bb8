"""Real databases: SQLite files, and a PostgreSQL server that the session starts where one is installed."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from tests.browser import browser
from tests.fakes import FakeClock

from winnow_server.database import Database
from winnow_server.queue import QueueRules, TaskQueue
from winnow_server.tables import metadata, open_database

__all__ = ["browser"]


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    other = shutil.which("initdb")
    return Path(other).resolve().parent if other else None


class Postgres:
    """A server of this test session, on loopback, in its own folder."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self.programs = programs
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"postgresql+psycopg://winnow@127.0.0.1:{self.port}/postgres"
        self._as: list[str] = []
        folder.mkdir(parents=True)
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            pwd.getpwnam("postgres")
            self._as = ["runuser", "-u", "postgres", "--"]
            shutil.chown(folder, "postgres")
        self._run(
            "initdb", "-D", str(folder / "data"), "-U", "winnow", "--auth=trust", "-E", "UTF8", "--no-sync"
        )

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self.programs / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60, cwd="/")

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=60"
        log = str(self.folder / "data" / "log")
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-o", options, "-l", log, "-w", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    folder = Path(f"/tmp/winnow-postgres-{os.getpid()}-{time.monotonic_ns()}")
    try:
        server = Postgres(folder, programs)
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    try:
        server.start()
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        opened = open_database(f"sqlite:///{tmp_path}/server.sqlite")
    else:
        opened = open_database(request.getfixturevalue("postgres_server").url)
    yield opened
    if request.param == "postgresql":
        metadata.drop_all(opened)
    opened.dispose()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


MakeQueue = Callable[..., TaskQueue]


@pytest.fixture
def make_queue(engine: Engine, clock: FakeClock) -> MakeQueue:
    def make(**rules: object) -> TaskQueue:
        return TaskQueue(Database(engine, clock), QueueRules(**rules))  # type: ignore[arg-type]

    return make


def wipe(engine: Engine) -> None:
    """Empty all tables."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        for table in reversed(metadata.sorted_tables):
            if table.name != "winnow_about":
                connection.execute(text(f"DELETE FROM {table.name}"))
