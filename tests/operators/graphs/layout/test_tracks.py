from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.graphs.layout.style import CLEAR
from winnow_operators.graphs.layout.tracks import assign_tracks

PLACES = st.lists(st.integers(0, 30), unique=True, max_size=14)


@st.composite
def channels(draw):
    """Nets with distinct ends, 12 px apart on each side; on opposite sides they may meet."""
    nets = {}
    for side in (0, 1):
        for place in draw(PLACES):
            net = draw(st.integers(0, 8))
            nets.setdefault(net, ([], []))[side].append(12.0 * place + draw(st.sampled_from([0.0, 3.0])))
    return {net: ends for net, ends in nets.items() if len(ends[0]) + len(ends[1]) > 1}


def segments(net, ends, route):
    """Vertical and horizontal lines of a net: (axis, place, from, to); tracks are y, the borders -1 and 99."""
    tops, bottoms = ends
    if route.upper is None:
        return [("v", tops[0], -1, 99)]
    lower = route.upper if route.lower is None else route.lower
    upper_ends = [*tops, *([] if route.lower is None else [route.joint])]
    lower_ends = [*bottoms, *([] if route.lower is None else [route.joint])]
    lines = [("v", x, -1, route.upper) for x in tops] + [("v", x, lower, 99) for x in bottoms]
    if route.lower is None:
        everything = [*tops, *bottoms]
        return [*lines, ("h", route.upper, min(everything), max(everything))]
    lines.append(("v", route.joint, route.upper, lower))
    lines.append(("h", route.upper, min(upper_ends), max(upper_ends)))
    return [*lines, ("h", lower, min(lower_ends), max(lower_ends))]


@settings(max_examples=300)
@given(channels())
def test_lines_of_different_nets_never_lie_on_each_other(nets):
    routes = assign_tracks(nets)
    assert routes.keys() == nets.keys()
    lines = [(net, line) for net in nets for line in segments(net, nets[net], routes[net])]
    for index, (net, (axis, place, start, end)) in enumerate(lines):
        for other, (other_axis, other_place, other_start, other_end) in lines[index + 1 :]:
            if net == other or axis != other_axis:
                continue
            near = abs(place - other_place) < (CLEAR if axis == "v" else 0.5)
            shared = min(end, other_end) - max(start, other_start)
            assert not (near and shared > (0 if axis == "v" else -1)), (net, other, axis, place)


def test_a_straight_net_needs_no_track():
    assert assign_tracks({0: ([5.0], [5.0])})[0].upper is None


def test_two_nets_that_change_places_are_led_around_each_other():
    routes = assign_tracks({0: ([0.0], [50.0]), 1: ([50.0], [0.0])})
    split = [route for route in routes.values() if route.lower is not None]
    assert len(split) == 1
    assert split[0].upper < split[0].lower
