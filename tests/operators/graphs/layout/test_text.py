import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow_operators.graphs.layout.text import Face, is_measured, shorten, text_width, visible


def test_widths_are_those_of_the_font():
    assert text_width("", 10) == 0
    assert text_width("i", 10) == pytest.approx(2.78)
    assert text_width("W", 10, Face.BOLD) == pytest.approx(11.03)
    assert text_width("abc", 10, Face.MONO) == pytest.approx(3 * 6.02)


@given(st.text(max_size=80), st.floats(10, 300), st.sampled_from(list(Face)))
def test_shortened_text_fits(text, limit, face):
    short = shorten(text, limit, 11, face)
    assert text_width(short, 11, face) <= limit or short == "…"
    if text_width(visible(text), 11, face) <= limit:
        assert short == visible(text)


def test_the_middle_goes_and_both_ends_stay():
    short = shorten("localization_innovation_norm_raw", 90, 10.5)
    assert short.startswith("local")
    assert short.endswith("_raw")
    assert short.count("…") == 1


def test_long_text_is_cut_in_no_time():
    assert len(shorten("x" * 1_000_000, 100, 11)) < 20


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\tc", "a b c"),
        ("a\0b\x1b", "a\ufffdb\ufffd"),
        ("\u202egnp", "\ufffdgnp"),
        ("e\u0301", "é"),
        ("z\u0335\u0336\u0337algo", "zalgo"),
        ("\u2028", " "),
    ],
)
def test_nothing_hides_or_stacks(text, shown):
    assert visible(text) == shown


def test_unknown_characters_are_not_measured():
    assert is_measured("lidar → 3 × µ…")
    assert not is_measured("中")
