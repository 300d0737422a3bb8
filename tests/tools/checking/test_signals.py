"""`winnow check`: signals must name fields that the recording has."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.recording_makers import Sent, write_mcap
from tests.small_drives import write_ros2_drive
from typer.testing import CliRunner

from winnow_tools.checking.check import check
from winnow_tools.cli import app
from winnow_tools.scaffold import make_scaffold


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_scaffold(write_ros2_drive(tmp_path / "drive", 5), tmp_path, memory_mib=48)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(folder: Path, field: str, topic: str = "") -> list[str]:
    """Findings about the first signal of the IMU, with another field."""
    settings = yaml.safe_load((folder / "settings.yml").read_text())
    signals: dict[str, Any] = settings["signals"]
    signal = next(signal for signal in signals.values() if signal["topic"] == "/imu/data")
    signal["field"] = field
    signal["topic"] = topic or signal["topic"]
    (folder / "settings.yml").write_text(yaml.safe_dump(settings, sort_keys=False))
    result = CliRunner().invoke(app, ["check", "graph.yml"])
    return [line for line in result.stdout.splitlines() if ": signals." in line]


def line_of(folder: Path, finding: str) -> str:
    name, number = finding.split(":")[:2]
    return (folder / name).read_text().splitlines()[int(number) - 1]


def test_a_field_that_does_not_exist_is_an_error_that_names_the_others(made: Path):
    (finding,) = said(made, "linear_acceleration.w")
    assert ": error: signals." in finding
    assert "/imu/data: The field path 'linear_acceleration.w' cannot be used" in finding
    assert "(fields: linear_acceleration." in finding
    assert "field: linear_acceleration.w" in line_of(made, finding)


def test_a_path_that_is_no_value_is_an_error(made: Path):
    (finding,) = said(made, "linear_acceleration")
    assert ": error: signals." in finding


@pytest.mark.parametrize("field", ["linear_acceleration.x", "norm(linear_acceleration)"])
def test_fields_that_exist_pass(made: Path, field: str):
    assert said(made, field) == []


def test_a_topic_that_is_not_in_the_recording_is_a_warning_with_a_suggestion(made: Path):
    found = [finding for finding in said(made, "linear_acceleration.x", "/imu/dta") if "did you" in finding]
    assert len(found) == 1
    assert "has no topic /imu/dta; did you mean /imu/data?" in found[0]
    assert ": warning: " in found[0]
    assert "topic: /imu/dta" in line_of(made, found[0])


def test_without_the_recording_nothing_is_said(made: Path):
    text = (made / "graph.yml").read_text()
    lines = [line for line in text.splitlines() if "WINNOW_RECORDING" not in line]
    (made / "graph.yml").write_text("\n".join([*lines, ""]))
    assert said(made, "linear_acceleration.w") == []


def test_a_recording_that_cannot_be_read_says_nothing_here(made: Path):
    text = (made / "graph.yml").read_text()
    lines = [
        "  WINNOW_RECORDING: nowhere.mcap" if "WINNOW_RECORDING" in line else line
        for line in text.splitlines()
    ]
    (made / "graph.yml").write_text("\n".join([*lines, ""]))
    assert said(made, "linear_acceleration.w") == []


def test_another_recording_is_what_counts_when_one_is_given(made: Path):
    assert len(said(made, "linear_acceleration.w")) == 1
    other = write_mcap(made / "other.mcap", [Sent("/imu/data", 1_700_000_000_000_000_000, b"{}")])
    findings = check(Path("graph.yml"), None, other).findings
    assert any("test_msgs/Blob has no field" in finding.message for finding in findings)
    assert any("other.mcap has no topic" in finding.message for finding in findings)
