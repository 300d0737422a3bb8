"""`winnow bench` as a command, and the document that it writes."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from winnow_tools.bench.catalogue import BENCHES, Bench
from winnow_tools.bench.document import with_results
from winnow_tools.bench.load import Load
from winnow_tools.bench.recordings import with_triggers
from winnow_tools.bench.rows import Measured, Row
from winnow_tools.cli import app

SETTINGS = """\
triggers:
  set:
    time_sample:
      when: every(10 s)

    # Examples from the values in the recording: take the # away and set what you want.
    # Each takes the outermost hundredth.
    # altitude: 22.3 .. 33.4 m
    # altitude_high:
    #   when: altitude > 33.3 m
    #   priority: P3
    #
    # speed: 0 .. 4
    # speed_high:
    #   when: speed > 3.9
    #   priority: P3
"""


def measure(load: Load) -> Measured:
    """Stands in for a benchmark."""
    load.say("working")
    assert not list(load.scratch.iterdir())
    rows = [
        Row("a", 12345.678, "B/s", ">= 0.5", {"peer": 2.0}),
        Row("b", None, "s", "<= 1", note="no peer here"),
    ]
    return Measured(rows, "nothing", 3)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(BENCHES, "sample", Bench("sample", "a sample", __name__))
    monkeypatch.setattr(
        "winnow_tools.bench.catalogue.import_module", lambda _: type("M", (), {"measure": measure})
    )
    return "sample"


def test_json_has_the_machine_and_a_verdict_per_row(bench: str) -> None:
    done = CliRunner().invoke(app, ["bench", bench, "--json"])
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["bench"] == "sample"
    assert {"cpu", "cores", "kernel", "python", "load", "repetitions"} <= set(result["machine"])
    assert [(row["measure"], row["met"]) for row in result["rows"]] == [("a", True), ("b", None)]
    assert result["rows"][0]["value"] == 12350.0
    assert result["rows"][1]["note"] == "no peer here"


def test_the_document_keeps_what_people_wrote(bench: str, tmp_path: Path) -> None:
    document = tmp_path / "benchmarks.md"
    document.write_text("# Benchmarks\n\nRead me.\n", "utf-8")
    for _ in range(2):
        assert CliRunner().invoke(app, ["bench", bench, "--write", str(document)]).exit_code == 0
    text = document.read_text("utf-8")
    assert text.startswith("# Benchmarks\n\nRead me.\n")
    assert text.count("<!-- bench sample -->") == 1
    assert "| a | 12350 B/s | >= 0.5 | yes | peer: 2.0 |" in text


def test_results_replace_only_their_own_section() -> None:
    def result(name: str, value: float) -> dict[str, object]:
        rows = [Row("m", value, "s").to_dict()]
        return {"bench": name, "machine": {"load": "l", "repetitions": 1}, "rows": rows}

    text = with_results("# B\n", [result("one", 1.0), result("two", 2.0)])
    again = with_results(text, [result("one", 3.0)])
    assert re.findall(r"\| m \| (\d)", text) == ["1", "2"]
    assert re.findall(r"\| m \| (\d)", again) == ["3", "2"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "There is no benchmark 'nonsense'"),
        ([], "No benchmark was named"),
        (["triggers", "--recordings", "/nowhere"], "is not a folder"),
    ],
)
def test_bad_options_are_one_sentence(arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(app, ["bench", *arguments])
    assert done.exit_code == 2
    assert said in done.stderr
    assert "Traceback" not in done.output


def test_the_scaffolds_examples_become_triggers() -> None:
    text, names = with_triggers(SETTINGS, 2)
    assert names == ["altitude_high", "speed_high"]
    assert "    altitude_high:\n      when: altitude > 33.3 m\n      priority: P3\n" in text
    one, names = with_triggers(SETTINGS, 1)
    assert names == ["altitude_high"]
    assert "    # speed_high:\n" in one
