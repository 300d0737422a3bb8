"""One SQLite file of a ROS 2 bag (rosbag2's sqlite3 storage), read only, with limits, over damage."""

import sqlite3
import weakref
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from winnow_operators.fields import standard_definition
from winnow_runtime.recordings.faults import Faults, RecordingError, count
from winnow_runtime.recordings.limits import Limits
from winnow_runtime.recordings.sizes import Sizes, sizes_of
from winnow_runtime.recordings.source import SourceFile
from winnow_schemas.channel import Channel, Message

MAGIC = b"SQLite format 3\x00"
_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""The second comes from Python when SQLite quotes a damaged schema in its message."""
_CACHE_KIB = 8192
_LARGEST_STEP = 1 << 40
"""How far a damaged table is probed ahead for the next readable row."""
_LAST_ROW = (1 << 63) - 1
_MAX_GAPS = 10_000
"""Unreadable places that are stepped over; a damaged tree could hold any number."""
_LEAST_ROW_BYTES = 6
"""Of a row in the file; more rows than fit are a tree that refers to itself."""


class SqliteFile(SourceFile):
    """Topics and messages of one database."""

    def __init__(self, path: Path, limits: Limits, faults: Faults) -> None:
        self.path = path
        self._limits = limits
        self._faults = faults
        self._database = _connect(path, limits, faults)
        self._close = weakref.finalize(self, self._database.close)
        self._keys: NDArray[np.int64] | None = None
        """(time, row) of every readable row, in the order of play; only for damaged or unindexed tables."""
        try:
            columns = self._columns()
            self.channels = self._channels(columns)
        except _ERRORS as error:
            self._close()
            raise RecordingError(
                f"{path} is a SQLite file that cannot be read ({error}); nothing was read."
            ) from None
        except RecordingError:
            self._close()
            raise
        self.start_ns, self.end_ns, self.message_count = self._extent()

    @property
    def name(self) -> str:
        return self.path.name

    def close(self) -> None:
        self._close()

    def messages(
        self, topics: Collection[str] | None, start_ns: int | None, end_ns: int | None
    ) -> Iterator[Message]:
        wanted = frozenset(
            number for number, channel in self.channels.items() if topics is None or channel.topic in topics
        )
        if not wanted:
            return
        played = (-1, -1)
        if self._keys is None:
            conditions, values = _window(wanted if topics is not None else None, start_ns, end_ns)
            query = (  # names are constants, values are bound
                f"SELECT rowid, topic_id, timestamp, data FROM messages{conditions} ORDER BY timestamp, rowid"  # noqa: S608
            )
            try:
                for row, topic, t_ns, data in self._database.execute(query, values):
                    played = (t_ns, row)
                    message = self._message(topic, t_ns, data)
                    if message is not None:
                        yield message
            except _ERRORS as error:
                self._note_damage(error)
                self._keys = self._readable_keys()
            else:
                return
        yield from self._by_key(wanted, start_ns, end_ns, played)

    def sizes(self, start_ns: int, end_ns: int, *, checked: bool = False) -> Iterator[Sizes]:
        """SQLite knows the length of a payload without reading it."""
        conditions, values = _window(frozenset(self.channels), start_ns, end_ns)
        query = (
            f"SELECT topic_id, timestamp, length(data) FROM messages{conditions} AND typeof(data) = 'blob'"  # noqa: S608
        )
        try:
            if checked or self._keys is not None:
                raise sqlite3.DatabaseError("row by row")
            rows = np.array(self._database.execute(query, values).fetchall(), np.int64).reshape(-1, 3)
        except _ERRORS:
            yield from sizes_of(self.messages(None, start_ns, end_ns), self.channels)
            return
        yield Sizes(rows[:, 0], rows[:, 1], rows[:, 2])

    # --- opening ------------------------------------------------------------------------------------------

    def _columns(self) -> dict[str, set[str]]:
        """Columns of the tables that are looked at; real tables only, nothing that computes."""
        rows = self._database.execute("SELECT name, type, sql FROM sqlite_master").fetchmany(1000)
        tables = {
            name
            for name, kind, sql in rows
            if kind == "table" and isinstance(sql, str) and sql.lstrip().upper().startswith("CREATE TABLE")
        }
        if not {"topics", "messages"} <= tables:
            raise RecordingError(
                f"{self.path} is a SQLite file without the tables 'topics' and 'messages' of a ROS 2 bag; "
                "nothing was read."
            )
        columns: dict[str, set[str]] = {}
        for table in tables & {"topics", "messages", "message_definitions", "schema"}:
            info = self._database.execute(f"PRAGMA table_xinfo({table})").fetchall()
            columns[table] = {row[1] for row in info if row[6] == 0}  # 6: hidden or generated
        missing = {"topic_id", "timestamp", "data"} - columns["messages"]
        missing |= {"id", "name", "type", "serialization_format"} - columns["topics"]
        if missing:
            raise RecordingError(
                f"{self.path}: the bag's tables lack the columns {', '.join(sorted(missing))}; nothing was read."
            )
        return columns

    def _channels(self, columns: dict[str, set[str]]) -> dict[int, Channel]:
        optional = [
            name if name in columns["topics"] else "''"
            for name in ("offered_qos_profiles", "type_description_hash")
        ]
        rows = self._database.execute(
            f"SELECT id, name, type, serialization_format, {optional[0]}, {optional[1]} FROM topics ORDER BY id"  # noqa: S608
        ).fetchmany(self._limits.channels + 1)
        if len(rows) > self._limits.channels:
            raise RecordingError(
                f"{self.path} has more than {self._limits.channels:,} topics; nothing was read."
            )
        definitions = self._definitions(columns)
        channels = {}
        for number, topic, type_name, encoding, qos, type_hash in rows:
            language, text = definitions.get(str(type_name), ("", ""))
            if not language:
                standard = standard_definition(str(type_name))
                language, text = ("", "") if standard is None else ("ros2msg", standard)
            if not language:
                self._faults.add(
                    f"{self.name}: the definition of {type_name} is neither in the bag nor a standard one; the "
                    f"messages of {topic} are played but cannot be decoded."
                )
            metadata = {"offered_qos_profiles": str(qos or ""), "topic_type_hash": str(type_hash or "")}
            channels[int(number)] = Channel(
                topic=str(topic),
                encoding=str(encoding),
                schema_name=str(type_name),
                schema_encoding=language,
                schema_data=text.encode(),
                metadata=tuple(sorted((key, value) for key, value in metadata.items() if value)),
            )
        return channels

    def _definitions(self, columns: dict[str, set[str]]) -> dict[str, tuple[str, str]]:
        needed = {"topic_type", "encoding", "encoded_message_definition"}
        if not needed <= columns.get("message_definitions", set()):
            return {}
        rows = self._database.execute(
            "SELECT topic_type, encoding, encoded_message_definition FROM message_definitions "
            "WHERE length(encoded_message_definition) <= ?",
            (self._limits.definition_bytes,),
        ).fetchmany(self._limits.channels)
        return {str(name): (str(language), str(text)) for name, language, text in rows}

    def _extent(self) -> tuple[int, int, int | None]:
        try:
            if not self._is_whole() or not self._has_time_index():
                self._keys = self._readable_keys()
            else:
                first, last, total = self._database.execute(
                    "SELECT MIN(timestamp), MAX(timestamp), COUNT(*) FROM messages"
                ).fetchone()
                return (int(first), int(last) + 1, int(total)) if total else (0, 0, 0)
        except (sqlite3.Error, TypeError, ValueError) as error:
            self._note_damage(error)
            self._keys = self._readable_keys()
        if not len(self._keys):
            return 0, 0, 0
        return int(self._keys[0, 0]), int(self._keys[-1, 0]) + 1, len(self._keys)

    def _is_whole(self) -> bool:
        (pages,) = self._database.execute("PRAGMA page_count").fetchone()
        (page_bytes,) = self._database.execute("PRAGMA page_size").fetchone()
        with self.path.open("rb") as file:
            stated = int.from_bytes(file.read(32)[28:32], "big")  # size in pages, SQLite file format 1.3.7
        size = self.path.stat().st_size
        if size >= max(pages, stated) * page_bytes:
            return True
        self._faults.add(
            f"{self.name} has {size:,} bytes of the {max(pages, stated) * page_bytes:,} that its head says; rows in "
            "the missing part are lost, the rest was read row by row."
        )
        return False

    def _has_time_index(self) -> bool:
        plan = self._database.execute(
            "EXPLAIN QUERY PLAN SELECT rowid, data FROM messages ORDER BY timestamp, rowid"
        ).fetchall()
        return not any("TEMP B-TREE" in str(step[3]) for step in plan)

    # --- row by row ---------------------------------------------------------------------------------------

    def _readable_keys(self) -> NDArray[np.int64]:
        """Walk the table by row number, over what cannot be read; sorted by time, then row."""
        keys: list[tuple[int, int]] = []
        position, step = -1, 1
        most = self.path.stat().st_size // _LEAST_ROW_BYTES
        for _ in range(_MAX_GAPS):
            try:
                rows = self._database.execute(
                    "SELECT timestamp, rowid FROM messages WHERE rowid > ? ORDER BY rowid", (position,)
                )
                for t_ns, row in rows:
                    if row <= position or len(keys) > most:
                        raise sqlite3.DatabaseError("rows come in a circle")
                    position, step = row, 1
                    if isinstance(t_ns, int) and t_ns >= 0:
                        keys.append((t_ns, row))
                break
            except _ERRORS as error:
                self._note_damage(error)
                position = min(position + step, _LAST_ROW)
                step *= 2
                if step > _LARGEST_STEP:
                    break
        keys.sort()
        return np.array(keys, np.int64).reshape(len(keys), 2)

    def _by_key(
        self, wanted: frozenset[int], start_ns: int | None, end_ns: int | None, after: tuple[int, int]
    ) -> Iterator[Message]:
        lost = 0
        for t_ns, row in self._keys if self._keys is not None else ():
            if (int(t_ns), int(row)) <= after or (start_ns is not None and t_ns < start_ns):
                continue
            if end_ns is not None and t_ns >= end_ns:
                break
            try:
                found = self._database.execute(
                    "SELECT topic_id, data FROM messages WHERE rowid = ?", (int(row),)
                ).fetchone()
            except _ERRORS:
                lost += 1
                continue
            if found is not None and found[0] in wanted:
                message = self._message(found[0], int(t_ns), found[1])
                if message is not None:
                    yield message
        if lost:
            self._faults.add(f"{self.name}: {count(lost, 'message')} could not be read and were left out.")

    def _message(self, topic: Any, t_ns: Any, data: Any) -> Message | None:
        channel = self.channels.get(topic)
        if channel is None or not isinstance(data, bytes) or not isinstance(t_ns, int) or t_ns < 0:
            self._faults.add(
                f"{self.name}: the table 'messages' holds rows without topic, time or data; they were left out."
            )
            return None
        return Message(channel, t_ns, t_ns, data)

    def _note_damage(self, error: Exception) -> None:
        self._faults.add(
            f"{self.name} is damaged ({error}); what can be read row by row was read, rows in damaged pages are lost."
        )


def _connect(path: Path, limits: Limits, faults: Faults) -> sqlite3.Connection:
    """Open read only; a write-ahead log beside the file is used if that needs no writing."""
    log = _size(path.with_name(path.name + "-wal"))
    if _size(path.with_name(path.name + "-journal")):
        faults.add(
            f"{path.name} was not closed (a rollback journal lies beside it); its newest messages may be wrong."
        )
    attempts = [("mode=ro", "OFF")] if log else []
    # A torn file is opened only where the schema counts as writable; the file itself stays read only.
    attempts += [("mode=ro&immutable=1", "OFF"), ("mode=ro&immutable=1", "ON")]
    problem = ""
    for options, writable_schema in attempts:
        try:
            database = sqlite3.connect(
                f"file:{quote(str(path))}?{options}", uri=True, check_same_thread=False
            )
        except _ERRORS as error:
            problem = str(error)
            continue
        try:
            _prepare(database, limits, writable_schema)
        except _ERRORS as error:
            database.close()
            problem = str(error)
            continue
        if log and "immutable" in options:
            faults.add(
                f"{path.name} has a write-ahead log ({log:,} bytes) that cannot be used here; its newest messages "
                "are missing."
            )
        return database
    raise RecordingError(f"{path} is a SQLite file that cannot be opened ({problem}); nothing was read.")


def _prepare(database: sqlite3.Connection, limits: Limits, writable_schema: str) -> None:
    database.text_factory = _text
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limits.record_bytes)
    database.execute("PRAGMA trusted_schema = OFF")
    database.execute("PRAGMA query_only = ON")
    database.execute(f"PRAGMA writable_schema = {writable_schema}")
    database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    database.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _window(wanted: frozenset[int] | None, start_ns: int | None, end_ns: int | None) -> tuple[str, list[int]]:
    conditions: list[str] = []
    values: list[int] = []
    if wanted is not None:
        conditions.append(f"topic_id IN ({', '.join(map(str, sorted(wanted)))})")
    if start_ns is not None:
        conditions.append("timestamp >= ?")
        values.append(start_ns)
    if end_ns is not None:
        conditions.append("timestamp < ?")
        values.append(end_ns)
    return (" WHERE " + " AND ".join(conditions) if conditions else ""), values


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
