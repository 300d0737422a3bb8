"""The uploader's memory: SQLite in WAL mode, every commit on disk before anything is said about it.

One commit per part of 10 MiB costs nothing (8,286 commits a second with ``synchronous=FULL`` on the reference
machine). A damaged database is moved aside, never repaired: what it held is found again in the store and
in the sidecars.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

from winnow_operators.upload.parts import Part
from winnow_schemas.errors import UnavailableError
from winnow_schemas.priority import UploadClass
from winnow_uploader.item import Item, ItemState

SCHEMA_VERSION = 2
_NEW_IN_2 = ("hold_since_ns", "urgent", "kind", "links", "tags")
"""Columns of `items` that version 1 lacks; each gets its field's default."""
_KINDS = {"str": "TEXT", "int": "INTEGER", "bool": "INTEGER", "float": "REAL", "ItemState": "TEXT"}
_COLUMNS = [field.name for field in fields(Item)]
_PART_COLUMNS = [field.name for field in fields(Part)]


def _kind(annotation: Any) -> str:
    return _KINDS[annotation if isinstance(annotation, str) else annotation.__name__]


_ORDERS = """
CREATE TABLE orders (clip_id TEXT NOT NULL, message TEXT NOT NULL, PRIMARY KEY (clip_id)) STRICT;
"""
"""What the fleet wants of clips that are not queued yet; ``message`` is JSON."""
_SCHEMA = f"""
CREATE TABLE items ({", ".join(f"{f.name} {_kind(f.type)} NOT NULL" for f in fields(Item))},
    PRIMARY KEY (clip_id)) STRICT;
CREATE INDEX items_by_state ON items (state, announced);
CREATE TABLE parts (clip_id TEXT NOT NULL, {", ".join(f"{f.name} {_kind(f.type)} NOT NULL" for f in fields(Part))},
    PRIMARY KEY (clip_id, number)) STRICT, WITHOUT ROWID;
CREATE TABLE spent (day INTEGER NOT NULL, upload_class INTEGER NOT NULL, wire_bytes INTEGER NOT NULL,
    PRIMARY KEY (day, upload_class)) STRICT, WITHOUT ROWID;
{_ORDERS}
PRAGMA user_version = {SCHEMA_VERSION};
"""


_FROM_1 = (
    "".join(
        f"ALTER TABLE items ADD COLUMN {f.name} {_kind(f.type)} NOT NULL DEFAULT {f.default!r};"
        for f in fields(Item)
        if f.name in _NEW_IN_2
    )
    + f"{_ORDERS} PRAGMA user_version = {SCHEMA_VERSION};"
)


