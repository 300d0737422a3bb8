"""The test set of detectors is what it says: the same pixels each time, subjects where the truth says."""

import numpy as np
import pytest

from winnow_operators.privacy.object_model import persons
from winnow_operators.privacy.plate_texture import plate_like
from winnow_operators.privacy.trial.recall import NOTHING, recall_of
from winnow_operators.privacy.trial.scenes import HEIGHT, WIDTH, films
from winnow_schemas.settings.redaction import Subject


@pytest.mark.parametrize("subject", [Subject.FACE, Subject.PLATE])
def test_the_same_seed_gives_the_same_pixels(subject: Subject) -> None:
    (first,), (second,) = films(subject, 1, 2), films(subject, 1, 2)
    assert all((a.image == b.image).all() and a.truth == b.truth for a, b in zip(first, second, strict=True))
    (other,) = films(subject, 1, 2, seed=1)
    assert (other[0].image != first[0].image).any()
    for frame in first:
        assert frame.image.shape == (HEIGHT, WIDTH, 3)
        for box in frame.truth:
            assert 0 <= box.x0 < box.x1 <= WIDTH
            assert 0 <= box.y0 < box.y1 <= HEIGHT


def test_subjects_are_where_the_truth_says() -> None:
    """The truth's box is another picture than the background, and moves with the subject."""
    (film,) = films(Subject.FACE, 1, 10)
    assert sum(len(frame.truth) for frame in film) >= 20
    for box in film[0].truth:
        part = film[0].image[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)]
        assert part.std() > 15


def test_plates_are_found_by_their_texture() -> None:
    total = NOTHING
    for film in films(Subject.PLATE, 3, 2):
        for frame in film:
            grey = frame.image.mean(axis=2).astype(np.uint8)
            total += recall_of([frame.truth], [[box.grown(0.2) for box in plate_like(grey)]])
    assert total.of >= 15
    assert total.value >= 0.9


def test_plain_grey_has_no_plates() -> None:
    assert plate_like(np.full((480, 640), 120, np.uint8)) == []


def _yolox(size: int) -> np.ndarray:
    cells = sum((size // stride) ** 2 for stride in (8, 16, 32))
    rows = np.full((1, cells, 85), 0.0, np.float32)
    rows[0, 10, :6] = [0.5, 0.5, np.log(4), np.log(8), 0.9, 0.9]  # cell (10, 0) of stride 8
    rows[0, 11, :6] = [-0.5, 0.5, np.log(4), np.log(8), 0.8, 0.9]  # the same thing, from its neighbour
    rows[0, 500, 4:7] = [0.9, 0.0, 0.9]  # a bicycle
    return rows


def test_persons_in_the_outputs_of_object_models() -> None:
    ((box, score),) = persons([_yolox(416)], 416, 0.3)
    assert score == pytest.approx(0.81)
    assert box == pytest.approx((84 - 16, 4 - 32, 84 + 16, 4 + 32))
    eight = np.zeros((1, 84, 50), np.float32)
    eight[0, :5, 7] = [100, 120, 20, 40, 0.7]
    assert persons([eight], 640, 0.3) == [((90, 100, 110, 140), pytest.approx(0.7))]
    ssd = [
        np.array([[[0.1, 0.2, 0.5, 0.4]] * 2], np.float32),
        np.array([[1, 3]], np.float32),
        np.array([[0.6, 0.9]], np.float32),
    ]
    ((box, score),) = persons(ssd, 300, 0.3)
    assert box == pytest.approx((60, 30, 120, 150))
    assert score == pytest.approx(0.6)


@pytest.mark.parametrize("shape", [(1, 3549, 84), (1, 10), (2, 84, 5), (1, 100, 85)])
def test_outputs_of_other_models_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"model|cells"):
        persons([np.zeros(shape, np.float32)], 416, 0.3)


def test_values_that_are_no_numbers_are_nobody() -> None:
    rows = np.full((1, 84, 5), np.nan, np.float32)
    assert persons([rows], 640, 0.3) == []
