"""The decision table on disk: append-only segments while a run goes on, Parquet when it is over.

``ledger/rows-<k>.jsonl`` is being written, ``ledger/rows-<k>.parquet`` is full, ``ledger.parquet`` holds
everything at the end of a run. A row may stand in several of them (a crash between writing and taking
note): readers keep one per ``decision_id`` and ``run_id``.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from winnow_runtime import atomic
from winnow_schemas.messages import Decision

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
        """Write rows; they are in the file when this returns."""
        data = b"".join(row.to_json() + b"\n" for row in rows)
        while data:
            data = data[os.write(self._file, data) :]
        if os.fstat(self._file).st_size >= ROTATE_BYTES:
            self._rotate()

    def _rotate(self) -> None:
        os.fsync(self._file)
        os.close(self._file)
        _write_parquet(_read_jsonl(self._path), self._path.with_suffix(".parquet"))
        self._path.unlink()
        self._number += 1
        self._open()

    def compact(self) -> int:
        """Write ``ledger.parquet`` with every row so far; how many that is."""
        os.fsync(self._file)
        table = read_ledger(self._out)
        _write_parquet(table, self._out / "ledger.parquet")
        return int(table.num_rows)


def write_ledger(out: Path, decisions: Iterable[Decision]) -> Path:
    """Write ``ledger.parquet`` at once, for decisions that no graph made; in the same order and form.

    Raises:
        OSError: the folder cannot be written.

    """
    rows = [json.loads(decision.to_json()) for decision in decisions]
    table = pa.Table.from_pylist(rows, schema=_schema())
    path = out / "ledger.parquet"
    _write_parquet(_unique(table).sort_by(SORT), path)
    return path


def read_ledger(out: Path) -> pa.Table:
    """Every decision of a run's folder, one row each, sorted by message time.

    Works while the run goes on, after a crash, and after the end.
    """
    parts = [_read_parquet(path) for path in sorted((out / "ledger").glob("rows-*.parquet"))]
    parts += [_read_jsonl(path) for path in sorted((out / "ledger").glob("rows-*.jsonl"))]
    if not parts and (out / "ledger.parquet").exists():
        parts = [_read_parquet(out / "ledger.parquet")]
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
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                try:
                    rows.append(json.loads(line))
                except ValueError:
                    continue  # torn by a crash; its producer's journal still has it
    return pa.Table.from_pylist(rows, schema=_schema())


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
