import json

import pytest
import typer
from tests.example_graphs import FOLDER
from typer.testing import CliRunner

from winnow_tools.graphpage.command import graph_command


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.callback()(lambda: None)
    app.command("graph")(graph_command)

    def call(*arguments):
        return CliRunner().invoke(app, ["graph", *map(str, arguments)])

    return call


def test_draws_a_page_and_a_drawing(run, tmp_path):
    for ending, begin in (("html", "<!doctype html>"), ("svg", "<svg ")):
        result = run(FOLDER / "vehicle.yml", "-o", tmp_path / f"v.{ending}")
        assert result.exit_code == 0, result.output
        assert "11 nodes, 76 connections" in result.stdout
        assert (tmp_path / f"v.{ending}").read_text("utf-8").startswith(begin)


def test_the_graph_names_the_page(run, tmp_path):
    assert run(FOLDER / "modules.yml").exit_code == 0
    assert (tmp_path / "modules.html").exists()


def test_settings_and_figures_come_along(run, tmp_path):
    (tmp_path / "s.yml").write_text("ring: {memory_mib: 77}\n")
    (tmp_path / "o.json").write_text(json.dumps({"edges": {"recorder/heartbeat": {"rate_hz": 50}}}))
    result = run(FOLDER / "vehicle.yml", "-s", "s.yml", "--overlay", "o.json", "-o", "v.html")
    assert result.exit_code == 0, result.output
    text = (tmp_path / "v.html").read_text("utf-8")
    assert "memory_mib: 77" in text
    assert ">50/s</text>" in text


def test_a_bad_graph_is_refused_with_its_places(run, tmp_path):
    (tmp_path / "bad.yml").write_text("nodes:\n- {id: a, path: x, inputs: {i: b/c}}\n")
    result = run("bad.yml")
    assert result.exit_code == 2
    assert result.stderr == (
        "bad.yml:2:29: input 'i': there is no node 'b'; add it, or correct the input's source\n"
        "1 problem; the graph was not drawn.\n"
    )
    assert not (tmp_path / "bad.html").exists()


def test_warnings_do_not_keep_from_drawing(run, tmp_path):
    (tmp_path / "odd.yml").write_text("nodes:\n- {id: a, path: x, oputs: [b]}\n")
    result = run("odd.yml")
    assert result.exit_code == 0
    assert (
        "odd.yml:2:20: 'oputs': no such field of a node; did you mean 'outputs'? (drawn all the same)"
        in result.stderr
    )


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["none.yml"], "none.yml cannot be read"),
        (["."], "cannot be read"),
        (["g.yml", "-o", "x.png"], "name a file that ends in .html or .svg"),
        (["g.yml", "-s", "none.yml"], "none.yml cannot be read"),
        (["g.yml", "-s", "bad.yml"], "bad.yml:2:1: not valid YAML"),
        (["g.yml", "--overlay", "none.json"], "none.json cannot be read"),
        (["g.yml", "--overlay", "bad.yml"], "is not JSON"),
        (["g.yml", "--overlay", "deep.json"], "is not JSON"),
        (["g.yml", "--overlay", "stranger.json"], "the graph has no 'ghost'"),
        (["bad.yml"], "bad.yml:2:1: not valid YAML"),
        (["binary.yml"], "is not UTF-8 text"),
    ],
)
def test_bad_input_is_one_sentence_and_code_2(run, tmp_path, arguments, part):
    (tmp_path / "g.yml").write_text("nodes: []\n")
    (tmp_path / "bad.yml").write_text("{\n")
    (tmp_path / "binary.yml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "stranger.json").write_text('{"nodes": {"ghost": {}}}')
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert part in result.stderr
    assert "Traceback" not in result.output


def test_an_unwritable_place_is_code_4(run, tmp_path):
    (tmp_path / "g.yml").write_text("nodes: []\n")
    result = run("g.yml", "-o", "no/such/folder/x.html")
    assert result.exit_code == 4
    assert "cannot be written (No such file or directory); nothing was drawn" in result.stderr
