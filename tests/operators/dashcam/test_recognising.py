import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.dashcam.text.recognising import (
    ALPHABET,
    FOREIGN,
    PLAIN,
    SEPARATOR,
    Alphabet,
    class_of,
)

CHARACTERS = [*"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcxyz", "Ａ", "é", "·", "皖", "汽", "!", " "]


def steps_of(text, repeats):
    """What a recogniser gives for a text: each character for some steps, a blank between."""
    places = []
    for character, times in zip(text, repeats, strict=True):
        places += [CHARACTERS.index(character) + 1] * times + [0]
    steps = np.full((len(places), len(CHARACTERS) + 1), 0.001, np.float32)
    steps[np.arange(len(places)), places] = 0.9
    return steps


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(PLAIN), st.integers(1, 3)), min_size=1, max_size=9))
def test_what_was_written_is_read_whatever_the_number_of_steps(written):
    text = "".join(character for character, _ in written)
    reading = Alphabet(CHARACTERS).read(steps_of(text, [times for _, times in written]))
    assert reading.text == text
    assert reading.probabilities.shape == (len(text), len(ALPHABET))
    assert list(reading.centres) == sorted(reading.centres)


@pytest.mark.parametrize(
    ("character", "klass"),
    [
        ("a", ALPHABET.index("A")),
        ("Ａ", ALPHABET.index("A")),
        ("é", ALPHABET.index("E")),
        ("皖", ALPHABET.index("皖")),
        ("·", SEPARATOR),
        ("汽", FOREIGN),
        ("!", FOREIGN),
    ],
)
def test_characters_are_folded(character, klass):
    assert class_of(character) == klass


def test_folding_loses_no_probability():
    rng = np.random.default_rng(1)
    steps = rng.random((5, len(CHARACTERS) + 1)).astype(np.float32)
    assert Alphabet(CHARACTERS).folded(steps).sum() == pytest.approx(steps.sum(), rel=1e-5)


def test_separators_and_foreign_characters_are_counted_apart():
    reading = Alphabet(CHARACTERS).read(steps_of("AB·1!2", [1] * 6))
    assert (reading.text, reading.groups, reading.foreign) == ("AB12", (2,), 1)
