"""The benchmark runs and says what it was asked for; its figures are not judged here."""

from pathlib import Path

import pytest

from winnow_tools.bench.conditions import LOADS, measure
from winnow_tools.bench.library import measure_library
from winnow_tools.bench.load import Load


def test_rows_follow_the_contract(tmp_path: Path) -> None:
    pytest.importorskip("rtamt", reason="rtamt is in the 'peers' extra")
    measured = measure(Load(tmp_path, None, print), samples=500, repetitions=1, library_s=4)
    rows = [row.to_dict() for row in measured.rows]
    assert len(rows) == 2 * len(LOADS) + 2
    for row in rows:
        assert {"measure", "value", "unit", "wanted", "met", "beside"} <= set(row)
        assert row["value"] > 0
        assert (row["met"] is None) is (row["wanted"] is None)


def test_the_library_row_counts_all_28_and_their_topics_only(tmp_path: Path) -> None:
    row = measure_library(Load(tmp_path, None, lambda _: None), duration_s=3, repetitions=1).to_dict()
    assert row["measure"] == "library of all 28 types, cores at 1x"
    assert (row["wanted"], row["unit"]) == ("<= 0.1", "cores")
    assert row["beside"]["triggers"] == 28
    assert row["beside"]["topics"] == 26
    assert row["beside"]["events"] == 1  # new_area, where the run starts