class UploadState:
    """Open state of one uploader. One thread at a time."""

    def __init__(self, folder: Path) -> None:
        """Open or make the state in ``folder``.

        Raises:
            UnavailableError: another uploader works with it, it is of a newer version, or cannot be written.

        """
        self.moved_aside: Path | None = None
        """Where a damaged database went; None if there was none."""
        self.is_new = False
        """The database was made now: nothing is known of what was sent before."""
        self._path = folder / "uploads.db"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(folder / "lock")
        except OSError as error:
            raise UnavailableError(
                f"The uploader's state in {folder} cannot be written ({error.strerror}); nothing was uploaded. "
                "Free space or correct the permissions."
            ) from None
        try:
            self._database = self._open()
        except BaseException:
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Let go of the state; another uploader may have it then. Closing again does nothing."""
        self._database.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _open(self) -> sqlite3.Connection:
        try:
            return self._opened()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and not _is_damage(error):
                raise _unavailable(self._path, error) from None
        self._move_aside()
        try:
            return self._opened()
        except sqlite3.DatabaseError as error:
            raise _unavailable(self._path, error) from None

    def _opened(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, isolation_level=None, timeout=10.0, check_same_thread=False)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            version = self._version(database)
            if version == 0:
                database.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
                self.is_new = True
            elif version == 1:
                database.executescript(f"BEGIN IMMEDIATE; {_FROM_1} COMMIT;")
            _check(database)
            for _ in self._rows(database, "state != ?", ItemState.DONE.value):
                pass  # every row that still matters must be readable as what it claims to be
        except ValueError as error:
            database.close()
            raise sqlite3.DatabaseError(str(error)) from None
        except BaseException:
            database.close()
            raise
        return database

    def _version(self, database: sqlite3.Connection) -> int:
        version = int(database.execute("PRAGMA user_version").fetchone()[0])
        if version > SCHEMA_VERSION:
            raise UnavailableError(
                f"{self._path} has version {version}, this program knows {SCHEMA_VERSION}; it was left alone. "
                "Use the newer winnow that made it."
            )
        return version

    def _move_aside(self) -> None:
        number = 1
        while (aside := self._path.with_name(f"uploads.db.damaged-{number}")).exists():
            number += 1
        self._path.rename(aside)
        for suffix in ("-wal", "-shm"):
            log = self._path.with_name(self._path.name + suffix)
            if log.exists():
                log.rename(aside.with_name(aside.name + suffix))
        self.moved_aside = aside

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes inside, or none.

        Raises:
            UnavailableError: the disk is full, or no longer takes writes.

        """
        try:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._database.in_transaction:  # a full disk has rolled it back already
                    self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            raise _unavailable(self._path, error) from None

    @staticmethod
    def _rows(database: sqlite3.Connection, condition: str = "1", *arguments: Any) -> Iterator[Item]:
        query = f"SELECT {', '.join(_COLUMNS)} FROM items WHERE {condition} ORDER BY clip_id"  # noqa: S608
        for row in database.execute(query, arguments):
            values = dict(zip(_COLUMNS, row, strict=True))
            values["state"] = ItemState(values["state"])
            for name in ("early_sent", "rebuilt", "announced", "urgent"):
                values[name] = bool(values[name])
            yield Item(**values)

    def open_items(self) -> list[Item]:
        """Everything that is not done and not set aside."""
        closed = [state.value for state in ItemState if not state.is_open]
        return list(self._rows(self._database, f"state NOT IN ({', '.join('?' * len(closed))})", *closed))

    def unannounced_items(self) -> list[Item]:
        """Done or set aside, and not handed on yet."""
        closed = [state.value for state in ItemState if not state.is_open]
        where = f"announced = 0 AND state IN ({', '.join('?' * len(closed))})"
        return list(self._rows(self._database, where, *closed))

    def item(self, clip_id: str) -> Item | None:
        """One clip, whatever became of it."""
        return next(self._rows(self._database, "clip_id = ?", clip_id), None)

    def items_in(self, state: ItemState) -> list[Item]:
        return list(self._rows(self._database, "state = ?", state.value))

    def save(self, item: Item) -> None:
        """Write one clip's row."""
        marks = ", ".join("?" * len(_COLUMNS))
        statement = f"INSERT OR REPLACE INTO items ({', '.join(_COLUMNS)}) VALUES ({marks})"  # noqa: S608
        self._database.execute(statement, astuple(item))

    def parts(self, clip_id: str) -> list[Part]:
        """A clip's parts in order; empty before it is hashed."""
        query = f"SELECT {', '.join(_PART_COLUMNS)} FROM parts WHERE clip_id = ? ORDER BY number"  # noqa: S608
        return [Part(*row) for row in self._database.execute(query, (clip_id,))]

    def save_parts(self, clip_id: str, parts: list[Part]) -> None:
        """Replace a clip's parts."""
        self._database.execute("DELETE FROM parts WHERE clip_id = ?", (clip_id,))
        marks = ", ".join("?" * (len(_PART_COLUMNS) + 1))
        statement = f"INSERT INTO parts (clip_id, {', '.join(_PART_COLUMNS)}) VALUES ({marks})"  # noqa: S608
        self._database.executemany(statement, [(clip_id, *astuple(part)) for part in parts])

    def save_etag(self, clip_id: str, number: int, etag: str) -> None:
        """Note that the store has a part."""
        self._database.execute(
            "UPDATE parts SET etag = ? WHERE clip_id = ? AND number = ?", (etag, clip_id, number)
        )

    def keep_order(self, clip_id: str, message: str, most: int) -> None:
        """Remember an order for a clip that is not known yet; of more than ``most`` the oldest go."""
        self._database.execute("INSERT OR REPLACE INTO orders VALUES (?, ?)", (clip_id, message))
        self._database.execute(
            "DELETE FROM orders WHERE rowid <= (SELECT MAX(rowid) FROM orders) - ?", (most,)
        )

    def take_order(self, clip_id: str) -> str | None:
        """Give out an order that was kept, and forget it."""
        row = self._database.execute(
            "DELETE FROM orders WHERE clip_id = ? RETURNING message", (clip_id,)
        ).fetchone()
        return None if row is None else str(row[0])

    def spent(self, day: int) -> dict[UploadClass, int]:
        """Wire bytes of a UTC day by class."""
        query = "SELECT upload_class, wire_bytes FROM spent WHERE day = ?"
        return {UploadClass(number): size for number, size in self._database.execute(query, (day,))}

    def charge(self, day: int, upload_class: UploadClass, wire_bytes: int) -> None:
        """Add to a day's account, or with a negative number take back."""
        self._database.execute(
            "INSERT INTO spent VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET wire_bytes = wire_bytes + excluded.wire_bytes",
            (day, int(upload_class), wire_bytes),
        )


def _locked(path: Path) -> int:
    """Hold the folder against a second uploader for as long as this process lives.

    Raises:
        UnavailableError: there is one already.

    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise UnavailableError(
            f"Another uploader works with {path.parent}; this one was not started. Stop the other first."
        ) from None
    return descriptor


def _check(database: sqlite3.Connection) -> None:
    found = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(found)
    for table, columns in (("parts", _PART_COLUMNS), ("spent", ["day", "upload_class", "wire_bytes"])):
        database.execute(f"SELECT {', '.join(columns)} FROM {table} LIMIT 1")  # noqa: S608


def _is_damage(error: sqlite3.OperationalError) -> bool:
    """Whether an operational error means a database that is no database of ours any more."""
    return any(
        word in str(error) for word in ("no such table", "no such column", "malformed", "already exists")
    )


def _unavailable(path: Path, error: sqlite3.Error) -> UnavailableError:
    return UnavailableError(
        f"The uploader's state {path} cannot be used ({error}); uploading has stopped, nothing was lost. "
        "Free space or correct the permissions, then start again."
    )
