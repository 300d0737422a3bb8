import json

import pytest
import typer
from typer.testing import CliRunner

from winnow_tools.sim.command import sim_export_command, sim_truth_command

SHORT = """\
name: short
duration_s: 2
scale: 0.02
route: {legs: [{to: bay_1}, {to: stand_2}]}
incidents: [{kind: flag_button, at_s: 1}]
"""


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.command("export")(sim_export_command)
    app.command("truth")(sim_truth_command)
    return app


@pytest.fixture
def script(tmp_path) -> str:
    path = tmp_path / "short.yml"
    path.write_text(SHORT)
    return str(path)


def test_export_writes_a_recording_and_does_not_replace_one(app, script, tmp_path) -> None:
    out = tmp_path / "short.mcap"
    first = CliRunner().invoke(app, ["export", script, "-o", str(out)])
    assert first.exit_code == 0, first.output
    assert "messages in 2 s" in first.output
    assert out.exists()
    assert out.with_suffix(".truth.json").exists()
    written = out.read_bytes()
    second = CliRunner().invoke(app, ["export", script, "-o", str(out)])
    assert second.exit_code == 2
    assert "nothing was written" in second.output
    assert out.read_bytes() == written
    forced = CliRunner().invoke(app, ["export", script, "-o", str(out), "--force"])
    assert forced.exit_code == 0
    assert out.read_bytes() == written


def test_truth_shows_what_must_fire(app, script) -> None:
    table = CliRunner().invoke(app, ["truth", script])
    assert table.exit_code == 0
    assert "operator_flag" in table.output
    as_json = CliRunner().invoke(app, ["truth", script, "--json"])
    assert json.loads(as_json.output)["script"] == "short"


@pytest.mark.parametrize("arguments", [["truth", "nothing"], ["export", "nothing", "-o", "x.mcap"]])
def test_a_bad_script_gives_one_sentence_and_exit_code_2(app, arguments) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert "There is no script 'nothing'" in result.output
    assert "Traceback" not in result.output


def test_a_bad_scale_is_refused(app, script, tmp_path) -> None:
    result = CliRunner().invoke(app, ["export", script, "-o", str(tmp_path / "x.mcap"), "--scale", "3"])
    assert result.exit_code == 2
    assert "from 0.001 to 1" in result.output
