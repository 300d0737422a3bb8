"""``winnow what-if`` as users call it: what it prints, writes, and answers with."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.page_checks import check_page
from tests.whatif_drives import settings_of, write_json
from typer.testing import CliRunner

from winnow_runtime.ledger import read_ledger
from winnow_tools.cli import app

run = CliRunner().invoke


@pytest.fixture(scope="module")
def drive(tmp_path_factory) -> Path:
    return write_json(tmp_path_factory.mktemp("drive") / "drive <1>.mcap")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Base settings, and others: a trigger off, one later, one with a longer window, less budget."""
    base = settings_of("json", topics={"/zoom/image": {"kind": "camera", "drop_order": 20}})
    other: dict[str, Any] = json.loads(json.dumps(base))
    triggers = other["triggers"]["set"]
    triggers["fast_turn"]["enabled"] = False
    triggers["long_stop"]["when"] = "for_at_least(speed < 0.1, 10.5 s)"
    triggers["no_fix"]["post_roll_s"] = 9
    triggers["far_east"] = {"when": "longitude > -0.449", "priority": "P4", "pre_roll_s": 1, "post_roll_s": 1}
    paths = tmp_path / "a.yml", tmp_path / "b.yml"
    for path, settings in zip(paths, (base, other), strict=True):
        path.write_text(yaml.safe_dump(settings), "utf-8")
    return paths


def options(drive: Path, *settings: Path) -> list[str]:
    return ["what-if", str(drive), *(part for path in settings for part in ("--settings", str(path)))]


def test_one_settings_file_says_what_it_does(drive: Path, files):
    done = run(app, options(drive, files[0]), env={"COLUMNS": "160"})
    assert done.exit_code == 0, done.output
    assert "What a.yml does" in done.stdout
    assert "long_stop" in done.stdout
    assert "x real time" in done.stderr
    assert "distance_sample" in done.stdout.replace("\n", "")


def test_names_are_whole_on_narrow_screens(drive: Path, files):
    done = run(app, options(drive, files[0]), env={"COLUMNS": "40"})
    assert done.exit_code == 0, done.output
    row = next(line for line in done.stdout.splitlines() if "distance_sample" in line)
    assert row.startswith("│ P")
    assert row.endswith("B │")


def test_two_give_the_difference(drive: Path, files):
    done = run(app, options(drive, *files), env={"COLUMNS": "160"})
    assert done.exit_code == 0, done.output
    for word in ("a.yml → b.yml", "gained", "lost", "changed", "no_fix", "Extraction budget"):
        assert word in done.stdout


def test_json_holds_together_and_is_the_same_twice(drive: Path, files):
    first, second = (run(app, [*options(drive, *files), "--json"]) for _ in range(2))
    assert first.exit_code == 0, first.output
    assert first.stdout == second.stdout
    value = json.loads(first.stdout)
    base, other = value["settings"]
    (pair,) = value["comparisons"]
    for one in (base, other):
        cut = [clip for clip in one["clips"] if clip["outcome"] == "cut"]
        assert one["total"]["clips"] == len(cut) == sum(each["clips"] for each in one["triggers"].values())
        for key in ("payload_bytes", "charged_bytes", "seconds"):
            assert one["total"][key] == pytest.approx(sum(clip[key] for clip in cut))
            assert one["total"][key] == pytest.approx(sum(each[key] for each in one["triggers"].values()))
        assert sum(line["charged_bytes"] for line in one["budget"]) == one["total"]["charged_bytes"]
        assert sum(each["fired"] for each in one["triggers"].values()) == len(one["events"])
    assert pair["more_payload_bytes"] == other["total"]["payload_bytes"] - base["total"]["payload_bytes"]
    changes = {(each["change"], each["trigger"]) for each in pair["differences"]}
    assert {("lost", "fast_turn"), ("gained", "far_east"), ("changed", "no_fix")} <= changes
    assert base["triggers"]["flicker"]["muted"] == 9
    lost = next(each for each in pair["differences"] if each["change"] == "lost")
    assert lost["reason"] == "fast_turn does not run: it is switched off in the settings"


