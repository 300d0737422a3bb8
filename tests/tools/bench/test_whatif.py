"""The benchmark runs and says what it was asked for; its figures are not judged here."""

from pathlib import Path

from winnow_tools.bench.catalogue import named
from winnow_tools.bench.load import Load
from winnow_tools.bench.whatif import measure


def test_rows_follow_the_contract(tmp_path: Path) -> None:
    said: list[str] = []
    measured = measure(Load(tmp_path, None, said.append), duration_s=3.0, repetitions=1, scale=0.05)
    rows = [row.to_dict() for row in measured.rows]
    assert [row["wanted"] for row in rows] == [">= 8", ">= 50", ">= 50", ">= 8"]
    assert all(row["value"] > 0 and row["unit"] == "x" for row in rows)
    full, apart, alone = (row["beside"] for row in rows[:3])
    assert full["messages"] == apart["messages"] > alone["messages"]
    assert full["decoded"] == apart["decoded"] == alone["decoded"] == alone["messages"]
    assert all("bound by" in row["note"] for row in rows[:3])
    assert said
    assert named("what-if").module == "winnow_tools.bench.whatif"
