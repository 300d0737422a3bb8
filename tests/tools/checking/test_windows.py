"""`winnow check`: without the warm tier the rings must hold the triggers' windows."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.small_drives import write_ros2_drive
from typer.testing import CliRunner

from winnow_tools.cli import app
from winnow_tools.scaffold import make_scaffold

NAME = "/lidar/points"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A scaffold with a trigger that wants 6 s."""
    make_scaffold(write_ros2_drive(tmp_path / "drive", 5), tmp_path, memory_mib=48)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(folder: Path, topic: dict[str, Any], *, recorder: bool = False, active: bool = True) -> list[str]:
    """Warnings about windows."""
    settings = yaml.safe_load((folder / "settings.yml").read_text())
    settings["recorder"]["enabled"] = recorder
    settings["topics"][NAME].update(topic)
    if not active:
        settings["triggers"]["set"] = {}
    (folder / "settings.yml").write_text(yaml.safe_dump(settings, sort_keys=False))
    result = CliRunner().invoke(app, ["check", "graph.yml"])
    return [line for line in result.stdout.splitlines() if "window needs" in line]


def test_a_ring_that_is_too_small_is_a_warning(made: Path):
    (line,) = said(made, {"ring_mib": 1, "expected_mb_s": 0.5})
    assert (
        "warning: topics./lidar/points: its ring holds 2.1 s, a trigger's window needs 11 s (6 s and 5 s to cut it) "
        "while the recorder is off; set ring_mib to 6" in line
    )
    number = int(line.split(":")[1])
    assert "ring_mib: 1" in (made / "settings.yml").read_text().splitlines()[number - 1]


def test_the_size_that_is_named_will_do(made: Path):
    assert said(made, {"ring_mib": 6, "expected_mb_s": 0.5}) == []
    (line,) = said(made, {"ring_mib": 0.0625, "expected_mb_s": 0.01})
    assert line.endswith("set ring_mib to 0.125")
    assert said(made, {"ring_mib": 0.125, "expected_mb_s": 0.01}) == []


@pytest.mark.parametrize(
    ("rate", "recorder", "active"), [(0.5, True, True), (0.0, False, True), (0.5, False, False)]
)
def test_with_a_recorder_or_without_a_rate_or_triggers_nothing_is_said(
    made: Path, rate: float, recorder: bool, active: bool
):
    assert said(made, {"ring_mib": 1, "expected_mb_s": rate}, recorder=recorder, active=active) == []


def test_a_scaffold_says_the_rates_itself(made: Path):
    settings = yaml.safe_load((made / "settings.yml").read_text())
    rate = settings["topics"][NAME]["expected_mb_s"]
    assert float(f"{rate:.3g}") == rate
    (line,) = said(made, {"ring_mib": max(0.0625, rate / 2)})
    assert NAME in line
