"""The command line as a whole: help for everything, exit codes, and one sentence where something is wrong."""

from collections.abc import Iterator
from importlib.metadata import version

import click
import pytest
import typer
from typer.testing import CliRunner

from winnow_tools.cli import app

NOWHERE = "/nowhere/at/all"


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command with its words."""
    waiting = [("", typer.main.get_command(app))]
    while waiting:
        words, command = waiting.pop(0)
        yield words, command
        for name, child in getattr(command, "commands", {}).items():
            waiting.append((f"{words} {name}".strip(), child))


ALL = dict(commands())


def test_the_commands_are_these():
    expected = {"scaffold", "check", "run", "graph", "why", "report", "demo", "clips", "sim", "store"}
    expected |= {f"clips {name}" for name in ("ls", "show", "verify", "export")}
    assert expected <= set(ALL)


@pytest.mark.parametrize("words", ALL)
def test_everything_has_help(words: str):
    command = ALL[words]
    assert command.help
    for parameter in command.params:
        if getattr(parameter, "hidden", False):
            continue
        assert getattr(parameter, "help", ""), f"{words}: {parameter.name} says nothing"
    result = CliRunner().invoke(app, [*words.split(), "--help"])
    assert result.exit_code == 0
    assert result.output.strip()
    assert CliRunner().invoke(app, [*words.split(), "-h"]).output == result.output


def test_exit_codes_are_in_the_help():
    text = " ".join(CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output.split())
    for code, meaning in enumerate(
        ["all is well", "a check or comparison failed", "bad input", "is missing", "is not there", "gave up"]
    ):
        assert f"{code} {meaning}" in text or f"{code} " in text.split(meaning, maxsplit=1)[0], meaning


def test_the_version_is_the_packages():
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.output) == (0, f"{version('winnow-dora')}\n")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["scaffold", NOWHERE, "-o", "made"], 2),
        (["check", NOWHERE], 2),
        (["run", NOWHERE], 2),
        (["run", NOWHERE, "--recording", NOWHERE], 2),
        (["graph", NOWHERE], 2),
        (["why", "14:32", "--out", NOWHERE], 2),
        (["report", NOWHERE], 2),
        (["demo", "--graph", NOWHERE, "--out", "demo-out"], 2),
        (["demo", "--settings", NOWHERE, "--out", "demo-out"], 2),
        (["clips", "ls", NOWHERE], 2),
        (["clips", "show", NOWHERE, "x"], 2),
        (["clips", "verify", NOWHERE], 2),
        (["clips", "export", NOWHERE, "x", "-o", "x.mcap"], 2),
        (["sim", "export", NOWHERE, "-o", "x.mcap"], 2),
        (["sim", "truth", NOWHERE], 2),
    ],
)
def test_what_is_not_there_is_one_sentence(arguments: list[str], code: int, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == code, (result.output, result.exception)
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    assert result.stderr.strip().endswith(".")
    assert NOWHERE in result.stderr or "dataflows" in result.stderr
    assert list(tmp_path.iterdir()) == [], "nothing is left behind by a command that did nothing"


@pytest.mark.parametrize("words", ["nonsense", "clips nonsense", "run --nonsense", "scaffold"])
def test_wrong_usage_is_code_2(words: str):
    result = CliRunner().invoke(app, words.split())
    assert result.exit_code == 2
    assert "Traceback" not in result.output
