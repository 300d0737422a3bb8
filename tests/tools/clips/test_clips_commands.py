"""`winnow clips ls`, `show` and `export` on real clips."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from mcap.reader import make_reader
from rosbags.highlevel import AnyReader
from tests.clip_tampering import records_of
from tests.fixtures.runs import FinishedRun
from tests.small_drives import LATCHED, STREAMS
from typer.testing import CliRunner

from winnow_tools.cli import app

pytestmark = [pytest.mark.graph, pytest.mark.timeout(600)]
MIDDLE = "time_sample_20260411_093330_"


def clips(*arguments: Any) -> Result:
    result = CliRunner().invoke(app, ["clips", *map(str, arguments)], env={"COLUMNS": "200"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_ls_shows_every_clip_in_the_order_of_time(ros2_run: FinishedRun):
    result = clips("ls", ros2_run.out)
    assert result.exit_code == 0
    assert result.stdout.strip().endswith("3 clips.")
    places = [result.stdout.index(f"time_sample_20260411_{time}_") for time in ("093320", "093330", "093340")]
    assert places == sorted(places)
    said = json.loads(clips("ls", ros2_run.out, "--json").stdout)
    assert said["problems"] == []
    assert [clip["start_ns"] for clip in said["clips"]] == sorted(clip["start_ns"] for clip in said["clips"])
    assert {clip["scenario"] for clip in said["clips"]} == {"normal_routine"}
    assert [clip["triggers"] for clip in said["clips"]] == [["time_sample"]] * 3
    assert [clip["truncated"] for clip in said["clips"]] == [False, False, True]  # the drive ends first


def test_ls_names_what_it_cannot_read(own_copy: FinishedRun):
    spoilt = next((own_copy.out / "clips").rglob(f"{MIDDLE}*.mcap")).with_suffix(".json")
    spoilt.write_text("{}")
    result = clips("ls", own_copy.out)
    assert result.exit_code == 0
    assert f"{spoilt} is not a clip's sidecar" in result.stdout
    assert result.stdout.strip().endswith("2 clips.")


def test_ls_of_an_empty_folder(tmp_path: Path):
    assert clips("ls", tmp_path).stdout.strip().endswith("0 clips.")


def test_show_tells_triggers_topics_and_verdict(ros2_run: FinishedRun):
    result = clips("show", ros2_run.out, MIDDLE)
    assert result.exit_code == 0
    for part in (
        "every(10 s, from_start=True)",
        *(stream.topic for stream in STREAMS),
        f"Latched from before the window: {LATCHED}.",
        "normal_routine: ",
    ):
        assert part in result.stdout
    said = json.loads(clips("show", ros2_run.out, MIDDLE, "--json").stdout)
    assert said["sidecar"]["name"].startswith(MIDDLE)
    assert said["verdict"]["clip_id"] == said["sidecar"]["clip_id"]
    by_id = json.loads(clips("show", ros2_run.out, said["sidecar"]["clip_id"], "--json").stdout)
    assert by_id == said
    assert (
        "The stream ended before the window did."
        in clips("show", ros2_run.out, "time_sample_20260411_093340_").stdout
    )


@pytest.mark.parametrize(("name", "part"), [("zzz", "No clip in "), ("time_sample", "3 clips in ")])
def test_a_name_must_mean_one_clip(ros2_run: FinishedRun, name: str, part: str):
    for command in (("show", ros2_run.out, name), ("export", ros2_run.out, name, "-o", "x.mcap")):
        result = clips(*command)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith(part)
        assert result.stderr.count("\n") == 1


def test_a_whole_clip_is_exported_byte_for_byte_and_verifies(ros2_run: FinishedRun, tmp_path: Path):
    target = tmp_path / "sub" / "mine.mcap"
    result = clips("export", ros2_run.out, MIDDLE, "-o", target)
    assert result.exit_code == 0
    assert result.stdout.split() == [
        str(target.with_suffix(end)) for end in (".mcap", ".json", ".verdict.json")
    ]
    original = next((ros2_run.out / "clips").rglob(f"{MIDDLE}*.mcap"))
    assert target.read_bytes() == original.read_bytes()
    assert clips("verify", target, "--against", ros2_run.recording).exit_code == 0


def test_single_topics_are_exported_with_their_messages(ros2_run: FinishedRun, tmp_path: Path):
    target = tmp_path / "part.mcap"
    result = clips("export", ros2_run.out, MIDDLE, "-o", target, "--topic", "/mode", "--topic", LATCHED)
    assert result.exit_code == 0, result.output
    original = next((ros2_run.out / "clips").rglob(f"{MIDDLE}*.mcap"))
    wanted = [
        (record.topic, record.t_ns, record.data)
        for record in records_of(original)
        if record.topic in ("/mode", LATCHED)
    ]
    assert sorted((record.topic, record.t_ns, record.data) for record in records_of(target)) == sorted(wanted)
    with AnyReader([target]) as reader:
        assert len(list(reader.messages())) == len(wanted)
    with target.open("rb") as file:
        assert make_reader(file).get_header().profile == "ros2"


def test_tables_hold_the_numbers(ros2_run: FinishedRun, tmp_path: Path):
    result = clips(
        "export",
        ros2_run.out,
        MIDDLE,
        "-o",
        tmp_path / "csv",
        "--format",
        "csv",
        "--topic",
        "/gps/fix",
        "--topic",
        "/mode",
    )
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "csv").iterdir()) == ["gps_fix.csv", "mode.csv"]
    with (tmp_path / "csv" / "gps_fix.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 30
    t_s = (int(rows[0]["t_ns"]) - 1_775_900_000_000_000_000) / 1e9
    assert float(rows[0]["latitude"]) == pytest.approx(50 + t_s * 1e-5, abs=1e-9)
    with (tmp_path / "csv" / "mode.csv").open(newline="") as file:
        assert {row["data"] for row in csv.DictReader(file)} == {"auto", "manual"}
    again = clips("export", ros2_run.out, MIDDLE, "-o", tmp_path / "csv", "--format", "csv")
    assert (again.exit_code, again.stderr) == (
        2,
        f"{tmp_path / 'csv'} exists and is not an empty folder; nothing was written.\n",
    )


@pytest.mark.parametrize(
    ("options", "code", "part"),
    [
        (["-o", "there.mcap"], 2, "there.mcap exists; nothing was written."),
        (["-o", "name.txt"], 2, "name.txt does not end in .mcap; nothing was written."),
        (
            ["-o", "new.mcap", "--topic", "/no"],
            2,
            "has no topic '/no'; nothing was written. It has: /battery,",
        ),
        (["-o", "there.mcap/new.mcap"], 4, "cannot be written"),
        (["-o", "new", "--format", "xml"], 2, "xml"),
    ],
)
def test_exports_that_cannot_be(
    ros2_run: FinishedRun,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    code: int,
    part: str,
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.mcap").write_text("mine")
    result = clips("export", ros2_run.out, MIDDLE, *options)
    assert result.exit_code == code, result.output
    assert part in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["there.mcap"]
    assert (tmp_path / "there.mcap").read_text() == "mine"
