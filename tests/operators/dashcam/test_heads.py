import numpy as np
import pytest

from winnow_operators.dashcam.boxes import Box, iou, merged
from winnow_operators.dashcam.detect.heads import Head, detections, head_of
from winnow_operators.dashcam.detect.letterbox import letterbox
from winnow_operators.dashcam.detect.suppression import Detection, suppressed
from winnow_schemas.errors import BadInputError


@pytest.mark.parametrize(
    ("shape", "head"),
    [
        ((1, 25200, 85), Head.ANCHORS),
        ((1, 84, 8400), Head.FREE),
        ((1, 5, 8400), Head.FREE),
        ((1, 300, 6), Head.FINAL),
        ((17, 7), Head.LISTED),
        ((1, 8400, 85), Head.GRID),
        ((1, 8400, 6), Head.GRID),
    ],
)
def test_layouts_are_told_apart_by_their_shape(shape, head):
    assert head_of(shape, 640, 640) is head


@pytest.mark.parametrize("shape", [(1, 1000), (1, 3, 640, 640), (1, 123, 85)])
def test_what_is_no_detector_is_refused(shape):
    with pytest.raises(BadInputError, match="no YOLO"):
        head_of(shape, 640, 640)


def one_box(head):
    """The box (100, 120, 180, 200) of class 2 with 0.8, as each layout writes it, for an input of 64 x 64."""
    if head is Head.FINAL:
        return np.array([[[100, 120, 180, 200, 0.8, 2]]], np.float32)
    if head is Head.LISTED:
        return np.array([[0, 100, 120, 180, 200, 2, 0.8]], np.float32)
    if head is Head.FREE:
        rows = np.zeros((1, 7, 84), np.float32)
        rows[0, :, 5] = [140, 160, 80, 80, 0, 0, 0.8]
        return rows
    rows = np.zeros((1, 84 if head is Head.GRID else 252, 8), np.float32)
    rows[0, 5] = [140, 160, 80, 80, 1, 0, 0, 0.8]
    if head is Head.GRID:  # cell 5 of the first grid: x 5, y 0, stride 8
        rows[0, 5, :4] = [140 / 8 - 5, 160 / 8, np.log(10), np.log(10)]
    return rows


@pytest.mark.parametrize("head", list(Head))
def test_all_layouts_give_the_same_box(head):
    answer = one_box(head)
    assert head_of(answer.shape, 64, 64) is head
    ((found,),) = detections(answer, head, 64, 64, 0.5)
    assert found.klass == 2
    assert found.score == pytest.approx(0.8)
    assert tuple(found.box_xyxy) == pytest.approx((100, 120, 180, 200), abs=0.01)


def test_numbers_that_are_none_are_no_boxes():
    answer = one_box(Head.FREE)
    answer[0, 0, 5] = np.nan
    assert detections(answer, Head.FREE, 64, 64, 0.5) == [[]]


def test_of_boxes_upon_each_other_the_best_stays_per_class():
    box, near = Box(0, 0, 100, 100), Box(5, 5, 105, 105)
    found = [Detection(box, 0.6, 1), Detection(near, 0.9, 1), Detection(box, 0.5, 2)]
    assert [(each.score, each.klass) for each in suppressed(found)] == [(0.9, 1), (0.5, 2)]
    assert suppressed([]) == []


@pytest.mark.parametrize("centred", [True, False])
def test_a_box_finds_its_way_back_from_the_letterbox(centred):
    fit = letterbox(np.zeros((480, 1280, 3), np.uint8), 640, 640, centred=centred)
    inside = Box(
        *(
            side * 0.5 + shift
            for side, shift in zip((10, 20, 300, 400), (fit.left_px, fit.top_px) * 2, strict=True)
        )
    )
    assert tuple(fit.back(inside, 1280, 480)) == pytest.approx((10, 20, 300, 400))


def test_touching_boxes_are_merged_until_none_touch():
    found = merged([Box(0, 0, 10, 10), Box(30, 0, 40, 10), Box(8, 0, 32, 10)])
    assert found == [Box(0, 0, 40, 10)]
    assert iou(found[0], found[0]) == 1
