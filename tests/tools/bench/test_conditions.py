"""The benchmark runs and says what it was asked for; its figures are not judged here."""

from pathlib import Path

import pytest

from winnow_tools.bench.conditions import LOADS, measure
from winnow_tools.bench.load import Load


def test_rows_follow_the_contract(tmp_path: Path) -> None:
    pytest.importorskip("rtamt", reason="rtamt is in the 'peers' extra")
    measured = measure(Load(tmp_path, None, print), samples=500, repetitions=1)
    rows = [row.to_dict() for row in measured.rows]
    assert len(rows) == 2 * len(LOADS) + 1
    for row in rows:
        assert {"measure", "value", "unit", "wanted", "met", "beside"} <= set(row)
        assert row["value"] > 0
        assert (row["met"] is None) is (row["wanted"] is None)
