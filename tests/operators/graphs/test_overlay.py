import pytest
from tests.example_graphs import example

from winnow_operators.graphs.layout import lay_out
from winnow_operators.graphs.overlay import Overlay, chip_text, read_overlay, short_number
from winnow_schemas.errors import BadInputError


def test_parallel_connections_add_up():
    overlay = read_overlay(
        {"edges": {"b/x": {"rate_hz": 10, "drops": 1, "queue": 3}, "b/y": {"rate_hz": 2.5, "queue": 9}}},
        "o.json",
    )
    assert overlay.together(["b/x", "b/y", "b/z"]) == {"rate_hz": 12.5, "drops": 1.0, "queue": 9.0}


def test_places_that_the_graph_lacks_are_named():
    overlay = Overlay({"plot/bbox": {}, "plot/other": {}}, {"camera": {}, "ghost": {}})
    assert overlay.unknown(example("small")) == ["ghost", "plot/other"]


def test_figures_stand_on_the_lines():
    overlay = Overlay({"plot/bbox": {"rate_hz": 9.5, "drops": 2}, "detector/image": {"rate_hz": 1250}})
    drawing = lay_out(example("small"), overlay)
    chips = {(box.box.key, pin.slot.ports[0]): pin.slot.chip for box in drawing.boxes for pin in box.pins}
    assert chips["plot", "bbox"] == "9.5/s · 2 lost"
    assert chips["detector", "image"] == "1.25k/s"
    assert chips["plot", "image"] == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [(920, "920"), (0.5, "0.5"), (1234, "1.23k"), (61_900_000, "61.9M"), (2e9, "2G"), (0, "0")],
)
def test_numbers_are_short(value, text):
    assert short_number(value) == text


def test_no_figures_give_no_chip():
    assert chip_text({"queue": 3.0}) == ""


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {"nodes": {}, "other": {}},
        {"edges": []},
        {"edges": {"a/b": 3}},
        {"edges": {"a/b": {"rate_hz": "3"}}},
        {"edges": {"a/b": {"rate_hz": True}}},
        {"edges": {"a/b": {"rate_hz": float("inf")}}},
        {"edges": {"a/b": {"rate_hz": float("nan")}}},
        {"edges": {"a/b": {"rate_hz": 10**400}}},
        {"edges": {"a/b": {f"f{i}": 1 for i in range(33)}}},
    ],
)
def test_other_forms_are_refused(value):
    with pytest.raises(BadInputError, match="nothing was laid over the graph"):
        read_overlay(value, "o.json")
