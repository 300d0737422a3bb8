import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.dashcam.text.finding import MOST_LINES, lines_in, network_size
from winnow_operators.dashcam.text.straightening import batch_of, straight


@settings(deadline=None, max_examples=50)
@given(st.integers(20, 5000), st.integers(20, 5000))
def test_the_network_never_looks_at_more_than_the_long_side(height, width):
    high, wide = network_size(height, width, short_side_px=736, long_side_px=1536)
    assert high % 32 == wide % 32 == 0
    assert min(high, wide) >= 32
    assert max(high, wide) <= 1536


def test_a_line_is_found_where_the_map_has_it_and_grown_back():
    text_map = np.zeros((100, 200), np.float32)
    text_map[40:50, 60:140] = 0.9
    (line,) = lines_in(text_map, 200, 400, least_score=0.5)
    left, top = line.quad_px[0]
    right = line.quad_px[1, 0]
    assert left < 120
    assert right > 280
    assert top < 82
    assert line.width_px > line.height_px
    assert line.score == pytest.approx(0.85, abs=0.06)


def test_faint_lines_and_specks_are_left_out():
    text_map = np.zeros((100, 200), np.float32)
    text_map[40:50, 60:140] = 0.4
    text_map[10, 10] = 1
    assert lines_in(text_map, 100, 200, least_score=0.5) == []


def test_a_page_of_print_gives_a_bounded_number_of_lines():
    text_map = np.zeros((960, 960), np.float32)
    for y in range(0, 950, 12):
        for x in range(0, 940, 40):
            text_map[y : y + 6, x : x + 30] = 1
    assert len(lines_in(text_map, 960, 960, least_score=0.5)) == MOST_LINES


def test_a_slanted_line_is_cut_out_straight():
    image = np.zeros((100, 200, 3), np.uint8)
    quad = np.array([[20, 20], [120, 40], [120, 60], [20, 40]], np.float32)
    crop = straight(image, quad)
    assert crop is not None
    assert crop.shape[:2] == (20, 102)
    assert batch_of([crop]).shape == (1, 3, 48, 320)
    assert straight(image, quad * 0) is None
