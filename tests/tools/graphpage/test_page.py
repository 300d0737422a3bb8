import json
import re
import xml.etree.ElementTree as ET

import pytest
from tests.example_graphs import NAMES, example, graph_of
from tests.page_checks import check_page

from winnow_operators.graphs.overlay import Overlay
from winnow_schemas.errors import BadInputError
from winnow_tools.graphpage.page import render_html, render_svg

SETTINGS = """\
vehicle: {id: GSE-07}
# The hot tier.
ring:
  memory_mib: 4096  # small
# The warm tier.
recorder:
  limit_gb: 100
upload:
  access_key: AKIA123
"""


def data_of(page):
    return json.loads(next(body for body in page.raw["script"] if body.startswith("{")))


@pytest.mark.parametrize("name", NAMES)
def test_pages_are_one_file_that_fetches_nothing(name):
    check_page(render_html(example(name), SETTINGS))


@pytest.mark.parametrize("name", NAMES)
def test_drawings_are_well_formed_and_fetch_nothing(name):
    svg = render_svg(example(name))
    root = ET.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert svg.replace('xmlns="http://www.w3.org/2000/svg"', "").count("http") == 0
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags <= {"svg", "title", "style", "g", "rect", "path", "circle", "polygon", "text", "tspan"}
    assert not re.search(r"url\(|@import|javascript:", svg.partition("</style>")[0])


def test_equal_graphs_give_equal_pages():
    assert render_html(example("vehicle"), SETTINGS) == render_html(example("vehicle"), SETTINGS)


def test_hostile_text_stays_text():
    graph = example("hostile")
    html = render_html(graph, "ring: '</pre><script>alert(9)</script>'\n")
    page = check_page(html)
    assert sum(tag == "script" for tag, _ in page.elements) == 2, "the data and our own"
    assert "alert" not in "".join(body for body in page.raw["script"] if not body.startswith("{"))
    shown = "".join(page.texts)
    assert "<script>alert(3)" in shown, "shown as it is written"
    assert "\u202e" not in html
    assert "\0" not in html
    svg = render_svg(graph)
    ET.fromstring(svg)
    assert "geheim" not in html + svg
    assert "<script" not in svg


def test_the_panel_knows_every_node_and_line():
    graph = example("vehicle")
    data = data_of(check_page(render_html(graph, SETTINGS)))
    ring = data["nodes"]["ring"]
    assert ring["role"] == "ring"
    assert ring["place"].startswith("vehicle.yml:")
    assert len(ring["inputs"]) == 47
    assert ring["inputs"][0] == {
        "id": "control", "from": "sim/control", "node": "sim", "type": "", "queue": "100 · backpressure",
    }  # fmt: skip
    outputs = {port["id"]: port for port in ring["outputs"]}
    assert outputs["heartbeat"]["to"] == ["recorder/heartbeat", "triggers/heartbeat", "extractor/heartbeat"]
    assert outputs["credit"]["type"] == "winnow/stream/v1/Credit"
    assert ring["env"] == [["WINNOW_OUT", "out"], ["WINNOW_SETTINGS", "settings/vehicle.yml"]]
    assert ring["settings"] == [["ring", "ring:\n  memory_mib: 4096  # small"]]
    assert dict(data["nodes"]["uploader"]["env"])["AWS_SECRET_ACCESS_KEY"] == "(hidden)"
    assert data["nodes"]["uploader"]["settings"][0][1] == "upload:\n  access_key: (hidden)"
    assert sum(len(link["connections"]) for link in data["links"]) == len(graph.connections)


def test_live_figures_reach_lines_and_panel():
    overlay = Overlay({"plot/bbox": {"rate_hz": 9.5, "latency_ms": 3.25}}, {"plot": {"cpu_percent": 12.0}})
    html = render_html(example("small"), None, overlay)
    data = data_of(check_page(html))
    assert data["nodes"]["plot"]["figures"] == [["cpu_percent", "12"]]
    figures = [
        one["figures"] for link in data["links"] for one in link["connections"] if one["to"] == "plot/bbox"
    ]
    assert figures == [[["latency_ms", "3.25"], ["rate_hz", "9.5"]]]
    assert ">9.5/s</text>" in html


def test_the_legend_shows_only_what_occurs():
    small, vehicle = render_html(example("small")), render_html(example("vehicle"))
    assert "keeps messages (backpressure)" not in small
    assert "keeps messages (backpressure)" in vehicle
    assert "holds recent messages" not in small
    for sentence in ("feedback, against the flow", "several connections in one line", "started again"):
        assert sentence not in small
        assert sentence in vehicle


def test_settings_that_are_not_yaml_are_refused():
    with pytest.raises(BadInputError, match="settings:2:1: not valid YAML"):
        render_html(example("small"), "a: {\n")


def test_warnings_are_shown():
    html = render_html(graph_of("nodes:\n- {id: a, path: x, oputs: [b]}"))
    assert "line 2: " in html
    assert "did you mean" in html


def test_text_that_no_font_is_known_for_gets_an_exact_length():
    html = render_html(graph_of("nodes:\n- {id: a, name: 中文节点, path: x}"))
    assert re.search(r'textLength="56" lengthAdjust="spacingAndGlyphs">中文节点<', html)
