"""Transactions, the same way for SQLite and PostgreSQL, and a database that is away as one sentence."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from winnow_runtime.clock import Clock
from winnow_schemas.errors import UnavailableError


class Database:
    """One database, used by any number of threads."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self.engine = engine
        self.clock = clock
        self._single = threading.Lock() if engine.dialect.name == "sqlite" else None
        """SQLite has one writer: waiting here is fair and fast, waiting inside it is polling."""
        self._group = threading.local()

    @contextmanager
    def together(self) -> Iterator[None]:
        """What this thread writes and reads inside is one transaction."""
        with self.writing() as begun:
            self._group.begun = begun
            try:
                yield
            finally:
                self._group.begun = None

    @contextmanager
    def writing(self) -> Iterator[tuple[Connection, int]]:
        """A transaction that writes, and the time at which it began (nanoseconds UTC).

        Raises:
            UnavailableError: the database does not answer.

        """
        begun: tuple[Connection, int] | None = getattr(self._group, "begun", None)
        if begun is not None:
            yield begun
            return
        if self._single is None:
            with _told(), self.engine.begin() as connection:
                yield connection, self.clock.wall_ns()
            return
        with (
            _told(),
            self._single,
            self.engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            yield connection, self.clock.wall_ns()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that only reads.

        Raises:
            UnavailableError: the database does not answer.

        """
        begun: tuple[Connection, int] | None = getattr(self._group, "begun", None)
        if begun is not None:
            yield begun[0]
            return
        with _told(), self.engine.connect() as connection:
            yield connection


@contextmanager
def _told() -> Iterator[None]:
    """Turn a database that is away into a sentence."""
    try:
        yield
    except (OperationalError, PoolTimeoutError) as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0][:200]
        raise UnavailableError(
            f"The server's database does not answer ({reason}); nothing was changed. Ask again."
        ) from None
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        raise UnavailableError(
            "The server's database closed the connection; nothing was changed. Ask again."
        ) from None
