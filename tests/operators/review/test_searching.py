"""Queries for plates, and the promise behind the index of pairs."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.dashcam.tracks.alignment import distance
from winnow_operators.review.searching import (
    QUERY_MAX,
    How,
    grams,
    least_shared,
    like,
    most_off,
    normal,
    parse,
)

TEXTS = st.text(string.ascii_uppercase + string.digits, min_size=1, max_size=12)


@settings(max_examples=300, deadline=None)
@given(
    TEXTS, st.lists(st.tuples(st.sampled_from("cax"), st.integers(0, 30), st.sampled_from("A7Q")), max_size=2)
)
def test_whatever_is_near_shares_enough_pairs(text: str, edits: list[tuple[str, int, str]]) -> None:
    other = text
    for how, place, letter in edits:
        at = place % (len(other) + 1)
        other = {
            "c": other[:at] + letter + other[at + 1 :],
            "a": other[:at] + letter + other[at:],
            "x": other[:at] + other[at + 1 :],
        }[how]
    if not other:
        return
    off = distance(text, other)
    assert len(set(grams(text)) & set(grams(other))) >= len(grams(text)) - 2 * off
    if len(grams(text)) > 2 * off:
        assert len(set(grams(text)) & set(grams(other))) >= least_shared(text, off)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_words_become_a_query(said: str) -> None:
    query = parse(said)
    assert len(query.text) <= QUERY_MAX
    assert normal(query.text) == query.text
    assert (query.how is How.ALL) == (not query.text)


@pytest.mark.parametrize(
    ("said", "how", "text", "off"),
    [
        ("  rk 891-au ", How.NEAR, "RK891AU", 2),
        ("m*", How.PATTERN, "M*", 0),
        ("m**?x", How.PATTERN, "M*?X", 0),
        ("AB1", How.NEAR, "AB1", 1),
        ("A", How.NEAR, "A", 0),
        ("--", How.ALL, "", 0),
    ],
)
def test_words(said: str, how: How, text: str, off: int) -> None:
    assert parse(said) == (how, text, off)
    assert parse(said, near=False).most_off == 0


def test_wildcards_for_the_database() -> None:
    assert like("A*B?") == "A%B_"
    assert like("1%_\\") == "1\\%\\_\\\\"
    assert [most_off(length) for length in (1, 3, 6)] == [0, 1, 2]
