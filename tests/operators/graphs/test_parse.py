import pytest
from tests.example_graphs import example, graph_of

from winnow_operators.graphs.model import NodeKind, OutputRef, QueuePolicy, RestartPolicy, Role
from winnow_schemas.yaml_source import FileProblemsError


def problems(text, **modules):
    with pytest.raises(FileProblemsError) as caught:
        graph_of(text, **modules)
    return [str(problem) for problem in caught.value.problems]


def test_reads_everything_a_node_says():
    graph = graph_of("""
env: {SHARED: all, OWN: shared}
nodes:
  - id: cam
    name: Front camera
    description: Sees
    path: nodes/cam.py
    args: --fps 20
    env: {OWN: 1, FLAG: on}
    deploy: {machine: jetson, working_dir: /opt, labels: {gpu: yes}}
    restart_policy: on-failure
    max_restarts: 3
    cpu_affinity: [0, 2]
    outputs: [image, on, 1]
    output_types: {image: std/media/v1/Image}
  - id: see
    path: see.py
    inputs:
      image: {source: cam/image, queue_size: 0, queue_policy: backpressure, input_timeout: 2}
      plain: cam/on
      number: cam/1
""")
    camera, see = graph.nodes
    assert (camera.name, camera.description, camera.runs, camera.args) == (
        "Front camera",
        "Sees",
        "nodes/cam.py",
        "--fps 20",
    )
    assert camera.env == (("FLAG", "on"), ("OWN", "1"), ("SHARED", "all"))
    assert (camera.deploy.machine, camera.deploy.labels) == ("jetson", (("gpu", "yes"),))
    assert camera.restart is RestartPolicy.ON_FAILURE
    assert camera.extra == (("cpu_affinity", "[0, 2]"), ("max_restarts", "3"))
    assert [port.id for port in camera.outputs] == ["image", "on", "1"], "dora takes YAML 1.2 words for names"
    image, plain, _ = see.inputs
    assert (image.queue_size, image.queue_policy, image.timeout_s) == (0, QueuePolicy.BACKPRESSURE, 2.0)
    assert (plain.queue_size, plain.size, plain.policy) == (None, 10, QueuePolicy.DROP_OLDEST)
    assert graph.connections[0].type == "std/media/v1/Image"
    assert str(image.place) == "g.yml:19:7"
    assert not graph.warnings


def test_tells_kinds_apart():
    graph = example("mixed")
    kinds = {node.id: node.kind for node in graph.nodes}
    assert kinds["gnss_bridge"] is NodeKind.ROS2
    assert kinds["detector"] is NodeKind.OPERATOR
    assert kinds["supervisor"] is NodeKind.RUNTIME
    assert kinds["dashboard"] is NodeKind.DYNAMIC
    assert len(graph.nodes) == 20
    supervisor = graph.index["supervisor"]
    assert [port.id for port in supervisor.outputs] == ["limits/violation", "referee/verdict"]
    assert supervisor.inputs[2].source == OutputRef("supervisor", "limits/violation")


def test_roles_come_from_programs_then_from_wiring():
    roles = {node.id: node.role for node in example("vehicle").nodes}
    assert roles["sim"] is Role.SOURCE
    assert roles["ring"] is Role.RING
    assert roles["triggers"] is Role.DECISION
    assert roles["uploader"] is Role.OUTPUT
    assert roles["ledger"] is Role.OBSERVER
    mixed = {node.id: node.role for node in example("mixed").nodes}
    assert mixed["lidar"] is Role.SOURCE
    assert mixed["dashboard"] is Role.OUTPUT
    assert mixed["planner"] is Role.OTHER


def test_every_problem_is_reported_at_its_place():
    found = problems("""nodes:
  - id: a
    path: x
    inputs:
      x: b/c
      y: {source: a/z, queue_size: -1, queue_policy: lossless}
      z: dora/timer/sec/1
      u: {queue_size: 3}
    outputs: 5
  - id: a
  - {}
  - 7
  - id: a/b
""")
    assert found == [
        "g.yml:5:7: input 'x': there is no node 'b'; add it, or correct the input's source",
        "g.yml:6:7: input 'y': the node 'a' has no output 'z'; it has: no outputs",
        "g.yml:6:24: nodes.0.inputs.y.queue_size: '-1' is not allowed; it must be a whole number, 0 or more",
        "g.yml:6:40: nodes.0.inputs.y.queue_policy: 'lossless' is not allowed; allowed: drop_oldest, backpressure",
        (
            "g.yml:7:7: nodes.0.inputs.z: 'dora/timer/sec/1' is not a source; "
            "the timer's unit must be secs, millis, micros, nanos or hz"
        ),
        "g.yml:8:7: nodes.0.inputs.u: the input has no 'source'; write NODE/OUTPUT",
        "g.yml:9:5: nodes.0.outputs: '5' is not allowed; it must be a list of outputs",
        "g.yml:10:5: the node id 'a' stands here again, first in line 2; rename one",
        "g.yml:11:5: nodes.2: a node needs an 'id'; add one",
        "g.yml:12:5: nodes.3: '7' is not allowed; it must be a mapping with at least 'id'",
        "g.yml:13:5: nodes.4.id: 'a/b' is not allowed; a node's id is 1 to 200 characters without '/'",
    ]


def test_a_close_name_is_suggested():
    found = problems(
        "nodes:\n- {id: camera, path: x, outputs: [image]}\n- {id: b, path: x, inputs: {i: camra/image, j: camera/imgae}}"
    )
    assert "did you mean 'camera'?" in found[0]
    assert "did you mean 'image'?" in found[1]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "this is no dataflow"),
        ("[]", "this is no dataflow"),
        ("7", "this is no dataflow"),
        ("{}", "there is no list 'nodes'"),
        ("nodes: {}", "it must be a list of nodes"),
        ("module: {name: m}\nnodes: []", "this is a module file"),
    ],
)
def test_what_is_no_graph_is_refused(text, part):
    assert part in problems(text)[0]


def test_an_empty_graph_is_a_graph():
    assert example("empty").nodes == ()


def test_what_dora_refuses_but_can_be_drawn_is_a_warning():
    graph = graph_of("""
nodes:
  - id: two words
    path: x
    oputs: [a]
    _unstable_deploy: {machine: m}
    outputs: ["<o>"]
    output_types: {nothing: t}
  - {id: b, path: x, operator: {python: y}}
  - id: c
""")
    said = [problem.message for problem in graph.warnings]
    assert len(said) == 7
    assert any("did you mean 'outputs'?" in text for text in said)
    assert any("'_unstable_deploy'" in text for text in said)
    assert any("nothing says what the node runs" in text for text in said)
    assert graph.nodes[0].deploy.machine == "m"


def test_limits_stop_what_is_too_large():
    many = "nodes: [" + ",".join(f"{{id: n{i}, path: x}}" for i in range(1001)) + "]"
    assert "the limit is 1000" in problems(many)[0]
    ports = "nodes:\n- {id: a, path: x, outputs: [" + ",".join(f"o{i}" for i in range(2001)) + "]}"
    assert "the limit is 2000" in problems(ports)[0]
    assert "1 to 200 characters" in problems(f"nodes: [{{id: {'a' * 201}, path: x}}]")[0]
    assert "the limit is 65536" in problems(f"nodes: [{{id: a, path: {'x' * 70_000}}}]")[0]


def test_many_problems_are_cut():
    text = "nodes:\n- id: a\n  path: x\n  inputs:\n" + "".join(f"    i{n}: b/c\n" for n in range(300))
    assert len(problems(text)) == 100
