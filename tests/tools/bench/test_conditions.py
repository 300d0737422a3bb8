"""The benchmark runs and says what it was asked for; its figures are not judged here."""

import pytest

from winnow_tools.bench.conditions import LOADS, measure


def test_rows_follow_the_contract() -> None:
    pytest.importorskip("rtamt", reason="rtamt is in the 'peers' extra")
    result = measure(samples=500, repetitions=1)
    assert result["bench"] == "conditions"
    assert {"cpu", "cores", "python", "load", "repetitions"} <= set(result["machine"])
    assert len(result["rows"]) == 2 * len(LOADS) + 1
    for row in result["rows"]:
        assert set(row) == {"measure", "value", "unit", "wanted", "met", "beside"}
        assert row["value"] > 0
        assert (row["met"] is None) is (row["wanted"] is None)
