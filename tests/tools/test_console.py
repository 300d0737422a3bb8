"""What commands print for people."""

import pytest
from rich.table import Table

from winnow_tools.console import print_table

NAME = "time_sample_20260411_093330_01a1f9c2"


@pytest.mark.parametrize("columns", ["20", "80", "200"])
def test_a_table_keeps_its_words_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: str
):
    monkeypatch.setenv("COLUMNS", columns)
    table = Table("time (UTC)", "name", "scenario")
    table.add_row("2026-04-11T09:33:30Z", NAME, "normal_routine")
    print_table(table)
    row = next(line for line in capsys.readouterr().out.splitlines() if NAME in line)
    assert row == f"│ 2026-04-11T09:33:30Z │ {NAME} │ normal_routine │"
