"""Track and hold: what was found stays covered around it, and nothing that was found is ever uncovered."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.privacy.boxes import MAX_BOXES, Box, Found, usable
from winnow_operators.privacy.covering import cover, cover_whole
from winnow_operators.privacy.holding import hold
from winnow_operators.privacy.trial.recall import Recall, covered_part, recall_of
from winnow_schemas.settings.redaction import Fill, Subject

STEP_NS = 50_000_000
SIZE = (640, 480)


def face(x: float, y: float = 100, size: float = 40, score: float = 0.9) -> Found:
    return Found(Box(x, y, x + size, y + size), score, Subject.FACE)


def times(count: int) -> list[int]:
    return [number * STEP_NS for number in range(count)]


def test_missed_frames_between_two_sightings_are_covered_where_it_was() -> None:
    true = [face(100 + 8 * number) for number in range(12)]
    found = [[each] if number not in (3, 4, 5, 6) else [] for number, each in enumerate(true)]
    held = hold(found, times(12), SIZE, 10 * STEP_NS, 0.1)
    for number in range(12):
        assert covered_part(true[number].box, [each.box for each in held.frames[number]]) == 1.0
    assert all(each.held for number in (3, 4, 5, 6) for each in held.frames[number])


def test_a_face_is_covered_before_it_was_first_found_and_after_it_was_last() -> None:
    true = [face(100 + 8 * number) for number in range(12)]
    found = [[each] if 4 <= number <= 7 else [] for number, each in enumerate(true)]
    held = hold(found, times(12), SIZE, 4 * STEP_NS, 0.1)
    hidden = [covered_part(true[n].box, [each.box for each in held.frames[n]]) for n in range(12)]
    assert hidden == [1.0] * 12
    shorter = hold(found, times(12), SIZE, 2 * STEP_NS, 0.1)
    assert [bool(row) for row in shorter.frames] == [False] * 2 + [True] * 8 + [False] * 2


def test_two_faces_that_pass_each_other_stay_two() -> None:
    left, right = [face(50 + 12 * n, 100) for n in range(16)], [face(240 - 12 * n, 110) for n in range(16)]
    found = [[] if n in (7, 8) else [left[n], right[n]] for n in range(16)]
    held = hold(found, times(16), SIZE, 10 * STEP_NS, 0.2)
    for n in (7, 8):
        boxes = [each.box for each in held.frames[n]]
        assert covered_part(left[n].box, boxes) > 0.95
        assert covered_part(right[n].box, boxes) > 0.95


def test_what_ends_in_the_middle_of_the_picture_is_doubtful_and_what_leaves_it_is_not() -> None:
    stays = [[face(300)] if 3 <= n <= 8 else [] for n in range(12)]
    assert sorted(hold(stays, times(12), SIZE, STEP_NS, 0.1).doubtful) == [3, 8]
    leaves = [[face(600 - n)] if n < 8 else [] for n in range(12)]
    assert hold(leaves, times(12), SIZE, STEP_NS, 0.1).doubtful == {}
    unsure = hold([[face(300, score=0.35)]] * 5, times(5), SIZE, STEP_NS, 0.1)
    assert "never more certain than 0.35" in unsure.doubtful[0]


BOXES = st.builds(
    lambda x, y, w, h, score, subject: Found(Box(x, y, x + w, y + h), score, subject),
    st.floats(-50, 650), st.floats(-50, 500), st.floats(1, 200), st.floats(1, 200), st.floats(0, 1),
    st.sampled_from(list(Subject)),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(BOXES, max_size=6), max_size=12), st.integers(0, 10), st.floats(0, 1))
def test_whatever_is_found_is_covered_in_its_frame(
    found: list[list[Found]], held_frames: int, margin: float
) -> None:
    rows = [usable(row, *SIZE) for row in found]
    assert all(row is not None for row in rows)
    held = hold([row or [] for row in rows], times(len(rows)), SIZE, held_frames * STEP_NS, margin)
    assert len(held.frames) == len(rows)
    for row, covers in zip(rows, held.frames, strict=True):
        plain = {(each.box, each.subject) for each in covers if not each.held}
        assert {(each.box.grown(margin), each.subject) for each in row or []} == plain


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.floats(allow_nan=True, allow_infinity=True, width=32)] * 5), max_size=30))
def test_boxes_from_a_mad_detector_are_harmless(rows: list[tuple[float, ...]]) -> None:
    found = [Found(Box(*row[:4]), row[4], Subject.FACE) for row in rows]
    for each in usable(found, *SIZE) or []:
        assert 0 <= each.box.x0 < each.box.x1 <= SIZE[0]
        assert 0 <= each.box.y0 < each.box.y1 <= SIZE[1]
        assert 0.0 <= each.score <= 1.0


def test_more_boxes_than_anybody_believes() -> None:
    assert usable([face(1)] * (MAX_BOXES + 1), *SIZE) is None
    assert len(usable([face(1)] * MAX_BOXES, *SIZE) or []) == MAX_BOXES
    assert usable([face(1)._replace(box=Box(5, 5, 5, 9))] * 10_000, *SIZE) == []


@settings(max_examples=60, deadline=None)
@given(
    st.lists(BOXES, max_size=5), st.sampled_from([(), (1,), (3,), (4,)]), st.sampled_from(["u1", "u2", ">u2"])
)
def test_solid_covers_leave_one_value_and_nothing_else_changes(
    found: list[Found], channels: tuple[int, ...], kind: str
) -> None:
    before = np.random.default_rng(1).integers(1, 200, size=(480, 640, *channels)).astype(kind)
    image = before.copy()
    cover(image, [each.box for each in found], Fill.SOLID)
    hidden = np.zeros((480, 640), bool)
    for each in found:
        x0, y0 = max(0, math.floor(each.box.x0)), max(0, math.floor(each.box.y0))
        hidden[y0 : max(0, math.ceil(each.box.y1)), x0 : max(0, math.ceil(each.box.x1))] = True
    colours = image[hidden][..., :3] if channels == (4,) else image[hidden]
    assert not colours.any()
    assert (image[~hidden] == before[~hidden]).all()
    cover_whole(image)
    assert image.min() == image.max()


def test_recall_counts_what_is_covered_by_four_fifths() -> None:
    truth = [[Box(0, 0, 100, 100)], [], [Box(0, 0, 10, 10), Box(50, 50, 60, 60)]]
    covers = [[Box(0, 0, 100, 79)], [Box(1, 1, 2, 2)], [Box(0, 0, 5, 10), Box(5, 0, 9, 10), Box(0, 0, 5, 5)]]
    assert recall_of(truth, covers) == Recall(1, 3)
    low, high = Recall(95, 100).interval
    assert (round(low, 3), round(high, 3)) == (0.888, 0.978)
    assert Recall(0, 0).value == 0.0
