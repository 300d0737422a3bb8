"""`winnow why`: a moment in every form, a clip by name and id, and moments that no clip holds."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from tests.fixtures.runs import FinishedRun
from tests.small_drives import T0
from typer.testing import CliRunner

from winnow_schemas.errors import BadInputError
from winnow_tools.cli import app
from winnow_tools.why.moment import parse_moment
from winnow_tools.why.story import about_time

SECOND = 1_000_000_000
END = T0 + 22 * SECOND
run_under_dora = [pytest.mark.graph, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    ("text", "start_ns", "length_s"),
    [
        ("+12s", T0 + 12 * SECOND, 1),
        ("+12", T0 + 12 * SECOND, 1),
        ("+1.5s", T0 + SECOND * 3 // 2, 1),
        ("9:33", T0 - 20 * SECOND, 60),
        ("09:33", T0 - 20 * SECOND, 60),
        ("09:33:32", T0 + 12 * SECOND, 1),
        ("09:33:32.5", T0 + 12 * SECOND + SECOND // 2, 1),
        (" 09:33:32 ", T0 + 12 * SECOND, 1),
        ("2026-04-11T09:33:32", T0 + 12 * SECOND, 1),
        ("2026-04-11 09:33:32", T0 + 12 * SECOND, 1),
        ("2026-04-11T09:33:32Z", T0 + 12 * SECOND, 1),
        ("2026-04-11T11:33:32+02:00", T0 + 12 * SECOND, 1),
        ("1775900012", T0 + 12 * SECOND, 1),
        ("1775900012.5", T0 + 12 * SECOND + SECOND // 2, 1),
        (str(T0 + 12 * SECOND), T0 + 12 * SECOND, 1),
    ],
)
def test_a_moment_in_every_form(text: str, start_ns: int, length_s: int):
    assert parse_moment(text, T0, END) == (start_ns, start_ns + length_s * SECOND)


def test_a_run_over_midnight_finds_the_next_day():
    start = T0 + (14 * 3600 + 26 * 60) * SECOND  # 23:59:20
    assert parse_moment("00:00:10", start, start + 120 * SECOND)[0] == start + 50 * SECOND


@pytest.mark.parametrize(
    ("text", "start_ns"),
    [
        ("09:30", T0 - 200 * SECOND),  # before the run: on its day, not on the next one
        ("14:32", T0 + 17_920 * SECOND),
    ],
)
def test_a_time_of_no_message_is_the_nearest_one_to_the_run(text: str, start_ns: int):
    assert parse_moment(text, T0, END) == (start_ns, start_ns + 60 * SECOND)


def test_a_time_outside_the_run_is_answered_with_the_runs_span():
    lines = about_time([], T0 - 200 * SECOND, T0 - 140 * SECOND, (T0, END))
    assert [line.text for line in lines] == [
        (
            "The run has no message of 2026-04-11 09:30:00.000: "
            "it goes from 2026-04-11 09:33:20.000 to 2026-04-11 09:33:42.000 (UTC)."
        )
    ]


@pytest.mark.parametrize(
    "text",
    [
        "25:00",
        "09:61",
        "09:33:75",
        "noon",
        "-5s",
        "+s",
        "99999999999999999999",
        "+99999999999s",
        "0001-01-01",
    ],
)
def test_what_is_no_moment(text: str):
    with pytest.raises(BadInputError, match="nothing was looked up"):
        parse_moment(text, T0, END)


def why(run: FinishedRun, what: str, *options: Any) -> Result:
    result = CliRunner().invoke(app, ["why", what, "--out", str(run.out), *options])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


class TestOfARun:
    pytestmark = run_under_dora

    def test_a_clip_by_time_name_and_id_tells_the_same_chain(self, ros2_run: FinishedRun):
        clip = next((ros2_run.out / "clips").rglob("*_093330_*.mcap"))
        clip_id = json.loads(clip.with_suffix(".json").read_bytes())["clip_id"]
        by_name = why(ros2_run, clip.stem).stdout
        assert why(ros2_run, clip_id).stdout == by_name
        assert why(ros2_run, "+12s").stdout == f"1 clip holds 09:33:32.000.\n{by_name}"
        for part in (
            f"Clip {clip.stem} holds 09:33:27.000 to 09:33:33.000 (UTC).",
            "At 09:33:30.000 time_sample fired: its condition came true (every(10 s, from_start=True)).",
            "The extractor cut it: ",
            "Classified: ",
            "Redactor: ",
            "Uploader: Uploading is off in the settings",
            "Retention: kept; not verified as uploaded.",
        ):
            assert part in by_name

    def test_a_minute_that_several_clips_touch(self, ros2_run: FinishedRun):
        assert why(ros2_run, "09:33").stdout.startswith(
            "3 clips hold 09:33:00.000 to 09:34:00.000 or a part of it.\n"
        )

    def test_a_moment_between_clips_names_the_neighbours(self, ros2_run: FinishedRun):
        lines = why(ros2_run, "+5s").stdout.splitlines()
        assert lines[0] == "No clip holds 09:33:25.000."
        assert lines[1] == "What fired within a minute has its window before or after it."
        assert lines[-2].startswith("The clip before is time_sample_20260411_093320_")
        assert lines[-2].endswith("it ends 2.0 s earlier.")
        assert lines[-1].startswith("The clip after is time_sample_20260411_093330_")

    def test_a_moment_outside_of_the_run_says_so(self, ros2_run: FinishedRun):
        lines = why(ros2_run, "10:00").stdout.splitlines()
        assert (
            "The run has no message of 2026-04-11 10:00:00.000: "
            "it goes from 2026-04-11 09:33:20.000 to 2026-04-11 09:33:41.990 (UTC)."
        ) in lines

    def test_json_has_the_rows(self, ros2_run: FinishedRun):
        said = json.loads(why(ros2_run, "+12s", "--json").stdout)
        rows = [line["row"] for line in said if line["row"]]
        assert {row["kind"] for row in rows} >= {"clip", "trigger", "classification", "redaction", "upload"}

    @pytest.mark.parametrize("what", ["", "  ", "zzz"])
    def test_neither_time_nor_clip(self, ros2_run: FinishedRun, what: str):
        result = why(ros2_run, what)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.endswith("nothing was looked up.\n")

    def test_the_report_is_written_where_it_is_wanted(self, ros2_run: FinishedRun, tmp_path: Path):
        result = CliRunner().invoke(app, ["report", str(ros2_run.out), "-o", str(tmp_path / "r.html")])
        assert (result.exit_code, result.stdout) == (0, f"{tmp_path / 'r.html'}\n")
        page = (tmp_path / "r.html").read_text("utf-8")
        assert "time_sample" in page
        assert "/lidar/points" in page
        unwritable = CliRunner().invoke(
            app, ["report", str(ros2_run.out), "-o", str(tmp_path / "no" / "r.html")]
        )
        assert unwritable.exit_code == 4
        assert unwritable.stderr.count("\n") == 1


def test_a_folder_without_a_run(tmp_path: Path):
    result = CliRunner().invoke(app, ["why", "14:32", "--out", str(tmp_path)])
    assert (result.exit_code, result.stderr) == (
        2,
        f"{tmp_path} holds no ledger; nothing was looked up. Name a run's folder with --out.\n",
    )
    result = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert (result.exit_code, result.stderr) == (
        2,
        f"{tmp_path} holds no finished run; nothing was reported.\n",
    )
