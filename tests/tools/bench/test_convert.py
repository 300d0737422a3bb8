"""The benchmark runs and says what it was asked for; its figures are not judged here."""

from pathlib import Path

from winnow_tools.bench.catalogue import named
from winnow_tools.bench.convert import measure
from winnow_tools.bench.load import Load


def test_rows_follow_the_contract(tmp_path: Path) -> None:
    said: list[str] = []
    measured = measure(Load(tmp_path, None, said.append), pairs=1, seconds=1)
    (row,) = [row.to_dict() for row in measured.rows]
    assert row["measure"] == "speed / rosbags-convert, generated.bag"
    assert (row["wanted"], row["unit"]) == (">= 0.7", "ratio")
    assert row["value"] > 0
    assert row["beside"]["ours, messages/s"] > 0
    assert said == ["generated.bag ..."]
    assert named("convert").module == "winnow_tools.bench.convert"
