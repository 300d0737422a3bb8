from hypothesis import given
from hypothesis import strategies as st

from winnow_operators.graphs.layout.layers import assign_layers
from winnow_operators.graphs.layout.style import ITEM_GAP

NAMES = [f"n{number}" for number in range(14)]
PAIRS = st.tuples(st.integers(0, 13), st.integers(0, 13)).filter(lambda pair: pair[0] < pair[1])
EDGES = st.dictionaries(
    PAIRS.map(lambda pair: (NAMES[pair[0]], NAMES[pair[1]])), st.floats(0.1, 9), max_size=30
)


@given(EDGES, st.floats(50, 400), st.floats(100, 1500), st.sets(st.sampled_from(NAMES)))
def test_edges_lead_down_and_rows_fit(edges, width, row_width, lonely):
    alone = {name for name in lonely if not any(name in pair for pair in edges)}
    layers = assign_layers(NAMES, edges, dict.fromkeys(NAMES, width), row_width, alone)
    assert all(layers[source] < layers[target] for source, target in edges)
    rows = {}
    for name, layer in layers.items():
        rows.setdefault(layer, []).append(name)
    assert sorted(rows) == list(range(len(rows)))
    for members in rows.values():
        assert (
            len(members) == 1 or len(members) * (width + ITEM_GAP) - ITEM_GAP <= row_width + 1e-6 + ITEM_GAP
        )
    if alone and len(alone) < len(NAMES):
        assert min(layers[name] for name in alone) > max(layers[name] for name in NAMES if name not in alone)


def test_a_source_of_a_late_node_stands_above_it():
    edges = {("a", "b"): 1.0, ("b", "c"): 1.0, ("late", "c"): 1.0}
    layers = assign_layers(["a", "late", "b", "c"], edges, dict.fromkeys(["a", "late", "b", "c"], 10), 1000)
    assert layers["late"] == layers["b"]