@pytest.mark.parametrize(
    ("gates", "exit_code"),
    [
        (["lost-clips"], 1),
        (["lost-clips=100"], 0),
        (["lost-p0"], 1),
        (["more-bytes=500%"], 0),
        (["lost-clips=100", "over-budget"], 1),
        (["nonsense"], 2),
        (["lost-clips=5%"], 2),
    ],
)
def test_gates(drive: Path, files, gates, exit_code):
    done = run(
        app, [*options(drive, *files), "--json", *(part for gate in gates for part in ("--fail-on", gate))]
    )
    assert done.exit_code == exit_code, done.output
    if exit_code == 1:
        failed = json.loads(done.stdout)["failed"]
        assert len(failed) == 1
        assert failed[0] in done.stderr


def test_the_page_is_whole_and_outside_text_is_text(drive: Path, files, tmp_path: Path):
    for number, settings in enumerate((files[:1], files, (*files, files[0]))):
        page = tmp_path / f"{number}.html"
        done = run(app, [*options(drive, *settings), "--page", str(page)])
        assert done.exit_code == 0, done.output
        content = page.read_text("utf-8")
        parsed = check_page(content)
        assert "drive <1>" not in content
        assert any("drive <1>.mcap" in part for part in parsed.texts)
        bars = [each for tag, each in parsed.elements if tag == "g" and "data-clip" in each]
        kinds = {each["class"].split()[1] for each in bars}
        assert kinds >= ({"alone", "refused"} if number == 0 else {"lost", "gained", "changed", "refused"})


def test_the_ledger_answers_why(drive: Path, files, tmp_path: Path):
    done = run(app, [*options(drive, *files), "--ledger", str(tmp_path / "led")])
    assert done.exit_code == 0, done.output
    folders = sorted(path.parent for path in (tmp_path / "led").rglob("ledger.parquet"))
    assert [folder.name for folder in folders] == ["a", "b"]
    kinds = set(read_ledger(folders[0])["kind"].to_pylist())
    assert kinds == {"trigger", "clip"}
    why = run(app, ["why", "22:14:00", "--out", str(folders[0])])
    assert why.exit_code == 0, why.output
    assert "fast_turn fired" in why.output


def test_recordings_are_runs_of_their_own(drive: Path, files, tmp_path: Path):
    again = write_json(tmp_path / "again.mcap")
    done = run(app, ["what-if", str(drive), str(again), "-s", str(files[0]), "--json"])
    value = json.loads(done.stdout)
    alone = json.loads(run(app, [*options(drive, files[0]), "--json"]).stdout)
    assert value["settings"][0]["total"]["clips"] == 2 * alone["settings"][0]["total"]["clips"]
    assert len(value["settings"][0]["budget"]) == 2 * len(alone["settings"][0]["budget"])


def test_bad_input_is_one_sentence(drive: Path, files, tmp_path: Path):
    (tmp_path / "bad.yml").write_text("triggers: {set: {x: {when: 'speed >', priority: P1}}}\n")
    cases = [
        ["what-if", str(tmp_path / "none.mcap"), "-s", str(files[0])],
        ["what-if", str(drive), "-s", str(tmp_path / "none.yml")],
        ["what-if", str(drive), "-s", str(tmp_path / "bad.yml")],
        [*options(drive, *([files[0]] * 9))],
    ]
    for case in cases:
        done = run(app, case)
        assert done.exit_code == 2, done.output
        assert "Traceback" not in done.output
        assert done.exception is None or isinstance(done.exception, SystemExit)


def test_same_names_are_told_apart(drive: Path, files, tmp_path: Path):
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / "a.yml"
    twin.write_text(files[1].read_text())
    value = json.loads(run(app, [*options(drive, files[0], twin), "--json"]).stdout)
    assert [one["name"] for one in value["settings"]] == [str(files[0]), str(twin)]
    done = run(app, [*options(drive, files[0], twin), "--ledger", str(tmp_path / "led")])
    assert done.exit_code == 2
    assert "name the files differently" in done.stderr
