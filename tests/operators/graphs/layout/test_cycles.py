from hypothesis import given
from hypothesis import strategies as st

from winnow_operators.graphs.layout.cycles import backward_edges

NAMES = [f"n{number}" for number in range(9)]
EDGES = st.dictionaries(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), st.floats(0.1, 50), max_size=40
)


@given(EDGES)
def test_without_the_backward_edges_there_is_no_cycle(edges):
    forward = set(edges) - backward_edges(NAMES, edges)
    left = set(NAMES)
    while left:
        ends = {
            node for node in left if not any(source == node and target in left for source, target in forward)
        }
        assert ends, "what is left is a cycle"
        left -= ends


@given(EDGES)
def test_an_acyclic_graph_keeps_all_its_edges(edges):
    acyclic = {pair: weight for pair, weight in edges.items() if pair[0] < pair[1]}
    assert not backward_edges(NAMES, acyclic)
    assert not backward_edges(NAMES[::-1], acyclic), "whatever the order of the file"


def test_the_credit_turns_back_not_the_topics():
    edges = {("ring", "source"): 1.0, ("source", "ring"): 46.0}
    assert backward_edges(["ring", "source"], edges) == {("ring", "source")}
    assert backward_edges(["source", "ring"], edges) == {("ring", "source")}


def test_between_equals_the_order_of_the_file_decides():
    edges = {("a", "b"): 1.0, ("b", "a"): 1.0}
    assert backward_edges(["a", "b"], edges) == {("b", "a")}
    assert backward_edges(["b", "a"], edges) == {("a", "b")}


def test_loops_turn_back():
    assert backward_edges(["a"], {("a", "a"): 1.0}) == {("a", "a")}
