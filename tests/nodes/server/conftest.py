"""Real databases: SQLite files, and a PostgreSQL server that the session starts where one is installed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from tests.browser import browser
from tests.fakes import FakeClock

from winnow_schemas.errors import UnavailableError
from winnow_server.book import QueueRules
from winnow_server.database import Database
from winnow_server.queue import TaskQueue
from winnow_server.tables import metadata, open_database
from winnow_tools.bench.postgres import Postgres

__all__ = ["browser"]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    try:
        server = Postgres()
    except UnavailableError as error:
        pytest.skip(str(error))
    with server:
        yield server


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
