import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.dashcam.boxes import Box
from winnow_operators.dashcam.plates.formats import Formats
from winnow_operators.dashcam.text.recognising import ALPHABET, PLAIN
from winnow_operators.dashcam.tracks.alignment import alike, distance, matches
from winnow_operators.dashcam.tracks.passes import passes_of
from winnow_operators.dashcam.tracks.sighting import Sighting
from winnow_operators.dashcam.tracks.voting import vote
from winnow_schemas.library.plate_formats import plate_formats

FORMATS = Formats(plate_formats())
GAP_NS = 3_000_000_000


def seen(t_s, text, *, x=100.0, certainty=0.95, height=30.0):
    rows = np.full((len(text), len(ALPHABET)), (1 - certainty) / len(ALPHABET), np.float32)
    for row, character in zip(rows, text, strict=True):
        row[ALPHABET.index(character)] = certainty
    box = Box(x, 200.0, x + 5 * height, 200.0 + height)
    quad = np.array([[box.x1, box.y1], [box.x2, box.y1], [box.x2, box.y2], [box.x1, box.y2]], np.float32)
    return Sighting(round(t_s * 1e9), text, 0.9, box, height, rows, quad, 100.0)


def noisy(text, generator, errors):
    """A reading of a text in which some characters are another, with less certainty."""
    return "".join(
        PLAIN[int(generator.integers(len(PLAIN)))] if generator.random() < errors else character
        for character in text
    )


def test_characters_win_by_votes_and_losers_are_kept():
    readings = ["KAJS6312", "KA3S6312", "KAJS6312", "KAJS6312", "KAJS6317", "KAJS6312"]
    found = vote([seen(i, text) for i, text in enumerate(readings)], FORMATS)
    assert found.text == "KAJS6312"
    assert found.agreeing == 4
    assert {loser.text for loser in found.losers} == {"KA3S6312", "KAJS6317"}


def test_a_seal_that_few_frames_read_as_a_character_loses():
    found = vote([seen(0, "KAT2128"), seen(1, "KA2128"), seen(2, "KA2128"), seen(3, "KA2128")], FORMATS)
    assert found.text == "KA2128"


@settings(deadline=None, max_examples=30)
@given(st.permutations(range(9)), st.integers(0, 5))
def test_the_order_of_frames_does_not_change_a_record(order, seed):
    generator = np.random.default_rng(seed)
    sightings = [seen(i / 3, noisy("RK891AU", generator, 0.1), x=100 + 9 * i) for i in range(9)]
    first = passes_of(sightings, FORMATS, most_gap_ns=GAP_NS)
    other = passes_of([sightings[i] for i in order], FORMATS, most_gap_ns=GAP_NS)
    assert [each[1] for each in first] == [each[1] for each in other]


def test_voting_errs_less_than_the_best_single_frame():
    """Generated tracks with known truth: 1 of 12 characters is misread in each frame."""
    generator = np.random.default_rng(3)
    voted = single = 0
    for number in range(60):
        text = "".join(PLAIN[int(generator.integers(10, 36))] for _ in range(2)) + f"{number:03d}AB"
        sightings = []
        for i in range(8):
            certainty = float(generator.uniform(0.5, 0.99))
            sightings.append(seen(i / 3, noisy(text, generator, 1 / 12), certainty=certainty))
        best = max(sightings, key=lambda each: float(each.probabilities.max(axis=1).min()))
        voted += vote(sightings, FORMATS).text != text
        single += best.text != text
    assert voted < single / 3


def test_two_plates_in_one_picture_are_two_records():
    sightings = [seen(i / 3, "KAJS6312", x=100) for i in range(4)]
    sightings += [seen(i / 3, "KA2128", x=700) for i in range(4)]
    assert sorted(v.text for _, v in passes_of(sightings, FORMATS, most_gap_ns=GAP_NS)) == [
        "KA2128",
        "KAJS6312",
    ]


def test_a_plate_that_comes_back_much_later_is_a_new_pass():
    sightings = [seen(0, "KAJS6312"), seen(0.4, "KAJS6312"), seen(60, "KAJS6312"), seen(60.4, "KAJS6312")]
    assert len(passes_of(sightings, FORMATS, most_gap_ns=GAP_NS)) == 2


def test_every_second_frame_gives_the_same_text():
    generator = np.random.default_rng(8)
    sightings = [seen(i / 3, noisy("WA56660", generator, 0.06)) for i in range(12)]
    assert {v.text for _, v in passes_of(sightings, FORMATS, most_gap_ns=GAP_NS)} == {"WA56660"}
    assert {v.text for _, v in passes_of(sightings[::2], FORMATS, most_gap_ns=GAP_NS)} == {"WA56660"}


@settings(deadline=None, max_examples=60)
@given(st.text("AB12", max_size=8), st.text("AB12", max_size=8))
def test_alignments_are_what_the_distance_says(one, other):
    pairs = matches(one, other)
    same = sum(one[i] == other[j] for i, j in pairs)
    assert distance(one, other) >= max(len(one), len(other)) - len(pairs)
    assert distance(one, other) <= len(one) + len(other) - same - len(pairs)
    assert pairs == sorted(pairs)
    assert 0 <= alike(one, other) <= 1


def test_no_sightings_are_no_vote():
    with pytest.raises(ValueError, match=r".*"):
        vote([], FORMATS)
