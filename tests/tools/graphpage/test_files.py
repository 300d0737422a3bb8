import pytest

from winnow_operators.graphs.model import Role
from winnow_schemas.errors import BadInputError
from winnow_tools.graphpage.files import load_graph

MODULE = "module: {name: m}\nnodes:\n- {id: n, path: ../nodes/x.py}\n"
MANIFEST = (
    'apiVersion: 1\nnamespace: winnow\nruntime: python\nentrypoint: x\nkeywords: ["winnow-role:decision"]\n'
)


def graph(tmp_path, text="nodes:\n- {id: m, module: parts/m.yml}\n"):
    path = tmp_path / "g.yml"
    path.write_text(text)
    return load_graph(path)


def test_modules_are_read_beside_the_graph(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "m.yml").write_text(MODULE)
    assert graph(tmp_path).nodes[0].runs == "nodes/x.py"


def test_manifests_tell_roles(tmp_path):
    for folder in ("parts", "nodes"):
        (tmp_path / folder).mkdir()
    (tmp_path / "parts" / "m.yml").write_text(MODULE)
    (tmp_path / "nodes" / "dora-node.yml").write_text(MANIFEST)
    assert graph(tmp_path).nodes[0].role is Role.DECISION


def test_manifests_of_installed_scripts_are_found(tmp_path, monkeypatch):
    from importlib.metadata import EntryPoint

    from winnow_tools.graphpage import files

    (tmp_path / "some_node").mkdir()
    (tmp_path / "some_node" / "__init__.py").write_text(
        "raise ImportError('a manifest is no reason to run code')"
    )
    (tmp_path / "some_node" / "dora-node.yml").write_text(MANIFEST)
    monkeypatch.syspath_prepend(tmp_path)
    script = EntryPoint("some-node", "some_node.node:main", "console_scripts")
    monkeypatch.setattr(files, "entry_points", lambda group: [script])
    found = graph(tmp_path, "nodes: [{id: a, path: some-node}, {id: b, path: other}]")
    assert [node.role for node in found.nodes] == [Role.DECISION, Role.OTHER]


def test_a_missing_module_is_a_problem_of_the_graph(tmp_path):
    with pytest.raises(BadInputError, match=r"g\.yml:2:11: the module file 'parts/m\.yml' does not exist"):
        graph(tmp_path)


def test_links_do_not_lead_outside(tmp_path):
    inside = tmp_path / "inside"
    (inside / "parts").mkdir(parents=True)
    (tmp_path / "secret.yml").write_text(MODULE)
    (inside / "parts" / "m.yml").symlink_to(tmp_path / "secret.yml")
    with pytest.raises(BadInputError, match="leads outside"):
        graph(inside)


def test_large_modules_are_refused(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "m.yml").write_text("#" * 1_048_577)
    with pytest.raises(BadInputError, match="has 1048577 bytes, dora's limit is 1048576"):
        graph(tmp_path)


def test_names_that_no_file_system_takes_are_no_files(tmp_path):
    with pytest.raises(BadInputError, match="does not exist"):
        graph(tmp_path, f"nodes: [{{id: m, module: {'x' * 5000}.yml}}]")
    assert graph(tmp_path, f"nodes: [{{id: m, path: {'x' * 5000}/y}}]").nodes[0].role is Role.OTHER


def test_a_bad_manifest_is_named(tmp_path):
    (tmp_path / "nodes").mkdir()
    (tmp_path / "nodes" / "dora-node.yml").write_text("apiVersion: 3\n")
    with pytest.raises(BadInputError, match=r"dora-node\.yml:1:1: apiVersion: '3' is not allowed"):
        graph(tmp_path, "nodes: [{id: a, path: nodes/a.py}]")
