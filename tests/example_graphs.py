"""The example graphs beside this file, read."""

from pathlib import Path

from winnow_operators.graphs import parse_graph
from winnow_schemas.yaml_source import load_file, load_text

FOLDER = Path(__file__).parent / "examples" / "graphs"
NAMES = ("cycles", "empty", "hostile", "machines", "mixed", "modules", "one", "small", "timers", "vehicle")
MODULES = ("perception.module.yml", "infer.module.yml")


def example(name):
    """The graph of an example."""
    return parse_graph(load_file(FOLDER / f"{name}.yml"), {key: load_file(FOLDER / key) for key in MODULES})


def graph_of(text, **modules):
    """A graph from YAML text; modules as ``name=text``, used as ``name.yml``."""
    files = {f"{name}.yml": load_text(body, f"{name}.yml") for name, body in modules.items()}
    return parse_graph(load_text(text, "g.yml"), files)
