"""`winnow check`: what the nodes run must be there."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from winnow_tools.cli import app

GRAPH = """\
nodes:
  - id: camera
    path: {path}
    outputs: [images]
"""


def found(folder: Path, path: str, more: str = "") -> list[str]:
    (folder / "graph.yml").write_text(GRAPH.format(path=path) + more)
    result = CliRunner().invoke(app, ["check", "graph.yml"])
    lines = [line for line in result.stdout.splitlines() if "error: camera" in line]
    assert result.exit_code == (2 if lines else 0), result.stdout
    return lines


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", ["camera.py", "nodes/camera.py", "./camera"])
def test_a_file_that_does_not_exist_is_an_error(folder: Path, path: str):
    (line,) = found(folder, path)
    assert line.startswith("graph.yml:2:")
    assert f"camera: the file {path} does not exist; correct path, or put the file there" in line


def test_a_file_is_looked_for_beside_the_graph(folder: Path):
    (folder / "camera.py").write_text("")
    assert found(folder, "camera.py") == []
    assert found(folder, "./camera.py") == []
    assert found(folder, str(folder / "camera.py")) == []


def test_a_program_that_is_not_on_path_is_an_error(folder: Path):
    (line,) = found(folder, "winnow-cameraa")
    assert line.startswith("graph.yml:2:")
    assert "camera: the program winnow-cameraa is not installed here" in line
    assert found(folder, "python") == []


def test_a_file_that_a_build_makes_may_be_missing(folder: Path):
    assert found(folder, "target/release/camera", "    build: cargo build --release\n") == []
