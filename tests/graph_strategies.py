"""Random graphs: all kinds of ports, modules in modules, machines, operators, bundles, loops."""

from hypothesis import strategies as st

from winnow_operators.graphs.model import (
    Connection,
    Deploy,
    Graph,
    Input,
    Logs,
    Module,
    Node,
    NodeKind,
    Operator,
    Output,
    OutputRef,
    Place,
    QueuePolicy,
    RestartPolicy,
    Role,
    Timer,
)

PLACE = Place("g.yml", 1, 1)
TYPES = ("", "winnow/health/v1/Health", "std/media/v1/Image")


@st.composite
def graphs(draw, least_nodes=1, most_nodes=12, most_inputs=3):
    """A graph of ``least_nodes`` to ``most_nodes`` nodes."""
    chance = draw(st.randoms(use_true_random=False))
    modules = _modules(chance)
    machines = chance.choice([[""], [""], ["", "jetson"], ["jetson", "rtx4090", ""]])
    nodes = [
        _node(chance, index, modules, machines) for index in range(draw(st.integers(least_nodes, most_nodes)))
    ]
    outputs = [(node["id"], port.id) for node in nodes for port in node["outputs"]]
    connections, finished = [], []
    for node in nodes:
        inputs = _inputs(chance, node, outputs, most_inputs)
        if outputs and chance.random() < 0.12:
            inputs += _bundle(chance, node, nodes)
        connections += [
            Connection(port.source, node["id"], port, port.type)
            for port in inputs
            if isinstance(port.source, OutputRef)
        ]
        finished.append(Node(**node, inputs=tuple(inputs)))
    return Graph("g.yml", tuple(finished), tuple(modules), tuple(connections))


def _modules(chance):
    modules = []
    for index in range(chance.choice([0, 0, 0, 1, 2, 4])):
        parent = chance.choice(["", *(module.id for module in modules)])
        key = f"{parent}.m{index}" if parent else f"m{index}"
        modules.append(Module(key, "name", f"a_module_with_a_name_{index}.yml", PLACE, parent))
    return modules


def _node(chance, index, modules, machines):
    module = chance.choice(["", *(module.id for module in modules)])
    name = chance.choice(["a", "node", "a_node_with_a_very_long_name_indeed", "WWW", "中文"]) + str(index)
    operators = (Operator("p", "p.py", PLACE), Operator("q", "q.py", PLACE)) if chance.random() < 0.08 else ()
    ports = [
        f"{chance.choice(['o', 'some_output', 'pointcloud_aggregator_output'])}{k}"
        for k in range(chance.choice([0, 1, 1, 2, 3, 9]))
    ]
    return {
        "id": f"{module}.{name}" if module else name,
        "kind": NodeKind.RUNTIME if operators else NodeKind.PROGRAM,
        "place": PLACE,
        "runs": chance.choice(["", "winnow-ring", "nodes/a_rather_long_program_name_that_is_cut.py"]),
        "outputs": tuple(
            Output(f"{chance.choice('pq')}/{port}" if operators else port, PLACE) for port in ports
        ),
        "operators": operators,
        "module": module,
        "deploy": Deploy(chance.choice(machines)),
        "role": chance.choice(list(Role)),
        "restart": chance.choice(list(RestartPolicy)),
    }


def _inputs(chance, node, outputs, most):
    inputs = []
    for number in range(chance.randint(0, most)):
        prefix = f"{chance.choice('pq')}/" if node["operators"] else ""
        if not outputs or chance.random() < 0.1:
            source = chance.choice([Timer(10**8), Timer(33_333_333), Logs("warn", "ring")])
        else:
            source = OutputRef(*chance.choice(outputs))
        inputs.append(
            Input(
                f"{prefix}in{number}",
                source,
                PLACE,
                chance.choice([None, 1, 1000]),
                chance.choice([None, QueuePolicy.BACKPRESSURE, QueuePolicy.DROP_OLDEST]),
                type=chance.choice(TYPES),
            )
        )
    return inputs


def _bundle(chance, node, nodes):
    """Every output of another node."""
    other = chance.choice(nodes)
    prefix = "p/" if node["operators"] else ""
    return [
        Input(f"{prefix}all{number}", OutputRef(other["id"], port.id), PLACE)
        for number, port in enumerate(other["outputs"])
    ]
