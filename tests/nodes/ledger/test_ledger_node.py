"""The decision table: every row once, whatever is killed, and readable at any moment."""

import errno
import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.nodes.vehicle_rig import ScriptedSeam, Vehicle, live

from winnow_ledger.node import run
from winnow_runtime import ledger
from winnow_runtime.ledger import LedgerWriter, read_ledger
from winnow_runtime.node import GRACE_S
from winnow_schemas.messages import Decision, Record

PRODUCERS = ("ring", "recorder", "triggers", "extractor", "classifier", "redactor", "uploader", "retention")


def decision(number: int, node: str = "triggers", run_id: str = "run-1") -> Decision:
    return Decision(
        decision_id=f"{node}-{number}",
        run_id=run_id,
        wall_ns=number,
        t_ns=(number * 7919) % 1000,
        node=node,
        kind="trigger",
        subject="ood_spike",
        outcome="fired",
        reason=f'Grund "{number}"\nmit Zeilenende',
        values="{}",
    )


def feed(vehicle: Vehicle, count: int, run_id: str = "run-1") -> set[str]:
    """What all nodes of a run decided; the ids."""
    ids = set()
    for producer in PRODUCERS:
        rows: dict[str, Record] = {}
        for number in range(count):
            row = decision(number, producer, run_id)
            rows[row.decision_id] = row
        vehicle.feed(producer, "decisions", rows, run_id)
        ids |= rows.keys()
    return ids


def ids(table: pa.Table) -> list[str]:
    return list(table.column("decision_id").to_pylist())


def test_a_run_to_its_end(vehicle: Vehicle) -> None:
    wanted = feed(vehicle, 5)
    run(vehicle.node("ledger"))
    table = pq.read_table(vehicle.out / "ledger.parquet")
    assert set(ids(table)) == wanted
    assert table.num_rows == len(wanted)
    assert table.schema.equals(pa.schema(list(Decision.arrow_type())))
    times = table.column("t_ns").to_pylist()
    assert times == sorted(times)
    assert table.column("reason").to_pylist()[0].count("\n") == 1
    assert read_ledger(vehicle.out).equals(table)


def test_rows_are_there_while_the_run_goes_on(vehicle: Vehicle) -> None:
    writer = LedgerWriter(vehicle.out)
    for number in range(3):
        writer.append([decision(number)])
        assert len(ids(read_ledger(vehicle.out))) == number + 1
    writer.close()


@settings(max_examples=50, deadline=None)
@given(
    kills=st.lists(st.integers(min_value=0, max_value=40), min_size=1, max_size=5),
    rotate=st.sampled_from([700, 5000, 10**9]),
)
def test_killed_anywhere_also_in_compaction_each_row_is_there_once(kills: list[int], rotate: int) -> None:
    patch = pytest.MonkeyPatch()
    patch.setattr(ledger, "ROTATE_BYTES", rotate)
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:
        vehicle = Vehicle(Path(base))
        try:
            wanted = feed(vehicle, 3)
            for countdown in [*kills, None]:
                live(vehicle, "ledger", run, countdown)
                found = ids(read_ledger(vehicle.out))
                assert len(found) == len(set(found))
                assert set(found) <= wanted
            assert set(ids(pq.read_table(vehicle.out / "ledger.parquet"))) == wanted
            assert pq.read_table(vehicle.out / "ledger.parquet").num_rows == len(wanted)
            assert vehicle.leftovers() == []
        finally:
            patch.undo()
            vehicle.close()


def test_what_a_kill_in_the_middle_of_compaction_left_is_cleared(vehicle: Vehicle) -> None:
    folder = vehicle.out / "ledger"
    folder.mkdir()
    (folder / "rows-000001.parquet.part").write_bytes(b"half")
    (vehicle.out / "ledger.parquet.part").write_bytes(b"half")
    (folder / "rows-000001.jsonl").write_bytes(decision(1).to_json() + b"\n" + decision(2).to_json()[:20])
    wanted = feed(vehicle, 2)
    run(vehicle.node("ledger"))
    assert set(ids(pq.read_table(vehicle.out / "ledger.parquet"))) == wanted | {"triggers-1"}
    assert vehicle.leftovers() == []


def test_a_damaged_row_costs_no_other(vehicle: Vehicle) -> None:
    folder = vehicle.out / "ledger"
    folder.mkdir()
    odd = json.dumps({"decision_id": 7, "t_ns": "no"}).encode()
    (folder / "rows-000001.jsonl").write_bytes(
        b"\n".join([decision(1).to_json(), b"\0\0\0", odd, decision(2).to_json(), b""])
    )
    assert set(ids(read_ledger(vehicle.out))) == {"triggers-1", "triggers-2"}


def test_a_full_disk_is_waited_for_and_spoils_no_row(
    vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = feed(vehicle, 4)
    real, left = os.write, [0, 12]

    def write(file: int, data: Any) -> int:
        left[0] += 1
        if left[0] <= left[1]:
            if left[0] % 2:
                return real(file, bytes(memoryview(data).cast("B"))[:30])
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, data)

    node = vehicle.node("ledger")
    monkeypatch.setattr(os, "write", write)
    run(node)
    monkeypatch.undo()
    assert left[0] > 12
    assert sorted(ids(pq.read_table(vehicle.out / "ledger.parquet"))) == sorted(wanted)
    seam = node.seam
    assert isinstance(seam, ScriptedSeam)
    assert any("No space left" in text for level, text in seam.logged if level == "error")
    assert vehicle.leftovers() == []


def test_two_runs_in_one_folder_make_one_table(vehicle: Vehicle) -> None:
    first = feed(vehicle, 3, "run-1")
    run(vehicle.node("ledger", "run-1"))
    for producer in PRODUCERS:
        row = decision(99, producer, "run-2")
        vehicle.feed(producer, "decisions", {row.decision_id: row}, "run-2")
    run(vehicle.node("ledger", "run-2"))
    table = pq.read_table(vehicle.out / "ledger.parquet")
    assert table.num_rows == len(first) + len(PRODUCERS)


def test_a_producer_that_never_ends_is_left_behind_after_a_stop(vehicle: Vehicle) -> None:
    for producer in PRODUCERS[1:]:
        vehicle.feed(producer, "decisions", {}, "run-1")
    writer = vehicle.journal("ring", "decisions")
    writer.append("ring-1", json.loads(decision(1, "ring").to_json()))
    node = vehicle.node("ledger")
    seam = node.seam
    assert isinstance(seam, ScriptedSeam)
    seam.close(stopped=True)
    begun = vehicle.clock.monotonic_ns()
    run(node)
    assert GRACE_S <= (vehicle.clock.monotonic_ns() - begun) / 1e9 < GRACE_S + 1
    assert ids(pq.read_table(vehicle.out / "ledger.parquet")) == ["ring-1"]
