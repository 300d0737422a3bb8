"""The server's tables, and how its database is opened: SQLite by default, PostgreSQL by URL."""

import sqlite3
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    insert,
    select,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from winnow_schemas.errors import BadInputError, UnavailableError

SCHEMA_VERSION = 1
_BUSY_S = 10

metadata = MetaData()

about = Table(
    "winnow_about",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)

tasks = Table(
    "winnow_tasks",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("key", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("urgency", Integer, nullable=False),
    Column("payload", Text, nullable=False),
    Column("parent", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("worker", String(64), nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("wish", String(8), nullable=False),
    Column("progress", Float, nullable=False),
    Column("progress_begun", Float, nullable=False),
    Column("note", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("checkpoint", Text, nullable=True),
    Column("result", Text, nullable=True),
    Column("created_ns", BigInteger, nullable=False),
    Column("not_before_ns", BigInteger, nullable=False),
    Column("started_ns", BigInteger, nullable=True),
    Column("finished_ns", BigInteger, nullable=True),
    Column("lease_until_ns", BigInteger, nullable=True),
    UniqueConstraint("kind", "key", name="winnow_tasks_once"),
    Index("winnow_tasks_next", "state", "kind", "urgency", "created_ns"),
    Index("winnow_tasks_lease", "state", "lease_until_ns"),
    Index("winnow_tasks_finished", "state", "finished_ns"),
)

holds = Table(
    "winnow_task_holds",
    metadata,
    Column("kind", String(40), primary_key=True),
    Column("held", Boolean, nullable=False),
)
"""Kinds that a person stopped as a whole."""

history = Table(
    "winnow_task_history",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("task", String(16), nullable=False, index=True),
    Column("at_ns", BigInteger, nullable=False),
    Column("what", String(16), nullable=False),
    Column("worker", String(64), nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
)

sessions = Table(
    "winnow_sessions",
    metadata,
    Column("cookie", String(64), primary_key=True),
    Column("person", String(64), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("until_ns", BigInteger, nullable=False),
)
"""People who have logged in; the cookie is kept as its hash."""

results = Table(
    "winnow_results",
    metadata,
    Column("video", String(16), primary_key=True),
    Column("root", Integer, nullable=False),
    Column("stamp", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("created", String(64), nullable=False),
    Column("frames", Integer, nullable=False),
    Column("kept", Integer, nullable=False),
    Column("duration_ns", BigInteger, nullable=False),
    Column("gathered_ns", BigInteger, nullable=False),
)
"""Videos whose records were taken in."""

plate_texts = Table(
    "winnow_plate_texts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("text", String(32), nullable=False, unique=True),
)

plate_grams = Table(
    "winnow_plate_grams",
    metadata,
    Column("gram", String(2), primary_key=True),
    Column("text", Integer, primary_key=True),
    sqlite_with_rowid=False,
)
"""Pair of letters -> texts that have it: what a search for near matches begins with."""

plates = Table(
    "winnow_plates",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("video", String(16), nullable=False, index=True),
    Column("shown", Integer, nullable=False),
    Column("text", String(32), nullable=False),
    Column("confidence", Float, nullable=False),
    Column("country", String(16), nullable=False),
    Column("frames", Integer, nullable=False),
    Column("first_ns", BigInteger, nullable=False),
    Column("last_ns", BigInteger, nullable=False),
    Column("latitude_deg", Float, nullable=True),
    Column("longitude_deg", Float, nullable=True),
    Column("crop", Text, nullable=False),
    Column("picture", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("gathered_ns", BigInteger, nullable=False),
    Index("winnow_plates_shown", "shown"),
    Index("winnow_plates_newest", "gathered_ns", "id"),
    Index("winnow_plates_state", "state", "gathered_ns", "id"),
)
"""``shown``: the text that counts, as read or as a person corrected it."""

plate_reviews = Table(
    "winnow_plate_reviews",
    metadata,
    Column("plate", String(16), primary_key=True),
    Column("state", String(12), nullable=False),
    Column("text", String(32), nullable=False),
    Column("person", String(64), nullable=False),
    Column("at_ns", BigInteger, nullable=False),
)
"""What people said; it outlasts a video that is read again."""

clip_labels = Table(
    "winnow_clip_labels",
    metadata,
    Column("clip", String(64), primary_key=True),
    Column("run", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("label", String(32), nullable=False),
    Column("person", String(64), nullable=False),
    Column("at_ns", BigInteger, nullable=False),
)


def open_database(url: str) -> Engine:
    """Connect, and make what is missing.

    Raises:
        BadInputError: the URL is none, or its driver is not installed, or the database belongs to a newer version.
        UnavailableError: nothing answers there, or the file cannot be used.

    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise BadInputError(
            f"The database URL {url[:200]!r} is none; the server did not start. "
            "Write sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME."
        ) from None
    shown = parsed.render_as_string(hide_password=True)
    kind = parsed.get_backend_name()
    if kind not in {"sqlite", "postgresql"}:
        raise BadInputError(
            f"The database {shown} is of kind {kind!r}; the server works with sqlite and postgresql and did not start."
        )
    try:
        engine = _sqlite(url) if kind == "sqlite" else create_engine(url, pool_size=16, pool_timeout=5)
        metadata.create_all(engine)
        _check_version(engine, shown)
    except (NoSuchModuleError, ImportError):
        raise BadInputError(
            f"The driver of {shown} is not installed; the server did not start. Install winnow-dora[postgres]."
        ) from None
    except (OperationalError, DBAPIError) as error:
        reason = (
            str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
        )
        raise UnavailableError(
            f"The database {shown} cannot be used ({reason[:200]}); the server did not start. "
            "Start the database, or correct server.database."
        ) from None
    return engine


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": _BUSY_S, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, at once with the write lock
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        immediate = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _check_version(engine: Engine, shown: str) -> None:
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        found = connection.execute(select(about.c.value).where(about.c.name == "version")).scalar()
        if found is None:
            connection.execute(insert(about).values(name="version", value=str(SCHEMA_VERSION)))
        elif found != str(SCHEMA_VERSION):
            raise BadInputError(
                f"The database {shown} has version {found[:20]}, this server knows {SCHEMA_VERSION}; it did not start. "
                "Use the Winnow that made it, or another database."
            )
