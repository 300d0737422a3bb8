"""The decision table on disk: append-only segments while a run goes on, Parquet when it is over.

``ledger/rows-<k>.jsonl`` is being written, ``ledger/rows-<k>.parquet`` is full, ``ledger.parquet`` holds
everything at the end of a run. A row may stand in several of them (a crash between writing and taking
note): readers keep one per ``decision_id`` and ``run_id``.
"""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from winnow_runtime import atomic
from winnow_schemas.messages import Decision

TABLE = "ledger.parquet"
_DECODE = msgspec.json.Decoder(Decision).decode
ROTATE_BYTES = 32 * 1024 * 1024
"""About 60,000 decisions: hours of a very talkative day."""
SORT = [
    (name, "ascending") for name in ("t_ns", "node", "kind", "subject", "outcome", "decision_id", "run_id")
]


class LedgerWriter:
    """Appends rows; survives being killed between any two of them."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._folder = out / "ledger"
        self._folder.mkdir(parents=True, exist_ok=True)
        atomic.remove_temporary(self._folder)
        (out / f"{TABLE}{atomic.TEMPORARY}").unlink(missing_ok=True)
        self._number = max((_number(path) for path in self._folder.glob("rows-*")), default=1)
        self._open()

    def _open(self) -> None:
        path = self._folder / f"rows-{self._number:06d}.jsonl"
        if path.with_suffix(".parquet").exists():  # a crash in the middle of rotating
            path.unlink(missing_ok=True)
            self._number += 1
            path = self._folder / f"rows-{self._number:06d}.jsonl"
        _cut_torn_line(path)
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def append(self, rows: list[Decision]) -> None:
        """Write rows; they are in the file when this returns.

        Raises:
            OSError: the disk refuses; none of the rows is in the file.

        """
        size = os.fstat(self._file).st_size
        rest = memoryview(b"".join(row.to_json() + b"\n" for row in rows))
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            os.ftruncate(self._file, size)  # half a row would spoil the next one
            raise
        if os.fstat(self._file).st_size >= ROTATE_BYTES:
            with contextlib.suppress(OSError):  # the file grows on; next time
                self._rotate()

    def _rotate(self) -> None:
        os.fsync(self._file)
        _write_parquet(_read_jsonl(self._path), self._path.with_suffix(".parquet"))
        path, file = self._path, self._file
        self._number += 1
        try:
            self._open()
        except OSError:
            self._number -= 1
            raise
        os.close(file)
        path.unlink()  # until then its rows are there twice, which readers do not mind

    def compact(self) -> int:
        """Write ``ledger.parquet`` with every row so far; how many that is.

        Raises:
            OSError: the disk refuses; the table is what it was.

        """
        os.fsync(self._file)
        table = read_ledger(self._out)
        _write_parquet(table, self._out / TABLE)
        return int(table.num_rows)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def write_ledger(out: Path, decisions: Iterable[Decision]) -> Path:
    """Write ``ledger.parquet`` at once, for decisions that no graph made; in the same order and form.

    Raises:
        OSError: the folder cannot be written.

    """
    rows = [msgspec.to_builtins(decision) for decision in decisions]
    table = pa.Table.from_pylist(rows, schema=_schema())
    path = out / TABLE
    _write_parquet(_unique(table).sort_by(SORT), path)
    return path


def read_ledger(out: Path) -> pa.Table:
    """Every decision of a run's folder, one row each, sorted by message time.

    Works while the run goes on, after a crash, and after the end.
    """
    # The growing files first: one that becomes Parquet meanwhile is then read twice, and not never.
    parts = [_read_jsonl(path) for path in sorted((out / "ledger").glob("rows-*.jsonl"))]
    parts += [_read_parquet(path) for path in sorted((out / "ledger").glob("rows-*.parquet"))]
    if not parts and (out / TABLE).exists():
        parts = [_read_parquet(out / TABLE)]
    table = pa.concat_tables(parts) if parts else _schema().empty_table()
    return _unique(table).sort_by(SORT)


def _schema() -> pa.Schema:
    return pa.schema(list(Decision.arrow_type()))


def _unique(table: pa.Table) -> pa.Table:
    seen: set[tuple[str, str]] = set()
    keep = []
    pairs = zip(table.column("decision_id").to_pylist(), table.column("run_id").to_pylist(), strict=True)
    for place, pair in enumerate(pairs):
        if pair not in seen:
            seen.add(pair)
            keep.append(place)
    return table.take(pa.array(keep, pa.int64()))


def _read_jsonl(path: Path) -> pa.Table:
    rows = []
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        lines = []  # it has become Parquet meanwhile
    for line in lines:
        if line.endswith(b"\n"):
            try:
                rows.append(_DECODE(line))
            except msgspec.MsgspecError:
                continue  # damaged; its producer's journal may still have it
    return pa.Table.from_pylist([msgspec.to_builtins(row) for row in rows], schema=_schema())


def _read_parquet(path: Path) -> pa.Table:
    return pq.read_table(path).cast(_schema())


def _write_parquet(table: pa.Table, path: Path) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    atomic.write_bytes(path, sink.getvalue().to_pybytes())


def _cut_torn_line(path: Path) -> None:
    if path.exists():
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.truncate(path, whole)


def _number(path: Path) -> int:
    return int(path.stem.removeprefix("rows-"))
