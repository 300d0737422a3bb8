"""`winnow retention` and `winnow hold`, as a person uses them, on the folder of a run."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.nodes.retention.test_retention_node import receipt, run_once, three_clips
from tests.nodes.vehicle_rig import S, Vehicle
from typer.testing import CliRunner

from winnow_schemas.messages import ClipReady
from winnow_tools.cli import app


@pytest.fixture
def vehicle(tmp_path: Path) -> Vehicle:
    return Vehicle(tmp_path)


def winnow(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, result.output
    return result.output


def told(*words: object, code: int = 0) -> Any:
    return json.loads(winnow(*words, "--json", code=code).partition("\n}\n")[0] + "\n}")


@pytest.fixture
def clips(vehicle: Vehicle) -> dict[str, ClipReady]:
    made = three_clips(vehicle, apply=False)
    vehicle.feed("uploader", "receipts", {"1": receipt(made["time_sample"]), "2": receipt(made["estop"])})
    vehicle.close()
    (vehicle.out / "settings.yml").write_text("retention: {p0_days: 30, free_floor_gb: 0}\n")
    return made


def test_the_plan_names_every_file_with_rule_and_date(vehicle: Vehicle, clips: dict[str, ClipReady]) -> None:
    plan = told("retention", "plan", vehicle.out, "--dry-run")
    rows = {row["name"].split("/")[1]: row for row in plan["files"]}
    assert {name: (row["delete"], row["rule"]) for name, row in rows.items()} == {
        "P0": (False, "age"),
        "P1": (False, "unverified"),
        "P5": (True, "age"),
    }
    assert rows["P0"]["due"] > rows["P0"]["verified"]
    assert rows["P1"]["due"] is None
    text = winnow("retention", "plan", vehicle.out)
    assert "not verified as uploaded" in text
    assert "Nothing was deleted: this is a plan, and retention.apply is off" in text
    assert all((vehicle.out / clip.path).exists() for clip in clips.values())


def test_the_nodes_dates_count_and_another_day_can_be_asked_for(
    vehicle: Vehicle, clips: dict[str, ClipReady]
) -> None:
    run_once(vehicle)
    vehicle.close()
    before = told("retention", "plan", vehicle.out, "--at", "2027-02-13T00:00:00")
    after = told("retention", "plan", vehicle.out, "--at", "2027-02-15T00:00:00")
    assert [[row["delete"] for row in plan["files"]] for plan in (before, after)] == [
        [False, False, True],
        [True, False, True],
    ]


def test_too_little_room_is_exit_code_1(vehicle: Vehicle, clips: dict[str, ClipReady]) -> None:
    (vehicle.out / "small.yml").write_text("retention: {clips_gb: 1.0e-9, free_floor_gb: 0}\n")
    output = winnow("retention", "plan", vehicle.out, "-s", vehicle.out / "small.yml", code=1)
    assert "nothing more may go" in output


def test_a_folder_that_says_nothing_of_its_settings(tmp_path: Path) -> None:
    assert "Name them with --settings" in winnow("retention", "plan", tmp_path, code=2)
    assert "is no folder" in winnow("retention", "plan", tmp_path / "none", code=2)


def test_lifecycle_is_json_on_stdout_or_in_a_file(tmp_path: Path) -> None:
    rules = json.loads(winnow("retention", "lifecycle"))
    winnow("retention", "lifecycle", "-o", tmp_path / "rules.json")
    assert json.loads((tmp_path / "rules.json").read_text()) == rules
    assert len(rules["Rules"]) == 4
    settings = tmp_path / "settings.yml"
    settings.write_text("retention: {cloud: {camera_days: 30}}\n")
    changed = json.loads(winnow("retention", "lifecycle", "-s", settings))
    assert changed["Rules"][2]["Expiration"] == {"Days": 30}
    assert "cannot be written" in winnow("retention", "lifecycle", "-o", tmp_path / "no" / "x", code=2)


class TestHold:
    def test_a_span_is_held_listed_and_lifted(self, vehicle: Vehicle, clips: dict[str, ClipReady]) -> None:
        added = told(
            "hold", "add", vehicle.out, "--from", "1970-01-01T00:00:24", "--to", "1970-01-01T00:00:25",
            "--reason", "case 9",
        )  # fmt: skip
        assert (added["start_ns"], added["end_ns"], added["freezes"]["clips"]) == (24 * S, 26 * S, 1)
        assert added["freezes"]["clip_bytes"] == clips["time_sample"].size_bytes
        rows = {
            row["name"].split("/")[1]: row["rule"] for row in told("retention", "plan", vehicle.out)["files"]
        }
        assert rows["P5"] == "hold"
        assert "case 9" in winnow("hold", "ls", vehicle.out)
        winnow("hold", "rm", vehicle.out, added["hold_id"][:6])
        assert told("hold", "ls", vehicle.out)["holds"] == []
        rows = {
            row["name"].split("/")[1]: row["delete"]
            for row in told("retention", "plan", vehicle.out)["files"]
        }
        assert rows["P5"]

    def test_around_an_incident_it_is_a_day_on_each_side(self, vehicle: Vehicle) -> None:
        added = told("hold", "add", vehicle.out, "--around", "2026-04-11T12:00:00")
        assert (added["from"], added["to"]) == ("2026-04-10 12:00:00", "2026-04-12 12:00:01")

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ((), "Give --from and --to, or --around"),
            (("--from", "14:00"), "Give --from and --to, or --around"),
            (("--around", "14:00", "--to", "15:00"), "Give --from and --to, or --around"),
            (("--from", "soon", "--to", "15:00"), "nothing was held"),
            (("--from", "15:00", "--to", "14:00"), "nothing was held"),
            (("--from", "+5s", "--to", "+9s"), "no ledger"),
        ],
    )
    def test_what_is_refused(self, vehicle: Vehicle, words: tuple[str, ...], said: str) -> None:
        assert said in winnow("hold", "add", vehicle.out, *words, code=2)
        assert not list(vehicle.out.rglob("holds/*.json"))

    def test_single_holds_are_listed_too(self, vehicle: Vehicle, clips: dict[str, ClipReady]) -> None:
        (vehicle.out / clips["estop"].path).with_suffix(".hold").touch()
        assert "has a hold of its own" in winnow("hold", "ls", vehicle.out)
        assert "No holds" in winnow("hold", "rm", vehicle.out, "abc", code=2)
