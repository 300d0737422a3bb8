"""Places in a picture, and frames as stretches."""

import itertools
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.review.mapping import ZOOM_MAX, drawn, scale_bar
from winnow_operators.review.stretches import FrameVerdict, stretches

PLACES = st.lists(st.tuples(st.floats(-80, 80), st.floats(-179, 179)), min_size=1, max_size=20)


@settings(max_examples=200, deadline=None)
@given(PLACES)
def test_everything_is_in_the_picture_and_on_a_tile(places: list[tuple[float, float]]) -> None:
    drawing = drawn(places, 720, 420)
    assert len(drawing.points_px) == len(places)
    zoom = drawing.tiles[0].zoom
    assert 0 <= zoom <= ZOOM_MAX
    for x, y in drawing.points_px:
        if zoom:
            assert 0 <= x <= 720
            assert 0 <= y <= 420
        assert any(t.x_px <= x <= t.x_px + 256 and t.y_px <= y <= t.y_px + 256 for t in drawing.tiles)
    assert all(0 <= t.column < 2**zoom and 0 <= t.row < 2**zoom for t in drawing.tiles)


def test_north_is_up_and_the_scale_is_right() -> None:
    drawing = drawn([(48.0, 11.0), (48.01, 11.0)], 720, 420)
    (x1, y1), (x2, y2) = drawing.points_px
    assert x1 == x2
    assert y2 < y1
    assert math.isclose((y1 - y2) * drawing.metres_per_px, 1113, rel_tol=0.02)
    metres, px = scale_bar(drawing.metres_per_px, 160)
    assert metres in (200, 500)
    assert px <= 160
    assert scale_bar(0, 160) == (0, 0)
    assert drawn([], 720, 420).points_px == []


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from("ab")), max_size=60))
def test_every_frame_is_in_one_stretch(verdicts: list[tuple[bool, str]]) -> None:
    frames = [FrameVerdict(n, n * 100, kept, reason) for n, (kept, reason) in enumerate(verdicts)]
    found = stretches(frames)
    assert [n for each in found for n in range(each.first, each.last + 1)] == list(range(len(frames)))
    assert sum(each.frames for each in found) == len(frames)
    for one, other in itertools.pairwise(found):
        assert one.end_ns == other.start_ns
        assert (one.kept, one.reason) != (other.kept, other.reason)
