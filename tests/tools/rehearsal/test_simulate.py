"""`winnow upload simulate`: what it prints, its picture in a browser, its exit codes."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from winnow_tools.cli import app


def simulate(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["upload", "simulate", *map(str, words)], env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return result.output


def test_a_week_is_kept_as_json_and_picture(tmp_path: Path) -> None:
    told = json.loads(simulate("--clips-gb", 250, "--json", "-p", tmp_path / "week.html"))
    assert told["kept"]
    assert told["violations"] == []
    assert told["safety_uploaded"] == told["safety_cut"] > 10
    assert told["peak_disk_bytes"] <= told["room_bytes"] == 250 * 10**9
    assert [day["date"] for day in told["days"]] == [f"2026-04-{day}" for day in range(13, 20)]
    assert all(day["other_bytes"] <= told["budget_bytes"] for day in told["days"])
    document = (tmp_path / "week.html").read_text()
    assert "http://" not in document.replace("http://www.w3.org/2000/svg", "")
    assert f"{told['safety_uploaded']} of {told['safety_cut']}" in document


def test_as_text() -> None:
    said = simulate("--days", 2, "--outage-h", 0, "--safety-day", -1)
    assert "2026-04-14" in said
    assert "P0: " in said
    assert "Disk: at most" in said


def test_a_broken_promise_is_exit_code_1() -> None:
    assert "promises were broken, the first: The disk held" in simulate("--days", 2, "--clips-gb", 10, code=1)


def test_settings_count(tmp_path: Path) -> None:
    path = tmp_path / "settings.yml"
    path.write_text("upload: {daily_budget_gb: 1, priority_budget_gb: {P1: 0.5}}\n")
    told = json.loads(simulate("--days", 2, "-s", path, "--json"))
    assert told["budget_bytes"] == 10**9
    assert all(day["other_bytes"] <= 10**9 for day in told["days"])


def test_what_cannot_be_written_or_read(tmp_path: Path) -> None:
    assert "no picture was made" in simulate("--days", 1, "-p", tmp_path / "no" / "x.html", code=2)
    simulate("-s", tmp_path / "none.yml", code=2)


@pytest.mark.browser
def test_the_picture_shows_everything_and_fetches_nothing(tmp_path: Path, page) -> None:
    simulate("--days", 3, "--clips-gb", 150, "--safety-day", 1, "-p", tmp_path / "week.html")
    shown = page((tmp_path / "week.html").read_text())
    count = "document.querySelectorAll('{}').length"
    assert shown.run(count.format("svg.week[role=img]")) == 4
    assert shown.run(count.format("#mode .mode")) > 50
    assert shown.run(count.format("#queue .area")) >= 5
    assert shown.run(count.format("#disk path.area")) == 2
    assert shown.run("document.documentElement.scrollWidth <= window.innerWidth")
    boxes = "[...document.querySelectorAll('#disk path.area')].map(one => one.getBBox().height)"
    assert all(height > 10 for height in shown.run(boxes))
