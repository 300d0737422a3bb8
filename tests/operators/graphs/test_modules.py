import shutil
import subprocess

import pytest
import yaml
from tests.example_graphs import FOLDER, NAMES, example, graph_of

from winnow_operators.graphs.model import OutputRef
from winnow_operators.graphs.module_file import module_key
from winnow_schemas.yaml_source import FileProblemsError

MODULE = """
module: {name: m, inputs: [x], inputs_optional: [y], outputs: [out]}
nodes:
  - id: inner
    path: inner.py
    inputs: {x: {source: _mod/x, queue_size: 4}, y: _mod/y}
    outputs: [out]
"""
USE = "nodes:\n- {id: a, path: x, outputs: [o]}\n- {id: m, module: m.yml, inputs: {x: a/o}}\n"


def message(text, **modules):
    with pytest.raises(FileProblemsError) as caught:
        graph_of(text, **modules)
    return str(caught.value)


def dora_expands(name):
    """What dora itself makes of an example: id -> (path, args, inputs, outputs, env, machine)."""
    done = subprocess.run(
        ["dora", "expand", str(FOLDER / f"{name}.yml")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    flat = yaml.load(done.stdout, yaml.BaseLoader)
    found = {}
    shared = {} if flat.get("env") in (None, "null") else flat["env"]
    for node in flat["nodes"]:
        parts = [("", node)]
        if "operator" in node:
            parts.append(("", node["operator"]))
        parts += [(f"{part['id']}/", part) for part in node.get("operators", [])]
        inputs, outputs = {}, set()
        for prefix, part in parts:
            outputs |= {prefix + port for port in part.get("outputs", [])}
            for key, value in part.get("inputs", {}).items():
                options = value if isinstance(value, dict) else {"source": value}
                inputs[prefix + key] = options
        env = shared | ({} if node.get("env") in (None, "null") else node["env"])
        deploy = node.get("deploy")
        machine = deploy["machine"] if isinstance(deploy, dict) else ""
        found[node["id"]] = (node.get("path", ""), node.get("args", ""), inputs, outputs, env, machine)
    return found


@pytest.mark.skipif(shutil.which("dora") is None, reason="the dora program is not on PATH")
@pytest.mark.parametrize("name", [name for name in NAMES if name != "hostile"])
def test_expands_as_dora_does(name):
    theirs = dora_expands(name)
    graph = example(name)
    assert [node.id for node in graph.nodes] == list(theirs)
    for node in graph.nodes:
        path, args, inputs, outputs, env, machine = theirs[node.id]
        if path:
            assert node.runs == path
        assert node.args == args
        assert {port.id for port in node.outputs} == outputs
        assert dict(node.env) == env
        assert node.deploy.machine == machine
        assert {port.id for port in node.inputs} == set(inputs)
        for port in node.inputs:
            options = inputs[port.id]
            if isinstance(port.source, OutputRef):
                assert str(port.source) == options["source"]
            assert str(port.queue_size or "") == options.get("queue_size", "")
            assert (port.queue_policy or "") == options.get("queue_policy", "")


def test_a_module_is_placed_with_its_surroundings():
    graph = graph_of(
        "nodes:\n- {id: a, path: x, outputs: [o]}\n"
        "- {id: m, module: m.yml, inputs: {x: {source: a/o, queue_policy: backpressure}}, deploy: {machine: gpu}, env: {E: 1}}\n"
        "- {id: z, path: x, inputs: {i: m/out}}",
        m=MODULE,
    )
    inner = graph.index["m.inner"]
    assert (inner.module, inner.local_id, inner.deploy.machine, inner.env) == (
        "m",
        "inner",
        "gpu",
        (("E", "1"),),
    )
    (port,) = inner.inputs
    assert (port.source, port.queue_size, port.policy.value) == (OutputRef("a", "o"), 4, "backpressure")
    assert [str(one.source) for one in graph.connections] == ["a/o", "m.inner/out"]
    assert [(module.id, module.file, module.parent) for module in graph.modules] == [("m", "m.yml", "")]


def test_parameters_reach_arguments_and_environment():
    node = example("modules").index["see_left.smooth"]
    assert node.args == "--model small --keep small --other $PARAM_MODELS"
    assert dict(node.env) == {"DEVICE": "0", "PARAM_MODEL": "small", "PARAM_THRESHOLD": "0.5"}


@pytest.mark.parametrize(
    ("text", "modules", "part"),
    [
        (USE, {}, "g.yml:3:11: the module file 'm.yml' does not exist beside the graph"),
        (USE.replace("m.yml", "../m.yml"), {}, "lies outside the graph's folder"),
        (USE.replace("m.yml", "/m.yml"), {}, "lies outside the graph's folder"),
        (USE.replace("x: a/o", ""), {"m": MODULE}, "needs the input 'x'; connect it"),
        (USE.replace("x: a/o", "x: a/o, q: a/o"), {"m": MODULE}, "has no input 'q'; it has: x, y"),
        (
            USE,
            {"m": MODULE.replace("[out]}", "[out, more]}")},
            "no node of the module produces the output 'more'",
        ),
        (USE, {"m": MODULE.replace("_mod/y", "_mod/w")}, "the module's header declares no input 'w'"),
        (USE, {"m": "nodes: []"}, "this is no module file"),
        (USE, {"m": MODULE + "  - {id: b, path: x, outputs: [out]}"}, "m.inner/out and m.b/out both produce"),
        (
            USE,
            {"m": MODULE + "  - {id: b, module: m.yml, inputs: {x: _mod/x}}"},
            "the module 'm.yml' uses itself",
        ),
        (USE + "- {id: z, path: x, inputs: {i: m/nothing}}", {"m": MODULE}, "there is no node 'm'"),
    ],
)
def test_what_is_wrong_with_modules_is_named(text, modules, part):
    assert part in message(text, **modules)


def test_modules_nest_to_a_limit():
    chain = {
        f"m{level}": f"module: {{name: m{level}}}\nnodes: [{{id: n, module: m{level + 1}.yml}}]"
        for level in range(9)
    }
    chain["m9"] = "module: {name: m9}\nnodes: [{id: n, path: x}]"
    assert "nest deeper than 8" in message("nodes: [{id: m, module: m0.yml}]", **chain)


@pytest.mark.parametrize(
    ("last", "limit"),
    [
        ("[" + ", ".join(f"{{id: n{number}, path: x}}" for number in range(20)) + "]", "1000 nodes"),
        ("[]", "1000 uses of modules"),
    ],
)
def test_a_bomb_of_modules_stops_at_the_limit(last, limit):
    bomb = {"m7": f"module: {{name: b}}\nnodes: {last}"}
    for level in range(7):
        ten = ", ".join(f"{{id: n{number}, module: m{level + 1}.yml}}" for number in range(10))
        bomb[f"m{level}"] = f"module: {{name: b}}\nnodes: [{ten}]"
    assert f"more than {limit}, which is the limit" in message("nodes: [{id: m, module: m0.yml}]", **bomb)


def test_a_bomb_of_ports_stops_at_the_limit():
    ports = ", ".join(f"o{number}" for number in range(2000))
    uses = ", ".join(f"{{id: n{number}, module: m.yml}}" for number in range(100))
    text = message(
        f"nodes: [{uses}]", m=f"module: {{name: b}}\nnodes: [{{id: n, path: x, outputs: [{ports}]}}]"
    )
    assert "more than 50000 inputs and outputs" in text


def test_a_script_in_a_folders_module_is_warned_about():
    from winnow_operators.graphs import parse_graph
    from winnow_schemas.yaml_source import load_text

    module = "module: {name: m}\nnodes:\n- {id: n, path: winnow-ring}\n- {id: o, path: ../o.py}"
    graph = parse_graph(
        load_text("nodes: [{id: m, module: parts/m.yml}]", "g.yml"),
        {"parts/m.yml": load_text(module, "parts/m.yml")},
    )
    assert [node.runs for node in graph.nodes] == ["parts/winnow-ring", "o.py"]
    (warning,) = graph.warnings
    assert str(warning).startswith("parts/m.yml:3:3: dora looks for 'winnow-ring' as 'parts/winnow-ring'")


@pytest.mark.parametrize(
    ("folder", "file", "key"),
    [
        ("", "m.yml", "m.yml"),
        ("", "./a//m.yml", "a/m.yml"),
        ("a/b", "../m.yml", "a/m.yml"),
        ("", "../m.yml", ""),
        ("a", "../../m.yml", ""),
        ("", "/m.yml", ""),
        ("", "C:/m.yml", ""),
        ("", "\\m.yml", ""),
        ("", "a\0b", ""),
        ("", "", ""),
    ],
)
def test_module_files_stay_in_the_folder(folder, file, key):
    assert module_key(folder, file) == key
