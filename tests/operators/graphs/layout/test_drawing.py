import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from tests.example_graphs import NAMES, example
from tests.graph_geometry import flaws
from tests.graph_strategies import graphs

from winnow_operators.graphs.layout import lay_out
from winnow_operators.graphs.layout.picture import RegionKind
from winnow_operators.graphs.overlay import Overlay


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_readable(name):
    assert flaws(lay_out(example(name))) == []


@pytest.mark.parametrize("name", ["vehicle", "mixed", "modules"])
def test_figures_on_all_lines_find_room(name):
    graph = example(name)
    places = [f"{node.id}/{port.id}" for node in graph.nodes for port in node.inputs]
    overlay = Overlay({place: {"rate_hz": 12345.6, "drops": 7.0} for place in places})
    drawing = lay_out(graph, overlay)
    assert flaws(drawing) == []
    assert sum(pin.slot.chip.endswith("lost") for box in drawing.boxes for pin in box.pins) > 5


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(graphs(most_nodes=12, most_inputs=4))
def test_small_random_graphs_are_readable(graph):
    assert flaws(lay_out(graph)) == []


@settings(deadline=None, max_examples=10, suppress_health_check=list(HealthCheck))
@given(graphs(least_nodes=20, most_nodes=60, most_inputs=2))
def test_large_random_graphs_are_readable(graph):
    assert flaws(lay_out(graph)) == []


@pytest.mark.parametrize("name", ["vehicle", "mixed", "modules", "machines"])
def test_equal_graphs_give_equal_drawings(name):
    assert lay_out(example(name)) == lay_out(example(name))


def test_twenty_nodes_fit_a_page():
    drawing = lay_out(example("mixed"))
    assert len(drawing.boxes) == 21, "the runtime node's two operators are boxes of their own"
    assert drawing.width < 1200


def test_credits_run_back_and_topics_do_not():
    drawing = lay_out(example("vehicle"))
    back = {(placed.link.source, placed.link.target) for placed in drawing.links if placed.backward}
    assert back == {("ring", "sim")}


def test_the_flow_goes_down():
    drawing = lay_out(example("vehicle"))
    y = {box.box.key: box.area.y for box in drawing.boxes}
    assert (
        y["sim"] < y["ring"] < y["triggers"] < y["extractor"] < y["classifier"] < y["uploader"] < y["ledger"]
    )
    assert y["recorder"] == y["triggers"], "who is watched does not stand by the watcher"


def test_regions_hold_what_belongs_to_them():
    drawing = lay_out(example("modules"))
    kinds = [region.region.kind for region in drawing.regions]
    assert kinds.count(RegionKind.MODULE) == 4
    assert kinds.count(RegionKind.RUNTIME) == 2
    assert kinds.count(RegionKind.MACHINE) == 1
    assert {region.region.title for region in lay_out(example("machines")).regions} == {"jetson", "rtx4090"}


def test_junctions_lie_on_their_lines():
    drawing = lay_out(example("mixed"))
    assert drawing.junctions
    for dot in drawing.junctions:
        for index in dot.links:
            points = drawing.links[index].points
            assert any(
                min(a[0], b[0]) - 0.1 <= dot.x <= max(a[0], b[0]) + 0.1
                and min(a[1], b[1]) - 0.1 <= dot.y <= max(a[1], b[1]) + 0.1
                for a, b in itertools.pairwise(points)
            )


def test_a_graph_at_the_limit_is_drawn():
    from tests.example_graphs import graph_of

    nodes = "".join(
        f"  - {{id: n{i}, path: x, outputs: [o], inputs: {{i: n{(i * 7) // 8}/o}}}}\n" for i in range(400)
    )
    drawing = lay_out(graph_of(f"nodes:\n{nodes}"))
    assert len(drawing.boxes) == 400
